// SPDX-License-Identifier: Apache-2.0
// Batch, mini-batch and stochastic gradient descent are one algorithm with three batch sizes: all
// n rows, 32, or 1. The same linear regression, the same rate, the same number of epochs; what
// differs is how many steps an epoch has and how noisy their direction is.
#include "models/data.h"

#include <cornet/cornet.h>
#include <cornet/training.h>
using namespace cornet;

/// The mean squared error of each epoch.
std::vector<double> descend(const models::Split &data, int64_t batch_size, int epochs) {
  set_random_seed(1); // the same first weights for all three
  data::Moments moments = data::adapt(data.x);
  Trainer trainer(
      Sequential({10}, {
                           Normalization({.mean = moments.mean, .variance = moments.variance}),
                           Dense({.units = 1}),
                       }));
  trainer.compile({.optimizer = SGD({.learning_rate = 0.002}), .loss = "mse"});
  std::vector<double> losses;
  for (int epoch = 0; epoch < epochs; ++epoch) {
    trainer.fit(
        data.x, data.y,
        {.batch_size = batch_size, .epochs = epoch + 1, .verbose = 0, .initial_epoch = epoch});
    losses.push_back(trainer.evaluate(data.x, data.y).at("loss"));
  }
  return losses;
}

int main(int argc, char **argv) try {
  models::Split data = models::load("diabetes", argc, argv);
  int64_t n = data.x.rows(), sizes[] = {n, 32, 1};
  constexpr int epochs = 30;
  std::vector<double> losses[3];
  for (int i = 0; i < 3; ++i)
    losses[i] = descend(data, sizes[i], epochs);

  std::printf("%8s %14s %14s %14s\n", "epoch", "batch", "mini-batch", "stochastic");
  for (int epoch = 0; epoch < epochs; epoch += epoch < 9 ? 1 : 5)
    std::printf("%8d %14.1f %14.1f %14.1f\n", epoch + 1, losses[0][epoch], losses[1][epoch],
                losses[2][epoch]);
  const char *names[] = {"batch", "mini-batch", "stochastic"};
  for (int i = 0; i < 3; ++i)
    std::printf("%s mse %.1f\n", names[i], losses[i].back());
} catch (const std::exception &error) {
  return models::fail(error);
}
