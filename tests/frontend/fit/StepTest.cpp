// SPDX-License-Identifier: Apache-2.0
//
// A training step of one's own: no targets, two models, two optimizers, results in the logs; and
// the weights of both models are there when fit() returns.
#include <cornet/cornet.h>
#include <cornet/training.h>

#include <gtest/gtest.h>

namespace cornet::test {
namespace {

using data::Array;

/// Model `model` learns to give 3 x, the other to give -2 of what the first gives.
struct Pair : Trainer {
  Pair(Model first, Model second) : Trainer(std::move(first)), second(std::move(second)) {
    secondOptimizer->setPrefix("second_optimizer");
  }
  Model second;
  OptimizerPtr secondOptimizer = SGD({.learning_rate = 0.05});

  StepResults train_step(const StepInputs &inputs) override {
    EXPECT_TRUE(inputs.y.empty());
    Tensor x = inputs.x[0], first = model({x})[0], last = second({first})[0];
    Tensor error = ops::mean(ops::pow(first - 3.0 * x, 2)),
           other = ops::mean(ops::pow(last + 2.0 * ops::stopGradient(first), 2));
    optimizer->minimize(error, model.trainable_variables());
    secondOptimizer->minimize(other, second.trainable_variables());
    return {{"error", error}, {"other", other}};
  }
  std::vector<VariablePtr> extra_variables() const override { return second.variables(); }
};

TEST(Step, TwoModelsTwoOptimizersNoTargets) {
  set_random_seed(5);
  Model first = Sequential({1}, {Dense({.units = 1, .use_bias = false, .name = "first"})}, "one");
  Model second = Sequential({1}, {Dense({.units = 1, .use_bias = false, .name = "second"})}, "two");
  Pair pair(first, second);
  pair.compile({.optimizer = SGD({.learning_rate = 0.1})});
  Array x = Array::of<float>({6, 1}, {-1, 1, 0.5, -0.5, 2, 1});
  History history = pair.fit(x, {}, {.batch_size = 3, .epochs = 60, .verbose = 0});
  EXPECT_LT(history.history.at("error").back(), 1e-6);
  EXPECT_LT(history.history.at("other").back(), 1e-6);
  EXPECT_NEAR(first.variables()[0]->data[0], 3, 1e-3);
  EXPECT_NEAR(second.variables()[0]->data[0], -2, 1e-3);
  Trainer alone(second); // starts from the weights that the step left
  alone.compile({});
  EXPECT_NEAR(alone.predict(x)[0].at(1), -2, 1e-3);
}

} // namespace
} // namespace cornet::test
