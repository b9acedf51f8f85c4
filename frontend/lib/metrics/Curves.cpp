// SPDX-License-Identifier: Apache-2.0
//
// Metrics of many thresholds: the area under a curve, and the best of one rate where another is
// high enough.
#include "frontend/lib/metrics/Confusion.h"

#include <algorithm>
#include <numeric>

namespace cornet::metrics {

using namespace support;
using ops::compare, ops::constant, ops::maximum, ops::minimum, ops::select, ops::sum;

namespace {

class BestRate : public ConfusionMetric {
public:
  using Rate = Tensor (Rates::*)() const;

  BestRate(std::string name, double value, int64_t count, std::optional<int64_t> class_id,
           Rate constrained, Rate dependent)
      : ConfusionMetric(std::move(name), Thresholds::spread(std::max<int64_t>(count, 1)),
                        {{}, class_id}),
        value(value), count(count), constrained(constrained), dependent(dependent) {
    build({int64_t(thresholds.values.size())});
  }
  void update(const Tensor &y_true, const Tensor &y_pred, const Tensor &sample_weight) override {
    if (y_pred && (value < 0 || value > 1 || count < 1))
      return y_pred.graph->mistake("metric '" + name + "': a rate of " + std::to_string(value) +
                                   " over " + std::to_string(count) +
                                   " thresholds; give one in [0, 1] and at least one threshold");
    addCounts(y_true, y_pred, sample_weight);
  }
  Tensor result(const Tensor &like) override {
    Rates r = rates(like);
    Tensor wanted = (r.*dependent)();
    Tensor feasible = compare((r.*constrained)(), value, "ge");
    return ops::reduce(select(feasible, wanted, constant(wanted, 0)), "max", {0});
  }

  static constexpr Rate recall = &Rates::recall, precision = &Rates::precision,
                        specificity = &Rates::specificity;

private:
  double value;
  int64_t count;
  Rate constrained, dependent;
};

class AreaUnderCurve : public ConfusionMetric {
public:
  explicit AreaUnderCurve(AUCOptions options)
      : ConfusionMetric(orName(options.name, "auc"), thresholdsOf(options),
                        {{}, {}, options.multi_label, {}}),
        o(std::move(options)) {
    if (!o.multi_label)
      selection.label_weights = o.label_weights; // else they weigh the labels' areas
    int64_t count = int64_t(thresholds.values.size());
    if (!o.multi_label)
      build({count});
    else if (o.num_labels > 0)
      build({count, o.num_labels});
  }

  void update(const Tensor &y_true, const Tensor &y_pred, const Tensor &sample_weight) override {
    if (std::string wrong = check(); y_pred && !wrong.empty())
      return y_pred.graph->mistake("AUC: " + wrong);
    if (usable(y_true, y_pred))
      addCounts(y_true, o.from_logits ? ops::sigmoid(y_pred) : y_pred, sample_weight);
  }

  Tensor result(const Tensor &like) override {
    if (variables.empty())
      return constant(like, 0);
    Rates r = rates(like);
    Tensor terms =
        o.curve == "PR" && o.summation_method == "interpolation" ? interpolated(r) : riemann(r);
    if (!o.multi_label)
      return sum(terms);
    Tensor areas = sum(terms, {0});
    if (o.label_weights.empty())
      return ops::mean(areas);
    std::vector<float> cells(o.label_weights.begin(), o.label_weights.end());
    double all = std::accumulate(cells.begin(), cells.end(), 0.0);
    Tensor weights = constant(like, {int64_t(cells.size())}, std::move(cells));
    return sum(areas * weights) * (all == 0 ? 0 : 1 / all);
  }

private:
  /// Below 0, what is given or spread between, above 1.
  static Thresholds thresholdsOf(const AUCOptions &o) {
    if (o.thresholds.empty()) {
      Thresholds spread = Thresholds::spread(std::max<int64_t>(o.num_thresholds, 2));
      spread.all = true;
      return spread;
    }
    std::vector<double> values = o.thresholds;
    std::ranges::sort(values);
    values.insert(values.begin(), 0), values.push_back(1);
    Thresholds given = Thresholds::of(values);
    given.values.front() = -epsilon, given.values.back() = 1 + epsilon;
    given.all = given.even;
    return given;
  }

  std::string check() const {
    if (o.curve != "ROC" && o.curve != "PR" && o.curve != "PRGAIN")
      return "curve is '" + o.curve + "'; use ROC, PR or PRGAIN";
    if (o.summation_method != "interpolation" && o.summation_method != "minoring" &&
        o.summation_method != "majoring")
      return "summation_method is '" + o.summation_method +
             "'; use interpolation, minoring or majoring";
    if (o.thresholds.empty() && o.num_thresholds < 2)
      return "num_thresholds must be at least 2, got " + std::to_string(o.num_thresholds);
    return "";
  }

  /// All but the last and all but the first threshold.
  static Tensor before(const Tensor &x) { return part(x, 0); }
  static Tensor after(const Tensor &x) { return part(x, 1); }
  static Tensor part(const Tensor &x, int64_t first) {
    Shape start(x.rank(), 0), size = x.shape();
    start[0] = first, --size[0];
    return ops::slice(x, start, size);
  }

  Tensor riemann(const Rates &r) const {
    Tensor x, y;
    if (o.curve == "ROC")
      x = r.fallOut(), y = r.recall();
    else if (o.curve == "PR")
      x = r.recall(), y = r.precision();
    else {
      Tensor scale =
          divideNoNan(r.truePositives + r.falseNegatives, r.trueNegatives + r.falsePositives);
      Tensor none = compare(r.truePositives, 0.0, "eq");
      Tensor recall = 1.0 - scale * divideNoNan(r.falseNegatives, r.truePositives);
      Tensor precision = 1.0 - scale * divideNoNan(r.falsePositives, r.truePositives);
      x = ops::relu(select(none, constant(scale, 0), recall));
      y = select(none, constant(scale, 1), precision);
    }
    Tensor heights = o.summation_method == "interpolation" ? (before(y) + after(y)) * 0.5
                     : o.summation_method == "minoring"    ? minimum(before(y), after(y))
                                                           : maximum(before(y), after(y));
    return (before(x) - after(x)) * heights;
  }

  /// Davis and Goadrich 2006: between two thresholds the true positives are linear in all
  /// positives.
  static Tensor interpolated(const Rates &r) {
    const Tensor &hits = r.truePositives;
    Tensor found = hits + r.falsePositives;
    Tensor more = before(hits) - after(hits);
    Tensor slope = divideNoNan(more, ops::relu(before(found) - after(found)));
    Tensor intercept = after(hits) - slope * after(found);
    Tensor least = minimum(before(found), after(found)), one = constant(found, 1);
    Tensor both = compare(least, 0.0, "gt");
    Tensor ratio = select(both, before(found) / select(both, after(found), one), one);
    return divideNoNan(slope * (more + intercept * ops::log(ratio)),
                       ops::relu(after(hits) + after(r.falseNegatives)));
  }

  AUCOptions o;
};

} // namespace

MetricPtr AUC(AUCOptions o) { return std::make_shared<AreaUnderCurve>(std::move(o)); }

MetricPtr SensitivityAtSpecificity(SensitivityAtSpecificityOptions o) {
  return std::make_shared<BestRate>(orName(o.name, "sensitivity_at_specificity"), o.specificity,
                                    o.num_thresholds, o.class_id, BestRate::specificity,
                                    BestRate::recall);
}
MetricPtr SpecificityAtSensitivity(SpecificityAtSensitivityOptions o) {
  return std::make_shared<BestRate>(orName(o.name, "specificity_at_sensitivity"), o.sensitivity,
                                    o.num_thresholds, o.class_id, BestRate::recall,
                                    BestRate::specificity);
}
MetricPtr PrecisionAtRecall(PrecisionAtRecallOptions o) {
  return std::make_shared<BestRate>(orName(o.name, "precision_at_recall"), o.recall,
                                    o.num_thresholds, o.class_id, BestRate::recall,
                                    BestRate::precision);
}
MetricPtr RecallAtPrecision(RecallAtPrecisionOptions o) {
  return std::make_shared<BestRate>(orName(o.name, "recall_at_precision"), o.precision,
                                    o.num_thresholds, o.class_id, BestRate::precision,
                                    BestRate::recall);
}

} // namespace cornet::metrics
