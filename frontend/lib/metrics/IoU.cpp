// SPDX-License-Identifier: Apache-2.0
//
// Intersection over union of classes, from a confusion matrix (C, C): targets by predictions.
#include "frontend/lib/metrics/Support.h"

#include <algorithm>

namespace cornet::metrics {

using namespace support;
using ops::read, ops::sum;

namespace {

class Overlap : public Metric {
public:
  Overlap(IoUOptions options, std::optional<double> threshold = {})
      : Metric(options.name), o(std::move(options)), threshold(threshold) {
    direction = "up";
    matrix = addVariable("total_confusion_matrix", {std::max<int64_t>(o.num_classes, 1),
                                                    std::max<int64_t>(o.num_classes, 1)});
  }

  void update(const Tensor &y_true, const Tensor &y_pred, const Tensor &sample_weight) override {
    if (!usable(y_true, y_pred))
      return;
    int64_t C = o.num_classes;
    if (C < 1 || o.target_class_ids.empty() ||
        std::ranges::any_of(o.target_class_ids, [&](int64_t id) { return id < 0 || id >= C; }))
      return y_pred.graph->mistake("metric '" + name + "': num_classes is " + std::to_string(C) +
                                   " and target_class_ids must be some of them");
    Tensor y = o.sparse_y_true ? whole(y_true) : largest(y_true), p;
    if (threshold)
      p = ops::indicator(ops::compare(real(y_pred), *threshold, "ge"));
    else
      p = o.sparse_y_pred ? whole(y_pred) : largest(y_pred);
    if (cellsOf(y) != cellsOf(p))
      return y.graph->mistake("metric '" + name + "': targets " + shapeOf(y_true) +
                              " and predictions " + shapeOf(y_pred) + " differ in their cells");
    // (B, N, C) of one-hot rows; a label outside of the classes, or to be ignored, has none.
    Tensor rows = oneHot(y, o.ignore_class), columns = oneHot(p, {});
    if (sample_weight) {
      Tensor weight = whole(sample_weight);
      Shape shape = weight.shape();
      int64_t cells = cellsOf(weight);
      if (cells != 1 && cells != cellsOf(y))
        return y.graph->mistake("metric '" + name + "': weights " + shapeOf(weight) +
                                " for targets " + shapeOf(y_true));
      rows = rows * ops::reshape(weight, {shape[0], cells, 1});
    }
    Tensor each =
        ops::record("matmul", {rows, columns}, {{"transpose_lhs", true}, {"transpose_rhs", false}});
    add(matrix, sum(each, {0}));
  }

  Tensor result(const Tensor &like) override {
    int64_t C = std::max<int64_t>(o.num_classes, 1);
    std::vector<float> eye(size_t(C * C), 0), wanted(size_t(C), 0);
    for (int64_t i = 0; i < C; ++i)
      eye[size_t(i * C + i)] = 1;
    for (int64_t id : o.target_class_ids)
      if (id >= 0 && id < C)
        wanted[size_t(id)] += 1;
    Tensor counts = read(matrix, like);
    Tensor hits = sum(counts * ops::constant(like, {C, C}, std::move(eye)), {0});
    Tensor unions = sum(counts, {0}) + sum(counts, {1}) - hits;
    Tensor there = ops::indicator(ops::compare(unions, 1e-9, "gt")) *
                   ops::constant(like, {C}, std::move(wanted));
    return sum(hits / (unions + epsilon) * there) / (sum(there) + epsilon);
  }

private:
  /// Cut to integers, as f32.
  static Tensor whole(const Tensor &x) { return real(ops::cast(x, "i32")); }

  static int64_t cellsOf(const Tensor &x) {
    int64_t cells = 1;
    for (size_t d = 1; d < x.rank(); ++d)
      cells *= x.shape()[d];
    return cells;
  }

  /// The index of the largest cell along the axis of classes, as f32.
  Tensor largest(const Tensor &x) const {
    int64_t at = dimension(x, o.axis);
    if (at < 1)
      return mistake(x,
                     "axis " + std::to_string(o.axis) + " is no axis of classes of " + shapeOf(x));
    std::vector<int64_t> order;
    for (int64_t d = 0; d < int64_t(x.rank()); ++d)
      if (d != at)
        order.push_back(d);
    order.push_back(at);
    bool isLast = at + 1 == int64_t(x.rank());
    return real(ops::argmax(real(isLast ? x : ops::transpose(x, order))));
  }

  Tensor oneHot(const Tensor &labels, std::optional<int64_t> except) const {
    Tensor column = ops::reshape(labels, {labels.shape()[0], cellsOf(labels), 1});
    return ops::indicator(
        ops::compare(column, counting(column, o.num_classes, 0, 1, except), "eq"));
  }

  IoUOptions o;
  std::optional<double> threshold;
  VariablePtr matrix;
};

std::vector<int64_t> allOf(int64_t classes) {
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < classes; ++i)
    ids.push_back(i);
  return ids;
}

} // namespace

MetricPtr IoU(IoUOptions o) {
  o.name = orName(o.name, "io_u");
  return std::make_shared<Overlap>(std::move(o));
}
MetricPtr BinaryIoU(BinaryIoUOptions o) {
  return std::make_shared<Overlap>(IoUOptions{.num_classes = 2,
                                              .target_class_ids = o.target_class_ids,
                                              .name = orName(o.name, "binary_io_u")},
                                   o.threshold);
}
MetricPtr MeanIoU(MeanIoUOptions o) {
  return IoU({.num_classes = o.num_classes,
              .target_class_ids = allOf(o.num_classes),
              .name = orName(o.name, "mean_io_u"),
              .ignore_class = o.ignore_class,
              .sparse_y_true = o.sparse_y_true,
              .sparse_y_pred = o.sparse_y_pred,
              .axis = o.axis});
}
MetricPtr OneHotIoU(OneHotIoUOptions o) {
  return IoU({.num_classes = o.num_classes,
              .target_class_ids = o.target_class_ids,
              .name = orName(o.name, "one_hot_io_u"),
              .ignore_class = o.ignore_class,
              .sparse_y_true = false,
              .sparse_y_pred = o.sparse_y_pred,
              .axis = o.axis});
}
MetricPtr OneHotMeanIoU(OneHotMeanIoUOptions o) {
  return MeanIoU({.num_classes = o.num_classes,
                  .name = orName(o.name, "one_hot_mean_io_u"),
                  .ignore_class = o.ignore_class,
                  .sparse_y_true = false,
                  .sparse_y_pred = o.sparse_y_pred,
                  .axis = o.axis});
}

} // namespace cornet::metrics
