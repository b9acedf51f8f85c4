// SPDX-License-Identifier: Apache-2.0
//
// Layers with Keras 3's names, defaults and semantics, channels last. Options are designated
// initializers: Dense({.units = 10, .activation = "softmax"}). Each options struct lists its fields
// once, in fields(), under Keras's names; importers read configurations through that list.
#pragma once

#include <cornet/tensor.h>

#include <optional>

namespace cornet {

/// Dtype policies: "float32"; "mixed_bfloat16" and "mixed_float16", whose layers compute in 16 bits
/// on weights that stay f32.
namespace mixed_precision {
/// The policy of layers made from here on that are given none. An unknown name is a mistake of each
/// such layer.
void set_global_policy(const std::string &name);
std::string global_policy();
/// What is wrong with that name, or "".
std::string checkPolicy(const std::string &name);
} // namespace mixed_precision

using Where = std::source_location;
struct Option; // see options.h

/// A layer: weights made at the first call, a computation recorded at every call. Copies share
/// both. A layer of your own derives from this, makes weights in build() and composes ops in
/// call().
///
/// A layer computes in the dtype of its policy: real inputs and its weights are cast to it before
/// call(), and what the library's own layers return, after it. Weights themselves stay f32.
class Layer : public std::enable_shared_from_this<Layer> {
public:
  explicit Layer(std::string kind, std::string name = "");
  virtual ~Layer() = default;

  /// Applies the layer. Called twice, it uses the same weights.
  Tensor apply(const std::vector<Tensor> &inputs,
               std::source_location where = std::source_location::current());
  /// The same, with all outputs of a layer that has several.
  std::vector<Tensor> applyAll(const std::vector<Tensor> &inputs,
                               std::source_location where = std::source_location::current());

  /// Mistakes that the options alone show; recorded also when the input's shape is not known.
  virtual std::vector<std::string> examine() const { return {}; }
  virtual void build(const std::vector<Shape> &) {}
  /// Called for every recording: once for inference, and again, with inputs[0].training(), for a
  /// training step. A layer of several outputs leaves them all in `results` and returns the first.
  virtual Tensor call(const std::vector<Tensor> &inputs) = 0;
  /// Its options under Keras's names, but for name and trainable; nothing for a class of the user's
  /// own.
  virtual std::optional<std::vector<Option>> config() const;
  /// The model that this layer is; null for other layers.
  virtual const struct Model *nested() const { return nullptr; }

  Where where;           ///< where it was made, if it says so
  const uint64_t number; ///< tells layers apart, also when one is gone
  std::string kind;      ///< Keras's class name
  std::string name;      ///< given, or set at the first call: "dense", "dense_1", ...
  std::string path;      ///< "block/dense": the name inside the layers that called it first
  std::vector<VariablePtr> weights; ///< its own, in Keras's order
  bool checkpoint = false;          ///< see Handle::checkpoint()
  bool trainable = true;            ///< see setTrainable()
  std::string dtype;                ///< its policy; at first the global one
  /// The layers that its call() calls, in the order of their first calls.
  std::vector<std::shared_ptr<Layer>> parts;
  /// In training, this of the output, divided by the batch size, is added to the loss.
  std::shared_ptr<Regularizer> activity_regularizer;

  /// Frozen weights get no gradients, and layers with moving statistics use them as in inference.
  /// Holds for the layers inside, too.
  virtual void setTrainable(bool on);
  /// Its weights and those of the layers inside, each once.
  std::vector<VariablePtr> allWeights() const;

protected:
  /// Makes a weight; for build().
  Variable &addWeight(const std::string &name, Shape shape, const Initializer &initializer,
                      bool trainable = true);
  /// A trainable one with a term in the loss and a condition that holds after each step, or null.
  Variable &addWeight(const std::string &name, Shape shape, const Initializer &initializer,
                      std::shared_ptr<Regularizer> regularizer,
                      std::shared_ptr<Constraint> constraint);
  /// Weight `index` as a tensor of the graph of `like`; for call().
  Tensor weight(size_t index, const Tensor &like) const;

  /// Computes in f32 whatever the policy is, and returns the policy's dtype: normalizations.
  bool computesWide = false;
  /// Whether what call() returns is cast to the policy's dtype, too.
  bool returnsCast = false;

  std::vector<Tensor> results; ///< of the call() that runs, when they are several

private:
  std::string computeDtype() const;
  void adopt(const std::shared_ptr<Layer> &part);
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

/// What the options of every layer end with: its name, by default its class in snake case, whether
/// it trains (see Layer::setTrainable()), and its dtype policy, by default the global one.
#define CORNET_LAYER_OPTIONS                                                                       \
  std::string name = "";                                                                           \
  bool trainable = true;                                                                           \
  std::string dtype = ""

struct DenseOptions {
  int64_t units = 0;
  std::string activation = "linear";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  std::shared_ptr<Regularizer> kernel_regularizer{}, bias_regularizer{}, activity_regularizer{};
  std::shared_ptr<Constraint> kernel_constraint{}, bias_constraint{};
  CORNET_LAYER_OPTIONS;
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
  Initializer kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  std::shared_ptr<Regularizer> kernel_regularizer{}, bias_regularizer{}, activity_regularizer{};
  std::shared_ptr<Constraint> kernel_constraint{}, bias_constraint{};
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("filters", filters), v("kernel_size", kernel_size), v("strides", strides),
        v("padding", padding);
    v("dilation_rate", dilation_rate), v("groups", groups), v("activation", activation),
        v("use_bias", use_bias);
  }
};
struct DepthwiseConv2DOptions {
  Pair kernel_size = 1, strides = 1;
  std::string padding = "valid";
  int64_t depth_multiplier = 1;
  Pair dilation_rate = 1;
  std::string activation = "linear";
  bool use_bias = true;
  Initializer depthwise_initializer = "glorot_uniform", bias_initializer = "zeros";
  std::shared_ptr<Regularizer> depthwise_regularizer{}, bias_regularizer{}, activity_regularizer{};
  std::shared_ptr<Constraint> depthwise_constraint{}, bias_constraint{};
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("kernel_size", kernel_size), v("strides", strides), v("padding", padding),
        v("depth_multiplier", depth_multiplier);
    v("dilation_rate", dilation_rate), v("activation", activation), v("use_bias", use_bias);
  }
};
struct Pooling2DOptions {
  Pair pool_size = 2;
  Pair strides = 0; ///< 0: the pool size
  std::string padding = "valid";
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("pool_size", pool_size), v("strides", strides), v("padding", padding);
  }
};
struct GlobalPoolingOptions {
  bool keepdims = false;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("keepdims", keepdims); }
};
struct EinsumDenseOptions {
  std::string equation = "";
  Shape output_shape{}; ///< without the batch; -1 where the input decides
  std::string activation = "linear", bias_axes = "";
  Initializer kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  std::shared_ptr<Regularizer> kernel_regularizer{}, bias_regularizer{}, activity_regularizer{};
  std::shared_ptr<Constraint> kernel_constraint{}, bias_constraint{};
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("equation", equation), v("output_shape", output_shape), v("activation", activation),
        v("bias_axes", bias_axes);
  }
};
struct EmbeddingOptions {
  int64_t input_dim = 0, output_dim = 0;
  Initializer embeddings_initializer = "uniform";
  std::shared_ptr<Regularizer> embeddings_regularizer{}, activity_regularizer{};
  std::shared_ptr<Constraint> embeddings_constraint{};
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("input_dim", input_dim), v("output_dim", output_dim); }
};
struct Conv1DOptions {
  int64_t filters = 0, kernel_size = 1, strides = 1;
  std::string padding = "valid"; ///< or "same", "causal"
  int64_t dilation_rate = 1, groups = 1;
  std::string activation = "linear";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  std::shared_ptr<Regularizer> kernel_regularizer{}, bias_regularizer{}, activity_regularizer{};
  std::shared_ptr<Constraint> kernel_constraint{}, bias_constraint{};
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("filters", filters), v("kernel_size", kernel_size), v("strides", strides),
        v("padding", padding);
    v("dilation_rate", dilation_rate), v("groups", groups), v("activation", activation),
        v("use_bias", use_bias);
  }
};
struct SeparableConv2DOptions {
  int64_t filters = 0;
  Pair kernel_size = 1, strides = 1;
  std::string padding = "valid";
  int64_t depth_multiplier = 1;
  Pair dilation_rate = 1;
  std::string activation = "linear";
  bool use_bias = true;
  Initializer depthwise_initializer = "glorot_uniform", pointwise_initializer = "glorot_uniform";
  Initializer bias_initializer = "zeros";
  std::shared_ptr<Regularizer> depthwise_regularizer{}, pointwise_regularizer{}, bias_regularizer{},
      activity_regularizer{};
  std::shared_ptr<Constraint> depthwise_constraint{}, pointwise_constraint{}, bias_constraint{};
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("filters", filters), v("kernel_size", kernel_size), v("strides", strides),
        v("padding", padding);
    v("depth_multiplier", depth_multiplier), v("dilation_rate", dilation_rate),
        v("activation", activation), v("use_bias", use_bias);
  }
};
struct Conv2DTransposeOptions {
  int64_t filters = 0;
  Pair kernel_size = 1, strides = 1;
  std::string padding = "valid";
  Pair output_padding = -1; ///< negative: what `padding` implies
  Pair dilation_rate = 1;
  std::string activation = "linear";
  bool use_bias = true;
  Initializer kernel_initializer = "glorot_uniform", bias_initializer = "zeros";
  std::shared_ptr<Regularizer> kernel_regularizer{}, bias_regularizer{}, activity_regularizer{};
  std::shared_ptr<Constraint> kernel_constraint{}, bias_constraint{};
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("filters", filters), v("kernel_size", kernel_size), v("strides", strides),
        v("padding", padding);
    v("output_padding", output_padding), v("dilation_rate", dilation_rate),
        v("activation", activation), v("use_bias", use_bias);
  }
};
struct Pooling1DOptions {
  int64_t pool_size = 2, strides = 0; ///< strides 0: the pool size
  std::string padding = "valid";
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("pool_size", pool_size), v("strides", strides), v("padding", padding);
  }
};
struct UpSampling2DOptions {
  Pair size = 2;
  std::string interpolation = "nearest"; ///< or "bilinear"
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("size", size), v("interpolation", interpolation); }
};
struct BatchNormalizationOptions {
  int64_t axis = -1;
  double momentum = 0.99, epsilon = 1e-3;
  bool center = true, scale = true;
  Initializer beta_initializer = "zeros", gamma_initializer = "ones";
  Initializer moving_mean_initializer = "zeros", moving_variance_initializer = "ones";
  std::shared_ptr<Regularizer> beta_regularizer{}, gamma_regularizer{}, activity_regularizer{};
  std::shared_ptr<Constraint> beta_constraint{}, gamma_constraint{};
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("axis", axis), v("momentum", momentum), v("epsilon", epsilon), v("center", center),
        v("scale", scale);
  }
};
struct LayerNormalizationOptions {
  Shape axis{-1};
  double epsilon = 1e-3;
  bool center = true, scale = true;
  Initializer beta_initializer = "zeros", gamma_initializer = "ones";
  std::shared_ptr<Regularizer> beta_regularizer{}, gamma_regularizer{}, activity_regularizer{};
  std::shared_ptr<Constraint> beta_constraint{}, gamma_constraint{};
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("axis", axis), v("epsilon", epsilon), v("center", center), v("scale", scale);
  }
};
struct GroupNormalizationOptions {
  int64_t groups = 32, axis = -1; ///< groups -1: one for each channel
  double epsilon = 1e-3;
  bool center = true, scale = true;
  Initializer beta_initializer = "zeros", gamma_initializer = "ones";
  std::shared_ptr<Regularizer> beta_regularizer{}, gamma_regularizer{}, activity_regularizer{};
  std::shared_ptr<Constraint> beta_constraint{}, gamma_constraint{};
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("groups", groups), v("axis", axis), v("epsilon", epsilon), v("center", center),
        v("scale", scale);
  }
};
struct UnitNormalizationOptions {
  Shape axis{-1};
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("axis", axis); }
};
struct NormalizationOptions {
  Shape axis{-1};
  std::vector<double> mean{}, variance{}; ///< empty: weights, as adapt() leaves them
  bool invert = false;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("axis", axis), v("mean", mean), v("variance", variance), v("invert", invert);
  }
};
struct ActivationOptions {
  std::string activation = "linear";
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("activation", activation); }
};
struct ReLUOptions {
  double max_value = -1; ///< negative: none
  double negative_slope = 0, threshold = 0;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("max_value", max_value), v("negative_slope", negative_slope), v("threshold", threshold);
  }
};
struct LeakyReLUOptions {
  double negative_slope = 0.3;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("negative_slope", negative_slope); }
};
struct ELUOptions {
  double alpha = 1;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("alpha", alpha); }
};
struct PReLUOptions {
  Shape shared_axes{}; ///< dimensions that share one slope, the batch being 0
  Initializer alpha_initializer = "zeros";
  std::shared_ptr<Regularizer> alpha_regularizer{}, activity_regularizer{};
  std::shared_ptr<Constraint> alpha_constraint{};
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("shared_axes", shared_axes); }
};
struct SoftmaxOptions {
  int64_t axis = -1;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("axis", axis); }
};
struct DropoutOptions {
  double rate = 0;
  Shape noise_shape{}; ///< of the mask, which broadcasts; -1 is the input's extent. Empty: the
                       ///< input's
  int64_t seed = 0;    ///< 0: the step's
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("rate", rate), v("noise_shape", noise_shape), v("seed", seed);
  }
};
struct SpatialDropoutOptions {
  double rate = 0;
  int64_t seed = 0;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("rate", rate), v("seed", seed); }
};
using GaussianDropoutOptions = SpatialDropoutOptions;
struct GaussianNoiseOptions {
  double stddev = 0;
  int64_t seed = 0;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("stddev", stddev), v("seed", seed); }
};
struct ActivityRegularizationOptions {
  double l1 = 0, l2 = 0;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("l1", l1), v("l2", l2); }
};
struct PlainOptions {
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&) {}
};
struct ReshapeOptions {
  Shape target_shape{};
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("target_shape", target_shape); }
};
struct PermuteOptions {
  Shape dims{}; ///< the input's dimensions in their new order, from 1
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("dims", dims); }
};
struct RepeatVectorOptions {
  int64_t n = 1;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("n", n); }
};
struct Padding1DOptions {
  Pair padding = 1; ///< before and after
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("padding", padding); }
};
struct Cropping1DOptions {
  Pair cropping = 1; ///< before and after
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("cropping", cropping); }
};
struct ZeroPadding2DOptions {
  Pair top_bottom = 1, left_right = 1;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("padding", top_bottom, left_right); }
};
struct Cropping2DOptions {
  Pair top_bottom = 0, left_right = 0;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("cropping", top_bottom, left_right); }
};
/// One number, or one for each channel.
struct PerChannel : std::vector<double> {
  PerChannel(double one) : std::vector<double>{one} {}
  PerChannel(std::initializer_list<double> each) : std::vector<double>(each) {}
};
struct RescalingOptions {
  PerChannel scale = 1, offset = 0;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("scale", scale), v("offset", offset); }
};
struct LayerScaleOptions {
  double init_values = 1e-6;
  int64_t projection_dim = 0;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("init_values", init_values), v("projection_dim", projection_dim);
  }
};
struct ConcatenateOptions {
  int64_t axis = -1;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("axis", axis); }
};
struct DotOptions {
  Shape axes{-1}; ///< one for both inputs, or one for each
  bool normalize = false;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("axes", axes), v("normalize", normalize); }
};

/// A layer in user code: a handle that is called on tensors.
class Handle {
public:
  Handle(LayerPtr layer) : layer(std::move(layer)) {}
  /// A whole model as a layer of another; its one output is the result.
  Handle(const struct Model &model);
  Tensor operator()(const Tensor &x,
                    std::source_location where = std::source_location::current()) const {
    return layer->apply({x}, where);
  }
  Tensor operator()(const std::vector<Tensor> &xs,
                    std::source_location where = std::source_location::current()) const {
    return layer->apply(xs, where);
  }
  /// Freezes the layer and those inside, or takes it back: Dense({...}).trainable(false)(x).
  Handle trainable(bool on) const {
    layer->setTrainable(on);
    return *this;
  }
  /// Gradient checkpointing (Chen et al. 2016): in a training step what is inside the layer is not
  /// kept for the backward pass but computed again from its inputs. Less memory, more work; the
  /// same numbers. Worth it for whole blocks: Handle(block).checkpoint()(x).
  Handle checkpoint(bool on = true) const {
    layer->checkpoint = on;
    return *this;
  }
  LayerPtr layer;
};

// Core. Weights: kernel (in, units), bias (units).           y = activation(x kernel + bias), last
// axis
Handle Dense(DenseOptions options, Where where = Where::current());
// Weights: kernel and bias as the equation's letters say.
Handle EinsumDense(EinsumDenseOptions options, Where where = Where::current());
// Weights: embeddings (input_dim, output_dim). The input is an i32 Input.
Handle Embedding(EmbeddingOptions options, Where where = Where::current());
Handle Activation(ActivationOptions options, Where where = Where::current());
Handle ReLU(ReLUOptions options = {}, Where where = Where::current());
Handle LeakyReLU(LeakyReLUOptions options = {}, Where where = Where::current());
Handle ELU(ELUOptions options = {}, Where where = Where::current());
// Weights: alpha, the input's shape without the batch, 1 in shared axes.
Handle PReLU(PReLUOptions options = {}, Where where = Where::current());
Handle Softmax(SoftmaxOptions options = {}, Where where = Where::current());

// Convolution. Weights: kernel (window..., in / groups, filters), bias (filters).
Handle Conv1D(Conv1DOptions options, Where where = Where::current());
Handle Conv2D(Conv2DOptions options, Where where = Where::current());
// Weights: kernel (h, w, filters, in), bias (filters).
Handle Conv2DTranspose(Conv2DTransposeOptions options, Where where = Where::current());
// Weights: depthwise kernel (h, w, in, depth_multiplier), bias (in * depth_multiplier).
Handle DepthwiseConv2D(DepthwiseConv2DOptions options, Where where = Where::current());
// Weights: depthwise kernel, pointwise kernel (1, 1, in * depth_multiplier, filters), bias
// (filters).
Handle SeparableConv2D(SeparableConv2DOptions options, Where where = Where::current());

// Pooling and resizing.
Handle MaxPooling1D(Pooling1DOptions options = {}, Where where = Where::current());
Handle AveragePooling1D(Pooling1DOptions options = {}, Where where = Where::current());
Handle MaxPooling2D(Pooling2DOptions options = {}, Where where = Where::current());
Handle AveragePooling2D(Pooling2DOptions options = {}, Where where = Where::current());
Handle GlobalAveragePooling1D(GlobalPoolingOptions options = {}, Where where = Where::current());
Handle GlobalMaxPooling1D(GlobalPoolingOptions options = {}, Where where = Where::current());
Handle GlobalAveragePooling2D(GlobalPoolingOptions options = {}, Where where = Where::current());
Handle GlobalMaxPooling2D(GlobalPoolingOptions options = {}, Where where = Where::current());
Handle UpSampling2D(UpSampling2DOptions options = {}, Where where = Where::current());
Handle ZeroPadding1D(Padding1DOptions options = {}, Where where = Where::current());
Handle ZeroPadding2D(ZeroPadding2DOptions options = {}, Where where = Where::current());
Handle Cropping1D(Cropping1DOptions options = {}, Where where = Where::current());
Handle Cropping2D(Cropping2DOptions options = {}, Where where = Where::current());

// Normalization. Weights: gamma, beta, moving_mean, moving_variance. Inference, and training when
// frozen: gamma (x - moving_mean) / sqrt(moving_variance + epsilon) + beta. Training: with mean and
// biased variance of the batch, and moving = momentum moving + (1 - momentum) batch.
Handle BatchNormalization(BatchNormalizationOptions options = {}, Where where = Where::current());
// Weights: gamma, beta.
Handle LayerNormalization(LayerNormalizationOptions options = {}, Where where = Where::current());
Handle GroupNormalization(GroupNormalizationOptions options = {}, Where where = Where::current());
Handle UnitNormalization(UnitNormalizationOptions options = {}, Where where = Where::current());
// Weights, unless given as options: mean, variance, count.
Handle Normalization(NormalizationOptions options = {}, Where where = Where::current());
Handle Rescaling(RescalingOptions options, Where where = Where::current());
// Of keras.applications.convnext (Touvron et al. 2021). Weights: gamma (projection_dim), which
// start as init_values.                                            x gamma
Handle LayerScale(LayerScaleOptions options, Where where = Where::current());

// Regularization: the identity in inference. In training, with u uniform in [0, 1) and n normal
// (0, 1), drawn anew each step:
Handle Dropout(DropoutOptions options = {},
               Where where = Where::current()); // u >= rate ? x / (1 - rate) : 0
Handle SpatialDropout1D(SpatialDropoutOptions options = {},
                        Where where = Where::current()); // one u for a channel
Handle SpatialDropout2D(SpatialDropoutOptions options = {}, Where where = Where::current());
Handle GaussianDropout(GaussianDropoutOptions options = {},
                       Where where = Where::current()); // x (1 + n sqrt(rate / (1 - rate)))
// Keeps mean and variance of what selu makes: a (u >= rate ? x : s) + b, with SELU's s = -1.7581.
Handle AlphaDropout(DropoutOptions options = {}, Where where = Where::current());
Handle GaussianNoise(GaussianNoiseOptions options = {},
                     Where where = Where::current()); // x + n stddev
// Adds (l1 sum |x| + l2 sum x^2) / N to the loss, with the batch size N.
Handle ActivityRegularization(ActivityRegularizationOptions options = {},
                              Where where = Where::current());

// Reshaping.
Handle Flatten(PlainOptions options = {}, Where where = Where::current());
Handle Reshape(ReshapeOptions options, Where where = Where::current());
Handle Permute(PermuteOptions options, Where where = Where::current());
Handle RepeatVector(RepeatVectorOptions options, Where where = Where::current());

// Merging: called on a list of tensors.
Handle Add(PlainOptions options = {}, Where where = Where::current());
Handle Subtract(PlainOptions options = {}, Where where = Where::current());
Handle Multiply(PlainOptions options = {}, Where where = Where::current());
Handle Average(PlainOptions options = {}, Where where = Where::current());
Handle Maximum(PlainOptions options = {}, Where where = Where::current());
Handle Minimum(PlainOptions options = {}, Where where = Where::current());
Handle Concatenate(ConcatenateOptions options = {}, Where where = Where::current());
Handle Dot(DotOptions options = {}, Where where = Where::current());

} // namespace cornet
