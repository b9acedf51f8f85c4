// SPDX-License-Identifier: Apache-2.0
//
// Every regularizer and constraint against what real Keras computes on weights of rank 1, 2 and 4
// (tests/keras/regularizers.json); their gradients and mistakes.
#include "frontend/import/Training.h"
#include "tests/frontend/train/Recorded.h"

#include <fstream>
#include <nlohmann/json.hpp>

namespace cornet::test {
namespace {

using Json = nlohmann::ordered_json;
using Cells = std::vector<double>;

const Json &vectors() {
  static const Json document =
      Json::parse(std::ifstream(CORNET_SOURCE_DIR "/tests/keras/regularizers.json"));
  return document;
}

/// The cells of `make(object)` on the case's weight, next to Keras's.
template <class Make> void expectEqual(const Json &one, Make make) {
  const Json &weight = vectors().at("weights").at(std::string(one.at("weight")));
  std::vector<std::string> problems;
  auto object = make(one.at("object"), problems);
  ASSERT_TRUE(object && problems.empty()) << Json(problems).dump();
  Recorder recorder;
  Tensor w = recorder.input(weight.at("shape"));
  Recorded step(recorder, {(*object)(w)});
  auto out = step.run({Cells(weight.at("data"))});
  ASSERT_EQ(step.problems, "");
  expectNear(out[0], one.at("result"), 1e-6, one.at("name"));
}

class KerasRegularizer : public testing::TestWithParam<size_t> {};
TEST_P(KerasRegularizer, Equals) {
  expectEqual(vectors().at("regularizers")[GetParam()], import::makeRegularizer);
}
class KerasConstraint : public testing::TestWithParam<size_t> {};
TEST_P(KerasConstraint, Equals) {
  expectEqual(vectors().at("constraints")[GetParam()], import::makeConstraint);
}

INSTANTIATE_TEST_SUITE_P(All, KerasRegularizer,
                         testing::Range<size_t>(0, vectors().at("regularizers").size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return std::string(vectors().at("regularizers")[info.param].at("name"));
                         });
INSTANTIATE_TEST_SUITE_P(All, KerasConstraint,
                         testing::Range<size_t>(0, vectors().at("constraints").size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return std::string(vectors().at("constraints")[info.param].at("name"));
                         });

/// The derivative of the regularizer's cost of `w` next to central differences.
void expectDerivative(const RegularizerPtr &regularizer, const Cells &w, Shape shape) {
  Recorder recorder;
  Tensor x = recorder.input(std::move(shape)), cost = (*regularizer)(x);
  Recorded step(recorder, {cost, ops::gradient(cost, x)});
  auto at = [&](size_t cell, double by) {
    Cells moved = w;
    moved[cell] += by;
    return step.run({moved}).at(0)[0];
  };
  Cells derivative = step.run({w}).at(1);
  ASSERT_EQ(step.problems, "");
  for (size_t i = 0; i < w.size(); ++i)
    EXPECT_NEAR(derivative[i], (at(i, 0.01) - at(i, -0.01)) / 0.02, 1e-3) << i;
}

TEST(Regularizers, HaveDerivatives) {
  Cells w = {0.4, -0.3, 0.9, -1.1, 0.7, 0.2};
  expectDerivative(L1L2({.l1 = 0.3, .l2 = 0.2}), w, {6});
  expectDerivative(OrthogonalRegularizer({.factor = 0.5}), w, {2, 3});
  expectDerivative(OrthogonalRegularizer({.factor = 0.5, .mode = "columns"}), w, {2, 3});
}

TEST(Regularizers, AreFoundByName) {
  for (const char *name : {"l1", "l2", "l1_l2", "orthogonal_regularizer", "L1L2"})
    EXPECT_TRUE(regularizer(name)) << name;
  EXPECT_EQ(regularizer("l3"), nullptr);
  EXPECT_EQ(checkRegularizer("l3"),
            "unknown regularizer 'l3'; known: l1, l1_l2, l2, orthogonal_regularizer");
  for (const char *name : {"max_norm", "non_neg", "unit_norm", "min_max_norm", "MaxNorm"})
    EXPECT_TRUE(constraint(name)) << name;
  EXPECT_EQ(constraint("norm"), nullptr);
  EXPECT_EQ(checkConstraint("norm"),
            "unknown constraint 'norm'; known: max_norm, min_max_norm, non_neg, unit_norm");
}

TEST(Regularizers, TellMistakes) {
  auto mistake = [](const RegularizerPtr &regularizer, Shape shape) {
    Recorder recorder;
    (*regularizer)(recorder.input(std::move(shape)));
    return recorder.graph->mistakes.size() == 1 ? recorder.graph->mistakes[0].message : "";
  };
  EXPECT_EQ(mistake(L1({.l1 = -1}), {3}), "L1: l1 is -1.000000; it must be a number, 0 or above");
  EXPECT_EQ(mistake(OrthogonalRegularizer({.mode = "both"}), {2, 3}),
            "OrthogonalRegularizer: mode is 'both'; use \"rows\" or \"columns\"");
  EXPECT_EQ(mistake(OrthogonalRegularizer(), {3}),
            "OrthogonalRegularizer: the weight has the shape (3); it must be a matrix");
}

} // namespace
} // namespace cornet::test
