// SPDX-License-Identifier: Apache-2.0
// An autoencoder squeezes 64 pixels through 8 numbers and back. Its targets are its inputs; the
// encoder is a model of its own that shares the weights.
//     train_autoencoder [--epochs N] [--seed N]
#include "models/data.h"
#include "models/pictures.h"

#include <cornet/cornet.h>
#include <cornet/training.h>
using namespace cornet;

int main(int argc, char **argv) try {
  set_random_seed(models::number(argc, argv, "--seed", 1));
  models::Split data = models::load("digits", argc, argv);

  Tensor image = Input({8, 8, 1});
  Tensor x = Dense({.units = 64, .activation = "relu"})(Flatten()(image));
  Tensor code = Dense({.units = 8, .name = "code"})(x);
  x = Dense({.units = 64, .activation = "relu"})(code);
  x = Dense({.units = 64, .activation = "sigmoid"})(x);
  Model autoencoder = Functional({image}, {Reshape({.target_shape = {8, 8, 1}})(x)}, "autoencoder");
  Model encoder = Functional({image}, {code}, "encoder");

  Trainer trainer(autoencoder);
  trainer.compile({.optimizer = Adam(), .loss = "mse"});
  trainer.fit(data.x, data.x,
              {
                  .batch_size = 32,
                  .epochs = models::number(argc, argv, "--epochs", 100),
                  .verbose = 2,
              });

  std::puts("eight digits of the test set, and what their codes tell:");
  models::draw(data.x_test, 8);
  models::draw(trainer.predict(data.x_test)[0], 8);
  Trainer coder(encoder);
  coder.compile({});
  data::Array codes = coder.predict(data.x_test.slice(0, 1))[0];
  std::printf("the first code:");
  for (int64_t i = 0; i < codes.count(); ++i)
    std::printf(" %.2f", codes.at(i));
  std::printf("\ntest mse %.5f\n", trainer.evaluate(data.x_test, data.x_test).at("loss"));
} catch (const std::exception &error) {
  return models::fail(error);
}
