// SPDX-License-Identifier: Apache-2.0
//
// How often predictions hit.
#include "frontend/lib/metrics/Support.h"

#include <limits>

namespace cornet::metrics {

using namespace support;
using ops::compare, ops::indicator;

/// The index of the first largest cell along the last axis, as f32, that axis kept.
static Tensor first(const Tensor &x) {
  int64_t classes = x.shape().back();
  Tensor best = compare(x, ops::reduce(x, "max", {-1}, true), "eq");
  Tensor place = ops::select(best, counting(x, classes, 0, 1), ops::constant(x, double(classes)));
  return ops::reduce(place, "min", {-1}, true);
}

/// Classes as f32 with a last dimension of 1, for predictions `p`.
static Tensor column(const Tensor &labels, const Tensor &p) {
  return labels.rank() == p.rank() ? real(labels) : expandLast(real(labels));
}

/// 1 where less than k of the predictions are above that of the class `label` (..., 1).
static Tensor inTopK(const Tensor &label, const Tensor &p, int64_t k) {
  int64_t classes = p.shape().back();
  Tensor chosen = compare(label, counting(p, classes, 0, 1), "eq");
  // No such class: below all. What is not a number is above none and below none.
  Tensor lowest = ops::constant(p, std::numeric_limits<float>::lowest());
  Tensor score = ops::reduce(ops::select(chosen, p, lowest), "max", {-1}, true);
  Tensor notAbove = ops::sum(indicator(compare(p, score, "le")), {-1});
  return indicator(compare(notAbove, double(classes - k), "gt"));
}

MetricPtr Accuracy(MetricOptions o) {
  auto values = [](const Tensor &y_true, const Tensor &y_pred) {
    Tensor y = real(y_true), p = real(y_pred);
    align(y, p);
    return indicator(compare(y, p, "eq"));
  };
  return MetricFunction(orName(o.name, "accuracy"), values, "up");
}

MetricPtr BinaryAccuracy(BinaryAccuracyOptions o) {
  auto values = [threshold = o.threshold](const Tensor &y_true, const Tensor &y_pred) {
    Tensor y = real(y_true), p = real(y_pred);
    align(y, p);
    return indicator(compare(y, indicator(compare(p, threshold, "gt")), "eq"));
  };
  return MetricFunction(orName(o.name, "binary_accuracy"), values, "up");
}

MetricPtr CategoricalAccuracy(MetricOptions o) {
  auto values = [](const Tensor &y, const Tensor &p) {
    return squeezeLast(indicator(compare(first(real(y)), first(real(p)), "eq")));
  };
  return MetricFunction(orName(o.name, "categorical_accuracy"), values, "up");
}

MetricPtr SparseCategoricalAccuracy(MetricOptions o) {
  auto values = [](const Tensor &y, const Tensor &p) {
    return squeezeLast(indicator(compare(column(y, p), first(real(p)), "eq")));
  };
  return MetricFunction(orName(o.name, "sparse_categorical_accuracy"), values, "up");
}

MetricPtr TopKCategoricalAccuracy(TopKCategoricalAccuracyOptions o) {
  auto values = [k = o.k](const Tensor &y, const Tensor &p) {
    return inTopK(first(real(y)), real(p), k);
  };
  return MetricFunction(orName(o.name, "top_k_categorical_accuracy"), values, "up");
}

MetricPtr SparseTopKCategoricalAccuracy(SparseTopKCategoricalAccuracyOptions o) {
  auto values = [o](const Tensor &y, const Tensor &y_pred) {
    Tensor p = real(y_pred);
    if (!o.from_sorted_ids)
      return inTopK(column(y, p), p, o.k);
    Shape start(p.rank(), 0), size = p.shape();
    size.back() = std::min(size.back(), o.k);
    Tensor best = ops::slice(p, start, size);
    return ops::reduce(indicator(compare(column(y, p), best, "eq")), "max", {-1});
  };
  return MetricFunction(orName(o.name, "sparse_top_k_categorical_accuracy"), values, "up");
}

} // namespace cornet::metrics
