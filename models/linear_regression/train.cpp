// SPDX-License-Identifier: Apache-2.0
// Linear regression by gradient descent and, for comparison, by the normal equation
// (Xt X) w = Xt y. Both minimize the mean squared error, so both must find the same weights.
#include "models/data.h"

#include <cornet/cornet.h>
#include <cornet/training.h>

#include <Eigen/Dense>
using namespace cornet;

using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Eigen::MatrixXd matrix(const data::Array &array) {
  return Eigen::Map<const Matrix>(array.data<float>().data(), array.shape[0], array.shape[1])
      .cast<double>();
}

/// 1 - (squared error) / (squared error of always guessing the mean).
double r2(const Eigen::MatrixXd &y, const Eigen::MatrixXd &guess) {
  return 1 - (y - guess).squaredNorm() / (y.array() - y.mean()).matrix().squaredNorm();
}

int main(int argc, char **argv) try {
  set_random_seed(1);
  models::Split data = models::load("diabetes", argc, argv); // 10 features, disease progression
  data::Moments moments = data::adapt(data.x);

  Model model =
      Sequential({10}, {Normalization({.mean = moments.mean, .variance = moments.variance}),
                        Dense({.units = 1})});
  Trainer trainer(model);
  trainer.compile({.optimizer = SGD({.learning_rate = 0.1, .momentum = 0.9}), .loss = "mse"});
  // Every step sees all rows: gradient descent, with momentum, on a quadratic.
  trainer.fit(data.x, data.y, {.batch_size = data.x.rows(), .epochs = 1000, .verbose = 0});

  // In closed form. A first column of ones is the bias.
  Eigen::MatrixXd x = matrix(data.x), X(x.rows(), 11);
  for (int64_t j = 0; j < 10; ++j)
    X.col(j + 1) = (x.col(j).array() - moments.mean[j]) / std::sqrt(moments.variance[j]);
  X.col(0).setOnes();
  Eigen::VectorXd w = (X.transpose() * X).ldlt().solve(X.transpose() * matrix(data.y));

  std::vector<VariablePtr> weights = model.trainable_variables(); // kernel (10, 1), bias (1)
  std::printf("%8s %12s %12s\n", "", "descent", "closed form");
  for (int64_t j = 0; j < 11; ++j)
    std::printf("%8s %12.4f %12.4f\n", j ? ("w" + std::to_string(j)).c_str() : "bias",
                j ? weights[0]->data[j - 1] : weights[1]->data[0], w[j]);
  std::printf("train mse %.3f\n", trainer.evaluate(data.x, data.y).at("loss"));
  std::printf("test mse %.3f\n", trainer.evaluate(data.x_test, data.y_test).at("loss"));
  data::Array guess = trainer.predict(data.x_test)[0];
  std::printf("test r2 %.4f\n", r2(matrix(data.y_test), matrix(guess)));
} catch (const std::exception &error) {
  return models::fail(error);
}
