// SPDX-License-Identifier: Apache-2.0
//
// Recording: every operation is a node whose shape comes from the shared rules of ir/Infer.
#include <cornet/tensor.h>

#include "ir/Infer/Infer.h"

namespace cornet {

int Graph::add(Node node) {
  node.file = where.file_name(), node.line = int(where.line());
  for (const std::string &name : layer)
    node.layer += (node.layer.empty() ? "" : "/") + name;
  nodes.push_back(std::move(node));
  return int(nodes.size()) - 1;
}

void Graph::mistake(std::string message) {
  mistakes.push_back({where.file_name(), int(where.line()), layer.empty() ? "" : layer.front(),
                      std::move(message)});
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
    out += m.file + ":" + std::to_string(m.line) +
           ": error: " + (m.layer.empty() ? "" : "'" + m.layer + "': ") + m.message + "\n";
  return out;
}

namespace {
thread_local std::shared_ptr<Graph> recording;
} // namespace

Recording::Recording() : graph(std::make_shared<Graph>()), outer(recording) { recording = graph; }
Recording::~Recording() { recording = outer; }
std::shared_ptr<Graph> Recording::current() {
  return recording ? recording : std::make_shared<Graph>();
}

namespace ops {

Tensor record(const std::string &op, const std::vector<Tensor> &operands, Attributes attributes) {
  for (const Tensor &operand : operands)
    if (!operand.graph) {
      std::shared_ptr<Graph> graph = Recording::current();
      for (const Tensor &other : operands)
        graph = other.graph ? other.graph : graph;
      graph->mistake(op + " is given a tensor that no Input() or op made");
      Node nothing;
      nothing.shape = {-1}, nothing.poisoned = true;
      return Tensor(graph, graph->add(std::move(nothing)));
    }
  std::shared_ptr<Graph> graph = operands.at(0).graph;
  Node node;
  node.op = "cornet." + op, node.attributes = std::move(attributes);
  std::vector<infer::TensorType> types;
  for (const Tensor &operand : operands) {
    if (operand.graph != graph) {
      graph->mistake(op + " mixes tensors of two models; make their inputs in one CORNET_MODEL, or "
                          "call one model on the other's tensors");
      node.poisoned = true;
      node.shape = operands[0].shape();
      return Tensor(graph, graph->add(std::move(node)));
    }
    node.operands.push_back(operand.node);
    node.poisoned |= operand.poisoned();
    const std::string &dtype = graph->nodes[size_t(operand.node)].dtype;
    types.push_back({dtype == "i1"    ? infer::DType::i1
                     : dtype == "i32" ? infer::DType::i32
                                      : infer::DType::f32,
                     operand.shape()});
  }
  node.shape = operands[0].shape();
  if (!node.poisoned) {
    infer::Result result = infer::inferOp(node.op, types, node.attributes);
    if (result)
      node.shape = result.type.shape,
      node.dtype = result.type.dtype == infer::DType::i1 ? "i1" : "f32";
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

Tensor matmul(const Tensor &a, const Tensor &b) {
  return record("matmul", {a, b}, {{"transpose_lhs", false}, {"transpose_rhs", false}});
}

Tensor reshape(const Tensor &x, Shape shape) {
  Tensor y = record("reshape", {x}, {{"shape", std::move(shape)}});
  if (!y.poisoned()) // with -1 for the batch alone
    y.graph->nodes[size_t(y.node)].attributes["shape"] = y.shape();
  return y;
}

Tensor transpose(const Tensor &x, std::vector<int64_t> permutation) {
  return record("transpose", {x}, {{"permutation", std::move(permutation)}});
}
Tensor slice(const Tensor &x, Shape start, Shape size) {
  return record("slice", {x}, {{"start", std::move(start)}, {"size", std::move(size)}});
}
Tensor broadcast(const Tensor &x, Shape shape) {
  return record("broadcast", {x}, {{"shape", std::move(shape)}});
}
Tensor concat(const std::vector<Tensor> &xs, int64_t axis) {
  return record("concat", xs, {{"axis", axis}});
}
Tensor gather(const Tensor &table, const Tensor &indices) {
  return record("gather", {table, indices});
}
Tensor softmax(const Tensor &x, int64_t axis) { return record("softmax", {x}, {{"axis", axis}}); }
Tensor reduce(const Tensor &x, const std::string &kind, std::vector<int64_t> axes, bool keepdims) {
  return record("reduce", {x}, {{"kind", kind}, {"axes", std::move(axes)}, {"keepdims", keepdims}});
}
Tensor relu(const Tensor &x) { return record("relu", {x}); }
Tensor sigmoid(const Tensor &x) { return record("sigmoid", {x}); }
Tensor tanh(const Tensor &x) { return record("tanh", {x}); }
Tensor exp(const Tensor &x) { return record("exp", {x}); }
Tensor log(const Tensor &x) { return record("log", {x}); }
Tensor abs(const Tensor &x) { return record("abs", {x}); }
Tensor sqrt(const Tensor &x) { return record("sqrt", {x}); }
Tensor rsqrt(const Tensor &x) { return record("rsqrt", {x}); }
Tensor clamp(const Tensor &x, double low, double high) {
  return record("clamp", {x}, {{"min", low}, {"max", high}});
}
Tensor maximum(const Tensor &a, const Tensor &b) { return record("maximum", {a, b}); }
Tensor minimum(const Tensor &a, const Tensor &b) { return record("minimum", {a, b}); }
Tensor compare(const Tensor &a, const Tensor &b, const std::string &predicate) {
  return record("compare", {a, b}, {{"predicate", predicate}});
}
Tensor select(const Tensor &condition, const Tensor &onTrue, const Tensor &onFalse) {
  return record("select", {condition, onTrue, onFalse});
}

} // namespace ops

Tensor operator+(const Tensor &a, const Tensor &b) { return ops::record("add", {a, b}); }
Tensor operator-(const Tensor &a, const Tensor &b) { return ops::record("sub", {a, b}); }
Tensor operator*(const Tensor &a, const Tensor &b) { return ops::record("mul", {a, b}); }
Tensor operator/(const Tensor &a, const Tensor &b) { return ops::record("div", {a, b}); }
Tensor operator-(const Tensor &a) { return ops::record("neg", {a}); }
Tensor operator+(const Tensor &a, double b) { return a + ops::constant(a, b); }
Tensor operator-(const Tensor &a, double b) { return a - ops::constant(a, b); }
Tensor operator*(const Tensor &a, double b) { return a * ops::constant(a, b); }

} // namespace cornet
