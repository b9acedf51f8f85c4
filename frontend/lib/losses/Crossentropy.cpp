// SPDX-License-Identifier: Apache-2.0
//
// Losses of probabilities, or of the logits behind them.
#include "frontend/lib/losses/Formula.h"

namespace cornet::inline losses {

using namespace support;
using ops::clamp, ops::log, ops::sum;

/// x^gamma, by products where gamma is 1 or 2.
static Tensor power(const Tensor &x, double gamma) {
  return gamma == 1 ? x : gamma == 2 ? x * x : ops::pow(x, gamma);
}

static Tensor binaryValues(const Tensor &y, const Tensor &p, const Tensor &logits) {
  if (logits)
    return ops::softplus(logits) - logits * y;
  Tensor q = clamp(p, epsilon, almostOne);
  return -(y * log(q) + (1.0 - y) * log(1.0 - q));
}

LossPtr BinaryCrossentropy(BinaryCrossentropyOptions o) {
  auto made = formula("binary_crossentropy", o, [o](const Tensor &y, const Tensor &p) {
    Tensor logits = o.from_logits ? p : operandOf(p, "cornet.sigmoid");
    return ops::mean(binaryValues(smooth(y, o.label_smoothing, 0.5), p, logits), {o.axis});
  });
  made->crossentropy = true;
  return made;
}

LossPtr BinaryFocalCrossentropy(BinaryFocalCrossentropyOptions o) {
  return formula("binary_focal_crossentropy", o, [o](const Tensor &target, const Tensor &x) {
    Tensor y = smooth(target, o.label_smoothing, 0.5);
    Tensor logits = o.from_logits ? x : operandOf(x, "cornet.sigmoid");
    Tensor p = o.from_logits ? ops::sigmoid(x) : x;
    Tensor rest = y + p * (1.0 - y * 2.0); // 1 - p_t
    Tensor values = power(rest, o.gamma) * binaryValues(y, p, logits);
    if (o.apply_class_balancing)
      values = values * (y * (2 * o.alpha - 1) + (1 - o.alpha));
    return ops::mean(values, {o.axis});
  });
}

/// y (1 - s) + s / classes; Keras counts the classes on the last axis, whichever axis is theirs.
static Tensor smoothClasses(const Tensor &y, double smoothing) {
  return smooth(y, smoothing, 1.0 / double(y.shape().back()));
}

LossPtr CategoricalCrossentropy(CategoricalCrossentropyOptions o) {
  auto made = formula("categorical_crossentropy", o, [o](const Tensor &y, const Tensor &p) {
    Tensor target = smoothClasses(y, o.label_smoothing);
    return sum(target * negativeLog(p, o.from_logits, o.axis), {o.axis});
  });
  made->crossentropy = true;
  return made;
}

LossPtr CategoricalFocalCrossentropy(CategoricalFocalCrossentropyOptions o) {
  return formula("categorical_focal_crossentropy", o, [o](const Tensor &y, const Tensor &p) {
    Tensor target = smoothClasses(y, o.label_smoothing);
    Tensor share, minus = negativeLog(p, o.from_logits, o.axis, &share);
    return sum(target * power(1.0 - share, o.gamma) * minus, {o.axis}) * o.alpha;
  });
}

LossPtr SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions o) {
  auto values = [o](const Tensor &y, const Tensor &p) {
    Tensor chosen = isClass(y, p, o.axis, o.ignore_class);
    if (chosen.poisoned())
      return chosen;
    Tensor minus = negativeLog(p, o.from_logits, o.axis);
    return sum(ops::select(chosen, minus, ops::constant(minus, 0)), {o.axis});
  };
  auto made = formula("sparse_categorical_crossentropy", o, values, true);
  if (o.ignore_class)
    made->counts = [o](const Tensor &y, const Tensor &, const Tensor &given) {
      Tensor labels = y.rank() > given.rank() ? ops::reshape(y, given.shape()) : y;
      return ops::compare(labels, double(*o.ignore_class), "ne");
    };
  made->crossentropy = true;
  return made;
}

LossPtr CategoricalGeneralizedCrossEntropy(CategoricalGeneralizedCrossEntropyOptions o) {
  auto values = [o](const Tensor &y, const Tensor &p) {
    if (!(o.q > 0 && o.q < 1))
      return mistake(p, "q of CategoricalGeneralizedCrossEntropy is " + std::to_string(o.q) +
                            "; it must lie between 0 and 1");
    Tensor chosen = isClass(y, p, -1);
    if (chosen.poisoned())
      return chosen;
    Tensor probability = sum(ops::select(chosen, p, ops::constant(p, 0)), {-1});
    return (1.0 - ops::pow(probability, o.q)) * (1 / o.q);
  };
  return formula("categorical_generalized_cross_entropy", o, values, true);
}

} // namespace cornet::inline losses
