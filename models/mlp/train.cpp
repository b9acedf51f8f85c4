// SPDX-License-Identifier: Apache-2.0
// A multilayer perceptron learns handwritten digits: hidden layers, dropout, early stopping.
//     train_mlp [--mnist DIR | --cifar DIR] [--epochs N] [--seed N]
#include "models/data.h"

#include <cornet/cornet.h>
#include <cornet/training.h>

#include <iostream>
using namespace cornet;

int main(int argc, char **argv) try {
  set_random_seed(models::number(argc, argv, "--seed", 1));
  models::Split data = models::loadPictures(argc, argv);
  const Shape &shape = data.x.shape; // N H W C

  Model model = Sequential({shape[1], shape[2], shape[3]},
                           {
                               Flatten(),
                               Dense({.units = 128, .activation = "relu"}),
                               Dropout({.rate = 0.2}),
                               Dense({.units = 64, .activation = "relu"}),
                               Dense({.units = 10, .activation = "softmax"}),
                           },
                           "mlp");
  model.summary(std::cout);

  Trainer trainer(model);
  trainer.compile(
      {.optimizer = Adam(), .loss = "sparse_categorical_crossentropy", .metrics = {"accuracy"}});
  trainer.fit(data.x, data.y,
              {
                  .batch_size = 32,
                  .epochs = models::number(argc, argv, "--epochs", 60),
                  .verbose = 2,
                  .callbacks = {EarlyStopping({.patience = 10, .restore_best_weights = true})},
                  .validation_split = 0.1,
              });

  std::printf("test accuracy %.4f\n", trainer.evaluate(data.x_test, data.y_test).at("accuracy"));
} catch (const std::exception &error) {
  return models::fail(error);
}
