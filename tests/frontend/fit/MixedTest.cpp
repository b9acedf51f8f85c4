// SPDX-License-Identifier: Apache-2.0
//
// Mixed-precision training against Keras (tests/keras/generate_mixed_runs.py): models that Keras
// configured, from the same weights, on the same batches, for 50 steps. Both round to 16 bits, at
// places and in orders of their own, so that the runs drift apart, as each drifts from f32: Keras's
// own, which lose 2.7 in the first step, by up to 0.015 in bf16 and 0.0065 in f16. The loss of the
// first step may differ by a unit of the type, later ones by 6 units of bf16 (0.023) or 16 of f16
// (0.008); the loss scale after each step is the same.
#include "frontend/import/Import.h"

#include <cornet/saving.h>
#include <cornet/training.h>
#include <cornet_runtime.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <unistd.h>

namespace cornet::test {
namespace {

using data::Array;
using Json = nlohmann::json;

const Json &vectors() {
  static const Json all =
      Json::parse(std::ifstream(CORNET_SOURCE_DIR "/tests/keras/mixed_runs.json"));
  return all;
}

Array images(Shape row) {
  std::vector<float> cells = vectors()["pixels"].get<std::vector<float>>();
  for (float &cell : cells)
    cell /= 16;
  Shape shape{int64_t(vectors()["labels"].size())};
  shape.insert(shape.end(), row.begin(), row.end());
  return Array::of<float>(shape, cells);
}

Array labels() {
  std::vector<int32_t> cells = vectors()["labels"].get<std::vector<int32_t>>();
  return Array::of<int32_t>({int64_t(cells.size())}, cells);
}

/// The variable of that last name.
VariablePtr find(const std::vector<VariablePtr> &variables, const std::string &name) {
  for (const VariablePtr &variable : variables)
    if (variable->name.ends_with("/" + name))
      return variable;
  return nullptr;
}

class MixedRun : public testing::TestWithParam<size_t> {};

TEST_P(MixedRun, FollowsKeras) {
  const Json &run = vectors()["runs"][GetParam()];
  std::string name = run["model"], policy = run["policy"];
  const Json &stored = vectors()["models"][name];
  std::string config = stored["configs"].contains(policy)
                           ? stored["configs"][policy].dump()
                           : stored["configs"].begin().value().dump();
  if (policy == "float32") // the same layers
    for (size_t at; (at = config.find("mixed_bfloat16")) != config.npos ||
                    (at = config.find("mixed_float16")) != config.npos;)
      config.replace(at, config.find('"', at) - at, "float32");
  std::vector<std::vector<float>> weights = stored["weights"];
  import::Imported imported = import::importConfiguration(config, weights);
  ASSERT_EQ(imported.error, "");
  OptimizerPtr optimizer =
      name == "mlp" ? Adam({.learning_rate = 0.01}) : SGD({.learning_rate = 0.01, .momentum = 0.5});
  double scale = run["initial_scale"];
  if (scale > 0)
    optimizer = LossScaleOptimizer(
        {.inner_optimizer = optimizer, .initial_scale = scale, .dynamic_growth_steps = 16});
  Trainer trainer(imported.model);
  trainer.compile({.optimizer = optimizer,
                   .loss = SparseCategoricalCrossentropy({.from_logits = name == "cnn"}),
                   .threads = 2});
  Array x = images(name == "cnn" ? Shape{8, 8, 1} : Shape{64}), y = labels();
  int64_t batch = vectors()["batch"];
  double unit = policy == "mixed_bfloat16" ? 0x1p-8 : policy == "mixed_float16" ? 0x1p-11 : 0x1p-18;
  std::vector<double> losses, scales;
  for (size_t step = 0; step < run["losses"].size(); ++step) {
    int64_t begin = int64_t(step) * batch % x.rows();
    if (step)
      trainer.reset_metrics();
    losses.push_back(
        trainer.train_on_batch({{x.slice(begin, begin + batch)}, {y.slice(begin, begin + batch)}})
            .at("loss"));
    trainer.pull();
    if (VariablePtr dynamic = find(trainer.optimizer->variables(), "dynamic_scale"))
      scales.push_back(dynamic->data[0]);
  }
  double limit =
      (policy == "mixed_float16" ? 16 : 6) * unit; // Keras's own come as far from its f32
  for (size_t i = 0; i < losses.size(); ++i)
    EXPECT_NEAR(losses[i], double(run["losses"][i]), i == 0 ? unit : limit) << "step " << i;
  EXPECT_EQ(scales, run["scales"].get<std::vector<double>>());
  std::vector<float> wanted = run["predicted"];
  Array predicted = trainer.predict(x.slice(0, 4)).at(0);
  float largest = 0;
  for (float cell : wanted)
    largest = std::max(largest, std::fabs(cell));
  for (size_t i = 0; i < wanted.size(); ++i)
    EXPECT_NEAR(predicted.data<float>()[i], wanted[i], std::max(limit, 1e-5) * largest);
}

/// The losses of ten steps of a small CNN, whose convolutions are computed again in the backward
/// pass if `again`.
std::vector<double> losses(const std::string &policy, bool again, unsigned threads = 2) {
  set_random_seed(5);
  auto convolution = [&](int64_t filters) {
    return Conv2D({.filters = filters,
                   .kernel_size = 3,
                   .padding = "same",
                   .activation = "relu",
                   .dtype = policy})
        .checkpoint(again);
  };
  Model model =
      Sequential({8, 8, 1}, {convolution(8), MaxPooling2D({.dtype = policy}), convolution(16),
                             Flatten({.dtype = policy}), Dropout({.rate = 0.2, .dtype = policy}),
                             Dense({.units = 10, .activation = "softmax"})});
  Trainer trainer(model);
  trainer.compile(
      {.optimizer = Adam(), .loss = "sparse_categorical_crossentropy", .threads = threads});
  EXPECT_EQ(trainer.optimizer->scalesLoss(), policy == "mixed_float16");
  Array x = images({8, 8, 1}), y = labels();
  std::vector<double> out;
  for (int64_t begin = 0; begin < 160; begin += 16) {
    trainer.reset_metrics();
    out.push_back(
        trainer.train_on_batch({{x.slice(begin, begin + 16)}, {y.slice(begin, begin + 16)}})
            .at("loss"));
  }
  return out;
}

TEST(Mixed, EveryWayToComputeAStepAgrees) {
  std::vector<double> exact = losses("float32", false);
  for (auto [policy, unit] : {std::pair("mixed_bfloat16", 0x1p-8), {"mixed_float16", 0x1p-11}}) {
    std::vector<double> one = losses(policy, false), again = losses(policy, true);
    EXPECT_EQ(one, losses(policy, false, 1)) << "the same bits on one thread";
    EXPECT_NE(one, exact) << policy << " computes in 16 bits";
    for (size_t i = 0; i < one.size(); ++i) {
      EXPECT_NEAR(one[i], exact[i], 4 * unit) << policy;
      EXPECT_NEAR(one[i], again[i], 4 * unit) << policy;
    }
  }
}

TEST(Mixed, TheLossIsScaledOnceAndOnlyIfAsked) {
  Model model = Sequential({4}, {Dense({.units = 2, .dtype = "mixed_float16"})});
  auto optimizerOf = [&](OptimizerPtr optimizer, bool scale) {
    Trainer trainer(model);
    trainer.compile({.optimizer = optimizer, .loss = "mse", .auto_scale_loss = scale});
    return trainer.optimizer;
  };
  OptimizerPtr sgd = SGD(), scaled = LossScaleOptimizer({.inner_optimizer = SGD()});
  EXPECT_NE(optimizerOf(sgd, true), sgd);
  EXPECT_TRUE(optimizerOf(SGD(), true)->scalesLoss());
  EXPECT_EQ(optimizerOf(scaled, true), scaled);
  OptimizerPtr plain = SGD();
  EXPECT_EQ(optimizerOf(plain, false), plain);
}

/// An artifact of a mixed step trains with the runtime alone, to the trainer's bits.
TEST(Mixed, ArtifactsTrain) {
  Model model = Sequential({64}, {Dense({.units = 24, .dtype = "mixed_float16"}),
                                  Dense({.units = 10, .activation = "softmax"})});
  Trainer trainer(model);
  trainer.compile({.optimizer = SGD(), .loss = "sparse_categorical_crossentropy"});
  trainer.expect({{"i32", {}}});
  std::string path = testing::TempDir() + "mixed-" + std::to_string(getpid()) + ".cornet";
  trainer.saveArtifact(path, {16});
  Array x = images({64}).slice(0, 16), y = labels().slice(0, 16);
  rt::Program program(path);
  rt::Session session(program, 1);
  std::remove(path.c_str());
  size_t step = 0;
  while (program.entryName(step) != std::string("train_step"))
    ++step;
  std::vector<const void *> inputs{x.bytes.data(), y.bytes.data()};
  for (int i = 0; i < 3; ++i) {
    rt::check(cornet_session_invoke(session.get(), step, 16, inputs.data(), nullptr));
    trainer.train_on_batch({{x}, {y}});
  }
  trainer.pull();
  const auto *kernel = static_cast<const float *>(cornet_session_variable(session.get(), 0));
  const std::vector<float> &want = model.variables()[0]->data;
  EXPECT_EQ(std::vector<float>(kernel, kernel + want.size()), want);
}

INSTANTIATE_TEST_SUITE_P(All, MixedRun, testing::Range<size_t>(0, vectors()["runs"].size()),
                         [](const auto &info) {
                           const Json &run = vectors()["runs"][info.param];
                           double scale = run["initial_scale"];
                           return run["model"].get<std::string>() + "_" +
                                  run["policy"].get<std::string>() +
                                  (scale > 0 ? "_from_a_scale_too_large" : "");
                         });

} // namespace
} // namespace cornet::test
