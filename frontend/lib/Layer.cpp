// SPDX-License-Identifier: Apache-2.0
//
// What every layer does around its build() and call(): naming, building once, noting whose call runs.
#include <cornet/model.h>

#include <algorithm>
#include <cctype>

namespace cornet {
std::string snakeCase(const std::string &kind) {
  std::string out;
  for (size_t i = 0; i < kind.size(); ++i) {
    bool upper = std::isupper(static_cast<unsigned char>(kind[i]));
    bool before = i > 0 && (std::islower(static_cast<unsigned char>(kind[i - 1])) ||
                            (i + 1 < kind.size() && std::islower(static_cast<unsigned char>(kind[i + 1])) &&
                             !std::isdigit(static_cast<unsigned char>(kind[i - 1]))));
    if (upper && before)
      out += '_';
    out += char(std::tolower(static_cast<unsigned char>(kind[i])));
  }
  return out;
}

Tensor Layer::apply(const std::vector<Tensor> &inputs, std::source_location where) {
  std::shared_ptr<Graph> graph = inputs.at(0).graph;
  bool outermost = graph->layer.empty();
  if (outermost)
    graph->where = where;
  if (name.empty()) {
    std::string base = snakeCase(kind);
    name = base;
    for (int i = 1; std::any_of(graph->nodes.begin(), graph->nodes.end(), [&](const Node &n) {
           return n.layer == name || n.layer.starts_with(name + "/");
         });
         ++i)
      name = base + "_" + std::to_string(i);
  }
  graph->layer.push_back(name);
  if (!built) {
    std::vector<Shape> shapes;
    for (const Tensor &input : inputs)
      shapes.push_back(input.shape());
    if (std::none_of(inputs.begin(), inputs.end(), [](const Tensor &t) { return t.poisoned(); }))
      build(shapes), built = true;
  }
  Tensor result = inputs[0];
  if (built) {
    result = call(inputs);
  } else { // nothing is known of a poisoned input's shape
    Node node;
    node.shape = inputs[0].shape(), node.poisoned = true;
    result = Tensor(graph, graph->add(std::move(node)));
  }
  graph->layer.pop_back();
  if (outermost)
    graph->calls.push_back({shared_from_this(), result.node});
  return result;
}

Variable &Layer::addWeight(const std::string &weight, Shape shape, const std::string &initializer, bool trainable) {
  auto variable = std::make_shared<Variable>();
  variable->name = name + "/" + weight;
  variable->shape = std::move(shape), variable->initializer.name = initializer, variable->trainable = trainable;
  weights.push_back(std::move(variable));
  return *weights.back();
}

Tensor Layer::weight(size_t index, const Tensor &like) const { return Tensor(like.graph, like.graph->variable(weights.at(index))); }

} // namespace cornet
