// SPDX-License-Identifier: Apache-2.0
// A generative adversarial network (Goodfellow et al. 2014) in one compiled step: two models, two
// optimizers. The generator makes digits of noise, the discriminator tells them from real ones.
//     train_gan [--epochs N] [--samples FILE.pgm]
#include "models/data.h"

#include <cornet/cornet.h>
#include <cornet/training.h>

#include <cmath>
#include <fstream>
#include <random>
#include <set>
using namespace cornet;

constexpr int64_t noise = 16;

struct Gan : Trainer {
  Gan(Model discriminator, Model generator)
      : Trainer(std::move(discriminator)), generator(std::move(generator)) {
    generatorOptimizer->setPrefix("generator_optimizer");
  }
  Model generator;
  OptimizerPtr generatorOptimizer = Adam({.learning_rate = 1e-3, .beta_1 = 0.5});

  StepResults train_step(const StepInputs &inputs) override {
    Tensor real = inputs.x[0];
    Tensor seed = ops::randomNormal(ops::slice(ops::reshape(real, {-1, 64}), {0, 0}, {-1, noise}));
    Tensor made = generator({seed})[0];
    // Scores are logits: softplus(-s) is the loss of a score that should say "real".
    Tensor ofReal = model({real})[0], ofMade = model({made})[0];
    Tensor telling = ops::mean(ops::softplus(-ofReal)) + ops::mean(ops::softplus(ofMade));
    Tensor fooling = ops::mean(ops::softplus(-ofMade));
    optimizer->minimize(telling, model.trainable_variables());
    generatorOptimizer->minimize(fooling, generator.trainable_variables());
    Tensor right = ops::mean(ops::indicator(ops::compare(ofReal, 0.0, "gt"))) +
                   ops::mean(ops::indicator(ops::compare(ofMade, 0.0, "lt")));
    return {{"d_loss", telling}, {"g_loss", fooling}, {"d_accuracy", 0.5 * right}};
  }
  std::vector<VariablePtr> extra_variables() const override { return generator.variables(); }
};

/// Pictures (N, 8, 8, 1) as a square of squares, each pixel 4 x 4: a grey PGM file.
void write(const std::string &path, const data::Array &pictures, int64_t side) {
  std::ofstream file(path, std::ios::binary);
  file << "P5 " << side * 32 << ' ' << side * 32 << " 255\n";
  for (int64_t y = 0; y < side * 32; ++y)
    for (int64_t x = 0; x < side * 32; ++x) {
      int64_t picture = y / 32 * side + x / 32, pixel = y % 32 / 4 * 8 + x % 32 / 4;
      file.put(char(pictures.at(picture * 64 + pixel) * 255));
    }
  if (!file.flush())
    throw data::Error(path + ": cannot be written; name another file with --samples");
}

/// The mean distance of pictures from the nearest of `real`, and how many digits those are.
void judge(const char *name, const data::Array &pictures, const models::Split &real) {
  std::span<const float> a = pictures.data<float>(), b = real.x.data<float>();
  std::set<int> digits;
  double sum = 0;
  for (int64_t i = 0; i < pictures.rows(); ++i) {
    double least = 1e9;
    int digit = 0;
    for (int64_t j = 0; j < real.x.rows(); ++j) {
      double square = 0;
      for (int64_t k = 0; k < 64; ++k)
        square += (a[i * 64 + k] - b[j * 64 + k]) * (a[i * 64 + k] - b[j * 64 + k]);
      if (square < least)
        least = square, digit = int(real.y.at(j));
    }
    sum += std::sqrt(least), digits.insert(digit);
  }
  std::printf("%s distance %.3f, digits %zu\n", name, sum / double(pictures.rows()), digits.size());
}

int main(int argc, char **argv) try {
  set_random_seed(1);
  models::Split data = models::load("digits", argc, argv);
  Model discriminator =
      Sequential({8, 8, 1},
                 {
                     Flatten(),
                     Dense({.units = 128, .activation = "leaky_relu", .name = "d_hidden"}),
                     Dropout({.rate = 0.3}),
                     Dense({.units = 1, .name = "d_score"}),
                 },
                 "discriminator");
  Model generator =
      Sequential({noise},
                 {
                     Dense({.units = 128, .activation = "relu", .name = "g_hidden"}),
                     Dense({.units = 128, .activation = "relu", .name = "g_hidden_2"}),
                     Dense({.units = 64, .activation = "sigmoid", .name = "g_pixels"}),
                     Reshape({.target_shape = {8, 8, 1}}),
                 },
                 "generator");

  Gan gan(discriminator, generator);
  gan.compile({.optimizer = Adam({.learning_rate = 1e-3, .beta_1 = 0.5})});
  gan.fit(data.x, {},
          {.batch_size = 64,
           .verbose = 2,
           .epochs = std::stoi(models::argument(argc, argv, "--epochs", "200"))});

  // fit() left the weights in both models: the generator alone, on noise from here.
  std::mt19937 bits(3);
  std::normal_distribution<float> normal;
  data::Array seeds(data::DType::F32, {256, noise});
  for (float &cell : seeds.data<float>())
    cell = normal(bits);
  Trainer sampler(generator);
  sampler.compile({});
  data::Array made = sampler.predict(seeds)[0];
  judge("held-out", data.x_test, data);
  judge("generated", made, data);
  std::string file = models::argument(argc, argv, "--samples", "samples.pgm");
  write(file, made, 16);
  std::printf("256 digits in %s\n", file.c_str());
} catch (const std::exception &error) {
  return models::fail(error);
}
