// SPDX-License-Identifier: Apache-2.0
//
// Metrics by Keras's names.
#include "frontend/lib/losses/Formula.h"
#include "frontend/lib/metrics/Support.h"

#include <cornet/layers.h> // snakeCase()

#include <algorithm>

namespace cornet {

using namespace support;

namespace {

using Maker = std::function<MetricPtr(const std::string &)>;

/// By class name, by its snake case and by alias: what needs no argument but a name.
const std::map<std::string, Maker> &table() {
  static const std::map<std::string, Maker> makers = [] {
    std::map<std::string, Maker> t;
#define CORNET_METRIC(KIND)                                                                        \
  t[#KIND] = t[snakeCase(#KIND)] = [](const std::string &name) -> MetricPtr {                      \
    return metrics::KIND({.name = name});                                                          \
  }
    CORNET_METRIC(Mean);
    CORNET_METRIC(Sum);
    CORNET_METRIC(MeanSquaredError);
    CORNET_METRIC(RootMeanSquaredError);
    CORNET_METRIC(MeanAbsoluteError);
    CORNET_METRIC(MeanAbsolutePercentageError);
    CORNET_METRIC(MeanSquaredLogarithmicError);
    CORNET_METRIC(CosineSimilarity);
    CORNET_METRIC(LogCoshError);
    CORNET_METRIC(R2Score);
    CORNET_METRIC(AUC);
    CORNET_METRIC(FalseNegatives);
    CORNET_METRIC(FalsePositives);
    CORNET_METRIC(Precision);
    CORNET_METRIC(Recall);
    CORNET_METRIC(TrueNegatives);
    CORNET_METRIC(TruePositives);
    CORNET_METRIC(ConcordanceCorrelation);
    CORNET_METRIC(PearsonCorrelation);
    CORNET_METRIC(Hinge);
    CORNET_METRIC(SquaredHinge);
    CORNET_METRIC(CategoricalHinge);
    CORNET_METRIC(KLDivergence);
    CORNET_METRIC(Poisson);
    CORNET_METRIC(BinaryCrossentropy);
    CORNET_METRIC(CategoricalCrossentropy);
    CORNET_METRIC(SparseCategoricalCrossentropy);
    CORNET_METRIC(BinaryAccuracy);
    CORNET_METRIC(CategoricalAccuracy);
    CORNET_METRIC(SparseCategoricalAccuracy);
    CORNET_METRIC(TopKCategoricalAccuracy);
    CORNET_METRIC(SparseTopKCategoricalAccuracy);
    CORNET_METRIC(F1Score);
    CORNET_METRIC(FBetaScore);
    CORNET_METRIC(BinaryIoU);
#undef CORNET_METRIC
    for (auto [alias, kind] : {std::pair("bce", "BinaryCrossentropy"),
                               {"BCE", "BinaryCrossentropy"},
                               {"mse", "MeanSquaredError"},
                               {"MSE", "MeanSquaredError"},
                               {"mae", "MeanAbsoluteError"},
                               {"MAE", "MeanAbsoluteError"},
                               {"mape", "MeanAbsolutePercentageError"},
                               {"MAPE", "MeanAbsolutePercentageError"},
                               {"msle", "MeanSquaredLogarithmicError"},
                               {"MSLE", "MeanSquaredLogarithmicError"}})
      t[alias] = t.at(kind);
    return t;
  }();
  return makers;
}

std::string lower(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}
bool isAccuracy(const std::string &name) {
  return lower(name) == "accuracy" || lower(name) == "acc";
}
bool isCrossentropy(const std::string &name) {
  return lower(name) == "crossentropy" || lower(name) == "ce";
}

} // namespace

MetricPtr metric(const std::string &name, const Tensor &y_true, const Tensor &y_pred,
                 const LossPtr &loss) {
  auto it = table().find(name);
  if (it != table().end())
    return it->second(name);
  if (!isAccuracy(name) && !isCrossentropy(name))
    return nullptr;
  Kind kind = y_true && y_pred ? kindOf(y_true, y_pred) : Kind::categorical;
  if (isAccuracy(name))
    return kind == Kind::binary   ? metrics::BinaryAccuracy({.name = name})
           : kind == Kind::sparse ? metrics::SparseCategoricalAccuracy({.name = name})
                                  : metrics::CategoricalAccuracy({.name = name});
  if (auto *known = dynamic_cast<Formula *>(loss.get()); known && known->crossentropy)
    return metrics::MetricOfLoss(name, loss);
  return kind == Kind::binary   ? metrics::BinaryCrossentropy({.name = name})
         : kind == Kind::sparse ? metrics::SparseCategoricalCrossentropy({.name = name})
                                : metrics::CategoricalCrossentropy({.name = name});
}

std::string checkMetric(const std::string &name) {
  if (isAccuracy(name) || isCrossentropy(name) || table().contains(name))
    return "";
  std::string known = "accuracy, crossentropy";
  for (const auto &[key, maker] : table())
    known += ", " + key;
  return "unknown metric '" + name + "'; known: " + known;
}

} // namespace cornet
