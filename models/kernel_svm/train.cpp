// SPDX-License-Identifier: Apache-2.0
// Support vector machines with the kernel k(a, b) = exp(-gamma |a - b|^2), by two layers of one's
// own: the exact machine, a sum over the training points, and random Fourier features (Rahimi and
// Recht 2007), whose products approximate the kernel without looking at any training point.
#include "models/data.h"

#include <cornet/cornet.h>
#include <cornet/training.h>

#include <cmath>
#include <random>
using namespace cornet;

/// (B, D) to (B, N): the kernel with each of N points.
struct RbfKernel : Layer {
  RbfKernel(data::Array points, double gamma)
      : Layer("RbfKernel"), points(std::move(points)), gamma(gamma) {}
  data::Array points;
  double gamma;
  void build(const std::vector<Shape> &) override {
    std::span<const float> cells = points.data<float>();
    addWeight("points", points.shape, "zeros", false).data.assign(cells.begin(), cells.end());
  }
  Tensor call(const std::vector<Tensor> &x) override { // |a - b|^2 = |a|^2 - 2 a b + |b|^2
    Tensor p = weight(0, x[0]), products = ops::matmul(x[0], ops::transpose(p, {1, 0}));
    Tensor squares = ops::sum(x[0] * x[0], {1}, true) - 2.0 * products + ops::sum(p * p, {1});
    return ops::exp(-gamma * squares);
  }
};

/// (B, D) to (B, N): sqrt(2 / N) cos(x w + b), w normal with variance 2 gamma, b uniform.
struct FourierFeatures : Layer {
  FourierFeatures(int64_t units, double gamma)
      : Layer("FourierFeatures"), units(units), gamma(gamma) {}
  int64_t units;
  double gamma;
  void build(const std::vector<Shape> &in) override {
    std::mt19937 bits(7);
    std::normal_distribution<float> normal(0, float(std::sqrt(2 * gamma)));
    std::uniform_real_distribution<float> angle(0, 2 * float(M_PI));
    Shape shape{in[0].back(), units};
    Variable &w = addWeight("directions", shape, "zeros", false);
    for (int64_t i = 0; i < shape[0] * shape[1]; ++i)
      w.data.push_back(normal(bits));
    Variable &b = addWeight("angles", {units}, "zeros", false);
    for (int64_t i = 0; i < units; ++i)
      b.data.push_back(angle(bits));
  }
  Tensor call(const std::vector<Tensor> &x) override {
    Tensor angles = ops::matmul(x[0], weight(0, x[0])) + weight(1, x[0]);
    return std::sqrt(2.0 / double(units)) * ops::cos(angles);
  }
};

/// f(x) = sum over i of a_i k(x_i, x) has the squared norm a' K a, K being the Gram matrix.
struct FunctionNorm : Regularizer {
  FunctionNorm(const data::Array &gram, double factor) : factor(factor) {
    std::span<const float> cells = gram.data<float>();
    *matrix = {"gram", gram.shape, "zeros", false, {cells.begin(), cells.end()}};
  }
  VariablePtr matrix = std::make_shared<Variable>();
  double factor;
  Tensor operator()(const Tensor &a) override {
    return factor * ops::sum(a * ops::matmul(ops::read(matrix, a), a));
  }
};

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
