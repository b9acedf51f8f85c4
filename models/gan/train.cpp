// SPDX-License-Identifier: Apache-2.0
// A generative adversarial network learns to draw digits: gan.h has the step.
//     train_gan [--epochs N] [--seed N] [--samples FILE.pgm]
#include "models/data.h"
#include "models/gan/gan.h"
#include "models/pictures.h"

#include <cornet/cornet.h>
#include <cornet/training.h>

#include <random>
using namespace cornet;

int main(int argc, char **argv) try {
  set_random_seed(models::number(argc, argv, "--seed", 1));
  models::Split data = models::load("digits", argc, argv);
  models::Gan gan(models::discriminator(), models::generator());
  gan.compile({.optimizer = Adam({.learning_rate = 1e-3, .beta_1 = 0.5})});
  int epochs = models::number(argc, argv, "--epochs", 200);
  gan.fit(data.x, {}, {.batch_size = 64, .epochs = epochs, .verbose = 2});

  // fit() left the weights in both models: the generator alone, on noise from here.
  std::mt19937 bits(3);
  std::normal_distribution<float> normal;
  data::Array seeds(data::DType::F32, {256, models::noise});
  for (float &cell : seeds.data<float>())
    cell = normal(bits);
  Trainer sampler(gan.generator);
  sampler.compile({});
  data::Array made = sampler.predict(seeds)[0];
  models::judge("held-out", data.x_test, data);
  models::judge("generated", made, data);
  std::string file = models::argument(argc, argv, "--samples", "samples.pgm");
  models::writePgm(file, made, 16);
  std::printf("256 digits in %s\n", file.c_str());
} catch (const std::exception &error) {
  return models::fail(error);
}
