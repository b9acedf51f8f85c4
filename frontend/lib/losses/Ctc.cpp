// SPDX-License-Identifier: Apache-2.0
//
// Connectionist temporal classification (Graves 2006): the forward recursion in logarithms over
// states blank, y1, blank, y2, ..., blank; S = 2 L + 1 of them. A state is reached from itself,
// from the one before, and a label also from the label before it when the two differ.
#include "frontend/lib/losses/Formula.h"

namespace cornet::inline losses {

using namespace support;

namespace {

constexpr double impossible = -1e5; // as Keras: finite, so that gradients are numbers

Tensor pad(const Tensor &x, Shape low, Shape high, double value) {
  return ops::record("pad", {x},
                     {{"low", std::move(low)}, {"high", std::move(high)}, {"value", value}});
}

/// ln(e^a + e^b + ...), finite where all are far below 0.
Tensor logSum(const std::vector<Tensor> &parts) {
  Tensor most = parts[0];
  for (size_t i = 1; i < parts.size(); ++i)
    most = ops::maximum(most, parts[i]);
  most = ops::stopGradient(most);
  Tensor total;
  for (const Tensor &part : parts) {
    Tensor share = ops::exp(part - most);
    total = total ? total + share : share;
  }
  return ops::log(total) + most;
}

Tensor values(const Tensor &y, const Tensor &p) {
  if (y.rank() != 2 || p.rank() != 3)
    return mistake(p, "CTC needs targets (B, L) and logits (B, T, C), got " + shapeOf(y) + " and " +
                          shapeOf(p));
  int64_t frames = p.shape()[1], labels = y.shape()[1], classes = p.shape()[2];
  int64_t states = 2 * labels + 1;
  // (B, S): 0, y1, 0, y2, ..., 0.
  Tensor spread = pad(ops::reshape(real(y), {-1, labels, 1}), {0, 0, 1}, {0, 0, 0}, 0);
  Tensor path = pad(ops::reshape(spread, {-1, 2 * labels}), {0, 0}, {0, 1}, 0);
  // (B, T, S): ln of the probability of each state's class in each frame.
  Tensor logs = -negativeLog(p, true, -1);
  Tensor wide = ops::reshape(path, {-1, states, 1});
  Tensor chosen = ops::indicator(ops::compare(wide, counting(wide, classes, 2, 3), "eq"));
  Tensor emitted =
      ops::record("matmul", {logs, chosen}, {{"transpose_lhs", false}, {"transpose_rhs", true}});
  // (B, S): 0 where the state may be reached over the one before, else impossible.
  Tensor before = ops::slice(pad(path, {0, 2}, {0, 0}, 0), {0, 0}, {-1, states});
  Tensor may = ops::indicator(ops::compare(path, before, "ne")) *
               ops::indicator(ops::compare(path, 0.0, "ne"));
  Tensor skip = (1.0 - may) * impossible;

  auto frame = [&](int64_t t) {
    return ops::reshape(ops::slice(emitted, {0, t, 0}, {-1, 1, states}), {-1, states});
  };
  std::vector<float> start = std::vector<float>(size_t(states), float(impossible));
  start[0] = start[1] = 0;
  Tensor alpha = frame(0) + ops::constant(p, {states}, start);
  for (int64_t t = 1; t < frames; ++t) {
    Tensor wider = pad(alpha, {0, 2}, {0, 0}, impossible);
    Tensor one = ops::slice(wider, {0, 1}, {-1, states});
    Tensor two = ops::slice(wider, {0, 0}, {-1, states}) + skip;
    alpha = logSum({alpha, one, two}) + frame(t);
  }
  // It ends in the last label or the blank after it: states 2 n - 1 and 2 n of n labels.
  Tensor end = ops::sum(ops::indicator(ops::compare(real(y), 0.0, "ne")), {1}, true) * 2.0;
  Tensor distance = end - counting(end, states, 1, 2);
  Tensor last = ops::indicator(ops::compare(distance, 0.0, "ge")) *
                ops::indicator(ops::compare(distance, 1.0, "le"));
  Tensor ends = alpha + (1.0 - last) * (10 * impossible);
  Tensor most = ops::stopGradient(ops::reduce(ends, "max", {1}, true));
  Tensor total = ops::sum(ops::exp(ends - most), {1});
  return -(ops::log(total) + ops::reshape(most, {-1}));
}

} // namespace

LossPtr CTC(LossOptions o) { return formula("ctc", o, values, true); }

} // namespace cornet::inline losses
