// SPDX-License-Identifier: Apache-2.0
//
// Confusion.h, and the metrics of few thresholds.
#include "frontend/lib/metrics/Confusion.h"

#include <algorithm>
#include <cmath>

namespace cornet {
namespace support {

using ops::compare, ops::constant, ops::indicator, ops::read, ops::select, ops::sum;

Thresholds Thresholds::of(std::vector<double> values) {
  bool even = values.size() >= 3;
  for (size_t i = 0; even && i < values.size(); ++i) {
    double wanted = double(i) / double(values.size() - 1);
    even = std::fabs(values[i] - wanted) <= 1e-7 + 1e-5 * wanted;
  }
  bool all = even && (values.front() < 0 || values.back() > 1);
  return {std::move(values), even, all};
}

Thresholds Thresholds::spread(int64_t count) {
  if (count == 1)
    return {{0.5}};
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i)
    values.push_back(double(i) / double(count - 1));
  return {std::move(values), true, false};
}

/// `p` where it is among the `k` largest of the last axis, the first of equals, else far below.
static Tensor onlyTopK(const Tensor &p, int64_t k) {
  int64_t classes = p.shape().back();
  Tensor chosen = ops::oneHot(ops::topK(p, std::min(k, classes)).indices, classes);
  return select(compare(sum(chosen, {-2}), 0.0, "gt"), p, constant(p, -1e10));
}

/// `p` above each threshold (T), of p (B, N, 1): (B, N, T), as i1.
static Tensor above(const Tensor &p, const Thresholds &thresholds) {
  int64_t count = int64_t(thresholds.values.size());
  std::vector<float> cells;
  for (int64_t i = 0; i < count; ++i)
    cells.push_back(thresholds.even ? float(i) : float(thresholds.values[size_t(i)]));
  if (thresholds.all)
    cells[0] = -1;
  Tensor scaled = thresholds.even ? ops::clamp(p, 0, 1) * double(count - 1) : p;
  return compare(scaled, constant(p, {count}, std::move(cells)), "gt");
}

Counts countsOf(const Tensor &y_true, const Tensor &y_pred, const Tensor &sample_weight,
                const Thresholds &thresholds, const Selection &selection) {
  if (!usable(y_true, y_pred))
    return {};
  Tensor y = real(y_true), p = real(y_pred), weight;
  align(p, y);
  if (y.shape() != p.shape()) {
    y.graph->mistake("targets " + shapeOf(y_true) + " and predictions " + shapeOf(y_pred) +
                     " must have the same shape");
    return {};
  }
  if (selection.top_k)
    p = onlyTopK(p, *selection.top_k);
  if (selection.class_id) {
    int64_t id = *selection.class_id;
    if (p.rank() < 2 || id < 0 || id >= p.shape().back()) {
      p.graph->mistake("class_id " + std::to_string(id) + " is no class of predictions " +
                       shapeOf(p));
      return {};
    }
    Shape start(p.rank(), 0), size = p.shape();
    start.back() = id, size.back() = 1;
    y = ops::slice(y, start, size), p = ops::slice(p, start, size);
  }
  if (selection.multi_label && p.rank() != 2) {
    p.graph->mistake("multi_label needs predictions (B, L), got " + shapeOf(p));
    return {};
  }
  if (sample_weight) {
    weight = real(sample_weight);
    if (weight.rank() == y.rank() + 1 && weight.shape().back() == 1)
      weight = squeezeLast(weight);
    Shape shape = weight.shape();
    if (shape.size() < y.rank()) {
      shape.resize(y.rank(), 1);
      weight = ops::reshape(weight, shape);
    }
  }
  if (!selection.label_weights.empty()) {
    std::vector<float> cells(selection.label_weights.begin(), selection.label_weights.end());
    Tensor labels = constant(y, {int64_t(cells.size())}, std::move(cells));
    weight = weight ? weight * labels : labels;
  }
  // Of each cell, what it adds where its label is positive and where it is not.
  Tensor isPositive = indicator(compare(y, 0.0, "ne")), positive = isPositive,
         negative = 1.0 - isPositive;
  if (weight)
    positive = positive * weight, negative = negative * weight;
  int64_t cells = 1;
  for (size_t d = 1; d < y.rank(); ++d)
    cells *= y.shape()[d];
  Shape flat{p.shape()[0], cells, 1};
  Tensor isAbove = above(ops::reshape(p, flat), thresholds), none = constant(y, 0);
  std::vector<int64_t> axes =
      selection.multi_label ? std::vector<int64_t>{0} : std::vector<int64_t>{0, 1};
  auto count = [&](const Tensor &cell) {
    Tensor total = sum(select(isAbove, ops::reshape(cell, flat), none), axes);
    return selection.multi_label ? ops::transpose(total, {1, 0}) : total;
  };
  auto all = [&](const Tensor &cell) { return selection.multi_label ? sum(cell, {0}) : sum(cell); };
  return {count(positive), count(negative), all(positive), all(negative)};
}

ConfusionMetric::ConfusionMetric(std::string name, Thresholds thresholds, Selection selection)
    : Metric(std::move(name)), thresholds(std::move(thresholds)), selection(std::move(selection)) {
  direction = "up";
}

void ConfusionMetric::build(Shape shape) {
  for (const char *part :
       {"true_positives", "false_positives", "true_negatives", "false_negatives"})
    addVariable(part, shape);
}

void ConfusionMetric::addCounts(const Tensor &y_true, const Tensor &y_pred,
                                const Tensor &sample_weight) {
  Counts c = countsOf(y_true, y_pred, sample_weight, thresholds, selection);
  if (!c.truePositives || c.truePositives.poisoned())
    return;
  if (variables.empty())
    build(c.truePositives.shape());
  add(variables[0], c.truePositives), add(variables[1], c.falsePositives);
  add(variables[2], c.negatives - c.falsePositives);
  add(variables[3], c.positives - c.truePositives);
}

ConfusionMetric::Rates ConfusionMetric::rates(const Tensor &like) const {
  return {read(variables[0], like), read(variables[1], like), read(variables[2], like),
          read(variables[3], like)};
}

} // namespace support

namespace metrics {

using namespace support;

namespace {

/// A scalar of one threshold, else the vector.
Tensor oneOrAll(const Tensor &x) { return x.shape() == Shape{1} ? ops::reshape(x, {}) : x; }

std::vector<double> orHalf(std::vector<double> thresholds, double otherwise = 0.5) {
  return thresholds.empty() ? std::vector<double>{otherwise} : thresholds;
}

using Part = Tensor (*)(const Counts &);

/// One count of the four.
class Count : public Metric {
public:
  Count(std::string name, const std::vector<double> &given, Part part)
      : Metric(std::move(name)), thresholds(Thresholds::of(orHalf(given))), part(part) {
    accumulator = addVariable("accumulator", {int64_t(thresholds.values.size())});
  }
  void update(const Tensor &y_true, const Tensor &y_pred, const Tensor &sample_weight) override {
    Counts c = countsOf(y_true, y_pred, sample_weight, thresholds, {});
    if (c.truePositives)
      add(accumulator, part(c));
  }
  Tensor result(const Tensor &like) override { return oneOrAll(ops::read(accumulator, like)); }

private:
  Thresholds thresholds;
  Part part;
  VariablePtr accumulator;
};

Tensor falseNegatives(const Counts &c) { return c.positives - c.truePositives; }

/// TP / (TP + other)
class Ratio : public Metric {
public:
  Ratio(std::string name, const PrecisionOptions &o, const char *other, Part part)
      : Metric(std::move(name)),
        thresholds(Thresholds::of(orHalf(o.thresholds, o.top_k ? -1e10 : 0.5))),
        selection{o.top_k, o.class_id}, part(part) {
    direction = "up";
    Shape shape{int64_t(thresholds.values.size())};
    truePositives = addVariable("true_positives", shape), rest = addVariable(other, shape);
  }
  void update(const Tensor &y_true, const Tensor &y_pred, const Tensor &sample_weight) override {
    Counts c = countsOf(y_true, y_pred, sample_weight, thresholds, selection);
    if (!c.truePositives)
      return;
    add(truePositives, c.truePositives), add(rest, part(c));
  }
  Tensor result(const Tensor &like) override {
    Tensor hits = ops::read(truePositives, like);
    return oneOrAll(divideNoNan(hits, hits + ops::read(rest, like)));
  }

private:
  Thresholds thresholds;
  Selection selection;
  Part part;
  VariablePtr truePositives, rest;
};

} // namespace

MetricPtr TruePositives(CountOptions o) {
  return std::make_shared<Count>(orName(o.name, "true_positives"), o.thresholds,
                                 [](const Counts &c) { return c.truePositives; });
}
MetricPtr FalsePositives(CountOptions o) {
  return std::make_shared<Count>(orName(o.name, "false_positives"), o.thresholds,
                                 [](const Counts &c) { return c.falsePositives; });
}
MetricPtr TrueNegatives(CountOptions o) {
  return std::make_shared<Count>(orName(o.name, "true_negatives"), o.thresholds,
                                 [](const Counts &c) { return c.negatives - c.falsePositives; });
}
MetricPtr FalseNegatives(CountOptions o) {
  return std::make_shared<Count>(orName(o.name, "false_negatives"), o.thresholds, falseNegatives);
}
MetricPtr Precision(PrecisionOptions o) {
  return std::make_shared<Ratio>(orName(o.name, "precision"), o, "false_positives",
                                 [](const Counts &c) { return c.falsePositives; });
}
MetricPtr Recall(RecallOptions o) {
  return std::make_shared<Ratio>(orName(o.name, "recall"), o, "false_negatives", falseNegatives);
}

} // namespace metrics
} // namespace cornet
