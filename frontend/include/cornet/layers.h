// SPDX-License-Identifier: Apache-2.0
//
// Layers with Keras 3's names, defaults and semantics, channels last. Options are designated
// initializers: Dense({.units = 10, .activation = "softmax"}). Each options struct lists its fields once,
// in fields(), under Keras's names; importers read configurations through that list.
#pragma once

#include <cornet/tensor.h>

namespace cornet {

/// A layer: weights made at the first call, a computation recorded at every call. Copies share both.
/// A layer of your own derives from this, makes weights in build() and composes ops in call().
class Layer : public std::enable_shared_from_this<Layer> {
public:
  explicit Layer(std::string kind, std::string name = "") : kind(std::move(kind)), name(std::move(name)) {}
  virtual ~Layer() = default;

  /// Applies the layer. Called twice, it uses the same weights.
  Tensor apply(const std::vector<Tensor> &inputs, std::source_location where = std::source_location::current());

  virtual void build(const std::vector<Shape> &) {}
  virtual Tensor call(const std::vector<Tensor> &inputs) = 0;

  std::string kind;  ///< Keras's class name
  std::string name;  ///< given, or set at the first call: "dense", "dense_1", ...
  std::vector<VariablePtr> weights; ///< in Keras's order

protected:
  /// Makes a weight; for build().
  void addWeight(const std::string &name, Shape shape, const std::string &initializer, bool trainable = true);
  /// Weight `index` as a tensor of the graph of `like`; for call().
  Tensor weight(size_t index, const Tensor &like) const;

private:
  bool built = false;
};
using LayerPtr = std::shared_ptr<Layer>;

/// Keras's snake case of a class name: "Conv2D" is "conv2d", "ReLU" is "re_lu".
std::string snakeCase(const std::string &kind);

/// A pair for height and width; one number stands for both.
struct Pair {
  int64_t height = 1, width = 1;
  Pair(int64_t both) : height(both), width(both) {}
  Pair(int64_t height, int64_t width) : height(height), width(width) {}
};

struct DenseOptions {
  int64_t units = 0;
  std::string activation = "linear";
  bool use_bias = true;
  std::string kernel_initializer = "glorot_uniform", name = "";
  template <class V> void fields(V &&v) {
    v("units", units), v("activation", activation), v("use_bias", use_bias);
  }
};
struct Conv2DOptions {
  int64_t filters = 0;
  Pair kernel_size = 1, strides = 1;
  std::string padding = "valid";
  Pair dilation_rate = 1;
  int64_t groups = 1;
  std::string activation = "linear";
  bool use_bias = true;
  std::string kernel_initializer = "glorot_uniform", name = "";
  template <class V> void fields(V &&v) {
    v("filters", filters), v("kernel_size", kernel_size), v("strides", strides), v("padding", padding);
    v("dilation_rate", dilation_rate), v("groups", groups), v("activation", activation), v("use_bias", use_bias);
  }
};
struct DepthwiseConv2DOptions {
  Pair kernel_size = 1, strides = 1;
  std::string padding = "valid";
  int64_t depth_multiplier = 1;
  Pair dilation_rate = 1;
  std::string activation = "linear";
  bool use_bias = true;
  std::string name = "";
  template <class V> void fields(V &&v) {
    v("kernel_size", kernel_size), v("strides", strides), v("padding", padding), v("depth_multiplier", depth_multiplier);
    v("dilation_rate", dilation_rate), v("activation", activation), v("use_bias", use_bias);
  }
};
struct Pooling2DOptions {
  Pair pool_size = 2;
  Pair strides = 0; ///< 0: the pool size
  std::string padding = "valid", name = "";
  template <class V> void fields(V &&v) { v("pool_size", pool_size), v("strides", strides), v("padding", padding); }
};
struct GlobalPooling2DOptions {
  bool keepdims = false;
  std::string name = "";
  template <class V> void fields(V &&v) { v("keepdims", keepdims); }
};
struct BatchNormalizationOptions {
  int64_t axis = -1;
  double momentum = 0.99, epsilon = 1e-3;
  bool center = true, scale = true;
  std::string name = "";
  template <class V> void fields(V &&v) {
    v("axis", axis), v("momentum", momentum), v("epsilon", epsilon), v("center", center), v("scale", scale);
  }
};
struct ActivationOptions {
  std::string activation = "linear", name = "";
  template <class V> void fields(V &&v) { v("activation", activation); }
};
struct ReLUOptions {
  double max_value = -1; ///< negative: none
  double negative_slope = 0, threshold = 0;
  std::string name = "";
  template <class V> void fields(V &&v) { v("max_value", max_value), v("negative_slope", negative_slope), v("threshold", threshold); }
};
struct SoftmaxOptions {
  int64_t axis = -1;
  std::string name = "";
  template <class V> void fields(V &&v) { v("axis", axis); }
};
struct DropoutOptions {
  double rate = 0;
  std::string name = "";
  template <class V> void fields(V &&v) { v("rate", rate); }
};
struct PlainOptions {
  std::string name = "";
  template <class V> void fields(V &&) {}
};
struct ReshapeOptions {
  Shape target_shape;
  std::string name = "";
  template <class V> void fields(V &&v) { v("target_shape", target_shape); }
};
struct ZeroPadding2DOptions {
  Pair top_bottom = 1, left_right = 1;
  std::string name = "";
  template <class V> void fields(V &&v) { v("padding", top_bottom, left_right); }
};
struct RescalingOptions {
  double scale = 1, offset = 0;
  std::string name = "";
  template <class V> void fields(V &&v) { v("scale", scale), v("offset", offset); }
};
struct ConcatenateOptions {
  int64_t axis = -1;
  std::string name = "";
  template <class V> void fields(V &&v) { v("axis", axis); }
};

/// A layer in user code: a handle that is called on tensors.
class Handle {
public:
  Handle(LayerPtr layer) : layer(std::move(layer)) {}
  Tensor operator()(const Tensor &x, std::source_location where = std::source_location::current()) const {
    return layer->apply({x}, where);
  }
  Tensor operator()(const std::vector<Tensor> &xs, std::source_location where = std::source_location::current()) const {
    return layer->apply(xs, where);
  }
  LayerPtr layer;
};

// Weights: kernel (in, units), bias (units).                     y = activation(x kernel + bias), last axis
Handle Dense(DenseOptions options);
// Weights: kernel (h, w, in / groups, filters), bias (filters).
Handle Conv2D(Conv2DOptions options);
// Weights: depthwise kernel (h, w, in, depth_multiplier), bias (in * depth_multiplier).
Handle DepthwiseConv2D(DepthwiseConv2DOptions options);
Handle MaxPooling2D(Pooling2DOptions options = {});
Handle AveragePooling2D(Pooling2DOptions options = {});
Handle GlobalAveragePooling2D(GlobalPooling2DOptions options = {});
Handle GlobalMaxPooling2D(GlobalPooling2DOptions options = {});
// Weights: gamma, beta, moving_mean, moving_variance.            inference: the moving statistics
Handle BatchNormalization(BatchNormalizationOptions options = {});
Handle Activation(ActivationOptions options);
Handle ReLU(ReLUOptions options = {});
Handle Softmax(SoftmaxOptions options = {});
Handle Dropout(DropoutOptions options = {});
Handle Flatten(PlainOptions options = {});
Handle Reshape(ReshapeOptions options);
Handle ZeroPadding2D(ZeroPadding2DOptions options = {});
Handle Rescaling(RescalingOptions options);
Handle Add(PlainOptions options = {});
Handle Multiply(PlainOptions options = {});
Handle Concatenate(ConcatenateOptions options = {});

} // namespace cornet
