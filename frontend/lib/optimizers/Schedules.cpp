// SPDX-License-Identifier: Apache-2.0
//
// Keras's learning-rate schedules on an f32 scalar.
#include "frontend/lib/optimizers/Optimizers.h"

#include <numbers>

namespace cornet {
namespace {

/// A schedule of `Options` by a function of them; `examine` says what is wrong with them, or "".
template <class Options> struct Formula : Schedule {
  using Compute = Tensor (*)(const Options &, const Tensor &step);
  Formula(const char *kind, Options options, std::string problem, Compute compute)
      : kind(kind), problem(std::move(problem)), options(std::move(options)), compute(compute) {}
  const char *kind;
  std::string problem;
  Options options;
  Compute compute;

  Tensor operator()(const Tensor &step) override {
    if (problem.empty())
      return compute(options, step);
    step.graph->mistake(std::string(kind) + ": " + problem);
    return step;
  }
};

template <class Options>
SchedulePtr make(const char *kind, Options options, std::string problem,
                 typename Formula<Options>::Compute compute) {
  return std::make_shared<Formula<Options>>(kind, std::move(options), std::move(problem), compute);
}

std::string atLeastOne(const char *option, int64_t value) {
  return value >= 1
             ? ""
             : std::string(option) + " is " + std::to_string(value) + "; it must be at least 1";
}

/// (1 + cos(pi part)) / 2
Tensor cosine(const Tensor &part) { return 0.5 * (1 + ops::cos(std::numbers::pi * part)); }

Tensor atMost(const Tensor &x, double most) { return ops::minimum(x, ops::constant(x, most)); }

/// step / n, rounded down if only whole multiples count.
Tensor periods(const ExponentialDecayOptions &o, const Tensor &step) {
  Tensor p = step / double(o.decay_steps);
  return o.staircase ? ops::floor(p) : p;
}

Tensor polynomial(const PolynomialDecayOptions &o, const Tensor &given) {
  Tensor step = given, steps = ops::constant(step, double(o.decay_steps));
  if (o.cycle) {
    Tensor multiple = ops::record("ceil", {step / steps});
    steps = steps * ops::maximum(multiple, ops::constant(step, 1));
  } else {
    step = ops::minimum(step, steps);
  }
  return (o.initial_learning_rate - o.end_learning_rate) * ops::pow(1 - step / steps, o.power) +
         o.end_learning_rate;
}

Tensor cosineDecay(const CosineDecayOptions &o, const Tensor &step) {
  double steps = double(o.decay_steps), warmup = o.warmup_target ? double(o.warmup_steps) : 0;
  double top = o.warmup_target.value_or(o.initial_learning_rate);
  Tensor since = atMost(step, steps + warmup) - warmup;
  Tensor rate = top * ((1 - o.alpha) * cosine(since / steps) + o.alpha);
  if (warmup == 0)
    return rate;
  Tensor rising = (top - o.initial_learning_rate) * (step / warmup) + o.initial_learning_rate;
  return ops::select(ops::compare(step, warmup, "lt"), rising, rate);
}

Tensor restarts(const CosineDecayRestartsOptions &o, const Tensor &step) {
  Tensor part = step / double(o.first_decay_steps), period;
  if (o.t_mul == 1) {
    period = ops::floor(part), part = part - period;
  } else {
    // Where a period starts the quotient is whole, but logarithms may fall a few ulp short of it.
    Tensor base = ops::constant(step, o.t_mul);
    period = ops::floor(ops::log(1 - part * (1 - o.t_mul)) / ops::log(base) + 5e-6);
    Tensor length = ops::pow(base, period);
    part = (part - (1 - length) / (1 - o.t_mul)) / length;
  }
  Tensor height = power(o.m_mul, period);
  return o.initial_learning_rate * ((1 - o.alpha) * (height * cosine(part)) + o.alpha);
}

std::string examine(const PiecewiseConstantDecayOptions &o) {
  if (o.values.size() != o.boundaries.size() + 1)
    return std::to_string(o.boundaries.size()) + " boundaries and " +
           std::to_string(o.values.size()) + " values; give one value more than boundaries";
  for (size_t i = 1; i < o.boundaries.size(); ++i)
    if (o.boundaries[i] <= o.boundaries[i - 1])
      return "the boundary " + std::to_string(o.boundaries[i]) + " follows " +
             std::to_string(o.boundaries[i - 1]) + "; boundaries must increase";
  return "";
}

} // namespace

SchedulePtr ExponentialDecay(ExponentialDecayOptions o) {
  return make(
      "ExponentialDecay", o, atLeastOne("decay_steps", o.decay_steps),
      +[](const ExponentialDecayOptions &o, const Tensor &step) {
        return o.initial_learning_rate * power(o.decay_rate, periods(o, step));
      });
}

SchedulePtr InverseTimeDecay(InverseTimeDecayOptions o) {
  return make(
      "InverseTimeDecay", o, atLeastOne("decay_steps", o.decay_steps),
      +[](const InverseTimeDecayOptions &o, const Tensor &step) {
        return o.initial_learning_rate / (1 + o.decay_rate * periods(o, step));
      });
}

SchedulePtr PiecewiseConstantDecay(PiecewiseConstantDecayOptions o) {
  return make(
      "PiecewiseConstantDecay", o, examine(o),
      +[](const PiecewiseConstantDecayOptions &o, const Tensor &step) {
        Tensor rate = ops::constant(step, o.values.back());
        for (size_t i = o.boundaries.size(); i-- > 0;)
          rate = ops::select(ops::compare(step, double(o.boundaries[i]), "le"),
                             ops::constant(step, o.values[i]), rate);
        return rate;
      });
}

SchedulePtr PolynomialDecay(PolynomialDecayOptions o) {
  return make("PolynomialDecay", o, atLeastOne("decay_steps", o.decay_steps), polynomial);
}

SchedulePtr CosineDecay(CosineDecayOptions o) {
  std::string problem = atLeastOne("decay_steps", o.decay_steps);
  if (problem.empty() && o.warmup_steps < 0)
    problem = "warmup_steps is " + std::to_string(o.warmup_steps) + "; it must not be negative";
  return make("CosineDecay", o, problem, cosineDecay);
}

SchedulePtr CosineDecayRestarts(CosineDecayRestartsOptions o) {
  std::string problem = atLeastOne("first_decay_steps", o.first_decay_steps);
  if (problem.empty() && !(o.t_mul >= 1))
    problem = "t_mul is " + std::to_string(o.t_mul) + "; it must be at least 1";
  return make("CosineDecayRestarts", o, problem, restarts);
}

} // namespace cornet
