// SPDX-License-Identifier: Apache-2.0
//
// Keras's regularizers.
#include <cornet/regularizers.h>

#include "ir/Infer/Infer.h"

#include <cmath>

namespace cornet {
namespace {

/// Records a mistake unless `value` is a number and not negative.
void examine(const Tensor &w, const char *kind, const char *option, double value) {
  if (!(value >= 0) || std::isinf(value))
    w.graph->mistake(std::string(kind) + ": " + option + " is " + std::to_string(value) +
                     "; it must be a number, 0 or above");
}

struct Norms : Regularizer {
  Norms(const char *kind, double l1, double l2) : kind(kind), l1(l1), l2(l2) {}
  const char *kind;
  double l1, l2;

  Tensor operator()(const Tensor &w) override {
    examine(w, kind, "l1", l1), examine(w, kind, "l2", l2);
    Tensor cost = ops::constant(w, 0);
    if (l1 != 0)
      cost = l1 * ops::sum(ops::abs(w));
    if (l2 != 0)
      cost = l1 != 0 ? cost + l2 * ops::sum(w * w) : l2 * ops::sum(w * w);
    return cost;
  }
};

struct Orthogonality : Regularizer {
  explicit Orthogonality(OrthogonalRegularizerOptions o) : o(std::move(o)) {}
  OrthogonalRegularizerOptions o;

  Tensor operator()(const Tensor &w) override {
    examine(w, "OrthogonalRegularizer", "factor", o.factor);
    bool rows = o.mode == "rows";
    if (!rows && o.mode != "columns")
      w.graph->mistake("OrthogonalRegularizer: mode is '" + o.mode +
                       R"('; use "rows" or "columns")");
    if (w.poisoned() || w.rank() != 2) {
      if (!w.poisoned())
        w.graph->mistake("OrthogonalRegularizer: the weight has the shape " +
                         infer::text(w.shape()) + "; it must be a matrix");
      return ops::constant(w, 0);
    }
    int64_t size = w.shape()[rows ? 0 : 1];
    if (size < 2)
      return ops::constant(w, 0); // there is no pair
    Tensor length = ops::rsqrt(ops::sum(w * w, {rows ? 1 : 0}, true));
    Tensor unit = w * ops::minimum(length, ops::constant(w, 1e7));
    Tensor cosines =
        ops::record("matmul", {unit, unit}, {{"transpose_lhs", !rows}, {"transpose_rhs", rows}});
    std::vector<float> off(size_t(size * size), 1.0f);
    for (int64_t i = 0; i < size; ++i)
      off[size_t(i * size + i)] = 0;
    Tensor others = cosines * ops::constant(w, {size, size}, std::move(off));
    // Each pair is there twice.
    double pairs = double(size) * double(size - 1) / 2;
    return ops::sum(ops::abs(others)) * (o.factor * 0.5 / pairs);
  }
};

} // namespace

RegularizerPtr L1(L1Options o) { return std::make_shared<Norms>("L1", o.l1, 0); }
RegularizerPtr L2(L2Options o) { return std::make_shared<Norms>("L2", 0, o.l2); }
RegularizerPtr L1L2(L1L2Options o) { return std::make_shared<Norms>("L1L2", o.l1, o.l2); }
RegularizerPtr OrthogonalRegularizer(OrthogonalRegularizerOptions o) {
  return std::make_shared<Orthogonality>(std::move(o));
}

RegularizerPtr regularizer(const std::string &name) {
  if (name == "l1" || name == "L1")
    return L1();
  if (name == "l2" || name == "L2")
    return L2();
  if (name == "l1_l2" || name == "L1L2")
    return L1L2();
  if (name == "orthogonal_regularizer" || name == "OrthogonalRegularizer")
    return OrthogonalRegularizer();
  return nullptr;
}

std::string checkRegularizer(const std::string &name) {
  return regularizer(name)
             ? ""
             : "unknown regularizer '" + name + "'; known: l1, l1_l2, l2, orthogonal_regularizer";
}

} // namespace cornet
