// SPDX-License-Identifier: Apache-2.0
//
// The rules of pointwise ops and of those that stand alone, and the table that finds every rule by
// name.
#include "ir/Infer/Rules.h"

#include <set>

namespace cornet::infer {
namespace {

Result pointwise(Operands operands, const Attributes &) {
  Result result{operands[0], ""};
  for (const TensorType &operand : operands.subspan(1)) {
    result = broadcast(result.type, operand);
    if (!result)
      return result;
  }
  return result;
}

Result compare(Operands operands, const Attributes &attributes) {
  static const std::set<std::string, std::less<>> known = {"eq", "ne", "lt", "le", "gt", "ge"};
  if (!known.contains(get<std::string>(attributes, "predicate")))
    return fail("compare_c1: predicate must be eq, ne, lt, le, gt or ge, got '" +
                get<std::string>(attributes, "predicate") + "'");
  Result result = pointwise(operands, attributes);
  result.type.dtype = DType::i1;
  return result;
}

Result select(Operands operands, const Attributes &) {
  if (operands[0].dtype != DType::i1)
    return fail("select_c1: the condition must be i1");
  Result result = broadcast(operands[1], operands[2]);
  if (!result)
    return result;
  DType dtype = result.type.dtype;
  TensorType condition{dtype, operands[0].shape};
  return broadcast(condition, result.type);
}

Result castTo(Operands operands, const Attributes &attributes) {
  static const std::map<std::string, DType, std::less<>> known = {
      {"f32", DType::f32}, {"f64", DType::f64}, {"bf16", DType::bf16}, {"f16", DType::f16},
      {"i32", DType::i32}, {"i1", DType::i1},   {"i8", DType::i8},     {"ui8", DType::ui8}};
  auto it = known.find(get<std::string>(attributes, "to"));
  if (it == known.end())
    return fail("cast_c1: to must be f32, f64, bf16, f16, i32, i1, i8 or ui8, got '" +
                get<std::string>(attributes, "to") + "'");
  return {{it->second, operands[0].shape}, ""};
}

Result random(Operands operands, const Attributes &attributes) {
  const std::string &kind = get<std::string>(attributes, "distribution");
  if (kind != "uniform" && kind != "normal")
    return fail("random_c1: distribution must be uniform or normal, got '" + kind + "'");
  if (operands[0].dtype != DType::i32 || !operands[0].shape.empty())
    return fail("random_c2: the step must be an i32 scalar");
  return {{operands[1].dtype, operands[1].shape}, ""};
}

Result gradient(Operands operands, const Attributes &) {
  for (const TensorType &operand : operands)
    if (!isReal(operand.dtype))
      return fail("gradient_c1: only real numbers have a gradient");
  return {operands[1], ""};
}

Result circle(Operands operands, const Attributes &) {
  const Shape &labels = operands[0].shape, &points = operands[1].shape;
  const Shape &otherLabels = operands[2].shape, &others = operands[3].shape;
  if (labels.size() != 1 || otherLabels.size() != 1 || points.size() != 2 || others.size() != 2 ||
      points[0] != labels[0] || others[0] != otherLabels[0] || points[1] != others[1] ||
      operands[0].dtype != operands[2].dtype || operands[1].dtype != operands[3].dtype)
    return fail("circle_c1: labels (B), embeddings (B, D), reference labels (R) and embeddings "
                "(R, D) are needed, got " +
                text(labels) + ", " + text(points) + ", " + text(otherLabels) + " and " +
                text(others));
  return {{operands[1].dtype, labels}, ""};
}

Result recompute(Operands operands, const Attributes &) { return {operands[0], ""}; }

/// y, then as many x as gradients of x.
Result customGradient(Operands operands, const Attributes &) {
  size_t count = operands.size() / 2;
  for (size_t i = 1; i <= count; ++i)
    if (operands.size() % 2 == 0 || operands[i] != operands[i + count])
      return fail(
          "custom_gradient_c1: each of the tensors that it is a function of needs a gradient "
          "of its shape and element type");
  return {operands[0], ""};
}

/// Why `shape` is no shape of the dialect; empty when it is one.
std::string mistake(const Shape &shape) {
  for (size_t i = 0; i < shape.size(); ++i)
    if (shape[i] < 0 && (i > 0 || shape[i] != kDynamic))
      return "shape_c1: dimensions after the first must be known, got " + text(shape);
    else if (shape[i] == 0)
      return "shape_c2: extents must be positive, got " + text(shape);
  return "";
}

const Table &rules() {
  static const Table table = [] {
    Table t{{"compare", {compare, 2}},     {"select", {select, 3}},
            {"cast", {castTo, 1, true}},   {"random", {random, 2}},
            {"gradient", {gradient, 2}},   {"incoming_gradient", {recompute, 1}},
            {"recompute", {recompute, 2}}, {"custom_gradient", {customGradient, 0}},
            {"circle", {circle, 4}}};
    addWindows(t), addStructured(t);
    for (const char *name :
         {"neg",   "abs",        "exp",  "log",   "sqrt", "rsqrt",   "tanh",          "sigmoid",
          "erf",   "floor",      "ceil", "round", "sin",  "cos",     "stop_gradient", "relu",
          "clamp", "leaky_relu", "elu",  "gelu",  "silu", "softplus"})
      t[name] = {pointwise, 1};
    for (const char *name : {"add", "sub", "mul", "div", "maximum", "minimum", "pow"})
      t[name] = {pointwise, 2};
    return t;
  }();
  return table;
}

std::string_view bare(std::string_view op) { return op.starts_with("cornet.") ? op.substr(7) : op; }

} // namespace

bool knows(std::string_view op) { return rules().contains(bare(op)); }

Result inferOp(std::string_view op, std::span<const TensorType> operands,
               const Attributes &attributes) {
  auto it = rules().find(bare(op));
  if (it == rules().end())
    return fail("'" + std::string(op) + "' has no shape rule");
  size_t wanted = it->second.operands;
  if (operands.empty() || (wanted && operands.size() != wanted))
    return fail("'" + std::string(op) + "' takes " + std::to_string(wanted) + " operands, got " +
                std::to_string(operands.size()));
  for (const TensorType &operand : operands)
    if (std::string why = mistake(operand.shape); !why.empty())
      return fail(why);
    else if (isByte(operand.dtype) && !it->second.moves)
      return fail("byte_c1: '" + std::string(op) +
                  "' does not compute with integers of 8 bits; cast them to f32 first");
  try {
    Result result = it->second.rule(operands, attributes);
    std::string why = result ? mistake(result.type.shape) : "";
    return why.empty() ? result : fail(why);
  } catch (const Missing &missing) {
    return fail(missing.why);
  }
}

Result broadcast(const TensorType &a, const TensorType &b) {
  if (a.dtype != b.dtype)
    return fail("broadcast_c1: operands differ in element type");
  const Shape &longer = a.shape.size() >= b.shape.size() ? a.shape : b.shape;
  const Shape &shorter = a.shape.size() >= b.shape.size() ? b.shape : a.shape;
  Result result{{a.dtype, longer}, ""};
  for (size_t i = 0, shift = longer.size() - shorter.size(); i < shorter.size(); ++i) {
    int64_t &x = result.type.shape[i + shift], y = shorter[i];
    if (x == 1)
      x = y;
    else if (y != 1 && y != x)
      return fail("broadcast_c2: shapes " + text(a.shape) + " and " + text(b.shape) +
                  " do not broadcast");
  }
  return result;
}

std::pair<int64_t, int64_t> samePadding(int64_t in, int64_t window, int64_t stride,
                                        int64_t dilation) {
  int64_t out = (in + stride - 1) / stride;
  int64_t total = std::max<int64_t>((out - 1) * stride + (window - 1) * dilation + 1 - in, 0);
  return {total / 2, total - total / 2};
}

std::string text(const Shape &shape) {
  std::string out = "(";
  for (size_t i = 0; i < shape.size(); ++i)
    out += (i ? ", " : "") + (shape[i] == kDynamic ? "?" : std::to_string(shape[i]));
  return out + ")";
}

} // namespace cornet::infer
