// SPDX-License-Identifier: Apache-2.0
//
// What every optimizer does around its update, in Keras's order. A step is a straight program:
// what happens only sometimes is recorded always and selected by the iteration counter.
#include "frontend/lib/optimizers/Optimizers.h"

#include <cornet/constraints.h>

#include "ir/Infer/Infer.h"

#include <algorithm>

namespace cornet {
namespace {

VariablePtr state(std::string name, Shape shape, const Initializer &initializer,
                  const std::string &dtype = "f32") {
  auto variable = std::make_shared<Variable>();
  variable->name = std::move(name), variable->shape = std::move(shape),
  variable->initializer = initializer, variable->trainable = false, variable->dtype = dtype;
  return variable;
}

/// The graph attributes nodes and mistakes to the optimizer while one lives.
class Scope {
public:
  Scope(Graph &graph, const Optimizer &optimizer) : graph(graph), before(graph.where) {
    if (graph.layer.empty())
      graph.where = optimizer.where;
    graph.layer.push_back(optimizer.name);
  }
  ~Scope() { graph.layer.pop_back(), graph.where = before; }

private:
  Graph &graph;
  Where before;
};

/// Floor of an i32 scalar over a positive integer, exact for all of them: the second quotient
/// corrects what f32 lost in the first.
Tensor quotient(const Tensor &x, int64_t divisor) {
  auto once = [&](const Tensor &part) {
    return ops::cast(ops::floor(ops::cast(part, "f32") / double(divisor)), "i32");
  };
  Tensor rough = once(x);
  return rough + once(x - rough * double(divisor));
}

/// Whether `divisor` divides the i32 scalar, as i1.
Tensor divides(int64_t divisor, const Tensor &x) {
  Tensor rest = x - quotient(x, divisor) * double(divisor);
  return ops::compare(ops::cast(rest, "f32"), 0.0, "eq");
}

/// (g clip) / max(|g|, clip)
Tensor clipNorm(const Tensor &g, double clip) {
  return g * clip / ops::maximum(ops::sqrt(ops::sum(g * g)), ops::constant(g, clip));
}

} // namespace

Optimizer::Optimizer(std::string kind, OptimizerOptions given, Where where)
    : options(std::move(given)), name(options.name.empty() ? snakeCase(kind) : options.name),
      where(where) {
  iterations = state("optimizer/iterations", {}, "zeros", "i32");
  if (!options.learning_rate.schedule)
    rate =
        state("optimizer/learning_rate", {}, Initializer("constant", options.learning_rate.value));
}

void Optimizer::setPrefix(const std::string &next) {
  auto rename = [&](const VariablePtr &variable) {
    if (variable)
      variable->name = next + variable->name.substr(prefix.size());
  };
  rename(iterations), rename(rate);
  for (const VariablePtr &variable : made)
    rename(variable);
  prefix = next;
}

std::vector<VariablePtr> Optimizer::variables() const {
  std::vector<VariablePtr> all{iterations};
  if (rate)
    all.push_back(rate);
  all.insert(all.end(), made.begin(), made.end());
  return all;
}

std::vector<std::pair<VariablePtr, VariablePtr>> Optimizer::averages() const {
  std::vector<std::pair<VariablePtr, VariablePtr>> pairs;
  for (size_t i = 0; i < built.size() && options.use_ema; ++i)
    pairs.emplace_back(built[i], slot("average", i));
  return pairs;
}

std::vector<std::string> Optimizer::examine() const {
  std::vector<std::string> out;
  const OptimizerOptions &o = options;
  if (bool(o.clipnorm) + bool(o.clipvalue) + bool(o.global_clipnorm) > 1)
    out.push_back("more than one of clipnorm, clipvalue and global_clipnorm is set; set one");
  if (o.gradient_accumulation_steps && *o.gradient_accumulation_steps < 2)
    out.push_back("gradient_accumulation_steps is " +
                  std::to_string(*o.gradient_accumulation_steps) + "; it must be at least 2");
  if (o.use_ema && !(o.ema_momentum >= 0 && o.ema_momentum <= 1))
    out.push_back("ema_momentum is " + std::to_string(o.ema_momentum) + "; it must be in [0, 1]");
  if (o.use_ema && o.ema_overwrite_frequency && *o.ema_overwrite_frequency < 1)
    out.push_back("ema_overwrite_frequency is " + std::to_string(*o.ema_overwrite_frequency) +
                  "; it must be at least 1");
  for (const std::string &pattern : o.exclude_from_weight_decay)
    if (std::string error = checkPattern(pattern); !error.empty())
      out.push_back("exclude_from_weight_decay: " + error);
  return out;
}

VariablePtr Optimizer::addSlot(const std::string &slot, const VariablePtr &variable,
                               const Initializer &initializer) {
  VariablePtr made = addSlot(slot, variable, variable->shape);
  made->initializer = initializer;
  return made;
}

VariablePtr Optimizer::addSlot(const std::string &slot, const VariablePtr &variable, Shape shape) {
  size_t index = size_t(std::find(built.begin(), built.end(), variable) - built.begin());
  made.push_back(state(prefix + "/" + variable->name + "/" + slot, std::move(shape), "zeros"));
  return slots[slot][index] = made.back();
}

VariablePtr Optimizer::slot(const std::string &slot, size_t index) const {
  auto all = slots.find(slot);
  if (all == slots.end() || !all->second.contains(index))
    return nullptr;
  return all->second.at(index);
}

VariablePtr Optimizer::addScalar(const std::string &name, double value, const std::string &dtype) {
  made.push_back(state(prefix + "/" + name, {}, Initializer("constant", value), dtype));
  return made.back();
}

void Optimizer::makeSlots(const std::vector<VariablePtr> &variables) {
  for (size_t i = 0; i < variables.size(); ++i)
    build(variables[i], i);
}

void Optimizer::build(const std::vector<VariablePtr> &variables) {
  if (!built.empty())
    return;
  built = variables;
  for (const VariablePtr &variable : variables)
    if (options.use_ema)
      addSlot("average", variable);
  for (const VariablePtr &variable : variables)
    if (options.gradient_accumulation_steps)
      addSlot("gradient_accumulator", variable);
  makeSlots(variables);
}

void Optimizer::minimize(const Tensor &loss, const std::vector<VariablePtr> &variables) {
  std::vector<Gradient> gradients;
  {
    Scope scope(*loss.graph, *this);
    if (!loss.poisoned() && loss.rank() != 0)
      return loss.graph->mistake("the loss must be a scalar, got " + infer::text(loss.shape()) +
                                 "; take its mean");
    build(variables);
    Tensor scaled = scaleLoss(loss);
    for (const VariablePtr &variable : variables)
      gradients.emplace_back(ops::gradient(scaled, ops::read(variable, loss)), variable);
  }
  apply(gradients);
}

void Optimizer::apply(const std::vector<Gradient> &gradients) {
  if (gradients.empty())
    return;
  Graph &graph = *gradients[0].first.graph;
  Scope scope(graph, *this);
  std::vector<VariablePtr> variables;
  for (const auto &[gradient, variable] : gradients)
    variables.push_back(variable);
  build(variables);
  std::vector<std::string> mistakes = examine();
  for (const auto &[gradient, variable] : gradients) {
    if (!gradient.poisoned() && gradient.shape() != variable->shape)
      mistakes.push_back("the gradient of '" + variable->name + "' is " +
                         infer::text(gradient.shape()) + ", the variable " +
                         infer::text(variable->shape));
    if (std::find(built.begin(), built.end(), variable) == built.end())
      mistakes.push_back("'" + variable->name + "' is none of the variables that this optimizer " +
                         "was built for; build it with all of them, or make one optimizer more");
  }
  for (std::string &mistake : mistakes)
    graph.mistake(std::move(mistake));
  if (mistakes.empty())
    step(gradients);
  number = {};
}

void Optimizer::step(std::vector<Gradient> gradients) {
  Tensor counter = ops::read(iterations, gradients[0].first);
  Tensor learningRate = options.learning_rate.schedule
                            ? (*options.learning_rate.schedule)(ops::cast(counter, "f32"))
                            : ops::read(rate, counter);
  if (options.loss_scale_factor)
    for (auto &[gradient, variable] : gradients)
      gradient = gradient / *options.loss_scale_factor;
  Tensor updates = counter; // so far
  if (std::optional<int64_t> every = options.gradient_accumulation_steps) {
    updates = quotient(counter, *every);
    number = ops::cast(updates + 1, "f32");
    Tensor due = divides(*every, counter + 1);
    accumulate(gradients, due);
    assignWhere(due, [&] { move(gradients, learningRate); });
  } else {
    number = ops::cast(updates + 1, "f32");
    move(gradients, learningRate);
  }
  if (options.use_ema)
    average(updates);
  for (const auto &[gradient, variable] : gradients)
    if (variable->constraint)
      ops::assign(variable, (*variable->constraint)(ops::read(variable, counter)));
  countStep(counter);
}

void Optimizer::countStep(const Tensor &like) {
  ops::assign(iterations, ops::read(iterations, like) + 1);
}

/// Gradients become means over the steps; the sums start anew where the update is due.
void Optimizer::accumulate(std::vector<Gradient> &gradients, const Tensor &due) {
  for (auto &[gradient, variable] : gradients) {
    size_t index = size_t(std::find(built.begin(), built.end(), variable) - built.begin());
    VariablePtr sum = slot("gradient_accumulator", index);
    Tensor total = gradient + ops::read(sum, gradient);
    ops::assign(sum, ops::select(due, ops::constant(total, 0), total));
    gradient = total / double(*options.gradient_accumulation_steps);
  }
}

void Optimizer::clip(std::vector<Gradient> &gradients) const {
  if (options.clipnorm.value_or(0) > 0) {
    for (auto &[gradient, variable] : gradients)
      gradient = clipNorm(gradient, *options.clipnorm);
  } else if (options.global_clipnorm.value_or(0) > 0) {
    Tensor square;
    for (const auto &[g, variable] : gradients)
      square = square ? square + ops::sum(g * g) : ops::sum(g * g);
    Tensor norm = ops::sqrt(square);
    double most = *options.global_clipnorm;
    Tensor scale = most * ops::minimum(1 / norm, ops::constant(norm, 1 / most));
    scale = scale + (norm - norm); // a norm that is not finite leaves no number
    for (auto &[gradient, variable] : gradients)
      gradient = gradient * scale;
  } else if (options.clipvalue.value_or(0) > 0) {
    for (auto &[gradient, variable] : gradients)
      gradient = ops::clamp(gradient, -*options.clipvalue, *options.clipvalue);
  }
}

void Optimizer::move(const std::vector<Gradient> &given, const Tensor &learningRate) {
  std::vector<Gradient> gradients = given;
  clip(gradients);
  begin(learningRate);
  std::map<double, Tensor> decay;
  for (const auto &[gradient, variable] : gradients) {
    if (std::optional<double> by = decayOf(variable); by && decays(variable)) {
      Tensor &factor = decay[*by];
      if (!factor)
        factor = learningRate * *by;
      Tensor w = ops::read(variable, gradient);
      ops::assign(variable, w - w * factor);
    }
    size_t index = size_t(std::find(built.begin(), built.end(), variable) - built.begin());
    update(gradient, variable, index, learningRate);
  }
}

/// The first update copies. `updates` is how many there were before this step.
void Optimizer::average(const Tensor &updates) {
  Tensor later = ops::indicator(ops::compare(ops::cast(updates, "f32"), 0.0, "ne"));
  Tensor momentum = later * options.ema_momentum, rest = 1 - momentum;
  Tensor due = options.ema_overwrite_frequency
                   ? divides(*options.ema_overwrite_frequency, updates + 1)
                   : Tensor();
  for (size_t i = 0; i < built.size(); ++i) {
    VariablePtr mean = slot("average", i);
    Tensor w = ops::read(built[i], updates);
    Tensor next = momentum * ops::read(mean, w) + rest * w;
    ops::assign(mean, next);
    if (due)
      ops::assign(built[i], ops::select(due, next, w));
  }
}

std::optional<double> Optimizer::decayOf(const VariablePtr &) const { return options.weight_decay; }

bool Optimizer::decays(const VariablePtr &variable) const {
  const std::string &path = variable->name;
  std::string last = path.substr(path.rfind('/') + 1);
  return std::none_of(options.exclude_from_weight_decay.begin(),
                      options.exclude_from_weight_decay.end(), [&](const std::string &pattern) {
                        return found(pattern, pattern.find('/') == pattern.npos ? last : path);
                      });
}

Tensor Optimizer::scaleLoss(const Tensor &loss) {
  return options.loss_scale_factor ? loss * *options.loss_scale_factor : loss;
}

void Optimizer::assignWhere(const Tensor &condition, const std::function<void()> &body) {
  Graph &graph = *condition.graph;
  std::map<VariablePtr, int> before(graph.assigned.begin(), graph.assigned.end());
  body();
  for (size_t i = 0; i < graph.nodes.size(); ++i) // what was read and not assigned
    if (graph.nodes[i].op == "variable")
      before.try_emplace(graph.nodes[i].variable, int(i));
  for (const auto &[variable, value] : std::vector(graph.assigned))
    if (int old = before.at(variable); old != value)
      ops::assign(variable, ops::select(condition, Tensor(condition.graph, value),
                                        Tensor(condition.graph, old)));
}

} // namespace cornet
