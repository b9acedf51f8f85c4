// SPDX-License-Identifier: Apache-2.0
//
// Optimizers of optimizers: a loss scale that finds itself, and one optimizer for each variable.
// The inner ones' variables lie under the outer one's prefix.
#include "frontend/lib/optimizers/Optimizers.h"

#include <algorithm>
#include <limits>
#include <set>

namespace cornet {
namespace {

/// The wrappers' own learning rate is 0 and moves nothing, as in Keras.
OptimizerOptions wrapping(const std::string &name, std::optional<double> lossScale = {}) {
  OptimizerOptions out;
  out.learning_rate = 0, out.loss_scale_factor = lossScale, out.name = name;
  return out;
}

struct Wrapper : Optimizer {
  using Optimizer::Optimizer;
  std::vector<OptimizerPtr> inner;

  void adopt(const OptimizerPtr &optimizer, std::optional<double> lossScale) {
    if (!optimizer || std::find(inner.begin(), inner.end(), optimizer) != inner.end())
      return;
    optimizer->options.loss_scale_factor = lossScale;
    inner.push_back(optimizer);
  }
  std::vector<VariablePtr> variables() const override {
    std::vector<VariablePtr> all = Optimizer::variables();
    for (const OptimizerPtr &optimizer : inner)
      for (const VariablePtr &variable : optimizer->variables())
        all.push_back(variable);
    return all;
  }
  std::vector<std::pair<VariablePtr, VariablePtr>> averages() const override {
    std::vector<std::pair<VariablePtr, VariablePtr>> all;
    for (const OptimizerPtr &optimizer : inner)
      for (const auto &pair : optimizer->averages())
        all.push_back(pair);
    return all;
  }
  void setPrefix(const std::string &prefix) override {
    Optimizer::setPrefix(prefix);
    std::set<std::string> taken;
    for (const OptimizerPtr &optimizer : inner) {
      std::string place = optimizer->name;
      for (int i = 1; !taken.insert(place).second; ++i)
        place = optimizer->name + "_" + std::to_string(i);
      optimizer->setPrefix(prefix + "/" + place);
    }
  }
  void update(const Tensor &, const VariablePtr &, size_t, const Tensor &) override {}
};

struct DynamicScale : Wrapper {
  DynamicScale(const LossScaleOptimizerOptions &o, Where where)
      : Wrapper("LossScaleOptimizer", wrapping(o.name), where), o(o) {
    adopt(o.inner_optimizer, std::nullopt);
    setPrefix("optimizer");
  }
  LossScaleOptimizerOptions o;
  VariablePtr good, scale; ///< steps since the scale changed, and the scale

  bool scalesLoss() const override { return true; }
  VariablePtr learningRate() const override {
    return inner.empty() ? nullptr : inner[0]->learningRate();
  }
  std::vector<std::string> examine() const override {
    std::vector<std::string> out = Optimizer::examine();
    if (inner.empty())
      out.push_back("inner_optimizer is missing; give the optimizer that updates");
    if (!(o.initial_scale > 0))
      out.push_back("initial_scale is " + std::to_string(o.initial_scale) + "; it must be above 0");
    if (o.dynamic_growth_steps < 1)
      out.push_back("dynamic_growth_steps is " + std::to_string(o.dynamic_growth_steps) +
                    "; it must be at least 1");
    return out;
  }
  void makeSlots(const std::vector<VariablePtr> &variables) override {
    good = addScalar("step_counter", 0, "i32");
    scale = addScalar("dynamic_scale", o.initial_scale);
    for (const OptimizerPtr &optimizer : inner)
      optimizer->build(variables);
  }
  Tensor scaleLoss(const Tensor &loss) override { return loss * ops::read(scale, loss); }

  void step(std::vector<Gradient> gradients) override {
    Tensor factor = ops::read(scale, gradients[0].first), count = ops::read(good, factor), all;
    for (auto &[g, variable] : gradients) {
      // An infinity and what is no number compare false.
      Tensor finite = ops::indicator(
          ops::compare(ops::abs(g), double(std::numeric_limits<float>::max()), "le"));
      std::vector<int64_t> axes;
      for (size_t d = 0; d < g.rank(); ++d)
        axes.push_back(int64_t(d));
      if (!axes.empty())
        finite = ops::reduce(finite, "min", axes);
      all = all ? all * finite : finite;
      g = g / factor;
    }
    Tensor finite = ops::compare(all, 0.0, "gt");
    assignWhere(finite, [&] { inner[0]->apply(gradients); });
    Tensor due = ops::compare(ops::cast(count, "f32"), double(o.dynamic_growth_steps - 1), "eq");
    Tensor none = ops::constant(count, 0);
    ops::assign(good, ops::select(finite, ops::select(due, none, count + 1), none));
    ops::assign(scale, ops::select(finite, ops::select(due, factor * 2, factor), factor * 0.5));
  }
};

struct ByVariable : Wrapper {
  ByVariable(const MultiOptimizerOptions &o, Where where)
      : Wrapper("MultiOptimizer", wrapping(o.name, o.loss_scale_factor), where), o(o) {
    for (const auto &[pattern, optimizer] : o.optimizer_map.optimizer_map)
      adopt(optimizer, o.loss_scale_factor);
    adopt(o.optimizer_map.default_optimizer, o.loss_scale_factor);
    setPrefix("optimizer");
  }
  MultiOptimizerOptions o;

  VariablePtr learningRate() const override { return nullptr; }
  std::vector<std::string> examine() const override {
    std::vector<std::string> out = Optimizer::examine();
    if (!o.optimizer_map.default_optimizer)
      out.push_back("optimizer_map.default_optimizer is missing; give one");
    for (const auto &[pattern, optimizer] : o.optimizer_map.optimizer_map) {
      if (std::string error = checkPattern(pattern); !error.empty())
        out.push_back("optimizer_map: " + error);
      if (!optimizer)
        out.push_back("optimizer_map: '" + pattern + "' has no optimizer; give one");
    }
    for (const OptimizerPtr &optimizer : inner)
      if (dynamic_cast<const Wrapper *>(optimizer.get()))
        out.push_back("optimizer_map: '" + optimizer->name +
                      "' wraps optimizers itself; give those that it wraps");
    for (const VariablePtr &w : weights())
      if (candidates(w).size() > 1)
        out.push_back("optimizer_map: more than one pattern matches '" + w->name +
                      "'; change the patterns, or give its whole name as one");
    return out;
  }
  /// The optimizers that the map has for a variable: its own name's, else all whose pattern fits.
  std::vector<OptimizerPtr> candidates(const VariablePtr &w) const {
    std::vector<OptimizerPtr> fit;
    for (const auto &[pattern, optimizer] : o.optimizer_map.optimizer_map) {
      if (pattern == w->name)
        return {optimizer};
      if (matches(pattern, w->name))
        fit.push_back(optimizer);
    }
    return fit;
  }
  OptimizerPtr of(const VariablePtr &w) const {
    std::vector<OptimizerPtr> fit = candidates(w);
    return fit.empty() ? o.optimizer_map.default_optimizer : fit[0];
  }
  void makeSlots(const std::vector<VariablePtr> &variables) override {
    for (const OptimizerPtr &optimizer : inner) {
      std::vector<VariablePtr> own;
      for (const VariablePtr &w : variables)
        if (of(w) == optimizer)
          own.push_back(w);
      optimizer->build(own);
    }
  }
  void step(std::vector<Gradient> gradients) override {
    for (const OptimizerPtr &optimizer : inner) {
      std::vector<Gradient> own;
      for (const Gradient &gradient : gradients)
        if (of(gradient.second) == optimizer)
          own.push_back(gradient);
      optimizer->apply(own);
    }
    countStep(gradients[0].first);
  }
};

} // namespace

OptimizerPtr LossScaleOptimizer(LossScaleOptimizerOptions o, Where where) {
  return std::make_shared<DynamicScale>(o, where);
}
OptimizerPtr MultiOptimizer(MultiOptimizerOptions o, Where where) {
  return std::make_shared<ByVariable>(o, where);
}

} // namespace cornet
