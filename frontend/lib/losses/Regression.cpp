// SPDX-License-Identifier: Apache-2.0
//
// Losses of real targets.
#include "frontend/lib/losses/Formula.h"

#include <numbers>

namespace cornet::inline losses {

using namespace support;
using ops::abs, ops::log, ops::maximum, ops::minimum, ops::sum;

LossPtr MeanSquaredError(LossOptions o) {
  return formula("mean_squared_error", o, [](const Tensor &y, const Tensor &p) {
    Tensor d = y - p;
    return meanOfLast(d * d);
  });
}

LossPtr MeanAbsoluteError(LossOptions o) {
  return formula("mean_absolute_error", o,
                 [](const Tensor &y, const Tensor &p) { return meanOfLast(abs(y - p)); });
}

LossPtr MeanAbsolutePercentageError(LossOptions o) {
  return formula("mean_absolute_percentage_error", o, [](const Tensor &y, const Tensor &p) {
    Tensor size = maximum(abs(y), ops::constant(y, epsilon));
    return meanOfLast(abs(y - p) / size) * 100.0;
  });
}

LossPtr MeanSquaredLogarithmicError(LossOptions o) {
  return formula("mean_squared_logarithmic_error", o, [](const Tensor &y, const Tensor &p) {
    auto logarithm = [](const Tensor &x) {
      return log(maximum(x, ops::constant(x, epsilon)) + 1.0);
    };
    Tensor d = logarithm(p) - logarithm(y);
    return meanOfLast(d * d);
  });
}

LossPtr CosineSimilarity(CosineSimilarityOptions o) {
  return formula("cosine_similarity", o, [axis = o.axis](const Tensor &y, const Tensor &p) {
    auto perNorm = [&](const Tensor &x) { // the floor keeps the gradient finite where x is 0
      Tensor square = sum(x * x, {axis});
      return ops::rsqrt(maximum(square, ops::constant(x, epsilon * epsilon)));
    };
    return -(sum(y * p, {axis}) * (perNorm(y) * perNorm(p)));
  });
}

LossPtr Huber(HuberOptions o) {
  return formula("huber_loss", o, [delta = o.delta](const Tensor &y, const Tensor &p) {
    // One formula for both sides: m (|d| - m / 2), m = min(|d|, delta).
    Tensor size = abs(p - y), m = minimum(size, ops::constant(size, delta));
    return meanOfLast(m * (size - m * 0.5));
  });
}

LossPtr LogCosh(LossOptions o) {
  return formula("log_cosh", o, [](const Tensor &y, const Tensor &p) {
    Tensor d = p - y;
    return meanOfLast(d + ops::softplus(d * -2.0)) - std::numbers::ln2;
  });
}

LossPtr KLDivergence(LossOptions o) {
  return formula("kl_divergence", o, [](const Tensor &y, const Tensor &p) {
    Tensor from = ops::clamp(y, epsilon, 1), to = ops::clamp(p, epsilon, 1);
    return sum(from * log(from / to), {-1});
  });
}

LossPtr Poisson(LossOptions o) {
  return formula("poisson", o, [](const Tensor &y, const Tensor &p) {
    return meanOfLast(p - y * log(p + epsilon));
  });
}

} // namespace cornet::inline losses
