// SPDX-License-Identifier: Apache-2.0
//
// Convolutions over one and two dimensions, channels last.
#include "frontend/lib/layers/Support.h"

namespace cornet {
namespace {

constexpr const char *image = "4 (N, H, W, C)", *sequence = "3 (N, T, C)",
                     *advice = "add Reshape() before it";

Shape list(int64_t extent) { return {extent}; }
using cornet::list;

template <class Options> Shape kernelShape(const Options &o, int64_t in, int64_t out) {
  Shape shape = list(o.kernel_size);
  shape.push_back(in), shape.push_back(out);
  return shape;
}

/// Conv1D and Conv2D.
template <class Options> struct ConvLayer : Biased<Options> {
  using Biased<Options>::Biased, Biased<Options>::addBias, With<Options>::o, Layer::addWeight,
      Layer::weight;
  static constexpr bool flat = std::is_same_v<Options, Conv1DOptions>;
  void build(const std::vector<Shape> &in) override {
    int64_t groups = o.groups > 0 ? o.groups : 1;
    addWeight("kernel", kernelShape(o, in[0].back() / groups, o.filters), o.kernel_initializer,
              o.kernel_regularizer, o.kernel_constraint);
    addBias(o.filters);
  }
  Tensor call(const std::vector<Tensor> &x) override {
    if (wrongRank(x[0], flat ? 3 : 4, flat ? sequence : image, advice))
      return poison(x[0]);
    Tensor y =
        ops::record("conv", {x[0], weight(0, x[0])},
                    windowAttributes(x[0], list(o.kernel_size), list(o.strides),
                                     list(o.dilation_rate), o.padding, {{"groups", o.groups}}));
    return ops::activation(o.activation, o.use_bias ? y + weight(1, x[0]) : y);
  }
};

struct Conv2DTransposeLayer : Biased<Conv2DTransposeOptions> {
  using Biased::Biased;
  void build(const std::vector<Shape> &in) override {
    addWeight("kernel", kernelShape(o, o.filters, in[0].back()), o.kernel_initializer,
              o.kernel_regularizer, o.kernel_constraint);
    addBias(o.filters);
  }
  /// How much of the full result is cut before and after: Keras's output lengths, as its padding of
  /// the input that stands `stride` apart.
  std::pair<int64_t, int64_t> cut(int64_t window, int64_t stride, int64_t dilation,
                                  int64_t outputPadding) const {
    int64_t reach = (window - 1) * dilation + 1, left = reach - 1, right = 0;
    if (o.padding == "valid") {
      right = left + (outputPadding < 0 ? std::max(reach, stride) - reach : outputPadding);
    } else {
      int64_t total =
          outputPadding < 0 ? stride + reach - 2 : reach + reach % 2 - 2 + outputPadding;
      left = std::min(total / 2 + total % 2, reach - 1), right = total - left;
    }
    return {reach - 1 - left, reach - 1 - right};
  }
  Tensor call(const std::vector<Tensor> &x) override {
    if (wrongRank(x[0], 4, image, advice))
      return poison(x[0]);
    auto h = cut(o.kernel_size.height, o.strides.height, o.dilation_rate.height,
                 o.output_padding.height);
    auto w =
        cut(o.kernel_size.width, o.strides.width, o.dilation_rate.width, o.output_padding.width);
    Tensor y = ops::record("conv_transpose", {x[0], weight(0, x[0])},
                           {{"strides", list(o.strides)},
                            {"dilations", list(o.dilation_rate)},
                            {"padding", Shape{h.first, h.second, w.first, w.second}}});
    return ops::activation(o.activation, o.use_bias ? y + weight(1, x[0]) : y);
  }
};

struct DepthwiseConv2DLayer : Biased<DepthwiseConv2DOptions> {
  using Biased::Biased;
  void build(const std::vector<Shape> &in) override {
    addWeight("kernel", kernelShape(o, in[0].back(), o.depth_multiplier), o.depthwise_initializer,
              o.depthwise_regularizer, o.depthwise_constraint);
    addBias(in[0].back() * o.depth_multiplier);
  }
  Tensor call(const std::vector<Tensor> &x) override {
    if (wrongRank(x[0], 4, image, advice))
      return poison(x[0]);
    Tensor y = ops::record("depthwise_conv", {x[0], weight(0, x[0])},
                           windowAttributes(x[0], list(o.kernel_size), list(o.strides),
                                            list(o.dilation_rate), o.padding, {}));
    return ops::activation(o.activation, o.use_bias ? y + weight(1, x[0]) : y);
  }
};

struct SeparableConv2DLayer : Biased<SeparableConv2DOptions> {
  using Biased::Biased;
  void build(const std::vector<Shape> &in) override {
    int64_t channels = in[0].back();
    addWeight("depthwise_kernel", kernelShape(o, channels, o.depth_multiplier),
              o.depthwise_initializer, o.depthwise_regularizer, o.depthwise_constraint);
    addWeight("pointwise_kernel", {1, 1, channels * o.depth_multiplier, o.filters},
              o.pointwise_initializer, o.pointwise_regularizer, o.pointwise_constraint);
    addBias(o.filters);
  }
  Tensor call(const std::vector<Tensor> &x) override {
    if (wrongRank(x[0], 4, image, advice))
      return poison(x[0]);
    Tensor y = ops::record("depthwise_conv", {x[0], weight(0, x[0])},
                           windowAttributes(x[0], list(o.kernel_size), list(o.strides),
                                            list(o.dilation_rate), o.padding, {}));
    y = ops::record("conv", {y, weight(1, x[0])},
                    windowAttributes(y, {1, 1}, {1, 1}, {1, 1}, "valid", {{"groups", int64_t(1)}}));
    return ops::activation(o.activation, o.use_bias ? y + weight(2, x[0]) : y);
  }
};

} // namespace

CORNET_LAYER(Conv1D, Conv1DOptions, ConvLayer<Conv1DOptions>)
CORNET_LAYER(Conv2D, Conv2DOptions, ConvLayer<Conv2DOptions>)
CORNET_LAYER(Conv2DTranspose, Conv2DTransposeOptions, Conv2DTransposeLayer)
CORNET_LAYER(DepthwiseConv2D, DepthwiseConv2DOptions, DepthwiseConv2DLayer)
CORNET_LAYER(SeparableConv2D, SeparableConv2DOptions, SeparableConv2DLayer)

} // namespace cornet
