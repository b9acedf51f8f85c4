// SPDX-License-Identifier: Apache-2.0
//
// What every layer does around its build() and call(): naming, building once, noting whose call
// runs.
#include <cornet/model.h>
#include <cornet/options.h>

#include "ir/Infer/Infer.h"

#include <algorithm>
#include <atomic>
#include <cctype>

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

static std::atomic<uint64_t> made = 0;
Layer::Layer(std::string kind, std::string name)
    : number(++made), kind(std::move(kind)), name(std::move(name)) {}

std::optional<std::vector<Option>> Layer::config() const { return std::nullopt; }

Tensor Layer::apply(const std::vector<Tensor> &inputs, std::source_location where) {
  return applyAll(inputs, where).at(0);
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
  } else if (taken(outer + name)) {
    graph->layer.push_back(name);
    graph->mistake("another layer has this name; give each its own .name");
    graph->layer.pop_back();
  }
  if (path.empty())
    path = outer + name;
  graph->named.emplace(outer + name, number);
  graph->layer.push_back(name);
  std::vector<std::string> mistakes = examine();
  for (std::string &mistake : mistakes)
    graph->mistake(std::move(mistake));
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
  }
  int first = int(graph->nodes.size());
  std::vector<Tensor> results;
  if (known) {
    results = callAll(inputs);
    // A layer that hands a tensor through has a result of its own all the same, so that what is
    // called on it is told from what is called on its input. The reshape folds away.
    for (Tensor &result : results)
      if (outermost && result.node < first && !result.poisoned())
        result = ops::reshape(result, result.shape());
  } else { // nothing is known of its shape
    Node node;
    node.shape = inputs[0].shape(), node.poisoned = true;
    results = {Tensor(graph, graph->add(std::move(node)))};
  }
  graph->layer.pop_back();
  if (outermost) {
    std::vector<int> arguments, outputs;
    for (const Tensor &result : results)
      outputs.push_back(result.node);
    for (const Tensor &input : inputs)
      arguments.push_back(input.node);
    graph->calls.push_back({number, name, kind, weights, outputs.at(0), shared_from_this(),
                            std::move(arguments), first, int(graph->nodes.size()),
                            std::move(outputs)});
  }
  return results;
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

void Layer::setTrainable(bool on) {
  trainable = on;
  for (const VariablePtr &variable : weights)
    variable->frozen = !on;
}

Tensor Layer::weight(size_t index, const Tensor &like) const {
  return Tensor(like.graph, like.graph->variable(weights.at(index)));
}

} // namespace cornet
