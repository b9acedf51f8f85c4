// SPDX-License-Identifier: Apache-2.0
//
// Optimizers with a rate of its own for each cell, by what its gradients have been: Adagrad,
// Adadelta, Ftrl, Adafactor.
#include "frontend/lib/optimizers/Optimizers.h"

namespace cornet {
namespace {

struct SumOfSquares : Optimizer {
  SumOfSquares(const AdagradOptions &o, Where where)
      : Optimizer("Adagrad", common(o), where), o(o) {}
  AdagradOptions o;

  void build(const VariablePtr &w, size_t) override {
    addSlot("accumulator", w, Initializer("constant", o.initial_accumulator_value));
  }
  void update(const Tensor &g, const VariablePtr &w, size_t i, const Tensor &rate) override {
    Tensor sum = ops::read(slot("accumulator", i), g) + g * g;
    ops::assign(slot("accumulator", i), sum);
    ops::assign(w, ops::read(w, g) - rate * g / ops::sqrt(sum + o.epsilon));
  }
};

struct RatioOfMeans : Optimizer {
  RatioOfMeans(const AdadeltaOptions &o, Where where)
      : Optimizer("Adadelta", common(o), where), o(o) {}
  AdadeltaOptions o;

  void build(const VariablePtr &w, size_t) override {
    addSlot("accumulated_grad", w), addSlot("accumulated_delta_var", w);
  }
  void update(const Tensor &g, const VariablePtr &w, size_t i, const Tensor &rate) override {
    VariablePtr gradients = slot("accumulated_grad", i), deltas = slot("accumulated_delta_var", i);
    auto root = [&](const Tensor &x) { return ops::sqrt(x + o.epsilon); };
    Tensor square = o.rho * ops::read(gradients, g) + (1 - o.rho) * (g * g);
    Tensor moved = ops::read(deltas, g);
    Tensor delta = -(root(moved) * g / root(square));
    ops::assign(gradients, square);
    ops::assign(deltas, o.rho * moved + (1 - o.rho) * (delta * delta));
    ops::assign(w, ops::read(w, g) + rate * delta);
  }
};

struct FollowTheLeader : Optimizer {
  FollowTheLeader(const FtrlOptions &o, Where where) : Optimizer("Ftrl", common(o), where), o(o) {}
  FtrlOptions o;
  Tensor penalty; ///< the doubled l2, a scalar

  std::vector<std::string> examine() const override {
    std::vector<std::string> out = Optimizer::examine();
    auto check = [&](bool good, const char *option, double value, const char *sign) {
      if (!good)
        out.push_back(std::string(option) + " is " + std::to_string(value) + "; it must be " +
                      sign + " or 0");
    };
    check(o.learning_rate_power <= 0, "learning_rate_power", o.learning_rate_power, "negative");
    check(o.initial_accumulator_value >= 0, "initial_accumulator_value",
          o.initial_accumulator_value, "positive");
    check(o.l1_regularization_strength >= 0, "l1_regularization_strength",
          o.l1_regularization_strength, "positive");
    check(o.l2_regularization_strength >= 0, "l2_regularization_strength",
          o.l2_regularization_strength, "positive");
    check(o.l2_shrinkage_regularization_strength >= 0, "l2_shrinkage_regularization_strength",
          o.l2_shrinkage_regularization_strength, "positive");
    return out;
  }
  void build(const VariablePtr &w, size_t) override {
    addSlot("accumulator", w, Initializer("constant", o.initial_accumulator_value));
    addSlot("linear", w);
  }
  void begin(const Tensor &rate) override {
    penalty = 2 * (o.l2_regularization_strength + o.beta / (2 * rate));
  }
  Tensor powered(const Tensor &sum) const {
    return o.learning_rate_power == -0.5 ? ops::sqrt(sum) : ops::pow(sum, -o.learning_rate_power);
  }
  void update(const Tensor &g, const VariablePtr &w, size_t i, const Tensor &rate) override {
    VariablePtr accumulator = slot("accumulator", i), slopes = slot("linear", i);
    Tensor value = ops::read(w, g), sum = ops::read(accumulator, g), next = sum + g * g;
    Tensor shrunk = g + 2 * o.l2_shrinkage_regularization_strength * value;
    Tensor sigma = (powered(next) - powered(sum)) / rate;
    Tensor linear = ops::read(slopes, g) + (shrunk - sigma * value);
    Tensor quadratic = powered(next) / rate + penalty;
    double l1 = o.l1_regularization_strength;
    ops::assign(slopes, linear);
    ops::assign(w, (ops::clamp(linear, -l1, l1) - linear) / quadratic);
    ops::assign(accumulator, next);
  }
};

struct Factored : Optimizer {
  Factored(const AdafactorOptions &o, Where where)
      : Optimizer("Adafactor", common(o), where), o(o) {}
  AdafactorOptions o;
  Tensor keep, take, relative; ///< the decay, what it leaves, and the rate

  void build(const VariablePtr &w, size_t) override {
    Shape rows, columns;
    if (w->shape.size() >= 2) { // else Keras has two scalars that nothing uses
      rows = columns = w->shape;
      rows.pop_back();
      columns.erase(columns.end() - 2);
    }
    addSlot("r", w, rows), addSlot("c", w, columns), addSlot("velocity", w);
  }
  void begin(const Tensor &rate) override {
    keep = 1 - ops::pow(count(), o.beta_2_decay), take = 1 - keep;
    relative = ops::minimum(rate, 1 / ops::sqrt(count()));
  }
  Tensor average(const char *name, size_t i, const Tensor &x) {
    Tensor next = keep * ops::read(slot(name, i), x) + take * x;
    ops::assign(slot(name, i), next);
    return next;
  }
  static Tensor size(const Tensor &x) { return ops::sqrt(ops::mean(x * x)); }

  void update(const Tensor &g, const VariablePtr &w, size_t i, const Tensor &) override {
    Tensor value = ops::read(w, g), square = g * g + o.epsilon_1, velocity;
    Tensor alpha = ops::maximum(size(value), ops::constant(g, o.epsilon_2)) * relative;
    if (g.rank() >= 2) {
      Tensor r = average("r", i, ops::mean(square, {-1}));
      Tensor c = average("c", i, ops::mean(square, {-2}));
      Shape column = g.shape(), row = g.shape();
      column.back() = 1, row[row.size() - 2] = 1;
      velocity = ops::reshape(r / ops::mean(r, {-1}, true), column) * ops::reshape(c, row);
      ops::assign(slot("velocity", i), velocity);
    } else {
      velocity = average("velocity", i, square);
    }
    Tensor step = g / ops::sqrt(velocity);
    Tensor over = ops::maximum(size(step) / o.clip_threshold, ops::constant(g, 1));
    ops::assign(w, value - alpha * (step / over));
  }
};

} // namespace

OptimizerPtr Adagrad(AdagradOptions o, Where where) {
  return std::make_shared<SumOfSquares>(o, where);
}
OptimizerPtr Adadelta(AdadeltaOptions o, Where where) {
  return std::make_shared<RatioOfMeans>(o, where);
}
OptimizerPtr Ftrl(FtrlOptions o, Where where) {
  return std::make_shared<FollowTheLeader>(o, where);
}
OptimizerPtr Adafactor(AdafactorOptions o, Where where) {
  return std::make_shared<Factored>(o, where);
}

} // namespace cornet
