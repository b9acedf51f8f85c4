// SPDX-License-Identifier: Apache-2.0
//
// What the layers' files share. A mistake is recorded and the layer goes on with something
// harmless, so that later mistakes are found too.
#pragma once

#include <cornet/options.h>

#include "ir/Infer/Infer.h"

#include <algorithm>

namespace cornet {

/// Keeps options as `o` and takes from them what every layer has.
template <class Options> struct With : Layer {
  With(const char *kind, Options options) : Layer(kind, options.name), o(std::move(options)) {
    trainable = o.trainable, returnsCast = true;
    if (!o.dtype.empty())
      dtype = o.dtype;
    if constexpr (requires { o.activity_regularizer; })
      activity_regularizer = o.activity_regularizer;
  }
  Options o;

  std::optional<std::vector<Option>> config() const override {
    OptionList list;
    Options copy = o;
    copy.fields(list), trainingFields(copy, list);
    return std::move(list.options);
  }
  std::vector<std::string> examine() const override {
    std::vector<std::string> mistakes;
    if constexpr (requires { o.units; })
      if (o.units < 1)
        mistakes.push_back("units must be positive; set .units");
    if constexpr (requires { o.filters; })
      if (o.filters < 1)
        mistakes.push_back("filters must be positive; set .filters");
    if constexpr (requires { o.activation; })
      if (std::string mistake = ops::checkActivation(o.activation); !mistake.empty())
        mistakes.push_back(mistake);
    auto check = [&](const Initializer &initializer) {
      if (std::string mistake = checkInitializer(initializer.name); !mistake.empty())
        mistakes.push_back(mistake);
    };
    if constexpr (requires { o.kernel_initializer; })
      check(o.kernel_initializer);
    if constexpr (requires { o.depthwise_initializer; })
      check(o.depthwise_initializer);
    if constexpr (requires { o.pointwise_initializer; })
      check(o.pointwise_initializer);
    if constexpr (requires { o.bias_initializer; })
      check(o.bias_initializer);
    if constexpr (requires { o.embeddings_initializer; })
      check(o.embeddings_initializer);
    if constexpr (requires { o.alpha_initializer; })
      check(o.alpha_initializer);
    if constexpr (requires { o.gamma_initializer; })
      check(o.beta_initializer), check(o.gamma_initializer);
    if constexpr (requires { o.moving_mean_initializer; })
      check(o.moving_mean_initializer), check(o.moving_variance_initializer);
    if constexpr (requires { o.rate; }) // a rate of 1 leaves Gaussian noise no finite deviation
      if (!(o.rate >= 0 && o.rate <= 1) || (o.rate == 1 && kind == "GaussianDropout"))
        mistakes.push_back("rate is " + std::to_string(o.rate) + "; it must be in [0, 1" +
                           (kind == "GaussianDropout" ? ")" : "]"));
    if constexpr (requires { o.stddev; })
      if (!(o.stddev >= 0))
        mistakes.push_back("stddev is " + std::to_string(o.stddev) + "; it must not be negative");
    if constexpr (requires { o.padding.c_str(); }) {
      constexpr bool causal = std::is_same_v<Options, Conv1DOptions>;
      if (o.padding != "valid" && o.padding != "same" && !(causal && o.padding == "causal"))
        mistakes.push_back("padding is '" + o.padding + "'; use \"valid\" or \"same\"" +
                           (causal ? " or \"causal\"" : ""));
    }
    return mistakes;
  }
};

/// A layer whose sums or tables are f32 in every dtype policy.
template <class Options> struct Wide : With<Options> {
  Wide(const char *kind, Options options) : With<Options>(kind, std::move(options)) {
    this->computesWide = true;
  }
};

/// A layer that adds a bias by its options.
template <class Options> struct Biased : With<Options> {
  using With<Options>::With, With<Options>::o;
  void addBias(int64_t width) {
    if (o.use_bias)
      this->addWeight("bias", {width}, o.bias_initializer, o.bias_regularizer, o.bias_constraint);
  }
};

/// Defines NAME(OPTIONS), which makes a LAYER of kind "NAME".
#define CORNET_LAYER(NAME, OPTIONS, LAYER)                                                         \
  Handle NAME(OPTIONS options, Where where) {                                                      \
    auto layer = std::make_shared<LAYER>(#NAME, std::move(options));                               \
    layer->where = where;                                                                          \
    return {std::move(layer)};                                                                     \
  }

/// Records a mistake and says so when the rank of `x` is not `rank`; `advice` says what to do.
inline bool wrongRank(const Tensor &x, size_t rank, const char *wants, const char *advice) {
  if (x.rank() == rank)
    return false;
  x.graph->mistake("input has " + std::to_string(x.rank()) + " dimensions, expected " + wants +
                   "; " + advice);
  return true;
}

/// A tensor of which nothing is known.
inline Tensor poison(const Tensor &x) {
  Node node;
  node.shape = x.shape(), node.poisoned = true;
  return Tensor(x.graph, x.graph->add(std::move(node)));
}

inline Tensor poison(const Tensor &x, std::string mistake) {
  x.graph->mistake(std::move(mistake));
  return poison(x);
}

/// `v`, which has no batch, for each row of `x`: (N, ...), with as many dimensions as `x` or as `v`
/// and one more. It depends on the batch's extent alone.
inline Tensor forEachRow(const Tensor &v, const Tensor &x) {
  Shape row(x.rank(), 1), column(std::max(x.rank(), v.rank() + 1), 1);
  row[0] = column[0] = x.shape()[0];
  Tensor one = ops::reshape(ops::slice(x, Shape(x.rank(), 0), row), column);
  return ops::select(ops::compare(one, 0.0, "ge"), v, v);
}

/// Axes from the front, in order. Empty when one is no dimension of a tensor of `rank`.
inline std::vector<int64_t> positive(std::vector<int64_t> axes, size_t rank) {
  for (int64_t &axis : axes) {
    axis = axis < 0 ? axis + int64_t(rank) : axis;
    if (axis < 0 || axis >= int64_t(rank))
      return {};
  }
  return axes;
}

/// `more` with strides, dilations and padding for a window over the dimensions of `x` between batch
/// and channels. Keras's words: valid, same, and causal where allowed.
inline Attributes windowAttributes(const Tensor &x, const Shape &window, const Shape &strides,
                                   const Shape &dilations, const std::string &padding,
                                   Attributes more) {
  Shape pads;
  for (size_t d = 0; d < window.size(); ++d) {
    std::pair<int64_t, int64_t> pad{0, 0};
    if (padding == "same" && strides[d] > 0)
      pad = infer::samePadding(x.shape()[d + 1], window[d], strides[d], dilations[d]);
    else if (padding == "causal")
      pad = {(window[d] - 1) * dilations[d], 0};
    pads.push_back(pad.first), pads.push_back(pad.second);
  }
  more["strides"] = strides, more["dilations"] = dilations, more["padding"] = pads;
  return more;
}

inline Shape list(Pair pair) { return {pair.height, pair.width}; }

} // namespace cornet
