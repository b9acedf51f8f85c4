// SPDX-License-Identifier: Apache-2.0
// Logistic regression: a dense layer of one unit through a sigmoid, by the cross-entropy, with the
// L2 penalty that scikit-learn has by default.
#include "models/data.h"

#include <cornet/cornet.h>
#include <cornet/training.h>

#include <iostream>
using namespace cornet;

int main(int argc, char **argv) try {
  set_random_seed(1);
  models::Split data = models::load("breast_cancer", argc, argv); // 30 features, 0 is malignant
  data::Moments moments = data::adapt(data.x);

  // scikit-learn minimizes |w|^2 / 2 + C sum(loss); divided by C n that is the mean loss and:
  double n = double(data.x.rows()), C = 1;
  Model model =
      Sequential({30}, {
                           Normalization({.mean = moments.mean, .variance = moments.variance}),
                           Dense({.units = 1,
                                  .activation = "sigmoid",
                                  .kernel_regularizer = L2({.l2 = 1 / (2 * C * n)})}),
                       });
  model.summary(std::cout);

  Trainer trainer(model);
  trainer.compile({.optimizer = Adam({.learning_rate = CosineDecay(
                                          {.initial_learning_rate = 0.05, .decay_steps = 800})}),
                   .loss = "binary_crossentropy",
                   .metrics = {"accuracy", metrics::AUC()}});
  trainer.fit(data.x, data.y, {.batch_size = 64, .epochs = 100, .verbose = 2});

  Logs train = trainer.evaluate(data.x, data.y), test = trainer.evaluate(data.x_test, data.y_test);
  std::printf("train loss %.4f\n", train.at("loss"));
  std::printf("test accuracy %.4f\n", test.at("accuracy"));
  std::printf("test auc %.4f\n", test.at("auc"));
} catch (const std::exception &error) {
  return models::fail(error);
}
