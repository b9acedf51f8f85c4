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

/// The outputs of `record` on inputs with these arrays.
std::vector<Array> compute(const std::vector<Array> &arrays,
                           const std::function<std::vector<Tensor>(std::vector<Tensor>)> &record,
                           bool decompose = true) {
  Recording recording;
  std::vector<Tensor> inputs;
  for (const Array &array : arrays)
    inputs.push_back(inputFor(array));
  Step step(Functional(inputs, record(inputs)));
  std::vector<Array> out = step.compute(arrays, decompose);
  EXPECT_EQ(step.problems, "");
  return out;
}

TEST(Loss, TakesLogitsFromTheSoftmaxOrSigmoidBefore) {
  Array classes{{3}, {0, 2, 1}, true}, hot{{3, 3}, {1, 0, 0, 0, 0, 1, 0, 1, 0}},
      x{{3, 3}, {90, -60, 3, 0.5f, 2, -70, 1, 2, 3}};
  auto both = [&](const Array &y, const LossPtr &ofShares, const LossPtr &ofLogits,
                  Tensor (*activation)(const Tensor &)) {
    std::vector<Array> got = compute({y, x}, [&](std::vector<Tensor> in) {
      Tensor shares = activation(in[1]), a = (*ofShares)(in[0], shares),
             b = (*ofLogits)(in[0], in[1]);
      return std::vector<Tensor>{a, b, ops::gradient(a, in[1]), ops::gradient(b, in[1])};
    });
    ASSERT_EQ(got.size(), 4u);
    EXPECT_GT(got[0].data[0], 20); // clipping would have said 16.1 at most for a sample
    expectNear(got[0], got[1], 1e-6, "loss");
    expectNear(got[2], got[3], 1e-6, "gradient");
  };
  auto softmax = [](const Tensor &t) { return ops::softmax(t); };
  both(classes, SparseCategoricalCrossentropy(),
       SparseCategoricalCrossentropy({.from_logits = true}), softmax);
  both(hot, CategoricalCrossentropy(), CategoricalCrossentropy({.from_logits = true}), softmax);
  both(hot, BinaryCrossentropy({.reduction = "sum"}),
       BinaryCrossentropy({.from_logits = true, .reduction = "sum"}), ops::sigmoid);
}

TEST(Loss, CircleIsWhatItsOpSays) {
  Array labels{{4}, {0, 1, 0, 1}, true}, x{{4, 2}, {0.6f, 0.8f, 1, 0, 0.8f, -0.6f, 0, 1}};
  auto record = [](std::vector<Tensor> in) {
    return std::vector<Tensor>{Circle({.gamma = 5, .margin = 0.3})->call(in[0], in[1])};
  };
  std::vector<Array> written = compute({labels, x}, record),
                     op = compute({labels, x}, record, false);
  ASSERT_EQ(written.size() + op.size(), 2u);
  expectNear(op[0], written[0], 1e-6, "circle");
}

TEST(Loss, OfYourOwnIsAFunction) {
  Array y{{2}, {1, 2}}, p{{2, 1}, {3, 5}};
  LossPtr own = LossFunction(
      "cubic", [](const Tensor &y, const Tensor &p) { return ops::pow(ops::abs(y - p), 3); });
  EXPECT_EQ(own->name, "cubic");
  std::vector<Array> got = compute(
      {y, p}, [&](std::vector<Tensor> in) { return std::vector<Tensor>{(*own)(in[0], in[1])}; });
  ASSERT_EQ(got.size(), 1u);
  EXPECT_NEAR(got[0].data[0], (8 + 27) / 2.0, 1e-5);
}

TEST(Loss, IsFoundByKerasNames) {
  Json document = Json::parse(std::ifstream(CORNET_SOURCE_DIR "/tests/keras/metrics.json"));
  for (const std::string name : document.at("losses")) {
    EXPECT_NE(loss(name), nullptr) << name;
    EXPECT_EQ(checkLoss(name), "");
  }
  EXPECT_EQ(loss("mse")->name, "mse");
  EXPECT_EQ(loss("Huber")->name, "huber_loss");
  EXPECT_EQ(loss("mean_squared"), nullptr);
  EXPECT_EQ(checkLoss("mean_squared").find("unknown loss 'mean_squared'; known: BCE, "), 0u);
}

TEST(Loss, TellsMistakes) {
  auto mistakes = [](Shape y, Shape p, const LossPtr &loss, Shape weight = {}) {
    Recording recording;
    Tensor w = weight.empty() ? Tensor() : Input(weight);
    (*loss)(Input(y), Input(p), w);
    return text(Recording::current()->mistakes);
  };
  using testing::HasSubstr;
  EXPECT_THAT(
      mistakes({3}, {4}, MeanSquaredError()),
      HasSubstr("loss 'mean_squared_error': targets (?, 3) and predictions (?, 4) must have "
                "the same shape"));
  EXPECT_THAT(mistakes({3}, {3}, MeanSquaredError({.reduction = "average"})),
              HasSubstr("reduction is 'average'; use sum_over_batch_size, mean, sum, "));
  EXPECT_THAT(mistakes({5}, {4}, SparseCategoricalCrossentropy()),
              HasSubstr("class labels of shape (?, 5) for predictions of (?, 4); give them (?)"));
  EXPECT_THAT(mistakes({2}, {3}, CTC()),
              HasSubstr("CTC needs targets (B, L) and logits (B, T, C)"));
  EXPECT_THAT(mistakes({1}, {3}, CategoricalGeneralizedCrossEntropy({.q = 1})),
              HasSubstr("it must lie between 0 and 1"));
  EXPECT_EQ(mistakes({3}, {3}, MeanSquaredError()), "");
  EXPECT_NE(mistakes({3}, {3}, MeanSquaredError(), {5}), "");
}

} // namespace
} // namespace cornet::test
