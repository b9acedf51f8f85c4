// SPDX-License-Identifier: Apache-2.0
//
// Learning rates that change while a model trains, with Keras 3's names, defaults and formulas:
//
//     Adam({.learning_rate = CosineDecay({.initial_learning_rate = 1e-3, .decay_steps = 10000})})
//
// A schedule of your own derives from Schedule; it is recorded into the training step like any
// other computation:
//
//     struct Warmup : Schedule {
//       Tensor operator()(const Tensor &step) override {
//         return 1e-3 * ops::minimum((step + 1) / 500, ops::constant(step, 1));
//       }
//     };
//     SGD({.learning_rate = std::make_shared<Warmup>()})
#pragma once

#include <cornet/tensor.h>

#include <concepts>
#include <optional>

namespace cornet {

class Schedule {
public:
  virtual ~Schedule() = default;
  /// The learning rate, an f32 scalar. `step`: f32 scalar, how many steps were applied before this
  /// one; it counts every step, also those that only accumulate gradients.
  virtual Tensor operator()(const Tensor &step) = 0;
};
using SchedulePtr = std::shared_ptr<Schedule>;

/// A learning rate as options hold it: a number, which callbacks may change, or a schedule.
struct LearningRate {
  LearningRate(double value) : value(value) {}
  template <class S>
  requires std::derived_from<S, Schedule> LearningRate(std::shared_ptr<S> schedule)
      : schedule(std::move(schedule)) {}

  double value = 0;
  SchedulePtr schedule; ///< null: the number
};

struct ExponentialDecayOptions {
  double initial_learning_rate = 0;
  int64_t decay_steps = 0;
  double decay_rate = 1;
  bool staircase = false; ///< only whole multiples of decay_steps count
  template <class V> void fields(V &&v) {
    v("initial_learning_rate", initial_learning_rate), v("decay_steps", decay_steps),
        v("decay_rate", decay_rate), v("staircase", staircase);
  }
};
using InverseTimeDecayOptions = ExponentialDecayOptions;
struct PiecewiseConstantDecayOptions {
  std::vector<int64_t> boundaries{}; ///< increasing steps, each the last one of its value
  std::vector<double> values{};      ///< one more than boundaries
  template <class V> void fields(V &&v) { v("boundaries", boundaries), v("values", values); }
};
struct PolynomialDecayOptions {
  double initial_learning_rate = 0;
  int64_t decay_steps = 0;
  double end_learning_rate = 1e-4, power = 1;
  bool cycle = false; ///< past decay_steps, decay again over the next multiple of it
  template <class V> void fields(V &&v) {
    v("initial_learning_rate", initial_learning_rate), v("decay_steps", decay_steps),
        v("end_learning_rate", end_learning_rate), v("power", power), v("cycle", cycle);
  }
};
struct CosineDecayOptions {
  double initial_learning_rate = 0;
  int64_t decay_steps = 0;
  double alpha = 0;                      ///< the least rate, as a fraction
  std::optional<double> warmup_target{}; ///< with one, the rate first rises to it, linearly
  int64_t warmup_steps = 0;
  template <class V> void fields(V &&v) {
    v("initial_learning_rate", initial_learning_rate), v("decay_steps", decay_steps),
        v("alpha", alpha), v("warmup_target", warmup_target), v("warmup_steps", warmup_steps);
  }
};
struct CosineDecayRestartsOptions {
  double initial_learning_rate = 0;
  int64_t first_decay_steps = 0;
  double t_mul = 2, m_mul = 1, alpha = 0; ///< factors of each period's length and height
  template <class V> void fields(V &&v) {
    v("initial_learning_rate", initial_learning_rate), v("first_decay_steps", first_decay_steps),
        v("t_mul", t_mul), v("m_mul", m_mul), v("alpha", alpha);
  }
};

// i: initial_learning_rate, n: decay_steps. What is wrong with the options becomes a mistake of the
// recording that the schedule is used in.

/// i rate^(step / n)
SchedulePtr ExponentialDecay(ExponentialDecayOptions options);
/// i / (1 + rate step / n)
SchedulePtr InverseTimeDecay(InverseTimeDecayOptions options);
/// values[0] up to and at boundaries[0], then values[1], ...
SchedulePtr PiecewiseConstantDecay(PiecewiseConstantDecayOptions options);
/// (i - end) (1 - min(step, n) / n)^power + end
SchedulePtr PolynomialDecay(PolynomialDecayOptions options);
/// i ((1 - alpha) (1 + cos(pi min(step, n) / n)) / 2 + alpha), where warmup_target takes the place
/// of i once the warmup is over
SchedulePtr CosineDecay(CosineDecayOptions options);
/// Periods of CosineDecay, each t_mul times as long and m_mul times as high as the one before
/// (Loshchilov and Hutter 2016).
SchedulePtr CosineDecayRestarts(CosineDecayRestartsOptions options);

} // namespace cornet
