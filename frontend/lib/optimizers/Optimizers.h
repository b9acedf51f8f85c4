// SPDX-License-Identifier: Apache-2.0
//
// What the optimizers of this folder share.
#pragma once

#include <cornet/optimizers.h>

namespace cornet {

/// The options that every optimizer takes, out of one's own.
template <class O> OptimizerOptions common(const O &o) {
  return {o.learning_rate,
          o.weight_decay,
          o.clipnorm,
          o.clipvalue,
          o.global_clipnorm,
          o.use_ema,
          o.ema_momentum,
          o.ema_overwrite_frequency,
          o.loss_scale_factor,
          o.gradient_accumulation_steps,
          o.exclude_from_weight_decay,
          o.name};
}

/// Whether the regular expression is found in `text`, or is all of it. A broken one is not.
bool found(const std::string &pattern, const std::string &text);
bool matches(const std::string &pattern, const std::string &text);
/// What is wrong with a regular expression, or "".
std::string checkPattern(const std::string &pattern);

/// 1 - beta, in f32.
inline double rest(double beta) { return 1.0f - float(beta); }
/// b^t of an f32 scalar t.
inline Tensor power(double base, const Tensor &t) { return ops::pow(ops::constant(t, base), t); }

/// Moves the variable's value towards `target`: x += (target - x) share. Returns the new value.
inline Tensor approach(const VariablePtr &variable, const Tensor &target, double share) {
  Tensor x = ops::read(variable, target);
  Tensor next = x + (target - x) * share;
  ops::assign(variable, next);
  return next;
}

} // namespace cornet
