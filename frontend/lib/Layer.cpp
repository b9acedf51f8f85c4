// SPDX-License-Identifier: Apache-2.0
//
// What every layer does around its build() and call(): naming, building once, noting whose call
// runs.
#include <cornet/model.h>
#include <cornet/options.h>
#include <cornet/regularizers.h>

#include "frontend/lib/layers/Support.h"

#include <algorithm>
#include <atomic>
#include <cctype>
#include <utility>

namespace cornet {
std::string snakeCase(const std::string &kind) {
  std::string out;
  for (size_t i = 0; i < kind.size(); ++i) {
    bool upper = std::isupper(static_cast<unsigned char>(kind[i]));
    bool before =
        i > 0 && (std::islower(static_cast<unsigned char>(kind[i - 1])) ||
                  (i + 1 < kind.size() && std::islower(static_cast<unsigned char>(kind[i + 1])) &&
                   !std::isdigit(static_cast<unsigned char>(kind[i - 1]))));
    if (upper && before)
      out += '_';
    out += char(std::tolower(static_cast<unsigned char>(kind[i])));
  }
  return out;
}

namespace {

/// `x` as a node of its own: what a layer computes is always among its nodes, so that the layer is
/// found when the model is recorded again.
Tensor alias(const Tensor &x) {
  Node node;
  node.op = "alias", node.operands = {x.node};
  node.shape = x.shape(), node.dtype = x.dtype(), node.poisoned = x.poisoned();
  return Tensor(x.graph, x.graph->add(std::move(node)));
}

/// The extent of the batch as an f32 scalar.
Tensor batchSize(const Tensor &x) {
  Tensor one = ops::constant(x, 1);
  return x.rank() == 0 ? one : ops::sum(forEachRow(one, x));
}

/// The element type that layers of the policy compute in.
std::string computeDtypeOf(const std::string &policy) {
  return policy == "mixed_bfloat16" ? "bf16" : policy == "mixed_float16" ? "f16" : "f32";
}

/// The tensors with those that hold reals as `dtype`, if that is one.
std::vector<Tensor> castAll(std::vector<Tensor> tensors, const std::string &dtype) {
  for (Tensor &tensor : tensors)
    if (!dtype.empty() && !tensor.poisoned() && ops::isReal(tensor.dtype()))
      tensor = ops::cast(tensor, dtype);
  return tensors;
}

std::string policy = "float32";

} // namespace

namespace mixed_precision {

void set_global_policy(const std::string &name) { policy = name; }
std::string global_policy() { return policy; }

std::string checkPolicy(const std::string &name) {
  if (name == "float32" || name == "mixed_bfloat16" || name == "mixed_float16")
    return "";
  return "dtype policy '" + name + "' is not known; use float32, mixed_bfloat16 or mixed_float16";
}

} // namespace mixed_precision

static std::atomic<uint64_t> made = 0;
Layer::Layer(std::string kind, std::string name)
    : number(++made), kind(std::move(kind)), name(std::move(name)),
      dtype(mixed_precision::global_policy()) {}

/// What the layer casts to; of models, whose layers do, nothing.
std::string Layer::computeDtype() const {
  if (nested())
    return "";
  return computesWide ? "f32" : computeDtypeOf(dtype);
}

std::optional<std::vector<Option>> Layer::config() const { return std::nullopt; }

Tensor Layer::apply(const std::vector<Tensor> &inputs, std::source_location where) {
  return applyAll(inputs, where)[0];
}

std::vector<Tensor> Layer::applyAll(const std::vector<Tensor> &inputs, std::source_location where) {
  bool recorded = !inputs.empty() && std::all_of(inputs.begin(), inputs.end(), [](const Tensor &t) {
    return t.graph != nullptr;
  });
  if (!recorded) {
    std::shared_ptr<Graph> graph = Recording::current();
    graph->where = where;
    graph->mistake((name.empty() ? kind : "'" + name + "'") +
                   " is called on no tensor, or on one that no Input() or layer made");
    Node nothing;
    nothing.shape = {-1}, nothing.poisoned = true;
    return {Tensor(graph, graph->add(std::move(nothing)))};
  }
  std::shared_ptr<Graph> graph = inputs[0].graph;
  bool outermost = graph->layer.empty();
  if (outermost)
    graph->where = where;
  std::string outer;
  for (const std::string &layer : graph->layer)
    outer += layer + "/";
  auto taken = [&](const std::string &path) {
    auto it = graph->named.find(path);
    return it != graph->named.end() && it->second != number;
  };
  if (name.empty()) {
    std::string base = snakeCase(kind);
    name = base;
    for (int i = 1; taken(outer + name); ++i)
      name = base + "_" + std::to_string(i);
  } else if (!graph->isStep && taken(outer + name)) {
    graph->layer.push_back(name);
    graph->mistake("another layer has this name; give each its own .name");
    graph->layer.pop_back();
  }
  if (path.empty())
    path = outer + name;
  graph->named.emplace(outer + name, number);
  if (!outermost)
    graph->running.back()->adopt(shared_from_this());
  graph->layer.push_back(name), graph->running.push_back(this);
  std::vector<std::string> mistakes = examine();
  for (std::string &mistake : mistakes)
    graph->mistake(std::move(mistake));
  if (std::string mistake = mixed_precision::checkPolicy(dtype); !mistake.empty())
    graph->mistake(mistake), mistakes.push_back(mistake);
  bool known = mistakes.empty() && std::none_of(inputs.begin(), inputs.end(),
                                                [](const Tensor &t) { return t.poisoned(); });
  if (known && !built) {
    std::vector<Shape> shapes;
    for (const Tensor &input : inputs)
      shapes.push_back(input.shape());
    build(shapes), built = true;
    auto empty = [](int64_t extent) { return extent < 1; };
    for (const VariablePtr &weight : weights)
      if (known && std::any_of(weight->shape.begin(), weight->shape.end(), empty))
        known = false, graph->mistake("its weight '" + weight->name + "' would have the shape " +
                                      infer::text(weight->shape) +
                                      "; weights need positive extents and none of the batch");
    if (known && graph->again && !weights.empty())
      known = false,
      graph->mistake("'" + path +
                     "' is made anew, with new weights, each time its "
                     "model is called; make it where the layer that calls it is made");
  }
  int first = int(graph->nodes.size());
  results.clear();
  Tensor result;
  if (known) {
    result = call(castAll(inputs, computeDtype()));
  } else { // nothing is known of its shape
    Node node;
    node.shape = inputs[0].shape(), node.poisoned = true;
    result = Tensor(graph, graph->add(std::move(node)));
  }
  std::vector<Tensor> outputs = std::exchange(results, {});
  if (outputs.empty())
    outputs = {result};
  if (returnsCast)
    outputs = castAll(outputs, computeDtypeOf(dtype));
  for (Tensor &output : outputs)
    if (outermost && output.graph == graph && output.node < first)
      output = alias(output);
  if (known && graph->training && activity_regularizer)
    for (const Tensor &output : outputs)
      ops::addLoss((*activity_regularizer)(ops::cast(output, "f32")) /
                   batchSize(ops::cast(output, "f32")));
  if (checkpoint && graph->training) {
    std::string region = path + "#" + std::to_string(first); // each call is a region of its own
    for (size_t i = size_t(first); i < graph->nodes.size(); ++i)
      if (Node &node = graph->nodes[i]; node.op.starts_with("cornet."))
        node.attributes.try_emplace("cornet.checkpoint", region);
  }
  graph->layer.pop_back(), graph->running.pop_back();
  if (outermost) {
    auto nodesOf = [](const std::vector<Tensor> &tensors) {
      std::vector<int> out;
      for (const Tensor &tensor : tensors)
        out.push_back(tensor.node);
      return out;
    };
    graph->calls.push_back({number, name, kind, allWeights(), outputs[0].node, shared_from_this(),
                            nodesOf(inputs), nodesOf(outputs), first, int(graph->nodes.size())});
  }
  return outputs;
}

Variable &Layer::addWeight(const std::string &weight, Shape shape, const Initializer &initializer,
                           bool trainable) {
  auto variable = std::make_shared<Variable>();
  variable->name = path + "/" + weight;
  variable->shape = std::move(shape), variable->initializer = initializer,
  variable->trainable = trainable, variable->frozen = !this->trainable;
  weights.push_back(std::move(variable));
  return *weights.back();
}

Variable &Layer::addWeight(const std::string &weight, Shape shape, const Initializer &initializer,
                           std::shared_ptr<Regularizer> regularizer,
                           std::shared_ptr<Constraint> constraint) {
  Variable &variable = addWeight(weight, std::move(shape), initializer);
  variable.regularizer = std::move(regularizer), variable.constraint = std::move(constraint);
  return variable;
}

void Layer::setTrainable(bool on) {
  trainable = on;
  for (const VariablePtr &variable : weights)
    variable->frozen = !on;
  for (const LayerPtr &part : parts)
    part->setTrainable(on);
}

void Layer::adopt(const LayerPtr &part) {
  if (part.get() == this || std::find(parts.begin(), parts.end(), part) != parts.end())
    return;
  parts.push_back(part);
  if (!trainable) // it was frozen before it was known what it calls
    part->setTrainable(false);
}

std::vector<VariablePtr> Layer::allWeights() const {
  std::vector<VariablePtr> all = weights;
  for (const LayerPtr &part : parts)
    for (VariablePtr &weight : part->allWeights())
      if (std::find(all.begin(), all.end(), weight) == all.end())
        all.push_back(std::move(weight));
  return all;
}

Tensor Layer::weight(size_t index, const Tensor &like) const {
  Tensor value(like.graph, like.graph->variable(weights.at(index)));
  return castAll({value}, computeDtype())[0];
}

} // namespace cornet
