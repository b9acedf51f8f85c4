// SPDX-License-Identifier: Apache-2.0
//
// Penalties on weights that the training loss adds once for each step, with Keras 3's names,
// defaults and formulas. One of your own:
//
//     struct Sparse : Regularizer {
//       Tensor operator()(const Tensor &w) override { return 0.01 *
//       ops::sum(ops::sqrt(ops::abs(w))); }
//     };
#pragma once

#include <cornet/tensor.h>

namespace cornet {

class Regularizer {
public:
  virtual ~Regularizer() = default;
  /// What the weight `w` costs: an f32 scalar.
  virtual Tensor operator()(const Tensor &w) = 0;
};
using RegularizerPtr = std::shared_ptr<Regularizer>;

struct L1Options {
  double l1 = 0.01;
  template <class V> void fields(V &&v) { v("l1", l1); }
};
struct L2Options {
  double l2 = 0.01;
  template <class V> void fields(V &&v) { v("l2", l2); }
};
struct L1L2Options {
  double l1 = 0, l2 = 0;
  template <class V> void fields(V &&v) { v("l1", l1), v("l2", l2); }
};
struct OrthogonalRegularizerOptions {
  double factor = 0.01;
  std::string mode = "rows"; ///< or "columns"
  template <class V> void fields(V &&v) { v("factor", factor), v("mode", mode); }
};

// What is wrong with the options becomes a mistake of the recording that the regularizer is used
// in.

/// l1 sum |w|
RegularizerPtr L1(L1Options options = {});
/// l2 sum w^2, without a half
RegularizerPtr L2(L2Options options = {});
/// l1 sum |w| + l2 sum w^2
RegularizerPtr L1L2(L1L2Options options = {});
/// factor times the mean |cosine| between two rows, or columns, of a matrix
RegularizerPtr OrthogonalRegularizer(OrthogonalRegularizerOptions options = {});

/// The regularizer of that name with its defaults: "l1", "l2", "l1_l2", "orthogonal_regularizer",
/// or the class's name. Null for another name.
RegularizerPtr regularizer(const std::string &name);
/// What is wrong with that name, or "".
std::string checkRegularizer(const std::string &name);

} // namespace cornet
