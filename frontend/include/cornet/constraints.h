// SPDX-License-Identifier: Apache-2.0
//
// What a weight is made to obey after every update, with Keras 3's names, defaults and formulas.
// One of your own:
//
//     struct Bounded : Constraint {
//       Tensor operator()(const Tensor &w) override { return ops::clamp(w, -1, 1); }
//     };
#pragma once

#include <cornet/tensor.h>

namespace cornet {

class Constraint {
public:
  virtual ~Constraint() = default;
  /// The weight, constrained: `w`'s shape.
  virtual Tensor operator()(const Tensor &w) = 0;
};
using ConstraintPtr = std::shared_ptr<Constraint>;

// `axis`: the norm is taken over these. {0} of a Dense kernel: for each unit, over its inputs;
// {0, 1, 2} of a Conv2D kernel: for each filter.
struct MaxNormOptions {
  double max_value = 2;
  Shape axis{0};
  template <class V> void fields(V &&v) { v("max_value", max_value), v("axis", axis); }
};
struct UnitNormOptions {
  Shape axis{0};
  template <class V> void fields(V &&v) { v("axis", axis); }
};
struct MinMaxNormOptions {
  double min_value = 0, max_value = 1, rate = 1;
  Shape axis{0};
  template <class V> void fields(V &&v) {
    v("min_value", min_value), v("max_value", max_value), v("rate", rate), v("axis", axis);
  }
};

// n: the L2 norm of w over the axes.

/// w min(n, max_value) / (1e-7 + n)
ConstraintPtr MaxNorm(MaxNormOptions options = {});
/// max(w, 0)
ConstraintPtr NonNeg();
/// w / (1e-7 + n)
ConstraintPtr UnitNorm(UnitNormOptions options = {});
/// w (rate clamp(n, min_value, max_value) + (1 - rate) n) / (1e-7 + n)
ConstraintPtr MinMaxNorm(MinMaxNormOptions options = {});

/// The constraint of that name with its defaults: "max_norm", "non_neg", "unit_norm",
/// "min_max_norm", or the class's name. Null for another name.
ConstraintPtr constraint(const std::string &name);
/// What is wrong with that name, or "".
std::string checkConstraint(const std::string &name);

} // namespace cornet
