// SPDX-License-Identifier: Apache-2.0
//
// Support.h.
#include "frontend/lib/losses/Support.h"

#include "ir/Infer/Infer.h"

#include <utility>

namespace cornet::support {

Tensor poison(const Tensor &like) {
  Node node;
  node.shape = like.shape(), node.poisoned = true;
  return Tensor(like.graph, like.graph->add(std::move(node)));
}

Tensor mistake(const Tensor &like, std::string message) {
  like.graph->mistake(std::move(message));
  return poison(like);
}

std::string shapeOf(const Tensor &x) { return infer::text(x.shape()); }

Tensor expandLast(const Tensor &x) {
  Shape shape = x.shape();
  shape.push_back(1);
  return ops::reshape(x, shape);
}

Tensor squeezeLast(const Tensor &x) {
  Shape shape = x.shape();
  shape.pop_back();
  return ops::reshape(x, shape);
}

static void alignLonger(Tensor &longer, Tensor &shorter) {
  if (longer.shape().back() != 1)
    return;
  if (shorter.rank() == 1)
    shorter = expandLast(shorter);
  else
    longer = squeezeLast(longer);
}

void align(Tensor &a, Tensor &b) {
  if (a.rank() == b.rank() + 1)
    alignLonger(a, b);
  else if (b.rank() == a.rank() + 1)
    alignLonger(b, a);
}

void alignWeight(Tensor &values, Tensor &weight) {
  align(values, weight);
  if (weight.rank() == 0 || weight.rank() >= values.rank())
    return;
  Shape shape = weight.shape();
  shape.resize(values.rank(), 1);
  weight = ops::reshape(weight, shape);
}

Tensor divideNoNan(const Tensor &a, const Tensor &b) {
  Tensor isZero = ops::compare(b, 0.0, "eq");
  return ops::select(isZero, ops::constant(a, 0), a / ops::select(isZero, ops::constant(b, 1), b));
}

int64_t dimension(const Tensor &x, int64_t axis) {
  int64_t at = axis < 0 ? axis + int64_t(x.rank()) : axis;
  return at >= 0 && at < int64_t(x.rank()) ? at : -1;
}

Tensor counting(const Tensor &like, int64_t count, int64_t axis, size_t rank,
                std::optional<int64_t> except) {
  std::vector<float> cells;
  for (int64_t i = 0; i < count; ++i)
    cells.push_back(i == except ? -0.5f : float(i));
  Shape shape(rank - size_t(axis), 1); // dimensions before the axis need not be there
  shape[0] = count;
  return ops::constant(like, shape, std::move(cells));
}

Tensor isClass(const Tensor &labels, const Tensor &scores, int64_t axis,
               std::optional<int64_t> except) {
  int64_t at = dimension(scores, axis);
  Shape wanted = scores.shape();
  if (at < 1)
    return mistake(scores,
                   "axis " + std::to_string(axis) + " is no axis of classes of " + shapeOf(scores));
  int64_t classes = std::exchange(wanted[size_t(at)], 1);
  Shape without = wanted;
  without.erase(without.begin() + at);
  if (labels.shape() != wanted && labels.shape() != without)
    return mistake(scores, "class labels of shape " + shapeOf(labels) + " for predictions of " +
                               shapeOf(scores) + "; give them " + infer::text(without));
  Tensor column = labels.shape() == wanted ? labels : ops::reshape(labels, wanted);
  // An i32 label is compared as f32, like any other.
  return ops::compare(real(column), counting(scores, classes, at, scores.rank(), except), "eq");
}

Tensor operandOf(const Tensor &y, const std::string &op, int64_t axis) {
  const Node node = y.graph->nodes[size_t(y.node)];
  if (node.poisoned || node.operands.empty())
    return {};
  Tensor operand(y.graph, node.operands[0]);
  if (node.op == "cornet.reshape" && op == "cornet.sigmoid") { // ranks were made equal
    Tensor inner = operandOf(operand, op);
    return inner ? ops::reshape(inner, y.shape()) : Tensor();
  }
  if (node.op != op)
    return {};
  if (op == "cornet.softmax" &&
      dimension(y, std::get<int64_t>(node.attributes.at("axis"))) != dimension(y, axis))
    return {};
  return operand;
}

Tensor negativeLog(const Tensor &y_pred, bool from_logits, int64_t axis, Tensor *share) {
  Tensor logits = from_logits ? y_pred : operandOf(y_pred, "cornet.softmax", axis);
  if (!logits) {
    Tensor part = ops::clamp(y_pred / ops::sum(y_pred, {axis}, true), epsilon, almostOne);
    if (share)
      *share = part;
    return -ops::log(part);
  }
  Tensor shifted = logits - ops::stopGradient(ops::reduce(logits, "max", {axis}, true));
  Tensor minus = ops::log(ops::sum(ops::exp(shifted), {axis}, true)) - shifted;
  if (share)
    *share = ops::exp(-minus);
  return minus;
}

} // namespace cornet::support
