// SPDX-License-Identifier: Apache-2.0
//
// How values become a loss, and losses by name.
#include "frontend/lib/losses/Formula.h"

#include <algorithm>
#include <array>

namespace cornet {

using namespace support;

Loss::Loss(std::string name, std::string reduction)
    : name(std::move(name)), reduction(std::move(reduction)) {}

Tensor Loss::valid(const Tensor &, const Tensor &, const Tensor &) { return {}; }

static std::string checkReduction(const std::string &reduction) {
  static constexpr std::array<const char *, 5> known = {"sum_over_batch_size", "mean", "sum",
                                                        "mean_with_sample_weight", "none"};
  if (std::ranges::count(known, reduction))
    return "";
  std::string message = "reduction is '" + reduction + "'; use ";
  for (const char *name : known)
    message += (name == known.front() ? "" : ", ") + std::string(name);
  return message;
}

Tensor Loss::operator()(const Tensor &y_true, const Tensor &y_pred, const Tensor &sample_weight) {
  Tensor values = call(y_true, y_pred);
  if (values.poisoned())
    return values;
  if (std::string wrong = checkReduction(reduction); !wrong.empty())
    return mistake(values, "loss '" + name + "': " + wrong);
  Tensor counts = valid(y_true, y_pred, values), weight;
  if (counts)
    counts = real(counts);
  if (sample_weight) {
    weight = real(sample_weight);
    if (counts) { // both scale the values
      Tensor scaled = counts;
      alignWeight(scaled, weight);
      weight = scaled * weight;
    } else
      alignWeight(values, weight);
    values = values * weight;
    if (values.poisoned())
      return values;
  } else if (counts)
    weight = counts, values = values * counts;
  if (reduction == "none" || values.rank() == 0)
    return values;
  if (reduction == "sum")
    return ops::sum(values);
  if (reduction == "mean_with_sample_weight" && weight)
    return divideNoNan(ops::sum(values), ops::sum(weight));
  return counts ? divideNoNan(ops::sum(values), ops::sum(counts)) : ops::mean(values);
}

namespace support {

Tensor Formula::call(const Tensor &y_true, const Tensor &y_pred) {
  if (!y_true || !y_pred || y_true.poisoned() || y_pred.poisoned())
    return ops::record("mul", {y_true, y_pred}); // which says what is wrong, if it was not told
  Tensor t = integers ? y_true : real(y_true), p = real(y_pred);
  if (!integers) {
    align(t, p);
    if (sameShape && t.shape() != p.shape())
      return mistake(p, "loss '" + name + "': targets " + shapeOf(y_true) + " and predictions " +
                            shapeOf(y_pred) + " must have the same shape");
  }
  return values(t, p);
}

Kind kindOf(const Tensor &y_true, const Tensor &y_pred) {
  const Shape &t = y_true.shape(), &p = y_pred.shape();
  if (!p.empty() && p.back() == 1)
    return Kind::binary;
  if (t.size() < p.size() || (!t.empty() && t.back() == 1 && p.back() > 1))
    return Kind::sparse;
  return Kind::categorical;
}

namespace {

/// "crossentropy": the one that fits the shapes.
class AnyCrossentropy : public Loss {
public:
  using Loss::Loss;
  Tensor call(const Tensor &y_true, const Tensor &y_pred) override {
    Kind kind = y_true && y_pred ? kindOf(y_true, y_pred) : Kind::categorical;
    LossPtr one = kind == Kind::binary   ? BinaryCrossentropy()
                  : kind == Kind::sparse ? SparseCategoricalCrossentropy()
                                         : CategoricalCrossentropy();
    return one->call(y_true, y_pred);
  }
};

using Maker = std::function<LossPtr(const std::string &)>;

const std::map<std::string, Maker> &table() {
#define CORNET_LOSS(KIND, FUNCTION)                                                                \
  {#KIND, [](const std::string &) { return KIND(); }}, {                                           \
    FUNCTION, [](const std::string &name) { return KIND({.name = name}); }                         \
  }
#define CORNET_ALIAS(ALIAS, KIND)                                                                  \
  {                                                                                                \
    ALIAS, [](const std::string &name) { return KIND({.name = name}); }                            \
  }
  static const std::map<std::string, Maker> makers = {
      CORNET_LOSS(MeanSquaredError, "mean_squared_error"),
      CORNET_LOSS(MeanAbsoluteError, "mean_absolute_error"),
      CORNET_LOSS(MeanAbsolutePercentageError, "mean_absolute_percentage_error"),
      CORNET_LOSS(MeanSquaredLogarithmicError, "mean_squared_logarithmic_error"),
      CORNET_LOSS(CosineSimilarity, "cosine_similarity"),
      CORNET_LOSS(Huber, "huber"),
      CORNET_LOSS(LogCosh, "log_cosh"),
      CORNET_LOSS(Hinge, "hinge"),
      CORNET_LOSS(SquaredHinge, "squared_hinge"),
      CORNET_LOSS(CategoricalHinge, "categorical_hinge"),
      CORNET_LOSS(KLDivergence, "kl_divergence"),
      CORNET_LOSS(Poisson, "poisson"),
      CORNET_LOSS(BinaryCrossentropy, "binary_crossentropy"),
      CORNET_LOSS(BinaryFocalCrossentropy, "binary_focal_crossentropy"),
      CORNET_LOSS(CategoricalCrossentropy, "categorical_crossentropy"),
      CORNET_LOSS(CategoricalFocalCrossentropy, "categorical_focal_crossentropy"),
      CORNET_LOSS(SparseCategoricalCrossentropy, "sparse_categorical_crossentropy"),
      CORNET_LOSS(CategoricalGeneralizedCrossEntropy, "categorical_generalized_cross_entropy"),
      CORNET_LOSS(CTC, "ctc"),
      CORNET_LOSS(Dice, "dice"),
      CORNET_LOSS(Tversky, "tversky"),
      CORNET_LOSS(Circle, "circle"),
      CORNET_ALIAS("bce", BinaryCrossentropy),
      CORNET_ALIAS("BCE", BinaryCrossentropy),
      CORNET_ALIAS("kld", KLDivergence),
      CORNET_ALIAS("KLD", KLDivergence),
      CORNET_ALIAS("mae", MeanAbsoluteError),
      CORNET_ALIAS("MAE", MeanAbsoluteError),
      CORNET_ALIAS("mse", MeanSquaredError),
      CORNET_ALIAS("MSE", MeanSquaredError),
      CORNET_ALIAS("mape", MeanAbsolutePercentageError),
      CORNET_ALIAS("MAPE", MeanAbsolutePercentageError),
      CORNET_ALIAS("msle", MeanSquaredLogarithmicError),
      CORNET_ALIAS("MSLE", MeanSquaredLogarithmicError),
      CORNET_ALIAS("logcosh", LogCosh),
      {"crossentropy",
       [](const std::string &name) { return std::make_shared<AnyCrossentropy>(name); }},
      {"ce", [](const std::string &name) { return std::make_shared<AnyCrossentropy>(name); }},
  };
#undef CORNET_LOSS
#undef CORNET_ALIAS
  return makers;
}

} // namespace
} // namespace support

LossPtr loss(const std::string &name) {
  auto it = table().find(name);
  return it == table().end() ? nullptr : it->second(name);
}

std::string checkLoss(const std::string &name) {
  if (table().contains(name))
    return "";
  std::string known;
  for (const auto &[key, maker] : table())
    known += (known.empty() ? "" : ", ") + key;
  return "unknown loss '" + name + "'; known: " + known;
}

LossPtr losses::LossFunction(std::string name, Values function, std::string reduction) {
  struct Own : Loss {
    Own(std::string name, std::string reduction, Values function)
        : Loss(std::move(name), std::move(reduction)), function(std::move(function)) {}
    Values function;
    Tensor call(const Tensor &y_true, const Tensor &y_pred) override {
      Tensor t = y_true, p = y_pred;
      if (t && p && !t.poisoned() && !p.poisoned())
        align(t, p);
      return function(t, p);
    }
  };
  return std::make_shared<Own>(std::move(name), std::move(reduction), std::move(function));
}

} // namespace cornet
