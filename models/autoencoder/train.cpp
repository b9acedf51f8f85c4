// SPDX-License-Identifier: Apache-2.0
// An autoencoder, whose targets are its inputs, and what its encoder alone says.
//     train_autoencoder [--epochs N] [--seed N]
#include "models/autoencoder/autoencoder.h"
#include "models/data.h"
#include "models/pictures.h"

#include <cornet/cornet.h>
#include <cornet/training.h>
using namespace cornet;

int main(int argc, char **argv) try {
  set_random_seed(models::number(argc, argv, "--seed", 1));
  models::Split data = models::load("digits", argc, argv);

  auto [autoencoder, encoder] = models::autoencoder();
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
