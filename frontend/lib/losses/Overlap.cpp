// SPDX-License-Identifier: Apache-2.0
//
// Losses of how far masks overlap.
#include "frontend/lib/losses/Formula.h"

namespace cornet::inline losses {

using namespace support;

static Tensor over(const Tensor &x, const std::vector<int64_t> &axes) {
  return axes.empty() ? ops::sum(x) : ops::sum(x, axes);
}

LossPtr Dice(DiceOptions o) {
  return formula("dice", o, [axis = o.axis](const Tensor &y, const Tensor &p) {
    return 1.0 - over(y * p, axis) * 2.0 / (over(y, axis) + over(p, axis) + epsilon);
  });
}

LossPtr Tversky(TverskyOptions o) {
  return formula("tversky", o, [o](const Tensor &y, const Tensor &p) {
    // sum(y (1 - p)) is sum y - I, sum(p (1 - y)) is sum p - I.
    Tensor both = over(y * p, o.axis);
    Tensor all =
        both * (1 - o.alpha - o.beta) + over(y, o.axis) * o.alpha + over(p, o.axis) * o.beta;
    return 1.0 - both / (all + epsilon);
  });
}

} // namespace cornet::inline losses
