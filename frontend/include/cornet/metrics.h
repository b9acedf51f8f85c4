// SPDX-License-Identifier: Apache-2.0
//
// Metrics with Keras 3's names, arguments and defaults: sums over the batches of an epoch, kept in
// variables, and a value made of them. Shapes, casts and mistakes are those of losses.h. Where a
// loss and a metric share a name, the loss is Hinge() and the metric metrics::Hinge().
//
//     MetricPtr m = metrics::AUC({.curve = "PR"});
//     m->update(y_true, y_pred);         // recorded in the step
//     Tensor value = m->result(y_pred);  // of the sums so far
#pragma once

#include <cornet/losses.h>

namespace cornet {

/// A metric of your own derives from this: variables from addVariable(), their sums in update().
class Metric {
public:
  explicit Metric(std::string name);
  virtual ~Metric() = default;

  /// Records the update of the variables for one batch. The first call may make variables whose
  /// shape depends on the data. `sample_weight` is (B) or has more of the values' dimensions.
  virtual void update(const Tensor &y_true, const Tensor &y_pred,
                      const Tensor &sample_weight = {}) = 0;
  /// The value of the variables' latest values in the graph of `like`: a scalar, or a vector where
  /// Keras gives one. Call update() before, in this graph or another.
  virtual Tensor result(const Tensor &like) = 0;

  std::string name;
  std::string direction;              ///< of better values: "up", "down", or "" where neither is
  std::vector<VariablePtr> variables; ///< "<name>/total", ...: set to zero between epochs

protected:
  VariablePtr addVariable(const std::string &name, Shape shape,
                          const Initializer &initializer = "zeros");
  /// Records variable += amount.
  static void add(const VariablePtr &variable, const Tensor &amount);
};
using MetricPtr = std::shared_ptr<Metric>;

/// A metric by Keras's name of the class ("AUC", "auc", "MeanSquaredError", "mean_squared_error")
/// or alias ("mse", ...), with default options and that name. "accuracy" and "acc" choose by the
/// shapes of targets and predictions: binary for predictions with a last dimension of 1; sparse for
/// targets of a lower rank, or of a last dimension of 1; else categorical. So do "crossentropy" and
/// "ce", unless `loss` is such a crossentropy: then it is the mean of that one. nullptr when
/// unknown.
MetricPtr metric(const std::string &name, const Tensor &y_true, const Tensor &y_pred,
                 const LossPtr &loss = {});
/// What is wrong with that name, or "": "unknown metric 'x'; known: ...".
std::string checkMetric(const std::string &name);

namespace metrics {

/// The mean of a function's values over all samples, weighted: Keras's MeanMetricWrapper.
MetricPtr MetricFunction(std::string name,
                         std::function<Tensor(const Tensor &y_true, const Tensor &y_pred)> function,
                         std::string direction = "");
/// The mean of a loss's values over the samples that count.
MetricPtr MetricOfLoss(std::string name, LossPtr loss, std::string direction = "down");

struct MetricOptions {
  std::string name = ""; ///< empty: Keras's
};

/// Mean and sum of numbers: of y_pred, y_true is not looked at and may be no tensor.
MetricPtr Mean(MetricOptions options = {});
MetricPtr Sum(MetricOptions options = {});

// Means of the losses of these names.
MetricPtr MeanSquaredError(MetricOptions options = {});
MetricPtr MeanAbsoluteError(MetricOptions options = {});
MetricPtr MeanAbsolutePercentageError(MetricOptions options = {});
MetricPtr MeanSquaredLogarithmicError(MetricOptions options = {});
MetricPtr LogCoshError(MetricOptions options = {});
MetricPtr Hinge(MetricOptions options = {});
MetricPtr SquaredHinge(MetricOptions options = {});
MetricPtr CategoricalHinge(MetricOptions options = {});
MetricPtr KLDivergence(MetricOptions options = {});
MetricPtr Poisson(MetricOptions options = {});
/// The square root of the mean of (y - p)^2.
MetricPtr RootMeanSquaredError(MetricOptions options = {});

struct AxisOptions {
  std::string name = "";
  int64_t axis = -1;
};
/// sum(y p) / (|y| |p|) along `axis`: the loss with the other sign.
MetricPtr CosineSimilarity(AxisOptions options = {});
/// Pearson's r along `axis`, the mean over the rest.
MetricPtr PearsonCorrelation(AxisOptions options = {});
/// Lin's concordance along `axis`, as Keras has it: 2 mean((y - m)(p - m)) / (var y + var p +
/// (mean y - m)^2 + epsilon), m the mean of p.
MetricPtr ConcordanceCorrelation(AxisOptions options = {});

struct BinaryCrossentropyOptions {
  std::string name = "";
  bool from_logits = false;
  double label_smoothing = 0;
};
MetricPtr BinaryCrossentropy(BinaryCrossentropyOptions options = {});
struct CategoricalCrossentropyOptions {
  std::string name = "";
  bool from_logits = false;
  double label_smoothing = 0;
  int64_t axis = -1;
};
MetricPtr CategoricalCrossentropy(CategoricalCrossentropyOptions options = {});
struct SparseCategoricalCrossentropyOptions {
  std::string name = "";
  bool from_logits = false;
  std::optional<int64_t> ignore_class = {};
  int64_t axis = -1;
};
MetricPtr SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions options = {});

/// How often y = p.
MetricPtr Accuracy(MetricOptions options = {});
struct BinaryAccuracyOptions {
  std::string name = "";
  double threshold = 0.5; ///< above it p is 1
};
MetricPtr BinaryAccuracy(BinaryAccuracyOptions options = {});
/// How often the largest p is where the largest y is; the first of equals.
MetricPtr CategoricalAccuracy(MetricOptions options = {});
/// The same of classes (B, ...) or (B, ..., 1).
MetricPtr SparseCategoricalAccuracy(MetricOptions options = {});
struct TopKCategoricalAccuracyOptions {
  int64_t k = 5;
  std::string name = "";
};
/// How often fewer than k predictions are above that of the class.
MetricPtr TopKCategoricalAccuracy(TopKCategoricalAccuracyOptions options = {});
struct SparseTopKCategoricalAccuracyOptions {
  int64_t k = 5;
  std::string name = "";
  bool from_sorted_ids = false; ///< predictions are classes, best first
};
MetricPtr SparseTopKCategoricalAccuracy(SparseTopKCategoricalAccuracyOptions options = {});

// Counts of a threshold: a prediction is positive above it, a label where it is not 0. One
// threshold gives a scalar, several a vector.
struct CountOptions {
  std::vector<double> thresholds = {}; ///< in [0, 1]; empty: 0.5
  std::string name = "";
};
MetricPtr TruePositives(CountOptions options = {});
MetricPtr FalsePositives(CountOptions options = {});
MetricPtr TrueNegatives(CountOptions options = {});
MetricPtr FalseNegatives(CountOptions options = {});

struct PrecisionOptions {
  std::vector<double> thresholds = {};  ///< in [0, 1]; empty: 0.5, or none where top_k is given
  std::optional<int64_t> top_k = {};    ///< only the k largest of the last axis may be positive
  std::optional<int64_t> class_id = {}; ///< of this class of the last axis alone
  std::string name = "";
};
using RecallOptions = PrecisionOptions;
/// TP / (TP + FP), 0 where there are none
MetricPtr Precision(PrecisionOptions options = {});
/// TP / (TP + FN)
MetricPtr Recall(RecallOptions options = {});

// The best of one rate where another is at least a value, over evenly spaced thresholds.
struct SensitivityAtSpecificityOptions {
  double specificity = 0.5;
  int64_t num_thresholds = 200;
  std::optional<int64_t> class_id = {};
  std::string name = "";
};
MetricPtr SensitivityAtSpecificity(SensitivityAtSpecificityOptions options);
struct SpecificityAtSensitivityOptions {
  double sensitivity = 0.5;
  int64_t num_thresholds = 200;
  std::optional<int64_t> class_id = {};
  std::string name = "";
};
MetricPtr SpecificityAtSensitivity(SpecificityAtSensitivityOptions options);
struct PrecisionAtRecallOptions {
  double recall = 0.5;
  int64_t num_thresholds = 200;
  std::optional<int64_t> class_id = {};
  std::string name = "";
};
MetricPtr PrecisionAtRecall(PrecisionAtRecallOptions options);
struct RecallAtPrecisionOptions {
  double precision = 0.5;
  int64_t num_thresholds = 200;
  std::optional<int64_t> class_id = {};
  std::string name = "";
};
MetricPtr RecallAtPrecision(RecallAtPrecisionOptions options);

struct AUCOptions {
  int64_t num_thresholds = 200;
  std::string curve = "ROC";                      ///< or "PR", "PRGAIN"
  std::string summation_method = "interpolation"; ///< or "minoring", "majoring"
  std::string name = "";
  std::vector<double> thresholds = {}; ///< of your own, instead of evenly spaced ones
  bool multi_label = false;            ///< a curve for each of L labels, (B, L)
  int64_t num_labels = 0;              ///< known beforehand, with multi_label
  std::vector<double> label_weights = {};
  bool from_logits = false;
};
/// The area under a curve of rates at the thresholds, a Riemann sum; of several labels, the mean.
MetricPtr AUC(AUCOptions options = {});

struct F1ScoreOptions {
  std::string average = "none";         ///< a score for each class; or "micro", "macro", "weighted"
  std::optional<double> threshold = {}; ///< none: the largest prediction is the positive one
  std::string name = "";
};
struct FBetaScoreOptions {
  std::string average = "none";
  double beta = 1;
  std::optional<double> threshold = {};
  std::string name = "";
};
/// (1 + beta^2) P R / (beta^2 P + R) of precision and recall of targets (B, C)
MetricPtr FBetaScore(FBetaScoreOptions options = {});
MetricPtr F1Score(F1ScoreOptions options = {});

// Intersection over union, TP / (TP + FP + FN), the mean of some classes that are there. Labels
// outside of the classes do not count; weights are cut to integers. The variable is the confusion
// matrix (C, C).
struct IoUOptions {
  int64_t num_classes = 0;
  std::vector<int64_t> target_class_ids = {};
  std::string name = "";
  std::optional<int64_t> ignore_class = {};        ///< a label that does not count
  bool sparse_y_true = true, sparse_y_pred = true; ///< classes; else the largest along `axis` is it
  int64_t axis = -1;
};
MetricPtr IoU(IoUOptions options);
struct BinaryIoUOptions {
  std::vector<int64_t> target_class_ids = {0, 1};
  double threshold = 0.5; ///< from it on p is class 1
  std::string name = "";
};
MetricPtr BinaryIoU(BinaryIoUOptions options = {});
struct MeanIoUOptions {
  int64_t num_classes = 0;
  std::string name = "";
  std::optional<int64_t> ignore_class = {};
  bool sparse_y_true = true, sparse_y_pred = true;
  int64_t axis = -1;
};
MetricPtr MeanIoU(MeanIoUOptions options);
struct OneHotIoUOptions {
  int64_t num_classes = 0;
  std::vector<int64_t> target_class_ids = {};
  std::string name = "";
  std::optional<int64_t> ignore_class = {};
  bool sparse_y_pred = false;
  int64_t axis = -1;
};
MetricPtr OneHotIoU(OneHotIoUOptions options);
struct OneHotMeanIoUOptions {
  int64_t num_classes = 0;
  std::string name = "";
  std::optional<int64_t> ignore_class = {};
  bool sparse_y_pred = false;
  int64_t axis = -1;
};
MetricPtr OneHotMeanIoU(OneHotMeanIoUOptions options);

struct R2ScoreOptions {
  std::string class_aggregation = "uniform_average"; ///< or "variance_weighted_average", "none"
  int64_t num_regressors = 0; ///< not 0: the score adjusted for so many independent variables
  std::string name = "";
};
/// 1 - sum (y - p)^2 / sum (y - mean y)^2 of each column of (B, D)
MetricPtr R2Score(R2ScoreOptions options = {});

} // namespace metrics
} // namespace cornet
