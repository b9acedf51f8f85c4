// SPDX-License-Identifier: Apache-2.0
// Softmax regression: one score for each class, turned into probabilities, by the cross-entropy.
// What logistic regression is for two classes, for three sorts of wine.
#include "models/data.h"

#include <cornet/cornet.h>
#include <cornet/training.h>
using namespace cornet;

int main(int argc, char **argv) try {
  set_random_seed(1);
  models::Split data = models::load("wine", argc, argv); // 13 measurements, 3 cultivars
  data::Moments moments = data::adapt(data.x);

  double n = double(data.x.rows()), C = 1; // the penalty of scikit-learn's LogisticRegression(C=1)
  Model model =
      Sequential({13}, {
                           Normalization({.mean = moments.mean, .variance = moments.variance}),
                           Dense({.units = 3,
                                  .activation = "softmax",
                                  .kernel_regularizer = L2({.l2 = 1 / (2 * C * n)})}),
                       });
  Trainer trainer(model);
  trainer.compile({.optimizer = Adam({.learning_rate = 0.03}),
                   .loss = "sparse_categorical_crossentropy",
                   .metrics = {"accuracy"}});
  trainer.fit(data.x, data.y, {.batch_size = 32, .epochs = 100, .verbose = 0});

  // The probabilities of every sixth wine of the test set, and what they are.
  data::Array p = trainer.predict(data.x_test)[0];
  for (int64_t i = 0; i < p.rows(); i += 6)
    std::printf("wine %2d: %.3f %.3f %.3f, is %d\n", int(i), p.at(3 * i), p.at(3 * i + 1),
                p.at(3 * i + 2), int(data.y_test.at(i)));
  std::printf("train loss %.4f\n", trainer.evaluate(data.x, data.y).at("loss"));
  std::printf("test accuracy %.4f\n", trainer.evaluate(data.x_test, data.y_test).at("accuracy"));
} catch (const std::exception &error) {
  return models::fail(error);
}
