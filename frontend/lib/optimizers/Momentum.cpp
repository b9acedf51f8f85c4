// SPDX-License-Identifier: Apache-2.0
//
// Optimizers whose steps are gradients, or averages of gradients, perhaps by their size: SGD,
// RMSprop, Lion.
#include "frontend/lib/optimizers/Optimizers.h"

namespace cornet {
namespace {

struct GradientDescent : Optimizer {
  GradientDescent(const SGDOptions &o, Where where) : Optimizer("SGD", common(o), where), o(o) {}
  SGDOptions o;

  std::vector<std::string> examine() const override {
    std::vector<std::string> out = Optimizer::examine();
    if (!(o.momentum >= 0 && o.momentum <= 1))
      out.push_back("momentum is " + std::to_string(o.momentum) + "; it must be in [0, 1]");
    return out;
  }
  void build(const VariablePtr &w, size_t) override {
    if (o.momentum != 0)
      addSlot("momentum", w);
  }
  void update(const Tensor &g, const VariablePtr &w, size_t i, const Tensor &rate) override {
    Tensor value = ops::read(w, g), along = g * rate;
    VariablePtr slot = this->slot("momentum", i);
    if (!slot)
      return ops::assign(w, value - along);
    Tensor m = ops::read(slot, g) * o.momentum - along;
    ops::assign(slot, m);
    ops::assign(w, value + (o.nesterov ? m * o.momentum - along : m));
  }
};

struct RootMeanSquare : Optimizer {
  RootMeanSquare(const RMSpropOptions &o, Where where)
      : Optimizer("RMSprop", common(o), where), o(o) {}
  RMSpropOptions o;

  /// Keras's order is by slot, not by variable.
  void makeSlots(const std::vector<VariablePtr> &variables) override {
    for (const VariablePtr &w : variables)
      addSlot("velocity", w);
    for (const VariablePtr &w : variables)
      if (o.momentum > 0)
        addSlot("momentum", w);
    for (const VariablePtr &w : variables)
      if (o.centered)
        addSlot("average_gradient", w);
  }
  Tensor average(const char *name, size_t i, const Tensor &x) {
    VariablePtr variable = slot(name, i);
    Tensor next = o.rho * ops::read(variable, x) + (1 - o.rho) * x;
    ops::assign(variable, next);
    return next;
  }
  void update(const Tensor &g, const VariablePtr &w, size_t i, const Tensor &rate) override {
    Tensor variance = average("velocity", i, g * g);
    if (o.centered) {
      Tensor mean = average("average_gradient", i, g);
      variance = variance - mean * mean;
    }
    Tensor step = rate * g / ops::sqrt(variance + o.epsilon);
    if (VariablePtr momentum = slot("momentum", i)) {
      step = o.momentum * ops::read(momentum, g) + step;
      ops::assign(momentum, step);
    }
    ops::assign(w, ops::read(w, g) - step);
  }
};

struct EvolvedSign : Optimizer {
  EvolvedSign(const LionOptions &o, Where where) : Optimizer("Lion", common(o), where), o(o) {}
  LionOptions o;

  std::vector<std::string> examine() const override {
    std::vector<std::string> out = Optimizer::examine();
    if (!(o.beta_1 > 0 && o.beta_1 <= 1))
      out.push_back("beta_1 is " + std::to_string(o.beta_1) + "; it must be in (0, 1]");
    return out;
  }
  void build(const VariablePtr &w, size_t) override { addSlot("momentum", w); }
  void update(const Tensor &g, const VariablePtr &w, size_t i, const Tensor &rate) override {
    VariablePtr slot = this->slot("momentum", i);
    Tensor m = ops::read(slot, g);
    Tensor direction = ops::sign(m * o.beta_1 + g * rest(o.beta_1));
    ops::assign(w, ops::read(w, g) - rate * direction);
    ops::assign(slot, m * o.beta_2 + g * rest(o.beta_2));
  }
};

} // namespace

OptimizerPtr SGD(SGDOptions o, Where where) { return std::make_shared<GradientDescent>(o, where); }
OptimizerPtr RMSprop(RMSpropOptions o, Where where) {
  return std::make_shared<RootMeanSquare>(o, where);
}
OptimizerPtr Lion(LionOptions o, Where where) { return std::make_shared<EvolvedSign>(o, where); }

} // namespace cornet
