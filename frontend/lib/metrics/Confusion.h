// SPDX-License-Identifier: Apache-2.0
//
// Counts of a binary decision at thresholds, what precision, recall, AUC and their kin are made of.
#pragma once

#include "frontend/lib/metrics/Support.h"

namespace cornet::support {

/// Thresholds in order, and how predictions are compared with them.
struct Thresholds {
  std::vector<double> values;
  /// They are i / (T - 1): predictions are cut to [0, 1] and compared as p (T - 1) > i, which
  /// rounds as Keras's buckets do.
  bool even = false;
  bool all = false; ///< with even: the first is below 0, so that all predictions are above it

  /// Keras's choice for thresholds of a user: even where they are, to 1e-5.
  static Thresholds of(std::vector<double> values);
  /// 0, 1 / (count - 1), ..., 1; one alone is 0.5.
  static Thresholds spread(int64_t count);
};

struct Selection {
  std::optional<int64_t> top_k, class_id;
  bool multi_label = false; ///< counts (T, L) of targets (B, L), else (T)
  std::vector<double> label_weights{};
};

/// The weighted counts of one batch; of multi_label (T, L), else (T). The totals of labels
/// broadcast against them.
struct Counts {
  Tensor truePositives, falsePositives, positives, negatives;
};

/// Nothing is set where a mistake was recorded.
Counts countsOf(const Tensor &y_true, const Tensor &y_pred, const Tensor &sample_weight,
                const Thresholds &thresholds, const Selection &selection);

/// Base of metrics that keep all four counts.
class ConfusionMetric : public Metric {
public:
  ConfusionMetric(std::string name, Thresholds thresholds, Selection selection);

protected:
  /// Makes the variables of `shape`.
  void build(Shape shape);
  void addCounts(const Tensor &y_true, const Tensor &y_pred, const Tensor &sample_weight);

  struct Rates {
    Tensor truePositives, falsePositives, trueNegatives, falseNegatives;
    Tensor recall() const { return divideNoNan(truePositives, truePositives + falseNegatives); }
    Tensor precision() const { return divideNoNan(truePositives, truePositives + falsePositives); }
    Tensor specificity() const {
      return divideNoNan(trueNegatives, trueNegatives + falsePositives);
    }
    Tensor fallOut() const { return divideNoNan(falsePositives, falsePositives + trueNegatives); }
  };
  Rates rates(const Tensor &like) const;

  Thresholds thresholds;
  Selection selection;
};

} // namespace cornet::support
