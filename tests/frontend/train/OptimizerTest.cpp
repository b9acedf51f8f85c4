// SPDX-License-Identifier: Apache-2.0
//
// Every optimizer, its options and every schedule against what real Keras computes over 20 steps,
// from Keras's own configurations (tests/keras/optimizers.json); minimize(); mistakes.
#include "frontend/import/Training.h"
#include "tests/frontend/train/Recorded.h"

#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>

namespace cornet::test {
namespace {

using Json = nlohmann::ordered_json;
using Cells = std::vector<double>;
constexpr double kTolerance = 1e-5, kCompiled = 2e-5;

const Json &vectors() {
  static const Json document =
      Json::parse(std::ifstream(CORNET_SOURCE_DIR "/tests/keras/optimizers.json"));
  return document;
}

std::string nameOf(const Json &one) { return one.at("name"); }

/// One case of the vectors, recorded.
struct Case {
  explicit Case(const Json &one)
      : one(one), problem(vectors().at("problems").at(std::string(one.at("problem")))) {
    optimizer = import::makeOptimizer(one.at("optimizer"), problems);
    if (!optimizer)
      return;
    optimizer->options.exclude_from_weight_decay = one.at("exclude");
    std::vector<Optimizer::Gradient> gradients;
    for (const Json &variable : problem.at("variables")) {
      weights.push_back(weight(variable.at("name"), variable.at("shape"), variable.at("data")));
      gradients.emplace_back(recorder.input(variable.at("shape")), weights.back());
    }
    if (!one.at("constraint").is_null())
      weights[0]->constraint = import::makeConstraint(one.at("constraint"), problems);
    optimizer->apply(gradients);
  }
  /// The gradients of step `i`, from 0.
  std::vector<Cells> inputs(int i) const {
    std::vector<Cells> out = problem.at("gradients")[size_t(i)];
    std::vector<int> broken = one.at("broken");
    if (auto at = std::find(broken.begin(), broken.end(), i); at != broken.end())
      out[0][1] = (at - broken.begin()) % 2 ? std::numeric_limits<double>::quiet_NaN()
                                            : std::numeric_limits<double>::infinity();
    return out;
  }

  const Json &one, &problem;
  OptimizerPtr optimizer;
  Recorder recorder;
  std::vector<VariablePtr> weights;
  std::vector<std::string> problems;
};

class KerasOptimizer : public testing::TestWithParam<size_t> {};

TEST_P(KerasOptimizer, Equals) {
  Case given(vectors().at("optimizers")[GetParam()]);
  ASSERT_EQ(given.problems, std::vector<std::string>());
  std::vector<VariablePtr> state = given.optimizer->variables();
  std::set<std::string> names;
  for (const VariablePtr &variable : state)
    EXPECT_TRUE(names.insert(variable->name).second) << variable->name << " is there twice";

  Recorded step(given.recorder);
  const Json &wanted = given.one.at("after");
  for (int i = 0; i < 20; ++i) {
    step.run(given.inputs(i));
    ASSERT_EQ(step.problems, "");
    if (auto after = wanted.find(std::to_string(i + 1)); after != wanted.end())
      for (size_t w = 0; w < given.weights.size(); ++w)
        expectNear(step.value(given.weights[w]), (*after)[w], kTolerance,
                   given.weights[w]->name + " after step " + std::to_string(i + 1));
  }
  ASSERT_EQ(state.size(), given.one.at("state").size());
  for (size_t i = 0; i < state.size(); ++i)
    expectNear(step.value(state[i]), given.one.at("state")[i], kTolerance, state[i]->name);
}

TEST_P(KerasOptimizer, CompiledEquals) {
  Case given(vectors().at("optimizers")[GetParam()]);
  Recorded step(given.recorder);
  std::vector<std::vector<Cells>> inputs;
  for (int i = 0; i < 20; ++i)
    inputs.push_back(given.inputs(i));
  std::map<std::string, Cells> values = step.runCompiled(inputs);
  ASSERT_EQ(step.problems, "");
  for (size_t w = 0; w < given.weights.size(); ++w)
    expectNear(values[given.weights[w]->name], given.one.at("after").at("20")[w], kCompiled,
               given.weights[w]->name);
  std::vector<VariablePtr> state = given.optimizer->variables();
  for (size_t i = 0; i < state.size(); ++i)
    if (auto it = values.find(state[i]->name); it != values.end()) // else the step has no use of it
      expectNear(it->second, given.one.at("state")[i], kCompiled, state[i]->name);
}

INSTANTIATE_TEST_SUITE_P(All, KerasOptimizer,
                         testing::Range<size_t>(0, vectors().at("optimizers").size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return nameOf(vectors().at("optimizers")[info.param]);
                         });

class KerasSchedule : public testing::TestWithParam<size_t> {};

TEST_P(KerasSchedule, Equals) {
  const Json &one = vectors().at("schedules")[GetParam()];
  std::vector<std::string> problems;
  SchedulePtr schedule = import::makeSchedule(one.at("schedule"), problems);
  ASSERT_TRUE(schedule && problems.empty()) << Json(problems).dump();
  Recorder recorder;
  Tensor at = recorder.input({});
  Recorded step(recorder, {(*schedule)(at)});
  Cells rates, wanted = one.at("rates");
  for (size_t i = 0; i < wanted.size(); ++i) {
    auto out = step.run({{double(i)}});
    ASSERT_EQ(step.problems, "");
    rates.push_back(out[0][0]);
  }
  expectNear(rates, wanted, kTolerance, nameOf(one));
}

INSTANTIATE_TEST_SUITE_P(All, KerasSchedule,
                         testing::Range<size_t>(0, vectors().at("schedules").size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return nameOf(vectors().at("schedules")[info.param]);
                         });

/// 2 sum (w - 1)^2 of a weight of two cells, minimized once by `optimizer`: the weight.
Cells minimized(const OptimizerPtr &optimizer, int steps = 1) {
  Recorder recorder;
  Tensor scale = recorder.input({});
  VariablePtr w = weight("dense/kernel", {2}, {3, -1});
  Tensor off = ops::read(w, scale) - 1;
  optimizer->minimize(scale * ops::sum(off * off), {w});
  Recorded step(recorder);
  for (int i = 0; i < steps; ++i)
    step.run({{2}});
  EXPECT_EQ(step.problems, "");
  return step.value(w);
}

TEST(Minimize, FollowsTheGradient) {
  // The gradient of 2 (w - 1)^2 is 4 (w - 1).
  expectNear(minimized(SGD({.learning_rate = 0.1})), {2.2, -0.2}, 1e-6, "one step");
  expectNear(minimized(SGD({.learning_rate = 0.1}), 40), {1, 1}, 1e-6, "many");
  expectNear(minimized(Adam({.learning_rate = 0.1}), 1), {2.9, -0.9}, 1e-6, "Adam's first");
}

TEST(Minimize, IsTheSameWithAScaledLoss) {
  Cells plain = minimized(Adam({.learning_rate = 0.1}), 5);
  expectNear(minimized(Adam({.learning_rate = 0.1, .loss_scale_factor = 1024.0}), 5), plain, 1e-6,
             "loss_scale_factor");
  expectNear(minimized(LossScaleOptimizer({.inner_optimizer = Adam({.learning_rate = 0.1}),
                                           .dynamic_growth_steps = 2}),
                       5),
             plain, 1e-6, "LossScaleOptimizer");
  OptimizerMap map{.default_optimizer = SGD(),
                   .optimizer_map = {{"dense/.*", Adam({.learning_rate = 0.1})}}};
  expectNear(minimized(MultiOptimizer({.optimizer_map = map, .loss_scale_factor = 8.0}), 5), plain,
             1e-6, "MultiOptimizer");
}

struct SignMomentum : Optimizer {
  SignMomentum() : Optimizer("SignMomentum", {.learning_rate = 0.5, .weight_decay = 0.1}) {}
  void build(const VariablePtr &w, size_t) override { addSlot("momentum", w); }
  void update(const Tensor &g, const VariablePtr &w, size_t i, const Tensor &rate) override {
    Tensor m = 0.9 * ops::read(slot("momentum", i), g) + 0.1 * g;
    ops::assign(slot("momentum", i), m);
    ops::assign(w, ops::read(w, g) - rate * ops::sign(m));
  }
};

struct Warmup : Schedule {
  Tensor operator()(const Tensor &step) override { return 0.1 * (step + 1); }
};

TEST(Optimizers, OfOnesOwn) {
  auto mine = std::make_shared<SignMomentum>();
  EXPECT_EQ(mine->name, "sign_momentum");
  expectNear(minimized(mine), {3 * 0.95 - 0.5, -1 * 0.95 + 0.5}, 1e-6, "an optimizer");
  EXPECT_EQ(mine->variables().at(2)->name, "optimizer/dense/kernel/momentum");
  // Rates 0.1 and 0.2: w - 1 becomes 0.6, then 0.2 of itself.
  expectNear(minimized(SGD({.learning_rate = std::make_shared<Warmup>()}), 2), {1.24, 0.76}, 1e-6,
             "a schedule");
}

TEST(Optimizers, OfTwoInOneStepHaveNamesOfTheirOwn) {
  Recorder recorder;
  Tensor g = recorder.input({2});
  VariablePtr a = weight("a", {2}, {0, 0}), b = weight("b", {2}, {0, 0});
  OptimizerPtr first = Adam(), second = Adam();
  second->setPrefix("generator");
  first->apply({{g, a}}), second->apply({{g, b}});
  EXPECT_EQ(second->variables()[2]->name, "generator/b/momentum");
  EXPECT_EQ(second->learningRate()->name, "generator/learning_rate");
  EXPECT_EQ(Recorded(recorder).problems, "");
}

TEST(Optimizers, AreFoundByName) {
  EXPECT_EQ(optimizer("Adam")->name, "adam");
  EXPECT_EQ(optimizer("rmsprop")->name, "rm_sprop");
  EXPECT_EQ(optimizer("adamm"), nullptr);
  EXPECT_EQ(checkOptimizer("AdamW"), "");
  EXPECT_EQ(checkOptimizer("adamm"),
            "unknown optimizer 'adamm'; known: adadelta, adafactor, adagrad, adam, adamax, adamw, "
            "ftrl, lamb, lion, muon, nadam, rmsprop, schedulefreeadamw, sgd");
}

TEST(Optimizers, KnowTheirAverages) {
  Recorder recorder;
  VariablePtr w = weight("w", {2}, {1, 2});
  OptimizerPtr plain = SGD(), averaging = SGD({.use_ema = true});
  averaging->apply({{recorder.input({2}), w}});
  plain->setPrefix("other"), plain->build({w});
  EXPECT_TRUE(plain->averages().empty());
  ASSERT_EQ(averaging->averages().size(), 1u);
  EXPECT_EQ(averaging->averages()[0].first, w);
  EXPECT_EQ(averaging->averages()[0].second->name, "optimizer/w/average");
}

TEST(Optimizers, CountStepsExactly) {
  // Beyond 2^24, where f32 has no odd numbers, every third step still updates.
  Recorder recorder;
  VariablePtr w = weight("w", {}, {0});
  OptimizerPtr sgd = SGD({.learning_rate = 1, .gradient_accumulation_steps = 3});
  sgd->apply({{recorder.input({}), w}});
  sgd->variables()[0]->data = {100663296}; // 3 * 2^25
  Recorded step(recorder);
  std::vector<double> seen;
  for (int i = 0; i < 6; ++i)
    step.run({{1}}), seen.push_back(step.value(w)[0]);
  EXPECT_EQ(step.problems, "");
  EXPECT_EQ(seen, (std::vector<double>{0, 0, -1, -1, -1, -2}));
}

/// What is wrong with one step of `optimizer`.
std::string mistakesOf(const OptimizerPtr &optimizer, Shape gradient = {2}) {
  Recorder recorder;
  optimizer->apply({{recorder.input(gradient), weight("w", {2}, {1, 2})}});
  std::string out;
  for (const Mistake &mistake : recorder.graph->mistakes) {
    EXPECT_NE(mistake.file.find("OptimizerTest.cpp"), std::string::npos);
    EXPECT_GT(mistake.line, 0);
    out += mistake.layer + ": " + mistake.message + "\n";
  }
  return out;
}

TEST(OptimizerMistakes, AreTold) {
  EXPECT_EQ(mistakesOf(SGD()), "");
  EXPECT_EQ(mistakesOf(SGD(), {3}), "sgd: the gradient of 'w' is (3), the variable (2)\n");
  EXPECT_EQ(mistakesOf(SGD({.momentum = 2})), "sgd: momentum is 2.000000; it must be in [0, 1]\n");
  EXPECT_EQ(mistakesOf(Adam({.clipnorm = 1, .clipvalue = 1})),
            "adam: more than one of clipnorm, clipvalue and global_clipnorm is set; set one\n");
  EXPECT_EQ(mistakesOf(Adam({.gradient_accumulation_steps = 1})),
            "adam: gradient_accumulation_steps is 1; it must be at least 2\n");
  EXPECT_EQ(mistakesOf(Adam({.use_ema = true, .ema_momentum = 1.5})),
            "adam: ema_momentum is 1.500000; it must be in [0, 1]\n");
  EXPECT_EQ(mistakesOf(SGD({.learning_rate = CosineDecay({.initial_learning_rate = 1})})),
            "sgd: CosineDecay: decay_steps is 0; it must be at least 1\n");
  EXPECT_EQ(mistakesOf(SGD({.learning_rate = PiecewiseConstantDecay(
                                {.boundaries = {3, 2}, .values = {1, 2, 3}})})),
            "sgd: PiecewiseConstantDecay: the boundary 2 follows 3; boundaries must increase\n");
  EXPECT_EQ(mistakesOf(LossScaleOptimizer({})),
            "loss_scale_optimizer: inner_optimizer is missing; give the optimizer that updates\n");
  OptimizerMap two{.default_optimizer = SGD(), .optimizer_map = {{"w.*", Adam()}, {".", Lion()}}};
  EXPECT_EQ(mistakesOf(MultiOptimizer({.optimizer_map = two})),
            "multi_optimizer: optimizer_map: more than one pattern matches 'w'; change the "
            "patterns, or give its whole name as one\n");
  EXPECT_NE(mistakesOf(SGD({.exclude_from_weight_decay = {"("}})).find("no regular expression"),
            std::string::npos);
}

TEST(OptimizerMistakes, OtherVariablesThanBefore) {
  Recorder recorder;
  Tensor g = recorder.input({2});
  OptimizerPtr sgd = SGD();
  sgd->build({weight("a", {2}, {1, 2})});
  sgd->apply({{g, weight("b", {2}, {1, 2})}});
  ASSERT_EQ(recorder.graph->mistakes.size(), 1u);
  EXPECT_EQ(recorder.graph->mistakes[0].message,
            "'b' is none of the variables that this optimizer was built for; build it with all of "
            "them, or make one optimizer more");
}

TEST(OptimizerMistakes, ALossThatIsNoScalar) {
  Recorder recorder;
  VariablePtr w = weight("w", {2}, {1, 2});
  SGD()->minimize(ops::read(w, recorder.input({2})), {w});
  ASSERT_EQ(recorder.graph->mistakes.size(), 1u);
  EXPECT_EQ(recorder.graph->mistakes[0].message,
            "the loss must be a scalar, got (2); take its mean");
}

TEST(TrainingConfigurations, TellWhatTheyDoNotUnderstand) {
  std::vector<std::string> problems;
  EXPECT_EQ(import::makeOptimizer(Json::parse(R"({"class_name": "Adamm"})"), problems), nullptr);
  EXPECT_TRUE(import::makeOptimizer(
      Json::parse(R"({"class_name": "SGD", "config": {"momentum": "much", "speed": 3}})"),
      problems));
  EXPECT_EQ(import::makeSchedule(Json::parse("[]"), problems), nullptr);
  ASSERT_EQ(problems.size(), 4u);
  EXPECT_TRUE(problems[0].starts_with("optimizer 'Adamm' is unknown; known: Adadelta, "));
  EXPECT_EQ(problems[1], R"(SGD: momentum is "much", which is not understood)");
  EXPECT_EQ(problems[2], "SGD: speed = 3 is not supported");
  EXPECT_EQ(problems[3], "schedule [] has no class_name");
}

} // namespace
} // namespace cornet::test
