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

/// What is said when `body` throws; "" when it does not.
template <class Body> std::string refusal(Body body) {
  try {
    body();
  } catch (const std::exception &error) {
    return error.what();
  }
  return "";
}

TEST(Refusals, SayWhatIsWrongWithTheData) {
  auto trainer = [] {
    auto out = std::make_unique<Trainer>(
        Sequential({4}, {Dense({.units = 3, .activation = "softmax", .name = "scores"})}));
    out->compile({.loss = "sparse_categorical_crossentropy", .threads = 1});
    return out;
  };
  data::Array x = data::Array::of<float>({8, 4}, std::vector<float>(32, 0.5f));
  auto y = [](int32_t label) {
    return data::Array::of<int32_t>({8}, std::vector<int32_t>(8, label));
  };
  FitArguments quiet{.verbose = 0};
  for (int32_t label : {3, -1})
    EXPECT_NE(refusal([&] {
                trainer()->fit(x, y(label), quiet);
              }).find("output 'scores' has the classes 0 to 2"),
              std::string::npos);
  EXPECT_EQ(refusal([&] { trainer()->fit(x, y(2), quiet); }), "");
  using Arrays = std::vector<data::Array>;
  EXPECT_NE(refusal([&] { trainer()->fit(Arrays{x}, Arrays{}, quiet); }).find("0 targets for 1"),
            std::string::npos);
  EXPECT_NE(refusal([&] {
              trainer()->fit(Arrays{x}, Arrays{y(1), y(1)}, quiet);
            }).find("2 targets for 1"),
            std::string::npos);
  EXPECT_NE(refusal([&] { trainer()->evaluate(x, y(1), {.batch_size = 0}); }).find("at least one"),
            std::string::npos);
  EXPECT_NE(refusal([&] { trainer()->predict(x, {.batch_size = 0}); }).find("positive"),
            std::string::npos);
  EXPECT_NE(refusal([&] {
              auto given = trainer();
              given->fit(x, y(1), quiet);
              given->saveArtifact("never.cornet", {0});
            }).find("each at least 1"),
            std::string::npos);
  EXPECT_NE(refusal([&] { trainer()->train_on_batch({}); }).find("takes 1 inputs"),
            std::string::npos);
}

} // namespace
} // namespace cornet::test
