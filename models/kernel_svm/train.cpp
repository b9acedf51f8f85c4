// SPDX-License-Identifier: Apache-2.0
// Support vector machines with the kernel k(a, b) = exp(-gamma |a - b|^2), by two layers of one's
// own: the exact machine, a sum over the training points, and random Fourier features (Rahimi and
// Recht 2007), whose products approximate the kernel without looking at any training point.
#include "models/data.h"
#include "models/kernel_svm/kernels.h"

#include <cornet/cornet.h>
#include <cornet/training.h>

using namespace cornet;

using models::FourierFeatures, models::FunctionNorm, models::RbfKernel;

double train(const char *name, const models::Split &data, std::vector<Handle> layers) {
  Trainer trainer(Sequential({64}, std::move(layers)));
  // Crammer and Singer's hinge: the score of the right digit must be 1 above all others.
  LossPtr hinge = LossFunction("hinge", [](const Tensor &y, const Tensor &scores) {
    return CategoricalHinge()->call(ops::oneHot(y, 10), scores);
  });
  int64_t epochs = 60, steps = epochs * ((data.x.rows() + 63) / 64);
  trainer.compile({.optimizer = Adam({.learning_rate = CosineDecay(
                                          {.initial_learning_rate = 0.01, .decay_steps = steps})}),
                   .loss = hinge,
                   .metrics = {"accuracy"}});
  trainer.fit(data.x, data.y, {.batch_size = 64, .epochs = int(epochs), .verbose = 2});
  double accuracy = trainer.evaluate(data.x_test, data.y_test).at("accuracy");
  std::printf("%s test accuracy %.4f\n", name, accuracy);
  return accuracy;
}

int main(int argc, char **argv) try {
  set_random_seed(1);
  models::Split data = models::load("digits", argc, argv);
  data.x = data.x.reshaped({data.x.rows(), 64});
  data.x_test = data.x_test.reshaped({data.x_test.rows(), 64});
  double gamma = 0.25, C = 10, l2 = 1 / (2 * C * double(data.x.rows()));

  train("linear", data, {Dense({.units = 10, .kernel_regularizer = L2({.l2 = l2})})});
  train("fourier", data,
        {Handle(std::make_shared<FourierFeatures>(1024, gamma)),
         Dense({.units = 10, .kernel_regularizer = L2({.l2 = l2})})});
  Handle kernel(std::make_shared<RbfKernel>(data.x, gamma));
  Trainer gram(Sequential({64}, {kernel}));
  gram.compile({});
  train("exact", data,
        {kernel, Dense({.units = 10,
                        .kernel_regularizer =
                            std::make_shared<FunctionNorm>(gram.predict(data.x)[0], l2)})});
} catch (const std::exception &error) {
  return models::fail(error);
}
