// SPDX-License-Identifier: Apache-2.0
// LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998) learns handwritten digits. The weights go to a
// .keras file, which Keras loads and `cornet compile` makes an artifact of.
//     train_lenet [--mnist DIR | --cifar DIR] [--epochs N] [--seed N] [--save FILE.keras]
#include "models/data.h"

#include <cornet/cornet.h>
#include <cornet/saving.h>
#include <cornet/training.h>
using namespace cornet;

/// 8 x 8 pictures as LeNet's 28 x 28.
data::Array enlarged(const data::Array &pictures) {
  std::vector<data::Array> out;
  for (int64_t i = 0; i < pictures.rows(); ++i)
    out.push_back(data::resizeImage(pictures.slice(i, i + 1).reshaped({8, 8, 1}), 28, 28));
  return data::stack(out);
}

int main(int argc, char **argv) try {
  set_random_seed(models::number(argc, argv, "--seed", 1));
  models::Split data = models::loadPictures(argc, argv);
  if (data.x.shape[1] == 8)
    data.x = enlarged(data.x), data.x_test = enlarged(data.x_test);
  const Shape &shape = data.x.shape; // N H W C

  Model model = Sequential(
      {shape[1], shape[2], shape[3]},
      {
          // as in model.cpp
          Conv2D({.filters = 6, .kernel_size = 5, .padding = "same", .activation = "relu"}),
          AveragePooling2D(),
          Conv2D({.filters = 16, .kernel_size = 5, .activation = "relu"}),
          AveragePooling2D(),
          Flatten(),
          Dense({.units = 120, .activation = "relu"}),
          Dense({.units = 84, .activation = "relu"}),
          Dense({.units = 10, .activation = "softmax"}),
      },
      "lenet");

  Trainer trainer(model);
  trainer.compile(
      {.optimizer = Adam(), .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  trainer.fit(data.x, data.y,
              {
                  .batch_size = 32,
                  .epochs = models::number(argc, argv, "--epochs", 20),
                  .verbose = 2,
              });

  std::printf("test accuracy %.4f\n", trainer.evaluate(data.x_test, data.y_test).at("accuracy"));
  if (std::string file = models::argument(argc, argv, "--save", ""); !file.empty())
    save(model, file);
} catch (const std::exception &error) {
  return models::fail(error);
}
