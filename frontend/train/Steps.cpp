// SPDX-License-Identifier: Apache-2.0
#include "frontend/train/Steps.h"

#include <algorithm>
#include <set>
#include <stdexcept>

namespace cornet {
namespace {

VariablePtr scalar(const std::string &name) {
  auto variable = std::make_shared<Variable>();
  variable->name = name, variable->trainable = false;
  return variable;
}

/// As many as `like` has rows, an f32 scalar.
Tensor rowsOf(const Tensor &like) {
  Shape start(like.rank(), 0), size = like.shape();
  for (size_t d = 1; d < size.size(); ++d)
    size[d] = 1;
  Tensor first = like.rank() > 1 ? ops::slice(like, start, size) : like;
  Tensor ones = ops::cast(first, "f32") * 0.0 + 1.0;
  return ops::sum(ops::stopGradient(ones));
}

Tensor input(const Shape &shape, const std::string &dtype, const std::string &name) {
  return Input(shape, {.name = name, .dtype = dtype == "i32" ? "int32" : "float32"});
}

} // namespace

LossTracker::LossTracker(const std::string &name)
    : name(name), variables{scalar(name + "/total"), scalar(name + "/count")} {}

void LossTracker::update(const Tensor &loss, const Tensor &like) {
  Tensor rows = rowsOf(like);
  ops::assign(variables[0], ops::read(variables[0], like) + ops::stopGradient(loss) * rows);
  ops::assign(variables[1], ops::read(variables[1], like) + rows);
}

Tensor LossTracker::result(const Tensor &like) const {
  Tensor total = ops::read(variables[0], like), count = ops::read(variables[1], like);
  return total / ops::maximum(count, ops::constant(like, 1e-30));
}

Trainer::Steps::Steps(Trainer &trainer, CompileArguments given)
    : trainer(trainer), arguments(std::move(given)) {
  size_t outputs = trainer.model.outputs.size();
  if (!arguments.optimizer.optimizer)
    throw std::runtime_error("compile: " + checkOptimizer(arguments.optimizer.name));
  if (!arguments.loss.empty() && arguments.loss.size() != outputs)
    throw std::runtime_error("compile: the model has " + std::to_string(outputs) +
                             " outputs, and " + std::to_string(arguments.loss.size()) +
                             " losses are given; give one for each output, in order");
  if (!arguments.loss_weights.empty() && arguments.loss_weights.size() != outputs)
    throw std::runtime_error("compile: loss_weights needs one number for each of the " +
                             std::to_string(outputs) + " outputs");
  for (LossArgument &argument : arguments.loss) {
    LossPtr made = argument.loss ? argument.loss : loss(argument.name);
    if (!made)
      throw std::runtime_error("compile: " + checkLoss(argument.name));
    losses.push_back(made);
  }
  for (const MetricArguments *lists : {&arguments.metrics, &arguments.weighted_metrics}) {
    if (lists->size() > outputs)
      throw std::runtime_error("compile: metrics are given for " + std::to_string(lists->size()) +
                               " outputs, the model has " + std::to_string(outputs));
    for (const MetricList &list : *lists)
      for (const MetricArgument &argument : list)
        if (std::string wrong = argument.metric ? "" : checkMetric(argument.name); !wrong.empty())
          throw std::runtime_error("compile: " + wrong);
  }
  trackers.emplace_back("loss");
  for (size_t i = 0; outputs > 1 && i < losses.size(); ++i)
    trackers.emplace_back(outputName(i) + "_loss");
}

std::string Trainer::Steps::outputName(size_t output) const {
  return trainer.model.outputNames()[output];
}

void Trainer::Steps::know(std::vector<Target> given, bool weights) {
  if (isKnown && (given != targets || (weights && !hasWeights)))
    throw std::runtime_error(
        "the targets or the sample weights of this data have other types, shapes or numbers than "
        "those the step was compiled for; call compile() again for other data");
  if (!isKnown)
    targets = std::move(given), hasWeights = weights, isKnown = true;
}

EntryPoint Trainer::Steps::record(const std::string &entry) {
  EntryPoint out = entry == "predict"        ? recordPredict()
                   : entry == "read_metrics" ? recordMetrics()
                                             : recordStep(entry == "train_step");
  out.name = entry;
  if (!out.graph->mistakes.empty())
    throw std::runtime_error(text(out.graph->mistakes));
  return out;
}

EntryPoint Trainer::Steps::recordStep(bool training) {
  Recording recording;
  std::shared_ptr<Graph> graph = Recording::current();
  graph->isStep = true, graph->training = training, graph->seed = random_seed();
  const Model &model = trainer.model;
  EntryPoint out{"", graph, {}, {}, true};
  StepInputs inputs;
  for (const Tensor &x : model.inputs) {
    const Node &node = model.graph->nodes[size_t(x.node)];
    inputs.x.push_back(
        input(Shape(node.shape.begin() + 1, node.shape.end()), node.dtype, node.layer));
  }
  for (size_t i = 0; i < targets.size(); ++i)
    inputs.y.push_back(input(targets[i].shape, targets[i].dtype, "target_" + std::to_string(i)));
  if (hasWeights)
    inputs.sample_weight = input({}, "f32", "sample_weight");
  StepResults results = training ? trainer.train_step(inputs) : trainer.test_step(inputs);
  for (const auto &[name, value] : results) {
    if (!value.poisoned() && !value.shape().empty())
      graph->mistake("the step's result '" + name + "' is no scalar; reduce it with ops::mean");
    else
      ops::assign(logVariable(name), ops::stopGradient(value));
  }
  if (training && graph->draws > 0) {
    Tensor like = inputs.x[0], step = ops::read(graph->step(), like);
    ops::assign(graph->step(), ops::record("add", {step, ops::constant(like, {}, {1}, "i32")}));
  }
  out.inputs = inputs.x;
  out.inputs.insert(out.inputs.end(), inputs.y.begin(), inputs.y.end());
  if (hasWeights)
    out.inputs.push_back(inputs.sample_weight);
  return out;
}

VariablePtr Trainer::Steps::logVariable(const std::string &name) {
  for (const auto &[known, variable] : logs)
    if (known == name)
      return variable;
  logs.emplace_back(name, scalar("logs/" + name));
  return logs.back().second;
}

EntryPoint Trainer::Steps::recordPredict() {
  Recording recording;
  std::shared_ptr<Graph> graph = Recording::current();
  const Model &model = trainer.model;
  EntryPoint out{"", graph, {}, {}};
  for (const Tensor &x : model.inputs) {
    const Node &node = model.graph->nodes[size_t(x.node)];
    out.inputs.push_back(
        input(Shape(node.shape.begin() + 1, node.shape.end()), node.dtype, node.layer));
  }
  std::vector<Tensor> outputs = model(out.inputs);
  for (size_t i = 0; i < outputs.size(); ++i)
    out.outputs.emplace_back(outputName(i), outputs[i]);
  return out;
}

std::vector<std::pair<std::string, MetricPtr>> Trainer::Steps::namedMetrics() const {
  std::vector<std::pair<std::string, MetricPtr>> out;
  std::set<std::string> taken;
  bool several = trainer.model.outputs.size() > 1;
  auto add = [&](const std::string &prefix, const MetricPtr &metric) {
    std::string base = prefix + metric->name, name = base;
    for (int i = 1; !taken.insert(name).second; ++i)
      name = base + "_" + std::to_string(i);
    out.emplace_back(name, metric);
  };
  for (size_t i = 0; i < plain.size(); ++i)
    for (const auto *list : {&plain[i], &weighted[i]})
      for (const MetricPtr &metric : *list)
        add(several ? outputName(i) + "_" : "", metric);
  for (const MetricPtr &metric : trainer.metrics())
    add("", metric);
  return out;
}

std::vector<VariablePtr> Trainer::Steps::metricVariables() const {
  std::vector<VariablePtr> out;
  for (const LossTracker &tracker : trackers)
    out.insert(out.end(), tracker.variables.begin(), tracker.variables.end());
  for (const auto &[name, metric] : namedMetrics())
    out.insert(out.end(), metric->variables.begin(), metric->variables.end());
  for (const auto &[name, variable] : logs)
    out.push_back(variable);
  return out;
}

std::string Trainer::Steps::direction(const std::string &log) const {
  for (const LossTracker &tracker : trackers)
    if (tracker.name == log)
      return "down";
  for (const auto &[name, metric] : namedMetrics())
    if (name == log)
      return metric->direction;
  return "";
}

EntryPoint Trainer::Steps::recordMetrics() {
  Recording recording;
  std::shared_ptr<Graph> graph = Recording::current();
  EntryPoint out{"", graph, {}, {}, true};
  names.clear();
  auto give = [&](const std::string &name, const Tensor &value) {
    bool isScalar = value.shape().empty();
    out.outputs.emplace_back(name, isScalar ? value : ops::mean(value));
    names.push_back(name);
  };
  if (!losses.empty())
    for (const LossTracker &tracker : trackers) {
      Tensor like(graph, graph->variable(tracker.variables[0]));
      give(tracker.name, tracker.result(like));
    }
  for (const auto &[name, metric] : namedMetrics())
    if (!metric->variables.empty())
      give(name, metric->result(Tensor(graph, graph->variable(metric->variables[0]))));
  for (const auto &[name, variable] : logs)
    give(name, Tensor(graph, graph->variable(variable)) * 1.0);
  return out;
}

void Trainer::Steps::makeMetrics(const StepInputs &inputs, const std::vector<Tensor> &predictions) {
  if (!plain.empty() || predictions.empty())
    return;
  plain.resize(predictions.size()), weighted.resize(predictions.size());
  auto make = [&](const MetricArguments &lists, std::vector<std::vector<MetricPtr>> &into) {
    for (size_t i = 0; i < lists.size(); ++i)
      for (const MetricArgument &argument : lists[i]) {
        MetricPtr made = argument.metric ? argument.metric
                                         : metric(argument.name, inputs.y.at(i), predictions[i],
                                                  i < losses.size() ? losses[i] : LossPtr());
        into[i].push_back(made);
      }
  };
  make(arguments.metrics, plain);
  make(arguments.weighted_metrics, weighted);
}

void Trainer::Steps::updateMetrics(const StepInputs &inputs,
                                   const std::vector<Tensor> &predictions) {
  makeMetrics(inputs, predictions);
  for (size_t i = 0; i < plain.size() && i < inputs.y.size(); ++i) {
    Tensor p = ops::stopGradient(predictions[i]);
    for (const MetricPtr &metric : plain[i])
      metric->update(inputs.y[i], p);
    for (const MetricPtr &metric : weighted[i])
      metric->update(inputs.y[i], p, inputs.sample_weight);
  }
  // Programs tell variables apart by name: two outputs may have the same metric.
  for (const auto &[name, metric] : namedMetrics())
    for (const VariablePtr &variable : metric->variables)
      variable->name = "metrics/" + name + variable->name.substr(variable->name.rfind('/'));
}

void Trainer::Steps::cut(Graph &graph, size_t first, size_t last) const {
  // Layers by the second part of their nodes' paths; the first is the model's.
  auto layerOf = [](const std::string &path) {
    size_t begin = path.find('/');
    return begin == std::string::npos
               ? path
               : path.substr(begin + 1, path.find('/', begin + 1) - begin - 1);
  };
  std::map<std::string, size_t> order;
  for (size_t i = first; segments && i < last; ++i)
    order.try_emplace(layerOf(graph.nodes[i].layer), order.size());
  for (size_t i = first; segments && i < last; ++i) {
    Node &node = graph.nodes[i];
    size_t segment = order.at(layerOf(node.layer)) * segments / order.size();
    if (node.op.starts_with("cornet.") && segment + 1 < segments)
      node.attributes.try_emplace("cornet.checkpoint", "segment " + std::to_string(segment));
  }
}

// The default steps.

Tensor Trainer::compute_loss(const StepInputs &inputs, const std::vector<Tensor> &predictions) {
  Tensor like = predictions[0], total;
  if (inputs.y.size() != steps->losses.size() && !steps->losses.empty()) {
    like.graph->mistake("the data have " + std::to_string(inputs.y.size()) + " targets for " +
                        std::to_string(steps->losses.size()) + " losses; give one for each output");
    return ops::constant(like, 0.0);
  }
  steps->classes.assign(inputs.y.size(), 0);
  for (size_t i = 0; i < steps->losses.size(); ++i) {
    // Every label must be a class, unless the loss leaves some out.
    if (steps->losses[i]->name == "sparse_categorical_crossentropy" &&
        inputs.y[i].dtype() == "i32" &&
        !steps->losses[i]->valid(inputs.y[i], predictions[i], predictions[i]))
      steps->classes[i] = predictions[i].shape().back();
    Tensor value = (*steps->losses[i])(inputs.y.at(i), predictions[i], inputs.sample_weight);
    if (predictions.size() > 1)
      steps->trackers[i + 1].update(value, inputs.x[0]);
    const std::vector<double> &weights = steps->arguments.loss_weights;
    if (!weights.empty() && weights[i] != 1)
      value = value * weights[i];
    total = total ? total + value : value;
  }
  Graph &graph = *like.graph;
  auto add = [&](const Tensor &penalty) { total = total ? total + penalty : penalty; };
  for (const VariablePtr &variable : model.trainable_variables())
    if (variable->regularizer)
      add((*variable->regularizer)(ops::read(variable, like)));
  for (int node : graph.losses)
    add(Tensor(like.graph, node));
  if (!total) {
    graph.mistake("there is no loss to compute: give compile() one, or add one in a layer");
    return ops::constant(like, 0.0);
  }
  steps->trackers[0].update(total, inputs.x[0]);
  return total;
}

void Trainer::update_metrics(const StepInputs &inputs, const std::vector<Tensor> &predictions) {
  steps->updateMetrics(inputs, predictions);
}

Trainer::StepResults Trainer::train_step(const StepInputs &inputs) {
  Graph &graph = *inputs.x[0].graph;
  size_t first = graph.nodes.size();
  std::vector<Tensor> predictions = model(inputs.x);
  steps->cut(graph, first, graph.nodes.size());
  Tensor loss = compute_loss(inputs, predictions);
  update_metrics(inputs, predictions);
  std::vector<VariablePtr> variables = model.trainable_variables();
  if (!variables.empty())
    optimizer->minimize(loss, variables);
  return {};
}

Trainer::StepResults Trainer::test_step(const StepInputs &inputs) {
  std::vector<Tensor> predictions = model(inputs.x);
  compute_loss(inputs, predictions);
  update_metrics(inputs, predictions);
  return {};
}

std::vector<MetricPtr> Trainer::metrics() const { return {}; }

} // namespace cornet
