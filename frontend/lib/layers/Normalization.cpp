// SPDX-License-Identifier: Apache-2.0
//
// Normalizations. Batch normalization does one thing in inference and another in training.
#include "frontend/lib/layers/Support.h"

namespace cornet {
namespace {

/// `v`, of the extents of `axes` of `x` in order, shaped to broadcast against `x`.
Tensor align(const Tensor &v, const Tensor &x, const std::vector<int64_t> &axes) {
  Shape shape(x.rank(), 1);
  for (int64_t axis : axes)
    shape[size_t(axis)] = x.shape()[size_t(axis)];
  return ops::reshape(v, Shape(shape.begin() + 1, shape.end()));
}

/// (x - mean) / sqrt(variance + epsilon) over axes.
Tensor standardize(const Tensor &x, const std::vector<int64_t> &axes, double epsilon) {
  Tensor centred = x - ops::reduce(x, "mean", axes, true);
  return centred * ops::rsqrt(ops::reduce(centred * centred, "mean", axes, true) + epsilon);
}

struct BatchNormalizationLayer : Wide<BatchNormalizationOptions> {
  using Wide::Wide;
  void build(const std::vector<Shape> &in) override {
    std::vector<int64_t> axis = positive({o.axis}, in[0].size());
    Shape channels{axis.empty() ? 1 : in[0][size_t(axis[0])]};
    if (o.scale)
      addWeight("gamma", channels, o.gamma_initializer, o.gamma_regularizer, o.gamma_constraint);
    if (o.center)
      addWeight("beta", channels, o.beta_initializer, o.beta_regularizer, o.beta_constraint);
    addWeight("moving_mean", channels, o.moving_mean_initializer, false);
    addWeight("moving_variance", channels, o.moving_variance_initializer, false);
  }

  Tensor call(const std::vector<Tensor> &x) override {
    size_t next = 0;
    // The op has gamma and beta always; where Keras makes no weight for them they are constant.
    auto take = [&](bool has, float otherwise) {
      return has ? weight(next++, x[0]) : ops::constant(x[0], weights.back()->shape, {otherwise});
    };
    Tensor gamma = take(o.scale, 1), beta = take(o.center, 0);
    Tensor mean = weight(next, x[0]), variance = weight(next + 1, x[0]);
    if (!x[0].training())
      return ops::record("batch_norm", {x[0], gamma, beta, mean, variance},
                         {{"axis", o.axis}, {"epsilon", o.epsilon}});
    axis = positive({o.axis}, x[0].rank());
    if (axis.empty())
      return poison(x[0], "axis is no dimension of the input");
    if (!trainable)
      return scaled(x[0] - align(mean, x[0], axis), gamma, beta, variance);
    return train(x[0], gamma, beta, next);
  }

private:
  std::vector<int64_t> axis;

  /// centred gamma / sqrt(variance + epsilon) + beta.
  Tensor scaled(const Tensor &centred, const Tensor &gamma, const Tensor &beta,
                const Tensor &variance) {
    Tensor scale = gamma * ops::rsqrt(variance + o.epsilon);
    return centred * align(scale, centred, axis) + align(beta, centred, axis);
  }

  /// With the statistics of the batch. Written so that the gradient by x is one pass over the data
  /// after two sums, of g and of g (x - mean), and not three: where x is centred, the mean counts
  /// as constant. For the variance it is one, since the sum of x - mean is 0; for the result its
  /// part enters by beta, as a term that is 0 but has the derivative. (So the second derivative of
  /// a training step by x lacks the terms of the mean.)
  Tensor train(const Tensor &x, const Tensor &gamma, const Tensor &beta, size_t statistics) {
    std::vector<int64_t> others;
    for (int64_t d = 0; d < int64_t(x.rank()); ++d)
      if (d != axis[0])
        others.push_back(d);
    Tensor mean = ops::mean(x, others), fixed = ops::stopGradient(mean);
    Tensor centred = x - align(fixed, x, axis);
    Tensor variance = ops::mean(centred * centred, others);
    auto move = [&](size_t index, const Tensor &batch) {
      Tensor moving = weight(index, x);
      ops::assign(weights[index], moving * o.momentum + batch * (1 - o.momentum));
    };
    move(statistics, mean), move(statistics + 1, variance);
    Tensor scale = gamma * ops::rsqrt(variance + o.epsilon);
    Tensor shift = beta - (mean - fixed) * scale;
    return centred * align(scale, x, axis) + align(shift, x, axis);
  }
};

/// gamma and beta over the extents of axes, and their use.
template <class Options> struct Affine : Wide<Options> {
  using Wide<Options>::Wide, Wide<Options>::o, Layer::addWeight, Layer::weight;
  void addAffine(const Shape &in, const std::vector<int64_t> &axes) {
    Shape shape;
    for (int64_t axis : axes)
      shape.push_back(in[size_t(axis)]);
    if (o.scale)
      addWeight("gamma", shape, o.gamma_initializer, o.gamma_regularizer, o.gamma_constraint);
    if (o.center)
      addWeight("beta", shape, o.beta_initializer, o.beta_regularizer, o.beta_constraint);
  }
  Tensor affine(Tensor y, const std::vector<int64_t> &axes) {
    if (o.scale)
      y = y * align(weight(0, y), y, axes);
    if (o.center)
      y = y + align(weight(o.scale, y), y, axes);
    return y;
  }
};

struct LayerNormalizationLayer : Affine<LayerNormalizationOptions> {
  using Affine::Affine;
  void build(const std::vector<Shape> &in) override {
    addAffine(in[0], positive(o.axis, in[0].size()));
  }
  Tensor call(const std::vector<Tensor> &x) override {
    std::vector<int64_t> axes = positive(o.axis, x[0].rank());
    if (axes.empty())
      return poison(x[0], "axis is no dimension of the input");
    return affine(standardize(x[0], axes, o.epsilon), axes);
  }
};

struct GroupNormalizationLayer : Affine<GroupNormalizationOptions> {
  using Affine::Affine;
  void build(const std::vector<Shape> &in) override {
    addAffine(in[0], {int64_t(in[0].size()) - 1});
  }
  Tensor call(const std::vector<Tensor> &x) override {
    int64_t rank = int64_t(x[0].rank()), channels = x[0].shape().back(),
            groups = o.groups == -1 ? channels : o.groups;
    if (positive({o.axis}, size_t(rank)) != std::vector<int64_t>{rank - 1})
      return poison(x[0], "axis must be the last one");
    if (groups < 1 || channels % groups)
      return poison(x[0], std::to_string(channels) + " channels do not divide into " +
                              std::to_string(groups) + " groups");
    Shape apart = x[0].shape();
    apart.back() = groups, apart.push_back(channels / groups);
    std::vector<int64_t> axes;
    for (int64_t axis = 1; axis <= rank; ++axis)
      if (axis != rank - 1)
        axes.push_back(axis);
    Tensor y = ops::reshape(standardize(ops::reshape(x[0], apart), axes, o.epsilon), x[0].shape());
    return affine(y, {rank - 1});
  }
};

struct UnitNormalizationLayer : Wide<UnitNormalizationOptions> {
  using Wide::Wide;
  Tensor call(const std::vector<Tensor> &x) override {
    Tensor squares = ops::reduce(x[0] * x[0], "sum", o.axis, true);
    return x[0] * ops::rsqrt(ops::maximum(squares, ops::constant(x[0], 1e-12)));
  }
};

struct NormalizationLayer : Wide<NormalizationOptions> {
  using Wide::Wide;
  void build(const std::vector<Shape> &in) override {
    Shape shape;
    for (int64_t axis : positive(o.axis, in[0].size()))
      shape.push_back(in[0][size_t(axis)]);
    if (!o.mean.empty())
      return;
    addWeight("mean", shape, "zeros", false), addWeight("variance", shape, "ones", false);
    addWeight("count", {}, "zeros", false);
  }
  Tensor call(const std::vector<Tensor> &x) override {
    std::vector<int64_t> axes = positive(o.axis, x[0].rank());
    if (axes.size() != o.axis.size())
      return poison(x[0], "axis is no dimension of the input");
    if (o.mean.size() != o.variance.size())
      return poison(x[0], "mean and variance must be given both, and with as many numbers");
    size_t cells = 1;
    for (int64_t axis : axes)
      cells *= size_t(x[0].shape()[size_t(axis)]);
    if (o.mean.size() > 1 && o.mean.size() != cells)
      return poison(x[0], "mean and variance have " + std::to_string(o.mean.size()) +
                              " numbers for " + std::to_string(cells) + " cells along axis");
    auto given = [&](const std::vector<double> &numbers) {
      Shape shape;
      for (int64_t axis : axes)
        shape.push_back(x[0].shape()[size_t(axis)]);
      return ops::constant(x[0], shape, std::vector<float>(numbers.begin(), numbers.end()));
    };
    Tensor mean = align(o.mean.empty() ? weight(0, x[0]) : given(o.mean), x[0], axes);
    Tensor variance = align(o.mean.empty() ? weight(1, x[0]) : given(o.variance), x[0], axes);
    Tensor deviation = ops::maximum(ops::sqrt(variance), ops::constant(x[0], 1e-7));
    return o.invert ? mean + x[0] * deviation : (x[0] - mean) / deviation;
  }
};

struct RescalingLayer : With<RescalingOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    for (const PerChannel *option : {&o.scale, &o.offset})
      if (option->size() != 1 && int64_t(option->size()) != x[0].shape().back())
        return poison(x[0], std::string(option == &o.scale ? "scale" : "offset") + " has " +
                                std::to_string(option->size()) + " numbers, but the input has " +
                                std::to_string(x[0].shape().back()) + " channels");
    Tensor y = o.scale.size() == 1 ? x[0] * o.scale[0] : x[0] * channels(o.scale, x[0]);
    return o.offset.size() == 1 ? y + o.offset[0] : y + channels(o.offset, x[0]);
  }

private:
  static Tensor channels(const PerChannel &numbers, const Tensor &x) {
    return ops::constant(x, {int64_t(numbers.size())},
                         std::vector<float>(numbers.begin(), numbers.end()));
  }
};

struct LayerScaleLayer : With<LayerScaleOptions> {
  using With::With;
  std::vector<std::string> examine() const override {
    std::vector<std::string> mistakes = With::examine();
    if (o.projection_dim < 1)
      mistakes.push_back("projection_dim must be positive; set .projection_dim");
    return mistakes;
  }
  void build(const std::vector<Shape> &) override {
    addWeight("gamma", {std::max<int64_t>(1, o.projection_dim)},
              Initializer("constant", o.init_values));
  }
  Tensor call(const std::vector<Tensor> &x) override {
    if (o.projection_dim > 0 && x[0].shape().back() != o.projection_dim)
      return poison(x[0], "projection_dim is " + std::to_string(o.projection_dim) +
                              ", but the input has " + std::to_string(x[0].shape().back()) +
                              " channels");
    return x[0] * weight(0, x[0]);
  }
};

} // namespace

CORNET_LAYER(BatchNormalization, BatchNormalizationOptions, BatchNormalizationLayer)
CORNET_LAYER(LayerNormalization, LayerNormalizationOptions, LayerNormalizationLayer)
CORNET_LAYER(GroupNormalization, GroupNormalizationOptions, GroupNormalizationLayer)
CORNET_LAYER(UnitNormalization, UnitNormalizationOptions, UnitNormalizationLayer)
CORNET_LAYER(Normalization, NormalizationOptions, NormalizationLayer)
CORNET_LAYER(Rescaling, RescalingOptions, RescalingLayer)
CORNET_LAYER(LayerScale, LayerScaleOptions, LayerScaleLayer)

} // namespace cornet
