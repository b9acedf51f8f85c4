// SPDX-License-Identifier: Apache-2.0
//
// Circle loss: one op, since every sample is compared with all of a batch whose size is not known.
#include "frontend/lib/losses/Formula.h"

namespace cornet::inline losses {

using namespace support;

LossPtr Circle(CircleOptions o) {
  auto values = [o](const Tensor &y, const Tensor &p) {
    Tensor labels = ops::cast(y, "i32");
    if (labels.rank() == 2 && labels.shape()[1] == 1)
      labels = squeezeLast(labels);
    if (labels.rank() != 1 || p.rank() != 2)
      return mistake(p, "Circle needs labels (B) and embeddings (B, D), got " + shapeOf(y) +
                            " and " + shapeOf(p));
    return ops::record(
        "circle", {labels, p, labels, p},
        {{"gamma", o.gamma}, {"margin", o.margin}, {"remove_diagonal", o.remove_diagonal}});
  };
  auto made = formula("circle", o, values, true);
  made->counts = [](const Tensor &, const Tensor &, const Tensor &given) {
    return ops::compare(given, 0.0, "gt");
  };
  return made;
}

} // namespace cornet::inline losses
