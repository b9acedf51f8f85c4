// SPDX-License-Identifier: Apache-2.0
//
// What losses and metrics share: ranks made equal by Keras's rules, divisions without NaN, classes
// as conditions, and the logits behind probabilities.
#pragma once

#include <cornet/losses.h>

namespace cornet::support {

inline constexpr double epsilon = 1e-7;
/// The largest probability whose rest is one in f32.
inline constexpr double almostOne = double(1.0f - 1e-7f);

inline Tensor real(const Tensor &x) { return ops::cast(x, "f32"); }

/// A tensor of which nothing is known, for what follows a mistake.
Tensor poison(const Tensor &like);
Tensor mistake(const Tensor &like, std::string message);
/// "(?, 3)".
std::string shapeOf(const Tensor &x);

Tensor expandLast(const Tensor &x);
/// Without the last dimension, which is 1.
Tensor squeezeLast(const Tensor &x);
/// Keras's rule for ranks that differ by one: a last dimension of 1 is dropped, or given to a
/// vector.
void align(Tensor &a, Tensor &b);
/// `weight` with last dimensions of 1 up to the rank of `values`, and `values` in turn with one of
/// them where the weight has it.
void alignWeight(Tensor &values, Tensor &weight);

/// a / b, 0 where b is.
Tensor divideNoNan(const Tensor &a, const Tensor &b);
/// The dimension from the front, or -1 where there is none.
int64_t dimension(const Tensor &x, int64_t axis);
/// 0, 1, ... along `axis` of a tensor of that rank, 1 elsewhere; where `except` would be, a number
/// that no label is.
Tensor counting(const Tensor &like, int64_t count, int64_t axis, size_t rank,
                std::optional<int64_t> except = {});
/// Where the class along `axis` of `scores` is the label: the shape of `scores`, as i1. Labels lack
/// that axis, or have 1 there. No label is the class `except`.
Tensor isClass(const Tensor &labels, const Tensor &scores, int64_t axis,
               std::optional<int64_t> except = {});

/// The operand of the op ("cornet.sigmoid", "cornet.softmax" along `axis`) that `y` is recorded as
/// the result of; else no tensor.
Tensor operandOf(const Tensor &y, const std::string &op, int64_t axis = -1);
/// -ln of probabilities or of the softmax of logits along `axis`; `share` is given the
/// probabilities.
Tensor negativeLog(const Tensor &y_pred, bool from_logits, int64_t axis, Tensor *share = nullptr);

} // namespace cornet::support
