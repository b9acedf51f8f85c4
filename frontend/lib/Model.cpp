// SPDX-License-Identifier: Apache-2.0
#include <cornet/model.h>

#include <algorithm>
#include <cstdio>
#include <ostream>
#include <set>

namespace cornet {
namespace {

int64_t count(const std::vector<VariablePtr> &variables, int trainable) {
  int64_t total = 0;
  for (const VariablePtr &variable : variables) {
    int64_t cells = 1;
    for (int64_t extent : variable->shape)
      cells *= extent;
    total += trainable < 0 || variable->trainable == bool(trainable) ? cells : 0;
  }
  return total;
}

/// "1,234".
std::string thousands(int64_t value) {
  std::string digits = std::to_string(value);
  for (int at = int(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(size_t(at), ",");
  return digits;
}

/// "1,234 (4.82 KB)", f32.
std::string withBytes(int64_t parameters) {
  double bytes = double(parameters) * 4;
  const char *units[] = {"B", "KB", "MB", "GB"};
  int unit = 0;
  for (; bytes >= 1024 && unit < 3; ++unit)
    bytes /= 1024;
  char text[64];
  std::snprintf(text, sizeof text, "%.2f %s", bytes, units[unit]);
  return thousands(parameters) + " (" + text + ")";
}

std::string shapeText(const Shape &shape) {
  std::string out = "(";
  for (size_t i = 0; i < shape.size(); ++i)
    out += (i ? ", " : "") + (shape[i] < 0 ? "None" : std::to_string(shape[i]));
  return out + ")";
}

std::string fit(std::string text, size_t width) {
  text.resize(width, ' ');
  return text;
}

} // namespace

Tensor Input(Shape shape, std::string name, const Tensor &with) {
  std::shared_ptr<Graph> graph = with.graph ? with.graph : std::make_shared<Graph>();
  Node node;
  node.op = "input", node.shape = {-1}, node.layer = std::move(name);
  node.shape.insert(node.shape.end(), shape.begin(), shape.end());
  std::string label = node.layer;
  int index = graph->add(node);
  graph->nodes[size_t(index)].layer = label;
  return Tensor(graph, index);
}

Model Functional(std::vector<Tensor> inputs, std::vector<Tensor> outputs, std::string name) {
  Model model{std::move(name), inputs.at(0).graph, std::move(inputs), std::move(outputs)};
  return model;
}

Model Sequential(Shape input, std::vector<Handle> layers, std::string name, std::source_location where) {
  Tensor x = Input(std::move(input)), y = x;
  for (const Handle &layer : layers)
    y = layer(y, where);
  return Functional({x}, {y}, std::move(name));
}

std::vector<VariablePtr> Model::variables() const {
  std::vector<VariablePtr> out;
  std::set<Variable *> seen;
  for (const Node &node : graph->nodes)
    if (node.variable && seen.insert(node.variable.get()).second)
      out.push_back(node.variable);
  return out;
}

void Model::summary(std::ostream &os) const {
  const size_t w0 = 37, w1 = 26, w2 = 15;
  auto line = [&](const char *left, const char *middle, const char *right, const char *dash) {
    auto run = [&](size_t n) {
      std::string out;
      for (size_t i = 0; i < n + 2; ++i)
        out += dash;
      return out;
    };
    os << left << run(w0) << middle << run(w1) << middle << run(w2) << right << "\n";
  };
  auto row = [&](const std::string &a, const std::string &b, std::string c, const char *bar) {
    if (c.size() < w2)
      c.insert(0, w2 - c.size(), ' ');
    os << bar << " " << fit(a, w0) << " " << bar << " " << fit(b, w1) << " " << bar << " " << c << " " << bar << "\n";
  };
  os << "Model: \"" << name << "\"\n";
  line("┏", "┳", "┓", "━");
  row("Layer (type)", "Output Shape", "Param #", "┃");
  line("┡", "╇", "┩", "━");
  for (const Tensor &input : inputs)
    row(graph->nodes[size_t(input.node)].layer + " (InputLayer)", shapeText(input.shape()), "0", "│"), line("├", "┼", "┤", "─");
  std::set<Layer *> seen;
  for (size_t i = 0; i < graph->calls.size(); ++i) {
    const LayerCall &call = graph->calls[i];
    if (!seen.insert(call.layer.get()).second)
      continue;
    row(call.layer->name + " (" + call.layer->kind + ")", shapeText(graph->nodes[size_t(call.output)].shape),
        thousands(count(call.layer->weights, -1)), "│");
    if (i + 1 < graph->calls.size())
      line("├", "┼", "┤", "─");
  }
  line("└", "┴", "┘", "─");
  std::vector<VariablePtr> all;
  for (Layer *layer : seen)
    all.insert(all.end(), layer->weights.begin(), layer->weights.end());
  os << " Total params: " << withBytes(count(all, -1)) << "\n Trainable params: " << withBytes(count(all, 1))
     << "\n Non-trainable params: " << withBytes(count(all, 0)) << "\n";
}

} // namespace cornet
