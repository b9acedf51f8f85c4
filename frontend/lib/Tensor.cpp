// SPDX-License-Identifier: Apache-2.0
//
// Recording: every operation is a node whose shape comes from the shared rules of ir/Infer.
#include <cornet/tensor.h>

#include "ir/Infer/Infer.h"

#include <functional>

namespace cornet {

int Graph::add(Node node) {
  node.file = where.file_name(), node.line = int(where.line());
  for (const std::string &name : layer)
    node.layer += (node.layer.empty() ? "" : "/") + name;
  nodes.push_back(std::move(node));
  return int(nodes.size()) - 1;
}

void Graph::mistake(std::string message) {
  mistakes.push_back({where.file_name(), int(where.line()), layer.empty() ? "" : layer.front(), std::move(message)});
}

int Graph::variable(const VariablePtr &variable) {
  for (size_t i = 0; i < nodes.size(); ++i)
    if (nodes[i].variable == variable)
      return int(i);
  Node node;
  node.op = "variable", node.shape = variable->shape, node.variable = variable;
  return add(std::move(node));
}

std::string text(const std::vector<Mistake> &mistakes) {
  std::string out;
  for (const Mistake &m : mistakes)
    out += m.file + ":" + std::to_string(m.line) + ": error: " + (m.layer.empty() ? "" : "'" + m.layer + "': ") + m.message + "\n";
  return out;
}

namespace ops {

Tensor record(const std::string &op, const std::vector<Tensor> &operands, Attributes attributes) {
  std::shared_ptr<Graph> graph = operands.at(0).graph;
  Node node;
  node.op = "cornet." + op, node.attributes = std::move(attributes);
  std::vector<infer::TensorType> types;
  for (const Tensor &operand : operands) {
    if (operand.graph != graph) {
      graph->mistake(op + " mixes tensors of two models; pass the first input as `with` to the second Input()");
      node.poisoned = true;
      node.shape = operands[0].shape();
      return Tensor(graph, graph->add(std::move(node)));
    }
    node.operands.push_back(operand.node);
    node.poisoned |= operand.poisoned();
    types.push_back({graph->nodes[operand.node].dtype == "i1" ? infer::DType::i1 : infer::DType::f32, operand.shape()});
  }
  node.shape = operands[0].shape();
  if (!node.poisoned) {
    infer::Result result = infer::inferOp(node.op, types, node.attributes);
    if (result)
      node.shape = result.type.shape, node.dtype = result.type.dtype == infer::DType::i1 ? "i1" : "f32";
    else
      graph->mistake(result.error), node.poisoned = true;
  }
  return Tensor(graph, graph->add(std::move(node)));
}

Tensor constant(const Tensor &like, double value) {
  Node node;
  node.op = "constant", node.attributes["value"] = value;
  return Tensor(like.graph, like.graph->add(std::move(node)));
}

Tensor matmul(const Tensor &a, const Tensor &b) { return record("matmul", {a, b}, {{"transpose_lhs", false}, {"transpose_rhs", false}}); }
Tensor reshape(const Tensor &x, Shape shape) { return record("reshape", {x}, {{"shape", std::move(shape)}}); }
Tensor concat(const std::vector<Tensor> &xs, int64_t axis) { return record("concat", xs, {{"axis", axis}}); }
Tensor softmax(const Tensor &x, int64_t axis) { return record("softmax", {x}, {{"axis", axis}}); }
Tensor reduce(const Tensor &x, const std::string &kind, std::vector<int64_t> axes, bool keepdims) {
  return record("reduce", {x}, {{"kind", kind}, {"axes", std::move(axes)}, {"keepdims", keepdims}});
}
Tensor relu(const Tensor &x) { return record("relu", {x}); }
Tensor sigmoid(const Tensor &x) { return record("sigmoid", {x}); }
Tensor tanh(const Tensor &x) { return record("tanh", {x}); }
Tensor exp(const Tensor &x) { return record("exp", {x}); }
Tensor clamp(const Tensor &x, double low, double high) { return record("clamp", {x}, {{"min", low}, {"max", high}}); }
Tensor maximum(const Tensor &a, const Tensor &b) { return record("maximum", {a, b}); }
Tensor minimum(const Tensor &a, const Tensor &b) { return record("minimum", {a, b}); }

Tensor activation(const std::string &name, const Tensor &x) {
  using Function = std::function<Tensor(const Tensor &)>;
  auto hardSigmoid = [](const Tensor &v) { return clamp(v + 3.0, 0, 6) * (1.0 / 6); };
  auto unary = [](const char *op) -> Function { return [op](const Tensor &v) { return record(op, {v}); }; };
  static const std::map<std::string, Function> table = {
      {"linear", [](const Tensor &v) { return v; }},
      {"relu", relu},
      {"relu6", [](const Tensor &v) { return clamp(v, 0, 6); }},
      {"leaky_relu", [](const Tensor &v) { return record("leaky_relu", {v}, {{"negative_slope", 0.2}}); }},
      {"elu", [](const Tensor &v) { return record("elu", {v}, {{"alpha", 1.0}}); }},
      {"selu", [](const Tensor &v) { return record("elu", {v}, {{"alpha", 1.6732632423543772}}) * 1.0507009873554805; }},
      {"gelu", [](const Tensor &v) { return record("gelu", {v}, {{"approximate", false}}); }},
      {"sigmoid", sigmoid},
      {"hard_sigmoid", hardSigmoid},
      {"silu", unary("silu")},
      {"swish", unary("silu")},
      {"hard_silu", [hardSigmoid](const Tensor &v) { return v * hardSigmoid(v); }},
      {"hard_swish", [hardSigmoid](const Tensor &v) { return v * hardSigmoid(v); }},
      {"mish", [](const Tensor &v) { return v * tanh(record("softplus", {v})); }},
      {"softplus", unary("softplus")},
      {"softsign", [](const Tensor &v) { return v / (record("abs", {v}) + 1.0); }},
      {"exponential", exp},
      {"log_sigmoid", [](const Tensor &v) { return record("softplus", {v * -1.0}) * -1.0; }},
      {"tanh", tanh},
      {"hard_tanh", [](const Tensor &v) { return clamp(v, -1, 1); }},
      {"tanh_shrink", [](const Tensor &v) { return v - tanh(v); }},
      {"softmax", [](const Tensor &v) { return softmax(v); }},
  };
  auto it = table.find(name.empty() ? "linear" : name);
  if (it != table.end())
    return it->second(x);
  std::string known;
  for (const auto &[key, function] : table)
    known += (known.empty() ? "" : ", ") + key;
  x.graph->mistake("unknown activation '" + name + "'; known: " + known);
  return x;
}

} // namespace ops

Tensor operator+(const Tensor &a, const Tensor &b) { return ops::record("add", {a, b}); }
Tensor operator-(const Tensor &a, const Tensor &b) { return ops::record("sub", {a, b}); }
Tensor operator*(const Tensor &a, const Tensor &b) { return ops::record("mul", {a, b}); }
Tensor operator/(const Tensor &a, const Tensor &b) { return ops::record("div", {a, b}); }
Tensor operator+(const Tensor &a, double b) { return a + ops::constant(a, b); }
Tensor operator*(const Tensor &a, double b) { return a * ops::constant(a, b); }

} // namespace cornet
