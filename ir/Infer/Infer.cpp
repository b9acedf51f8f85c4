// SPDX-License-Identifier: Apache-2.0
//
// The rules of Infer.h, one function per family, and the table that finds them by name.
#include "ir/Infer/Infer.h"

#include <algorithm>
#include <functional>
#include <set>

namespace cornet::infer {
namespace {

using Operands = std::span<const TensorType>;
using Ints = std::vector<int64_t>;

Result fail(std::string why) { return {{}, std::move(why)}; }

/// Thrown by attribute access inside a rule and turned into a Result by inferOp().
struct Missing {
  std::string why;
};

template <class T> const T &get(const Attributes &attributes, const char *name) {
  auto it = attributes.find(name);
  if (it == attributes.end())
    throw Missing{std::string("attribute '") + name + "' is missing"};
  if (const T *value = std::get_if<T>(&it->second))
    return *value;
  throw Missing{std::string("attribute '") + name + "' has the wrong kind"};
}

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
      {"f32", DType::f32}, {"f64", DType::f64}, {"bf16", DType::bf16},
      {"f16", DType::f16}, {"i32", DType::i32}, {"i1", DType::i1}};
  auto it = known.find(get<std::string>(attributes, "to"));
  if (it == known.end())
    return fail("cast_c1: to must be f32, f64, bf16, f16, i32 or i1, got '" +
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

/// Spatial extents of a windowed op over N, spatial..., C; `window` in elements.
Result windowed(const char *label, const TensorType &input, const Ints &window,
                const Attributes &attributes) {
  const Ints &strides = get<Ints>(attributes, "strides"),
             &padding = get<Ints>(attributes, "padding"),
             &dilations = get<Ints>(attributes, "dilations");
  size_t spatial = input.shape.size() - 2;
  if (window.size() != spatial || strides.size() != spatial || dilations.size() != spatial ||
      padding.size() != 2 * spatial)
    return fail(std::string(label) + "_c2: window, strides, dilations and padding must match the " +
                std::to_string(spatial) + " spatial dimensions of " + text(input.shape));
  Result result{input, ""};
  for (size_t i = 0; i < spatial; ++i) {
    if (window[i] < 1 || strides[i] < 1 || dilations[i] < 1 || padding[2 * i] < 0 ||
        padding[2 * i + 1] < 0)
      return fail(std::string(label) +
                  "_c3: window, strides and dilations must be positive, padding not negative");
    int64_t padded = input.shape[i + 1] + padding[2 * i] + padding[2 * i + 1],
            reach = (window[i] - 1) * dilations[i] + 1;
    if (padded < reach)
      return fail(std::string(label) + "_c4: a window of " + std::to_string(reach) +
                  " does not fit " + std::to_string(padded) + " cells of dimension " +
                  std::to_string(i + 1) + "; use padding 'same' or a smaller window");
    result.type.shape[i + 1] = (padded - reach) / strides[i] + 1;
  }
  return result;
}

Result convolution(const char *label, Operands operands, const Attributes &attributes,
                   bool depthwise) {
  const Shape &in = operands[0].shape, &kernel = operands[1].shape;
  if (in.size() < 3 || in.size() > 5 || kernel.size() != in.size())
    return fail(std::string(label) +
                "_c1: input (N, spatial..., C) and kernel (spatial..., in, out) must have equal "
                "rank 3 to 5, got " +
                text(in) + " and " + text(kernel));
  if (operands[0].dtype != operands[1].dtype)
    return fail(std::string(label) + "_c6: input and kernel differ in element type");
  Result result = windowed(label, operands[0], Ints(kernel.begin(), kernel.end() - 2), attributes);
  if (!result)
    return result;
  int64_t channels = in.back(), kernelIn = kernel[kernel.size() - 2], kernelOut = kernel.back();
  if (depthwise) {
    if (kernelIn != channels)
      return fail(std::string(label) + "_c5: the kernel has " + std::to_string(kernelIn) +
                  " channels, the input " + std::to_string(channels));
    result.type.shape.back() = channels * kernelOut;
    return result;
  }
  int64_t groups = get<int64_t>(attributes, "groups");
  if (groups < 1 || channels % groups || kernelOut % groups || kernelIn != channels / groups)
    return fail(std::string(label) + "_c5: " + std::to_string(channels) + " input and " +
                std::to_string(kernelOut) + " output channels in " + std::to_string(groups) +
                " groups need a kernel with " + std::to_string(groups > 0 ? channels / groups : 0) +
                " input channels, got " + std::to_string(kernelIn));
  result.type.shape.back() = kernelOut;
  return result;
}

Result conv(Operands operands, const Attributes &a) {
  return convolution("conv", operands, a, false);
}
Result depthwiseConv(Operands operands, const Attributes &a) {
  return convolution("depthwise_conv", operands, a, true);
}

Result convFilterGradient(Operands operands, const Attributes &attributes) {
  const Shape &in = operands[0].shape, &places = operands[1].shape;
  if (in.size() < 3 || in.size() > 5 || places.size() != in.size())
    return fail("conv_filter_gradient_c1: input (N, spatial..., C) and gradient (N, places..., O) "
                "must have equal rank 3 to 5, got " +
                text(in) + " and " + text(places));
  if (operands[0].dtype != operands[1].dtype)
    return fail("conv_filter_gradient_c6: input and gradient differ in element type");
  const Ints &window = get<Ints>(attributes, "window");
  Result result = windowed("conv_filter_gradient", operands[0], window, attributes);
  if (!result)
    return result;
  Shape wanted = result.type.shape;
  wanted.back() = places.back();
  if (wanted != places)
    return fail("conv_filter_gradient_c5: the gradient must be " + text(wanted) + ", got " +
                text(places));
  result.type.shape = window;
  result.type.shape.insert(result.type.shape.end(), {in.back(), places.back()});
  return result;
}

Result pool(Operands operands, const Attributes &attributes) {
  if (operands[0].shape.size() < 3)
    return fail("pool_c1: the input must be (N, spatial..., C), got " + text(operands[0].shape));
  return windowed("pool", operands[0], get<Ints>(attributes, "window"), attributes);
}

Result maxPoolGradient(Operands operands, const Attributes &attributes) {
  if (operands[0].shape.size() < 3)
    return fail("max_pool_gradient_c1: the input must be (N, spatial..., C), got " +
                text(operands[0].shape));
  Result places =
      windowed("max_pool_gradient", operands[0], get<Ints>(attributes, "window"), attributes);
  if (!places)
    return places;
  if (places.type.shape != operands[1].shape)
    return fail("max_pool_gradient_c5: the gradient must be " + text(places.type.shape) + ", got " +
                text(operands[1].shape));
  if (operands[0].dtype != operands[1].dtype)
    return fail("max_pool_gradient_c6: input and gradient differ in element type");
  return {operands[0], ""};
}

Result avgPoolGradient(Operands operands, const Attributes &attributes) {
  const Shape &places = operands[0].shape;
  const Ints &size = get<Ints>(attributes, "size");
  if (places.size() < 3 || size.size() != places.size() - 2 ||
      std::any_of(size.begin(), size.end(), [](int64_t extent) { return extent < 1; }))
    return fail("avg_pool_gradient_c1: a gradient (N, spatial..., C) and a positive size are "
                "needed, got " +
                text(places) + " and " + text(size));
  TensorType input = operands[0];
  std::copy(size.begin(), size.end(), input.shape.begin() + 1);
  Result wanted = windowed("avg_pool_gradient", input, get<Ints>(attributes, "window"), attributes);
  if (!wanted)
    return wanted;
  if (wanted.type.shape != places)
    return fail("avg_pool_gradient_c5: the gradient must be " + text(wanted.type.shape) + ", got " +
                text(places));
  return {input, ""};
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

Result resize(Operands operands, const Attributes &attributes) {
  const Ints &size = get<Ints>(attributes, "size");
  Result result{operands[0], ""};
  if (operands[0].shape.size() != 4 || size.size() != 2 || size[0] < 1 || size[1] < 1)
    return fail("resize_c1: (N, H, W, C) and a positive size (H, W) are needed, got " +
                text(operands[0].shape) + " and " + text(size));
  result.type.shape[1] = size[0], result.type.shape[2] = size[1];
  return result;
}

Result resizeGradient(Operands operands, const Attributes &attributes) {
  const Ints &size = get<Ints>(attributes, "size");
  Result result{operands[0], ""};
  if (operands[0].shape.size() != 4 || size.size() != 2 || size[0] < 1 || size[1] < 1)
    return fail("resize_gradient_c1: (N, H, W, C) and a positive size (H, W) are needed, got " +
                text(operands[0].shape) + " and " + text(size));
  result.type.shape[1] = size[0], result.type.shape[2] = size[1];
  return result;
}

Result gridSample(Operands operands, const Attributes &attributes) {
  const Shape &in = operands[0].shape, &at = operands[1].shape;
  if (in.size() != 4 || at.size() != 4 || at[3] != 2)
    return fail("grid_sample_c1: (N, H, W, C) and coordinates (N, H, W, 2) are needed, got " +
                text(in) + " and " + text(at));
  if (in[0] != at[0])
    return fail("grid_sample_c2: " + text(in) + " and " + text(at) + " differ in their batch");
  static const std::set<std::string, std::less<>> interpolations = {"nearest", "bilinear"},
                                                  modes = {"constant", "nearest", "wrap",
                                                           "reflect"};
  const std::string &interpolation = get<std::string>(attributes, "interpolation"),
                    &mode = get<std::string>(attributes, "fill_mode");
  if (!interpolations.contains(interpolation) || !modes.contains(mode))
    return fail("grid_sample_c3: interpolation must be nearest or bilinear and fill_mode constant, "
                "nearest, wrap or reflect, got '" +
                interpolation + "' and '" + mode + "'");
  get<double>(attributes, "fill_value");
  DType dtype = operands[0].dtype;
  if (operands[1].dtype != dtype || (dtype != DType::f32 && dtype != DType::f64))
    return fail("grid_sample_c4: input and coordinates must be of one real element type");
  return {{dtype, {in[0], at[1], at[2], in[3]}}, ""};
}

Result convTranspose(Operands operands, const Attributes &attributes) {
  const Shape &in = operands[0].shape, &kernel = operands[1].shape;
  const Ints &strides = get<Ints>(attributes, "strides"),
             &padding = get<Ints>(attributes, "padding"),
             &dilations = get<Ints>(attributes, "dilations");
  if (in.size() < 3 || in.size() > 5 || kernel.size() != in.size())
    return fail("conv_transpose_c1: input (N, spatial..., C) and kernel (spatial..., out, in) must "
                "have equal rank 3 to 5, got " +
                text(in) + " and " + text(kernel));
  size_t spatial = in.size() - 2;
  if (strides.size() != spatial || dilations.size() != spatial || padding.size() != 2 * spatial)
    return fail("conv_transpose_c2: strides, dilations and padding must match the " +
                std::to_string(spatial) + " spatial dimensions of " + text(in));
  if (kernel.back() != in.back())
    return fail("conv_transpose_c3: the kernel has " + std::to_string(kernel.back()) +
                " input channels, the input " + std::to_string(in.back()));
  if (operands[0].dtype != operands[1].dtype)
    return fail("conv_transpose_c5: input and kernel differ in element type");
  Result result{operands[0], ""};
  for (size_t i = 0; i < spatial; ++i) {
    int64_t extent = (in[i + 1] - 1) * strides[i] + (kernel[i] - 1) * dilations[i] + 1 -
                     padding[2 * i] - padding[2 * i + 1];
    if (strides[i] < 1 || dilations[i] < 1 || extent < 1)
      return fail("conv_transpose_c4: strides and dilations must be positive and leave an output");
    result.type.shape[i + 1] = extent;
  }
  result.type.shape.back() = kernel[kernel.size() - 2];
  return result;
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

using Rule = Result (*)(Operands, const Attributes &);
struct Entry {
  Rule rule;
  size_t operands; // 0: any number, at least one
};

const std::map<std::string, Entry, std::less<>> &rules() {
  static const std::map<std::string, Entry, std::less<>> table = [] {
    std::map<std::string, Entry, std::less<>> t{{"compare", {compare, 2}},
                                                {"cast", {castTo, 1}},
                                                {"random", {random, 2}},
                                                {"gradient", {gradient, 2}},
                                                {"scatter", {scatter, 2}},
                                                {"circle", {circle, 4}},
                                                {"select", {select, 3}},
                                                {"matmul", {matmul, 2}},
                                                {"conv", {conv, 2}},
                                                {"conv_filter_gradient", {convFilterGradient, 2}},
                                                {"max_pool", {pool, 1}},
                                                {"avg_pool", {pool, 1}},
                                                {"max_pool_gradient", {maxPoolGradient, 2}},
                                                {"avg_pool_gradient", {avgPoolGradient, 1}},
                                                {"resize_gradient", {resizeGradient, 1}},
                                                {"reduce", {reduce, 1}},
                                                {"softmax", {axisOp, 1}},
                                                {"reshape", {reshape, 1}},
                                                {"transpose", {transpose, 1}},
                                                {"batch_norm", {batchNorm, 5}},
                                                {"depthwise_conv", {depthwiseConv, 2}},
                                                {"pad", {pad, 1}},
                                                {"concat", {concat, 0}},
                                                {"slice", {slice, 1}},
                                                {"gather", {gather, 2}},
                                                {"take_along_axis", {takeAlongAxis, 2}},
                                                {"top_k", {topK, 1}},
                                                {"recompute", {recompute, 2}},
                                                {"incoming_gradient", {recompute, 1}},
                                                {"custom_gradient", {customGradient, 0}},
                                                {"broadcast", {broadcastTo, 1}},
                                                {"resize", {resize, 1}},
                                                {"grid_sample", {gridSample, 2}},
                                                {"conv_transpose", {convTranspose, 2}}};
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
