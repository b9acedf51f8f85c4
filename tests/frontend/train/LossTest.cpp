// SPDX-License-Identifier: Apache-2.0
//
// Every loss and option against what real Keras computes: values, gradients by the predictions, and
// each reduction with and without weights. The vectors are tests/keras/losses.json.
#include "tests/frontend/train/Step.h"

#include <cornet/cornet.h>
#include <cornet/losses.h>

namespace cornet::test {
namespace {

const Json &cases() {
  static const Json all = readVectors("losses.json");
  return all;
}

using Maker = std::function<LossPtr(const Json &, std::string)>;

const std::map<std::string, Maker> &makers() {
#define PLAIN(KIND)                                                                                \
  {                                                                                                \
#KIND, [](const Json &, std::string reduction) { return KIND({.reduction = reduction}); }      \
  }
  static const std::map<std::string, Maker> table = {
      PLAIN(MeanSquaredError),
      PLAIN(MeanAbsoluteError),
      PLAIN(MeanAbsolutePercentageError),
      PLAIN(MeanSquaredLogarithmicError),
      PLAIN(LogCosh),
      PLAIN(Hinge),
      PLAIN(SquaredHinge),
      PLAIN(CategoricalHinge),
      PLAIN(KLDivergence),
      PLAIN(Poisson),
      PLAIN(CTC),
      {"CosineSimilarity",
       [](const Json &o, std::string reduction) {
         return CosineSimilarity({.axis = o.value("axis", -1), .reduction = reduction});
       }},
      {"Huber",
       [](const Json &o, std::string reduction) {
         return Huber({.delta = o.value("delta", 1.0), .reduction = reduction});
       }},
      {"BinaryCrossentropy",
       [](const Json &o, std::string reduction) {
         return BinaryCrossentropy({.from_logits = o.value("from_logits", false),
                                    .label_smoothing = o.value("label_smoothing", 0.0),
                                    .axis = o.value("axis", -1),
                                    .reduction = reduction});
       }},
      {"BinaryFocalCrossentropy",
       [](const Json &o, std::string reduction) {
         return BinaryFocalCrossentropy(
             {.apply_class_balancing = o.value("apply_class_balancing", false),
              .alpha = o.value("alpha", 0.25),
              .gamma = o.value("gamma", 2.0),
              .from_logits = o.value("from_logits", false),
              .label_smoothing = o.value("label_smoothing", 0.0),
              .reduction = reduction});
       }},
      {"CategoricalCrossentropy",
       [](const Json &o, std::string reduction) {
         return CategoricalCrossentropy({.from_logits = o.value("from_logits", false),
                                         .label_smoothing = o.value("label_smoothing", 0.0),
                                         .axis = o.value("axis", -1),
                                         .reduction = reduction});
       }},
      {"CategoricalFocalCrossentropy",
       [](const Json &o, std::string reduction) {
         return CategoricalFocalCrossentropy({.alpha = o.value("alpha", 0.25),
                                              .gamma = o.value("gamma", 2.0),
                                              .from_logits = o.value("from_logits", false),
                                              .label_smoothing = o.value("label_smoothing", 0.0),
                                              .reduction = reduction});
       }},
      {"SparseCategoricalCrossentropy",
       [](const Json &o, std::string reduction) {
         SparseCategoricalCrossentropyOptions options{.from_logits = o.value("from_logits", false),
                                                      .reduction = reduction};
         if (o.contains("ignore_class"))
           options.ignore_class = o.at("ignore_class").get<int64_t>();
         return SparseCategoricalCrossentropy(options);
       }},
      {"Dice",
       [](const Json &o, std::string reduction) {
         return Dice({.reduction = reduction, .axis = o.value("axis", std::vector<int64_t>())});
       }},
      {"Tversky",
       [](const Json &o, std::string reduction) {
         return Tversky({.alpha = o.value("alpha", 0.5),
                         .beta = o.value("beta", 0.5),
                         .reduction = reduction,
                         .axis = o.value("axis", std::vector<int64_t>())});
       }},
      {"Circle",
       [](const Json &o, std::string reduction) {
         return Circle({.gamma = o.value("gamma", 80.0),
                        .margin = o.value("margin", 0.4),
                        .remove_diagonal = o.value("remove_diagonal", true),
                        .reduction = reduction});
       }},
      {"CategoricalGeneralizedCrossEntropy",
       [](const Json &o, std::string reduction) {
         return CategoricalGeneralizedCrossEntropy(
             {.q = o.value("q", 0.5), .reduction = reduction});
       }},
  };
#undef PLAIN
  return table;
}

class KerasLoss : public testing::TestWithParam<size_t> {};

TEST_P(KerasLoss, Equals) {
  const Json &one = cases()[GetParam()];
  const Maker &make = makers().at(one.at("loss"));
  const Json &options = one.at("options");
  Recording recording;
  std::vector<Array> arrays = {Array::of(one.at("y_true")), Array::of(one.at("y_pred"))}, wanted;
  Tensor y_true = inputFor(arrays[0]), y_pred = inputFor(arrays[1]);
  std::vector<Tensor> inputs = {y_true, y_pred}, outputs;
  std::vector<std::string> names;
  auto expect = [&](const std::string &name, const Tensor &output, const Json &array) {
    names.push_back(name), outputs.push_back(output), wanted.push_back(Array::of(array));
  };
  LossPtr plain = make(options, "sum_over_batch_size");
  expect("values", plain->call(y_true, y_pred), one.at("values"));
  if (one.contains("gradient"))
    expect("gradient", ops::gradient((*plain)(y_true, y_pred), y_pred), one.at("gradient"));
  for (const Json &result : one.at("results")) {
    Tensor weight;
    if (result.contains("sample_weight")) {
      arrays.push_back(Array::of(result.at("sample_weight")));
      inputs.push_back(weight = inputFor(arrays.back()));
    }
    LossPtr loss = make(options, result.at("reduction"));
    expect(std::string(result.at("reduction")) + (weight ? ", weighted" : ""),
           (*loss)(y_true, y_pred, weight), result.at("loss"));
  }
  Step step(Functional(inputs, outputs));
  std::vector<Array> got = step.compute(arrays);
  ASSERT_EQ(got.size(), wanted.size()) << step.problems;
  for (size_t i = 0; i < got.size(); ++i)
    expectNear(got[i], wanted[i], names[i] == "gradient" ? 1e-5 : 1e-6, names[i]);
}

INSTANTIATE_TEST_SUITE_P(All, KerasLoss, testing::Range<size_t>(0, cases().size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return std::string(cases()[info.param].at("name"));
                         });

} // namespace
} // namespace cornet::test
