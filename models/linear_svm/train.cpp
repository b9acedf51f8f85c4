// SPDX-License-Identifier: Apache-2.0
// A support vector machine with a soft margin: |w|^2 / 2 + C sum(max(0, 1 - y f(x))), f(x) = w x +
// b, y = -1 or 1. Only samples on the wrong side of their margin pull at w.
#include "models/data.h"

#include <cornet/cornet.h>
#include <cornet/training.h>
using namespace cornet;

int main(int argc, char **argv) try {
  set_random_seed(1);
  models::Split data = models::load("breast_cancer", argc, argv);
  data::Moments moments = data::adapt(data.x);
  auto sign = [](const data::Array &classes) { // 0, 1 to -1, 1
    data::Array out(data::DType::F32, {classes.rows(), 1});
    for (int64_t i = 0; i < classes.rows(); ++i)
      out.set(i, classes.at(i) ? 1 : -1);
    return out;
  };
  data::Array y = sign(data.y), y_test = sign(data.y_test);

  double n = double(data.x.rows()), C = 0.1; // divided by C n, the sum is Hinge's mean, and |w|^2:
  Model model =
      Sequential({30}, {
                           Normalization({.mean = moments.mean, .variance = moments.variance}),
                           Dense({.units = 1, .kernel_regularizer = L2({.l2 = 1 / (2 * C * n)})}),
                       });
  // A metric is a function of targets and predictions, composed of ops.
  MetricPtr accuracy = metrics::MetricFunction(
      "accuracy",
      [](const Tensor &y, const Tensor &f) {
        return ops::indicator(ops::compare(y * f, 0.0, "gt"));
      },
      "up");
  Trainer trainer(model);
  // The objective has kinks where it is least: only a rate that falls to 0 settles there.
  SchedulePtr rate = CosineDecay({.initial_learning_rate = 0.02, .decay_steps = 3000});
  trainer.compile(
      {.optimizer = Adam({.learning_rate = rate}), .loss = Hinge(), .metrics = {accuracy}});
  trainer.fit(data.x, y, {.batch_size = 32, .epochs = 200, .verbose = 0});

  data::Array f = trainer.predict(data.x)[0];
  int64_t support = 0;
  for (int64_t i = 0; i < f.rows(); ++i)
    support += y.at(i) * f.at(i) <= 1.001;
  std::printf("support vectors %d of %d\n", int(support), int(f.rows()));
  std::printf("train objective %.4f\n", trainer.evaluate(data.x, y).at("loss"));
  std::printf("test accuracy %.4f\n", trainer.evaluate(data.x_test, y_test).at("accuracy"));
} catch (const std::exception &error) {
  return models::fail(error);
}
