// SPDX-License-Identifier: Apache-2.0
//
// Windows over (N, spatial..., C): convolutions, pools, resizing, and their gradients.
#include "ir/Infer/Rules.h"

#include <algorithm>
#include <set>

namespace cornet::infer {
namespace {

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

} // namespace

void addWindows(Table &table) {
  table["conv"] = {conv, 2};
  table["depthwise_conv"] = {depthwiseConv, 2};
  table["conv_transpose"] = {convTranspose, 2};
  table["conv_filter_gradient"] = {convFilterGradient, 2};
  table["max_pool"] = {pool, 1};
  table["avg_pool"] = {pool, 1};
  table["max_pool_gradient"] = {maxPoolGradient, 2};
  table["avg_pool_gradient"] = {avgPoolGradient, 1};
  table["resize"] = {resize, 1};
  table["resize_gradient"] = {resizeGradient, 1};
  table["grid_sample"] = {gridSample, 2};
}

} // namespace cornet::infer
