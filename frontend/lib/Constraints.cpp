// SPDX-License-Identifier: Apache-2.0
//
// Keras's constraints.
#include <cornet/constraints.h>

namespace cornet {
namespace {

constexpr double kEpsilon = 1e-7; // Keras's, which keeps weights of 0 at 0

Tensor norm(const Tensor &w, const Shape &axis) { return ops::sqrt(ops::sum(w * w, axis, true)); }

struct AtMost : Constraint {
  explicit AtMost(MaxNormOptions o) : o(std::move(o)) {}
  MaxNormOptions o;
  Tensor operator()(const Tensor &w) override {
    Tensor n = norm(w, o.axis);
    return w * (ops::clamp(n, 0, o.max_value) / (n + kEpsilon));
  }
};

struct NotNegative : Constraint {
  Tensor operator()(const Tensor &w) override { return ops::relu(w); }
};

struct Unit : Constraint {
  explicit Unit(UnitNormOptions o) : o(std::move(o)) {}
  UnitNormOptions o;
  Tensor operator()(const Tensor &w) override { return w / (norm(w, o.axis) + kEpsilon); }
};

struct Between : Constraint {
  explicit Between(MinMaxNormOptions o) : o(std::move(o)) {}
  MinMaxNormOptions o;
  Tensor operator()(const Tensor &w) override {
    Tensor n = norm(w, o.axis);
    Tensor wanted = o.rate * ops::clamp(n, o.min_value, o.max_value) + (1 - o.rate) * n;
    return w * (wanted / (n + kEpsilon));
  }
};

} // namespace

ConstraintPtr MaxNorm(MaxNormOptions o) { return std::make_shared<AtMost>(std::move(o)); }
ConstraintPtr NonNeg() { return std::make_shared<NotNegative>(); }
ConstraintPtr UnitNorm(UnitNormOptions o) { return std::make_shared<Unit>(std::move(o)); }
ConstraintPtr MinMaxNorm(MinMaxNormOptions o) { return std::make_shared<Between>(std::move(o)); }

ConstraintPtr constraint(const std::string &name) {
  if (name == "max_norm" || name == "MaxNorm")
    return MaxNorm();
  if (name == "non_neg" || name == "NonNeg")
    return NonNeg();
  if (name == "unit_norm" || name == "UnitNorm")
    return UnitNorm();
  if (name == "min_max_norm" || name == "MinMaxNorm")
    return MinMaxNorm();
  return nullptr;
}

std::string checkConstraint(const std::string &name) {
  return constraint(name) ? ""
                          : "unknown constraint '" + name +
                                "'; known: max_norm, min_max_norm, non_neg, unit_norm";
}

} // namespace cornet
