// SPDX-License-Identifier: Apache-2.0
#include <cornet/model.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <utility>

namespace cornet {
namespace {

int64_t count(const std::vector<VariablePtr> &variables, int trainable) {
  int64_t total = 0;
  for (const VariablePtr &variable : variables) {
    int64_t cells = 1;
    for (int64_t extent : variable->shape)
      cells *= extent;
    total +=
        trainable < 0 || (variable->trainable && !variable->frozen) == bool(trainable) ? cells : 0;
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

thread_local std::optional<Shape> nextInput;

} // namespace

InputShape::InputShape(Shape shape) { nextInput = std::move(shape); }
InputShape::~InputShape() { nextInput.reset(); }

Tensor Input(Shape shape, InputOptions options, std::source_location where) {
  if (std::optional<Shape> other = std::exchange(nextInput, std::nullopt))
    shape = std::move(*other);
  std::shared_ptr<Graph> graph = Recording::current();
  if (graph->layer.empty())
    graph->where = where;
  auto taken = [&](const std::string &name) {
    return std::any_of(graph->nodes.begin(), graph->nodes.end(),
                       [&](const Node &n) { return n.op == "input" && n.layer == name; });
  };
  std::string name = options.name.empty() ? "input" : options.name;
  for (int i = 1; options.name.empty() && taken(name); ++i)
    name = "input_" + std::to_string(i);
  if (options.dtype != "float32" && options.dtype != "int32")
    graph->mistake("input '" + name + "' has dtype '" + options.dtype + "'; use float32 or int32");
  Node node;
  for (int64_t extent : shape)
    if (extent < 1 && !node.poisoned) {
      graph->mistake("input '" + name + "' has an extent of " + std::to_string(extent) +
                     "; give positive extents, without the batch");
      node.poisoned = true;
    }
  node.op = "input", node.shape = {-1}, node.dtype = options.dtype == "int32" ? "i32" : "f32";
  node.shape.insert(node.shape.end(), shape.begin(), shape.end());
  int index = graph->add(std::move(node));
  graph->nodes[size_t(index)].layer = name;
  return Tensor(graph, index);
}

Model Sequential(Shape input, std::vector<Handle> layers, std::string name,
                 std::source_location where) {
  Tensor x = Input(std::move(input), {}, where), y = x;
  for (const Handle &layer : layers) // a mistake is told where the layer stands in the list
    y = layer(y, layer.layer->where.line() ? layer.layer->where : where);
  Model model = Functional({x}, {y}, std::move(name));
  if (model.layer)
    model.layer->kind = "Sequential";
  return model;
}

Model Subclassed(LayerPtr layer, std::vector<Shape> shapes, std::source_location where) {
  Recording recording;
  std::vector<Tensor> inputs;
  for (Shape &shape : shapes)
    inputs.push_back(Input(std::move(shape), {}, where));
  Tensor output = layer->apply(inputs, where);
  return Functional(std::move(inputs), {output}, layer->name);
}

namespace {

/// A model called as a layer: its nodes are recorded again on the arguments. In a training step its
/// layers are called again instead, since they may do other things there.
struct ModelLayer : Layer {
  explicit ModelLayer(const Model &model) : Layer("Functional", model.name), model(model) {
    weights = model.variables();
    for (const Handle &layer : model.layers())
      parts.push_back(layer.layer);
  }
  Model model;
  const Model *nested() const override { return &model; }

  Tensor call(const std::vector<Tensor> &arguments) override {
    std::shared_ptr<Graph> graph = arguments.at(0).graph;
    if (model.graph == graph)
      detach();
    else // mistakes of another recording are told with this one's
      graph->mistakes.insert(graph->mistakes.end(), model.graph->mistakes.begin(),
                             model.graph->mistakes.end()),
          model.graph->mistakes.clear();
    Replay replay{*this, graph};
    replay.fits = arguments.size() == model.inputs.size();
    for (size_t i = 0; replay.fits && i < arguments.size(); ++i) {
      replay.fits = arguments[i].shape() == model.inputs[i].shape();
      replay.values[model.inputs[i].node] =
          ops::isReal(arguments[i].dtype()) && ops::isReal(model.inputs[i].dtype())
              ? ops::cast(arguments[i], model.inputs[i].dtype())
              : arguments[i];
    }
    if (!replay.fits)
      graph->mistake("is called on inputs of other number or shapes than its own");
    bool outer = std::exchange(graph->again, true);
    replay.run(arguments[0]);
    graph->again = outer;
    for (const Tensor &output : model.outputs)
      results.push_back(replay.values.at(output.node));
    return results.at(0);
  }

  /// From here on the model is in a recording of its own, equal to what this one is now: a graph
  /// that holds a layer that holds the graph would never go.
  void detach() {
    auto own = std::make_shared<Graph>(*model.graph);
    own->mistakes.clear(), own->layer.clear(), own->running.clear();
    model.graph = own;
    for (std::vector<Tensor> *tensors : {&model.inputs, &model.outputs})
      for (Tensor &tensor : *tensors)
        tensor.graph = own;
  }

  /// One recording of the model's nodes into another graph.
  struct Replay {
    const ModelLayer &layer;
    std::shared_ptr<Graph> graph;
    bool fits = true;
    std::map<int, Tensor> values{}; ///< by node of the model

    const Graph &from() const { return *layer.model.graph; }

    /// The call of a layer that recorded the node; null where ops were applied to tensors directly.
    const LayerCall *callOf(int node) const {
      if (!graph->training || !fits)
        return nullptr;
      const std::vector<LayerCall> &calls = from().calls;
      auto after = std::upper_bound(calls.begin(), calls.end(), node,
                                    [](int n, const LayerCall &call) { return n < call.first; });
      return after != calls.begin() && node < std::prev(after)->last ? &*std::prev(after) : nullptr;
    }

    void run(const Tensor &like) {
      // What is needed, in recorded order: of a layer that is called again its inputs, not its
      // nodes.
      std::set<int> needed;
      std::vector<int> stack;
      for (const Tensor &output : layer.model.outputs)
        stack.push_back(output.node);
      while (!stack.empty()) {
        int node = stack.back();
        stack.pop_back();
        if (values.contains(node) || !needed.insert(node).second)
          continue;
        const LayerCall *call = from().nodes[size_t(node)].variable ? nullptr : callOf(node);
        const std::vector<int> &operands =
            call ? call->inputs : from().nodes[size_t(node)].operands;
        stack.insert(stack.end(), operands.begin(), operands.end());
      }
      for (int index : needed) {
        if (values.contains(index))
          continue;
        Node node = from().nodes[size_t(index)]; // growing the graph may move its nodes
        if (node.variable)
          values[index] = Tensor(graph, graph->variable(node.variable));
        else if (const LayerCall *call = callOf(index))
          callAgain(*call, index, like);
        else
          values[index] = copy(std::move(node));
      }
    }

    void callAgain(const LayerCall &call, int wanted, const Tensor &like) {
      std::vector<Tensor> inputs;
      for (int input : call.inputs)
        inputs.push_back(values.at(input));
      std::vector<int> places = call.outputs;
      std::vector<Tensor> outputs = call.object->applyAll(inputs, graph->where);
      for (size_t i = 0; i < places.size() && i < outputs.size(); ++i)
        values[places[i]] = outputs[i];
      if (values.contains(wanted))
        return;
      graph->mistake("a tensor from inside '" + call.name +
                     "' is used outside it; make it an output of the layer");
      Node nothing;
      nothing.shape = from().nodes[size_t(wanted)].shape, nothing.poisoned = true;
      values[wanted] = Tensor(like.graph, graph->add(std::move(nothing)));
    }

    Tensor copy(Node node) {
      for (int &operand : node.operands)
        operand = values.at(operand).node, node.poisoned |= graph->nodes[size_t(operand)].poisoned;
      std::string inner = node.layer;
      node.poisoned |= !fits;
      node.layer.clear();
      int added = graph->add(std::move(node));
      graph->nodes[size_t(added)].layer += "/" + inner;
      return Tensor(graph, added);
    }
  };
};

/// What get_layer() returns for a name that no layer has.
struct NoLayer : Layer {
  explicit NoLayer(const std::string &name) : Layer("NoLayer", name) {}
  Tensor call(const std::vector<Tensor> &x) override {
    Node nothing;
    nothing.shape = x[0].shape(), nothing.poisoned = true;
    return Tensor(x[0].graph, x[0].graph->add(std::move(nothing)));
  }
};

} // namespace

Model Functional(std::vector<Tensor> inputs, std::vector<Tensor> outputs, std::string name,
                 std::source_location where) {
  auto nothing = [](const Tensor &tensor) { return !tensor.graph; };
  bool whole = !inputs.empty() && !outputs.empty() &&
               std::none_of(inputs.begin(), inputs.end(), nothing) &&
               std::none_of(outputs.begin(), outputs.end(), nothing);
  if (!whole) {
    Model broken{std::move(name), Recording::current(), {}, {}, nullptr};
    broken.graph->where = where;
    broken.graph->mistake("a model needs at least one input and one output, and every tensor made "
                          "by Input() or a layer");
    return broken;
  }
  std::shared_ptr<Graph> graph = inputs[0].graph;
  Model model{std::move(name), std::move(graph), std::move(inputs), std::move(outputs), nullptr};
  model.layer = std::make_shared<ModelLayer>(model);
  return model;
}

Model *defineModel(const char *name, Model (*define)()) {
  Recording recording;
  auto model = std::make_unique<Model>();
  try {
    *model = define();
  } catch (const std::exception &error) {
    model->graph = Recording::current();
    model->graph->mistake(std::string("the definition of model '") + name +
                          "' threw: " + error.what());
  }
  model->name = name;
  return model.release();
}

Handle::Handle(const Model &model) : layer(model.layer) {}

std::vector<Tensor> Model::operator()(const std::vector<Tensor> &arguments,
                                      std::source_location where) const {
  return layer->applyAll(arguments, where);
}

std::vector<Handle> Model::layers() const {
  std::vector<Handle> out;
  std::set<uint64_t> seen;
  std::set<int> onTheWay = nodes();
  for (const LayerCall &call : graph->calls)
    if (std::any_of(call.outputs.begin(), call.outputs.end(),
                    [&](int output) { return onTheWay.contains(output); }) &&
        seen.insert(call.layer).second)
      out.emplace_back(call.object);
  return out;
}

Handle Model::get_layer(const std::string &wanted) const {
  std::string known;
  for (Handle &handle : layers()) {
    if (handle.layer->name == wanted)
      return handle;
    known += (known.empty() ? "" : ", ") + handle.layer->name;
  }
  graph->mistake("model '" + name + "' has no layer '" + wanted + "'; its layers: " + known);
  return Handle(std::make_shared<NoLayer>(wanted));
}

const Model &Model::trainable(bool on) const {
  layer->setTrainable(on);
  return *this;
}

std::vector<VariablePtr> Model::trainable_variables() const {
  std::vector<VariablePtr> out = variables();
  std::erase_if(out, [](const VariablePtr &v) { return !v->trainable || v->frozen; });
  return out;
}

std::vector<VariablePtr> Model::non_trainable_variables() const {
  std::vector<VariablePtr> out = variables();
  std::erase_if(out, [](const VariablePtr &v) { return v->trainable && !v->frozen; });
  return out;
}

std::vector<std::string> Model::outputNames() const {
  std::vector<std::string> out;
  std::set<std::string> taken;
  for (const Tensor &output : outputs) {
    const std::string &layer = graph->nodes[size_t(output.node)].layer;
    std::string base = layer.empty() ? "output" : layer.substr(0, layer.find('/')), name = base;
    for (int i = 1; !taken.insert(name).second; ++i)
      name = base + "_" + std::to_string(i);
    out.push_back(name);
  }
  return out;
}

std::set<int> Model::nodes() const {
  std::set<int> out;
  std::vector<int> stack;
  for (const Tensor &output : outputs)
    stack.push_back(output.node);
  while (!stack.empty()) {
    int node = stack.back();
    stack.pop_back();
    if (out.insert(node).second)
      for (int operand : graph->nodes[size_t(node)].operands)
        stack.push_back(operand);
  }
  return out;
}

std::vector<VariablePtr> Model::variables() const {
  std::vector<VariablePtr> out;
  std::set<Variable *> seen;
  for (int index : nodes())
    if (const Node &node = graph->nodes[size_t(index)];
        node.variable && seen.insert(node.variable.get()).second)
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
    os << bar << " " << fit(a, w0) << " " << bar << " " << fit(b, w1) << " " << bar << " " << c
       << " " << bar << "\n";
  };
  os << "Model: \"" << name << "\"\n";
  line("┏", "┳", "┓", "━");
  row("Layer (type)", "Output Shape", "Param #", "┃");
  line("┡", "╇", "┩", "━");
  for (const Tensor &input : inputs)
    row(graph->nodes[size_t(input.node)].layer + " (InputLayer)", shapeText(input.shape()), "0",
        "│"),
        line("├", "┼", "┤", "─");
  std::set<uint64_t> seen;
  std::set<int> onTheWay = nodes();
  std::vector<LayerCall>
      calls; // of layers on the way to the outputs; the rest belongs to nested models
  for (const LayerCall &call : graph->calls)
    if (onTheWay.contains(call.output) && seen.insert(call.layer).second)
      calls.push_back(call);
  for (size_t i = 0; i < calls.size(); ++i) {
    const LayerCall &call = calls[i];
    row(call.name + " (" + call.kind + ")", shapeText(graph->nodes[size_t(call.output)].shape),
        thousands(count(call.weights, -1)), "│");
    if (i + 1 < calls.size())
      line("├", "┼", "┤", "─");
  }
  line("└", "┴", "┘", "─");
  std::vector<VariablePtr> all;
  for (const LayerCall &call : calls)
    for (const VariablePtr &weight : call.weights)
      if (std::find(all.begin(), all.end(), weight) == all.end())
        all.push_back(weight);
  os << " Total params: " << withBytes(count(all, -1))
     << "\n Trainable params: " << withBytes(count(all, 1))
     << "\n Non-trainable params: " << withBytes(count(all, 0)) << "\n";
}

} // namespace cornet
