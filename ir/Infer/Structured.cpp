// SPDX-License-Identifier: Apache-2.0
//
// Contractions, reductions, movements, and what chooses cells.
#include "ir/Infer/Rules.h"

#include <algorithm>
#include <set>

namespace cornet::infer {
namespace {

Result scatter(Operands operands, const Attributes &attributes) {
  const Shape &updates = operands[0].shape, &indices = operands[1].shape;
  int64_t rows = get<int64_t>(attributes, "rows");
  if (rows < 1 || operands[1].dtype != DType::i32)
    return fail("scatter_c1: a positive number of rows and i32 indices are needed");
  if (updates.size() < indices.size() ||
      !std::equal(indices.begin(), indices.end(), updates.begin()))
    return fail("scatter_c2: updates " + text(updates) + " must begin with the shape of indices " +
                text(indices));
  Result result{{operands[0].dtype, {rows}}, ""};
  result.type.shape.insert(result.type.shape.end(), updates.begin() + int64_t(indices.size()),
                           updates.end());
  return result;
}

Result matmul(Operands operands, const Attributes &attributes) {
  Shape a = operands[0].shape, b = operands[1].shape;
  if (a.size() < 2 || b.size() < 2)
    return fail("matmul_c1: operands need at least two dimensions, got " + text(a) + " and " +
                text(b));
  if (operands[0].dtype != operands[1].dtype)
    return fail("matmul_c2: operands differ in element type");
  if (get<bool>(attributes, "transpose_lhs"))
    std::swap(a[a.size() - 1], a[a.size() - 2]);
  if (get<bool>(attributes, "transpose_rhs"))
    std::swap(b[b.size() - 1], b[b.size() - 2]);
  if (a.back() != b[b.size() - 2])
    return fail("matmul_c3: " + text(a) + " x " + text(b) + " contracts " +
                std::to_string(a.back()) + " with " + std::to_string(b[b.size() - 2]));
  if (b.size() == 2) {
    a.back() = b[1];
    return {{operands[0].dtype, a}, ""};
  }
  TensorType batchA{DType::f32, Shape(a.begin(), a.end() - 2)},
      batchB{DType::f32, Shape(b.begin(), b.end() - 2)};
  Result batch = broadcast(batchA, batchB);
  if (!batch)
    return fail("matmul_c4: batch dimensions: " + batch.error);
  batch.type.dtype = operands[0].dtype;
  batch.type.shape.push_back(a[a.size() - 2]);
  batch.type.shape.push_back(b.back());
  return batch;
}

/// Marks the dimensions named by `axes` (from the end when negative); empty on a bad or repeated
/// one.
std::vector<bool> marked(const Ints &axes, size_t rank) {
  std::vector<bool> marks(rank, false);
  for (int64_t axis : axes) {
    int64_t at = axis < 0 ? axis + int64_t(rank) : axis;
    if (at < 0 || at >= int64_t(rank) || marks[at])
      return {};
    marks[at] = true;
  }
  return marks;
}

Result reduce(Operands operands, const Attributes &attributes) {
  const Shape &in = operands[0].shape;
  std::vector<bool> marks = marked(get<Ints>(attributes, "axes"), in.size());
  static const std::set<std::string, std::less<>> kinds = {"sum", "mean", "max", "min"};
  if (!kinds.contains(get<std::string>(attributes, "kind")))
    return fail("reduce_c2: kind must be sum, mean, max or min, got '" +
                get<std::string>(attributes, "kind") + "'");
  if (marks.empty() && (!in.empty() || !get<Ints>(attributes, "axes").empty()))
    return fail("reduce_c1: axes must be distinct and lie in " + text(in));
  Result result{{operands[0].dtype, {}}, ""};
  for (size_t i = 0; i < in.size(); ++i)
    if (!marks[i])
      result.type.shape.push_back(in[i]);
    else if (get<bool>(attributes, "keepdims"))
      result.type.shape.push_back(1);
  return result;
}

Result axisOp(Operands operands, const Attributes &attributes) {
  if (marked({get<int64_t>(attributes, "axis")}, operands[0].shape.size()).empty())
    return fail("axis_c1: axis " + std::to_string(get<int64_t>(attributes, "axis")) +
                " is not a dimension of " + text(operands[0].shape));
  return {operands[0], ""};
}

Result reshape(Operands operands, const Attributes &attributes) {
  const Shape &in = operands[0].shape;
  Shape out = get<Ints>(attributes, "shape");
  bool batch = !in.empty() && in[0] == kDynamic;
  // A symbolic batch stays in front; the rest must match.
  if (batch && (out.empty() || out[0] != kDynamic))
    return fail("reshape_c1: the batch must stay the first dimension, got " + text(out));
  // A leading -1 beside another one is the batch too, once it is bound.
  if (!batch && !in.empty() && std::ranges::count(out, kDynamic) > 1 && out[0] == kDynamic)
    batch = true, out[0] = in[0];
  int64_t cells = 1, known = 1;
  for (size_t i = batch; i < in.size(); ++i)
    cells *= in[i];
  auto hole = out.end();
  for (auto it = out.begin() + batch; it != out.end(); ++it)
    if (*it != kDynamic)
      known *= *it;
    else if (hole != out.end())
      return fail("reshape_c2: only one dimension may be -1, got " + text(out));
    else
      hole = it;
  if (hole != out.end() && known > 0 && cells % known == 0)
    *hole = cells / known, known = cells;
  if (known != cells)
    return fail("reshape_c3: " + text(in) + " has " + std::to_string(cells) + " elements, " +
                text(out) + " has " + std::to_string(known));
  return {{operands[0].dtype, out}, ""};
}

Result transpose(Operands operands, const Attributes &attributes) {
  const Ints &permutation = get<Ints>(attributes, "permutation");
  const Shape &in = operands[0].shape;
  bool negative = std::ranges::any_of(permutation, [](int64_t p) { return p < 0; });
  if (permutation.size() != in.size() || negative ||
      (marked(permutation, in.size()).empty() && !in.empty()))
    return fail("transpose_c1: the permutation must name each dimension of " + text(in) + " once");
  if (!in.empty() && in[0] == kDynamic && permutation[0] != 0)
    return fail("transpose_c2: the batch must stay the first dimension");
  Result result{operands[0], ""};
  for (size_t i = 0; i < in.size(); ++i)
    result.type.shape[i] = in[permutation[i]];
  return result;
}

Result pad(Operands operands, const Attributes &attributes) {
  const Ints &low = get<Ints>(attributes, "low"), &high = get<Ints>(attributes, "high");
  const Shape &in = operands[0].shape;
  if (low.size() != in.size() || high.size() != in.size())
    return fail("pad_c1: low and high need one entry for each dimension of " + text(in));
  Result result{operands[0], ""};
  for (size_t i = 0; i < in.size(); ++i) {
    if (low[i] < 0 || high[i] < 0 || (in[i] == kDynamic && (low[i] || high[i])))
      return fail("pad_c2: padding must not be negative, nor touch the batch");
    if (in[i] != kDynamic)
      result.type.shape[i] += low[i] + high[i];
  }
  return result;
}

Result concat(Operands operands, const Attributes &attributes) {
  int64_t axis = get<int64_t>(attributes, "axis");
  Result result{operands[0], ""};
  size_t rank = operands[0].shape.size();
  axis = axis < 0 ? axis + int64_t(rank) : axis;
  if (axis < 0 || axis >= int64_t(rank) || operands[0].shape[axis] == kDynamic)
    return fail("concat_c1: axis " + std::to_string(axis) + " is not a static dimension of " +
                text(operands[0].shape));
  for (const TensorType &operand : operands.subspan(1)) {
    Shape rest = operand.shape, first = operands[0].shape;
    if (rest.size() != rank || operand.dtype != operands[0].dtype || rest[axis] == kDynamic ||
        (rest[axis] = first[axis], rest != first))
      return fail("concat_c2: " + text(operand.shape) + " and " + text(operands[0].shape) +
                  " must agree outside axis " + std::to_string(axis));
    result.type.shape[axis] += operand.shape[axis];
  }
  return result;
}

Result batchNorm(Operands operands, const Attributes &attributes) {
  Result result = axisOp(operands, attributes);
  if (!result)
    return result;
  int64_t axis = get<int64_t>(attributes, "axis");
  const Shape &in = operands[0].shape;
  for (const TensorType &parameter : operands.subspan(1))
    if (parameter.dtype != operands[0].dtype)
      return fail("batch_norm_c2: parameters must have the input's element type");
    else if (parameter.shape != Shape{in[axis < 0 ? axis + in.size() : axis]})
      return fail("batch_norm_c1: parameters must have the shape of dimension " +
                  std::to_string(axis) + " of " + text(in) + ", got " + text(parameter.shape));
  return result;
}

Result slice(Operands operands, const Attributes &attributes) {
  const Ints &start = get<Ints>(attributes, "start"), &size = get<Ints>(attributes, "size");
  const Shape &in = operands[0].shape;
  if (start.size() != in.size() || size.size() != in.size())
    return fail("slice_c1: start and size need one entry for each dimension of " + text(in));
  Result result{operands[0], ""};
  for (size_t i = 0; i < in.size(); ++i) {
    if (i == 0 && start[i] == 0 && size[i] == kDynamic)
      continue; // the whole batch
    if (in[i] == kDynamic || start[i] < 0 || size[i] < 1 || start[i] > in[i] - size[i])
      return fail("slice_c2: " + std::to_string(size[i]) + " cells from " +
                  std::to_string(start[i]) + " do not lie in dimension " + std::to_string(i) +
                  " of " + text(in));
    result.type.shape[i] = size[i];
  }
  return result;
}

Result gather(Operands operands, const Attributes &) {
  const Shape &table = operands[0].shape;
  if (table.empty() || table[0] == kDynamic)
    return fail("gather_c1: the table needs a static first dimension, got " + text(table));
  if (operands[1].dtype != DType::i32)
    return fail("gather_c2: indices must be i32");
  Result result{{operands[0].dtype, operands[1].shape}, ""};
  result.type.shape.insert(result.type.shape.end(), table.begin() + 1, table.end());
  return result;
}

Result takeAlongAxis(Operands operands, const Attributes &attributes) {
  const Shape &in = operands[0].shape, &indices = operands[1].shape;
  int64_t given = get<int64_t>(attributes, "axis"), rank = int64_t(in.size()),
          axis = given < 0 ? given + rank : given;
  if (axis < 0 || axis >= rank || in[size_t(axis)] == kDynamic)
    return fail("take_along_axis_c1: axis " + std::to_string(given) +
                " is not a static dimension of " + text(in));
  if (operands[1].dtype != DType::i32)
    return fail("take_along_axis_c2: indices must be i32");
  Shape wanted = in;
  if (indices.size() == in.size())
    wanted[size_t(axis)] = indices[size_t(axis)];
  if (indices != wanted || wanted[size_t(axis)] == kDynamic)
    return fail("take_along_axis_c3: indices " + text(indices) + " and input " + text(in) +
                " must agree outside axis " + std::to_string(given));
  return {{operands[0].dtype, indices}, ""};
}

Result topK(Operands operands, const Attributes &attributes) {
  const Shape &in = operands[0].shape;
  int64_t k = get<int64_t>(attributes, "k");
  if (in.empty() || in.back() == kDynamic || k < 1 || k > in.back())
    return fail("top_k_c1: the last dimension must be static and have " + std::to_string(k) +
                " cells, 1 at least; the input is " + text(in));
  if (!isReal(operands[0].dtype))
    return fail("top_k_c2: the cells must be reals");
  Result result{{DType::i32, in}, ""};
  result.type.shape.back() = k;
  return result;
}

Result broadcastTo(Operands operands, const Attributes &attributes) {
  TensorType wanted{operands[0].dtype, get<Ints>(attributes, "shape")};
  if (wanted.shape.size() == operands[0].shape.size() && !wanted.shape.empty() &&
      wanted.shape[0] == kDynamic)
    wanted.shape[0] = operands[0].shape[0]; // the whole batch
  Result result = broadcast(operands[0], wanted);
  if (!result || result.type != wanted)
    return fail("broadcast_c3: " + text(operands[0].shape) + " does not stretch to " +
                text(wanted.shape));
  return result;
}

} // namespace

void addStructured(Table &table) {
  table["matmul"] = {matmul, 2};
  table["reduce"] = {reduce, 1};
  table["softmax"] = {axisOp, 1};
  table["batch_norm"] = {batchNorm, 5};
  table["reshape"] = {reshape, 1, true};
  table["transpose"] = {transpose, 1, true};
  table["pad"] = {pad, 1};
  table["concat"] = {concat, 0, true};
  table["slice"] = {slice, 1, true};
  table["broadcast"] = {broadcastTo, 1, true};
  table["gather"] = {gather, 2, true};
  table["scatter"] = {scatter, 2};
  table["take_along_axis"] = {takeAlongAxis, 2, true};
  table["top_k"] = {topK, 1};
}

} // namespace cornet::infer
