// SPDX-License-Identifier: Apache-2.0
//
// Losses of margins.
#include "frontend/lib/losses/Formula.h"

namespace cornet::inline losses {

using namespace support;

/// max(1 - y p, 0), with y of {0, 1} for {-1, 1} where the whole batch has no other label.
static Tensor shortfall(const Tensor &y, const Tensor &p) {
  auto is = [&](double label) { return ops::indicator(ops::compare(y, label, "eq")); };
  std::vector<int64_t> all;
  for (size_t d = 0; d < y.rank(); ++d)
    all.push_back(int64_t(d));
  Tensor binary = ops::reduce(is(0) + is(1), "min", all); // 1 or 0
  // y, or 2 y - 1.
  Tensor label = y * (binary + 1.0) - binary;
  return ops::relu(1.0 - label * p);
}

LossPtr Hinge(LossOptions o) {
  return formula("hinge", o,
                 [](const Tensor &y, const Tensor &p) { return meanOfLast(shortfall(y, p)); });
}

LossPtr SquaredHinge(LossOptions o) {
  return formula("squared_hinge", o, [](const Tensor &y, const Tensor &p) {
    Tensor s = shortfall(y, p);
    return meanOfLast(s * s);
  });
}

LossPtr CategoricalHinge(LossOptions o) {
  return formula("categorical_hinge", o, [](const Tensor &y, const Tensor &p) {
    Tensor right = y * p;
    Tensor wrong = ops::reduce(p - right, "max", {-1});
    return ops::relu(wrong - ops::sum(right, {-1}) + 1.0);
  });
}

} // namespace cornet::inline losses
