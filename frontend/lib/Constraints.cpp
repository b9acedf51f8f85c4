// SPDX-License-Identifier: Apache-2.0
//
// Keras's constraints.
#include <cornet/constraints.h>
#include <cornet/options.h>

namespace cornet {
namespace {

constexpr double kEpsilon = 1e-7; // Keras's, which keeps weights of 0 at 0

Tensor norm(const Tensor &w, const Shape &axis) { return ops::sqrt(ops::sum(w * w, axis, true)); }

template <class Options> Described describe(const char *kind, Options o) {
  OptionList list;
  o.fields(list);
  return {kind, std::move(list.options)};
}

struct AtMost : Constraint {
  explicit AtMost(MaxNormOptions o) : o(std::move(o)) {}
  MaxNormOptions o;
  std::optional<Described> config() const override { return describe("MaxNorm", o); }
  Tensor operator()(const Tensor &w) override {
    Tensor n = norm(w, o.axis);
    return w * (ops::clamp(n, 0, o.max_value) / (n + kEpsilon));
  }
};

struct NotNegative : Constraint {
  std::optional<Described> config() const override { return Described{"NonNeg", {}}; }
  Tensor operator()(const Tensor &w) override { return ops::relu(w); }
};

struct Unit : Constraint {
  explicit Unit(UnitNormOptions o) : o(std::move(o)) {}
  UnitNormOptions o;
  std::optional<Described> config() const override { return describe("UnitNorm", o); }
  Tensor operator()(const Tensor &w) override { return w / (norm(w, o.axis) + kEpsilon); }
};

struct Between : Constraint {
  explicit Between(MinMaxNormOptions o) : o(std::move(o)) {}
  MinMaxNormOptions o;
  std::optional<Described> config() const override { return describe("MinMaxNorm", o); }
  Tensor operator()(const Tensor &w) override {
    Tensor n = norm(w, o.axis);
    Tensor wanted = o.rate * ops::clamp(n, o.min_value, o.max_value) + (1 - o.rate) * n;
    return w * (wanted / (n + kEpsilon));
  }
};

} // namespace

std::optional<Described> Constraint::config() const { return std::nullopt; }

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
