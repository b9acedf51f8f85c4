// SPDX-License-Identifier: Apache-2.0
//
// Keras's layers, each a build() and a call() in a few lines. A mistake is recorded and the layer goes on
// with something harmless, so that later mistakes are found too.
#include <cornet/layers.h>

#include "frontend/lib/Padding.h"

namespace cornet {
namespace {

/// Keeps options as `o` and takes the name from them.
template <class Options> struct With : Layer {
  With(const char *kind, Options options) : Layer(kind, options.name), o(std::move(options)) {}
  Options o;
};

/// Records a mistake and returns `x` when its rank is not `rank`; `advice` says what to do.
bool wrongRank(const Tensor &x, size_t rank, const char *wants, const char *advice) {
  if (x.rank() == rank)
    return false;
  x.graph->mistake("input has " + std::to_string(x.rank()) + " dimensions, expected " + wants + "; " + advice);
  return true;
}

Tensor poison(const Tensor &x) {
  Node node;
  node.shape = x.shape(), node.poisoned = true;
  return Tensor(x.graph, x.graph->add(std::move(node)));
}

struct DenseLayer : With<DenseOptions> {
  using With::With;
  void build(const std::vector<Shape> &in) override {
    addWeight("kernel", {in[0].back(), o.units}, o.kernel_initializer);
    if (o.use_bias)
      addWeight("bias", {o.units}, "zeros");
  }
  Tensor call(const std::vector<Tensor> &x) override {
    if (o.units < 1 || x[0].rank() < 2) {
      x[0].graph->mistake(o.units < 1 ? "units must be positive; set .units" : "input has fewer than 2 dimensions, expected (N, ..., D)");
      return poison(x[0]);
    }
    Tensor y = ops::matmul(x[0], weight(0, x[0]));
    return ops::activation(o.activation, o.use_bias ? y + weight(1, x[0]) : y);
  }
};

struct Conv2DLayer : With<Conv2DOptions> {
  using With::With;
  void build(const std::vector<Shape> &in) override {
    int64_t groups = o.groups > 0 ? o.groups : 1;
    addWeight("kernel", {o.kernel_size.height, o.kernel_size.width, in[0].back() / groups, o.filters}, o.kernel_initializer);
    if (o.use_bias)
      addWeight("bias", {o.filters}, "zeros");
  }
  Tensor call(const std::vector<Tensor> &x) override {
    if (wrongRank(x[0], 4, "4 (N, H, W, C)", "add Reshape() before it"))
      return poison(x[0]);
    Tensor y = ops::record("conv", {x[0], weight(0, x[0])},
                           windowAttributes(x[0], o.kernel_size, o.strides, o.dilation_rate, o.padding, {{"groups", o.groups}}));
    return ops::activation(o.activation, o.use_bias ? y + weight(1, x[0]) : y);
  }
};

struct DepthwiseConv2DLayer : With<DepthwiseConv2DOptions> {
  using With::With;
  void build(const std::vector<Shape> &in) override {
    addWeight("kernel", {o.kernel_size.height, o.kernel_size.width, in[0].back(), o.depth_multiplier}, "glorot_uniform");
    if (o.use_bias)
      addWeight("bias", {in[0].back() * o.depth_multiplier}, "zeros");
  }
  Tensor call(const std::vector<Tensor> &x) override {
    if (wrongRank(x[0], 4, "4 (N, H, W, C)", "add Reshape() before it"))
      return poison(x[0]);
    Tensor y = ops::record("depthwise_conv", {x[0], weight(0, x[0])},
                           windowAttributes(x[0], o.kernel_size, o.strides, o.dilation_rate, o.padding, {}));
    return ops::activation(o.activation, o.use_bias ? y + weight(1, x[0]) : y);
  }
};

struct Pooling2DLayer : With<Pooling2DOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    if (wrongRank(x[0], 4, "4 (N, H, W, C)", "add Reshape() before it"))
      return poison(x[0]);
    Pair strides = o.strides.height == 0 ? o.pool_size : o.strides;
    Attributes window{{"window", std::vector<int64_t>{o.pool_size.height, o.pool_size.width}}};
    return ops::record(kind == "MaxPooling2D" ? "max_pool" : "avg_pool", {x[0]},
                       windowAttributes(x[0], o.pool_size, strides, 1, o.padding, std::move(window)));
  }
};

struct GlobalPooling2DLayer : With<GlobalPooling2DOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    if (wrongRank(x[0], 4, "4 (N, H, W, C)", "it pools over H and W"))
      return poison(x[0]);
    return ops::reduce(x[0], kind == "GlobalMaxPooling2D" ? "max" : "mean", {1, 2}, o.keepdims);
  }
};

struct BatchNormalizationLayer : With<BatchNormalizationOptions> {
  using With::With;
  // gamma and beta stay as constants where Keras makes no weight for them.
  void build(const std::vector<Shape> &in) override {
    int64_t axis = o.axis < 0 ? o.axis + int64_t(in[0].size()) : o.axis;
    Shape channels{axis >= 0 && axis < int64_t(in[0].size()) ? in[0][size_t(axis)] : 1};
    if (o.scale)
      addWeight("gamma", channels, "ones");
    if (o.center)
      addWeight("beta", channels, "zeros");
    addWeight("moving_mean", channels, "zeros", false);
    addWeight("moving_variance", channels, "ones", false);
  }
  Tensor call(const std::vector<Tensor> &x) override {
    size_t next = 0;
    auto take = [&] { return weight(next++, x[0]); };
    auto filled = [&](double value) {
      auto variable = std::make_shared<Variable>();
      variable->name = name + (value == 1 ? "/unit_scale" : "/no_shift");
      variable->shape = weights[0]->shape, variable->trainable = false;
      variable->initializer.name = "constant", variable->initializer.value = value;
      return Tensor(x[0].graph, x[0].graph->variable(variable));
    };
    Tensor gamma = o.scale ? take() : filled(1), beta = o.center ? take() : filled(0);
    Tensor mean = take(), variance = take();
    return ops::record("batch_norm", {x[0], gamma, beta, mean, variance}, {{"axis", o.axis}, {"epsilon", o.epsilon}});
  }
};

struct ActivationLayer : With<ActivationOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override { return ops::activation(o.activation, x[0]); }
};

struct ReLULayer : With<ReLUOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    if (o.negative_slope == 0 && o.threshold == 0)
      return o.max_value < 0 ? ops::relu(x[0]) : ops::clamp(x[0], 0, o.max_value);
    // x above the threshold, slope (x - threshold) below it, cut at max_value.
    Tensor t = ops::constant(x[0], o.threshold);
    Tensor above = ops::record("compare", {x[0], t}, {{"predicate", std::string("gt")}});
    Tensor y = ops::record("select", {above, x[0], (x[0] - t) * o.negative_slope});
    return o.max_value < 0 ? y : ops::minimum(y, ops::constant(x[0], o.max_value));
  }
};

struct SoftmaxLayer : With<SoftmaxOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override { return ops::softmax(x[0], o.axis); }
};

struct DropoutLayer : With<DropoutOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override { return x[0]; } // identity in inference
};

struct FlattenLayer : With<PlainOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    int64_t cells = 1;
    for (size_t i = 1; i < x[0].rank(); ++i)
      cells *= x[0].shape()[i];
    return ops::reshape(x[0], {-1, cells});
  }
};

struct ReshapeLayer : With<ReshapeOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    Shape shape{-1};
    shape.insert(shape.end(), o.target_shape.begin(), o.target_shape.end());
    return ops::reshape(x[0], shape);
  }
};

struct ZeroPadding2DLayer : With<ZeroPadding2DOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    if (wrongRank(x[0], 4, "4 (N, H, W, C)", "it pads H and W"))
      return poison(x[0]);
    return ops::record("pad", {x[0]},
                       {{"low", Shape{0, o.top_bottom.height, o.left_right.height, 0}},
                        {"high", Shape{0, o.top_bottom.width, o.left_right.width, 0}},
                        {"value", 0.0}});
  }
};

struct RescalingLayer : With<RescalingOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override { return x[0] * o.scale + o.offset; }
};

struct MergeLayer : With<PlainOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    Tensor y = x[0];
    for (size_t i = 1; i < x.size(); ++i)
      y = kind == "Add" ? y + x[i] : y * x[i];
    return y;
  }
};

struct ConcatenateLayer : With<ConcatenateOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override { return ops::concat(x, o.axis); }
};

} // namespace

Handle Dense(DenseOptions o) { return {std::make_shared<DenseLayer>("Dense", std::move(o))}; }
Handle Conv2D(Conv2DOptions o) { return {std::make_shared<Conv2DLayer>("Conv2D", std::move(o))}; }
Handle DepthwiseConv2D(DepthwiseConv2DOptions o) { return {std::make_shared<DepthwiseConv2DLayer>("DepthwiseConv2D", std::move(o))}; }
Handle MaxPooling2D(Pooling2DOptions o) { return {std::make_shared<Pooling2DLayer>("MaxPooling2D", std::move(o))}; }
Handle AveragePooling2D(Pooling2DOptions o) { return {std::make_shared<Pooling2DLayer>("AveragePooling2D", std::move(o))}; }
Handle GlobalAveragePooling2D(GlobalPooling2DOptions o) { return {std::make_shared<GlobalPooling2DLayer>("GlobalAveragePooling2D", std::move(o))}; }
Handle GlobalMaxPooling2D(GlobalPooling2DOptions o) { return {std::make_shared<GlobalPooling2DLayer>("GlobalMaxPooling2D", std::move(o))}; }
Handle BatchNormalization(BatchNormalizationOptions o) { return {std::make_shared<BatchNormalizationLayer>("BatchNormalization", std::move(o))}; }
Handle Activation(ActivationOptions o) { return {std::make_shared<ActivationLayer>("Activation", std::move(o))}; }
Handle ReLU(ReLUOptions o) { return {std::make_shared<ReLULayer>("ReLU", std::move(o))}; }
Handle Softmax(SoftmaxOptions o) { return {std::make_shared<SoftmaxLayer>("Softmax", std::move(o))}; }
Handle Dropout(DropoutOptions o) { return {std::make_shared<DropoutLayer>("Dropout", std::move(o))}; }
Handle Flatten(PlainOptions o) { return {std::make_shared<FlattenLayer>("Flatten", std::move(o))}; }
Handle Reshape(ReshapeOptions o) { return {std::make_shared<ReshapeLayer>("Reshape", std::move(o))}; }
Handle ZeroPadding2D(ZeroPadding2DOptions o) { return {std::make_shared<ZeroPadding2DLayer>("ZeroPadding2D", std::move(o))}; }
Handle Rescaling(RescalingOptions o) { return {std::make_shared<RescalingLayer>("Rescaling", std::move(o))}; }
Handle Add(PlainOptions o) { return {std::make_shared<MergeLayer>("Add", std::move(o))}; }
Handle Multiply(PlainOptions o) { return {std::make_shared<MergeLayer>("Multiply", std::move(o))}; }
Handle Concatenate(ConcatenateOptions o) { return {std::make_shared<ConcatenateLayer>("Concatenate", std::move(o))}; }

} // namespace cornet
