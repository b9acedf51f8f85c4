// SPDX-License-Identifier: Apache-2.0
//
// What the layers' files share. A mistake is recorded and the layer goes on with something
// harmless, so that later mistakes are found too.
#pragma once

#include <cornet/options.h>

#include "ir/Infer/Infer.h"

namespace cornet {

/// Keeps options as `o` and takes the name from them.
template <class Options> struct With : Layer {
  With(const char *kind, Options options) : Layer(kind, options.name), o(std::move(options)) {}
  Options o;

  std::optional<std::vector<Option>> config() const override {
    OptionList list;
    Options(o).fields(list);
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
    if constexpr (requires { o.kernel_initializer; })
      if (std::string mistake = checkInitializer(o.kernel_initializer.name); !mistake.empty())
        mistakes.push_back(mistake);
    if constexpr (requires { o.padding.c_str(); }) {
      constexpr bool causal = std::is_same_v<Options, Conv1DOptions>;
      if (o.padding != "valid" && o.padding != "same" && !(causal && o.padding == "causal"))
        mistakes.push_back("padding is '" + o.padding + "'; use \"valid\" or \"same\"" +
                           (causal ? " or \"causal\"" : ""));
    }
    return mistakes;
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
