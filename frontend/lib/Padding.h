// SPDX-License-Identifier: Apache-2.0
//
// Keras's padding words turned into the explicit padding of the window ops.
#pragma once

#include <cornet/layers.h>

#include "ir/Infer/Infer.h"

namespace cornet {

/// `more` with strides, dilations and padding for a window over H and W of `x`.
inline Attributes windowAttributes(const Tensor &x, Pair window, Pair strides, Pair dilations, const std::string &padding, Attributes more) {
  std::pair<int64_t, int64_t> h{0, 0}, w{0, 0};
  if (padding == "same" && strides.height > 0 && strides.width > 0) {
    h = infer::samePadding(x.shape()[1], window.height, strides.height, dilations.height);
    w = infer::samePadding(x.shape()[2], window.width, strides.width, dilations.width);
  } else if (padding != "valid" && padding != "same") {
    x.graph->mistake("padding is '" + padding + "'; use \"valid\" or \"same\"");
  }
  more["strides"] = Shape{strides.height, strides.width};
  more["dilations"] = Shape{dilations.height, dilations.width};
  more["padding"] = Shape{h.first, h.second, w.first, w.second};
  return more;
}

} // namespace cornet
