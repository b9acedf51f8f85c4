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
  for (const auto &[target, value] : assigned)
    if (target == variable)
      return value;
  auto [it, isNew] = read.try_emplace(variable.get(), 0);
  if (!isNew)
    return it->second;
  Node node;
  node.op = "variable", node.shape = variable->shape, node.dtype = variable->dtype;
  node.variable = variable;
  return it->second = add(std::move(node));
}

VariablePtr Graph::step() {
  if (!counter) {
    counter = std::make_shared<Variable>();
    counter->name = "random/step", counter->trainable = false, counter->dtype = "i32";
  }
  return counter;
}

const Node &Tensor::recorded() const {
  static const Node nothing = [] {
    Node node;
    node.poisoned = true;
    return node;
  }();
  return graph ? graph->nodes[size_t(node)] : nothing;
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

static constexpr std::pair<const char *, infer::DType> dtypes[] = {
    {"f32", infer::DType::f32}, {"bf16", infer::DType::bf16}, {"f16", infer::DType::f16},
    {"i32", infer::DType::i32}, {"i1", infer::DType::i1},     {"i8", infer::DType::i8},
    {"ui8", infer::DType::ui8}};

static infer::DType typeNamed(const std::string &dtype) {
  for (const auto &[name, type] : dtypes)
    if (dtype == name)
      return type;
  return infer::DType::f32;
}

static const char *nameOf(infer::DType dtype) {
  for (const auto &[name, type] : dtypes)
    if (dtype == type)
      return name;
  return "f32";
}

static constexpr const char *unmade = "a tensor that no Input() or op made";

/// Where to record beside `like`.
static std::shared_ptr<Graph> graphOf(const Tensor &like) {
  return like.graph ? like.graph : Recording::current();
}

bool isReal(const std::string &dtype) { return infer::isReal(typeNamed(dtype)); }

/// The operands with those that are real as f32, where they are of several dtypes.
static std::vector<Tensor> promoted(const std::string &op, std::vector<Tensor> operands) {
  const Tensor *first = nullptr;
  bool differ = false;
  for (const Tensor &operand : operands)
    if (isReal(operand.dtype()))
      differ |= first && operand.dtype() != first->dtype(), first = first ? first : &operand;
  if (!differ || op == "gradient" || op == "custom_gradient")
    return operands;
  for (Tensor &operand : operands)
    if (isReal(operand.dtype()))
      operand = cast(operand, "f32");
  return operands;
}

Tensor record(const std::string &op, const std::vector<Tensor> &given, Attributes attributes) {
  std::vector<Tensor> operands = given;
  for (const Tensor &operand : operands)
    if (!operand.graph) {
      std::shared_ptr<Graph> graph = Recording::current();
      for (const Tensor &other : operands)
        graph = other.graph ? other.graph : graph;
      graph->mistake(op + " is given " + unmade);
      Node nothing;
      nothing.shape = {-1}, nothing.poisoned = true;
      return Tensor(graph, graph->add(std::move(nothing)));
    }
  operands = promoted(op, std::move(operands));
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
    types.push_back({typeNamed(operand.dtype()), operand.shape()});
  }
  node.shape = operands[0].shape();
  if (!node.poisoned) {
    infer::Result result = infer::inferOp(node.op, types, node.attributes);
    if (result)
      node.shape = result.type.shape, node.dtype = nameOf(result.type.dtype);
    else
      graph->mistake(result.error), node.poisoned = true;
  }
  return Tensor(graph, graph->add(std::move(node)));
}

Tensor constant(const Tensor &like, double value) {
  return constant(like, {}, {float(value)}, like.dtype() == "i1" ? "f32" : like.dtype());
}

/// What is wrong with the type or the cells of a constant, or "".
static std::string mistakeOf(const Node &constant) {
  const std::string &dtype = constant.dtype;
  if (dtype == "i1" || nameOf(typeNamed(dtype)) != dtype)
    return "a constant is f32, bf16, f16, i32, i8 or ui8, not '" + dtype + "'";
  if (!infer::isByte(typeNamed(dtype)))
    return "";
  float low = dtype == "i8" ? -128 : 0, high = dtype == "i8" ? 127 : 255;
  for (float cell : constant.data)
    if (!(cell >= low && cell <= high) || cell != float(int(cell)))
      return "a constant of " + dtype + " has the cell " + std::to_string(cell) +
             "; round and clamp them to whole numbers from " + std::to_string(int(low)) + " to " +
             std::to_string(int(high));
  return "";
}

Tensor constant(const Tensor &like, Shape shape, std::vector<float> cells,
                const std::string &dtype) {
  Node node;
  node.op = "constant", node.shape = std::move(shape), node.data = std::move(cells);
  node.dtype = dtype;
  std::shared_ptr<Graph> graph = graphOf(like);
  if (std::string why = mistakeOf(node); !why.empty())
    graph->mistake(why), node.poisoned = true;
  return Tensor(graph, graph->add(std::move(node)));
}

Tensor read(const VariablePtr &variable, const Tensor &like) {
  std::shared_ptr<Graph> graph = graphOf(like);
  return Tensor(graph, graph->variable(variable));
}

void assign(const VariablePtr &variable, const Tensor &given) {
  if (!given.graph)
    return Recording::current()->mistake("variable '" + variable->name + "' is assigned " + unmade);
  Graph &graph = *given.graph;
  bool reals = isReal(given.dtype()) && isReal(variable->dtype);
  Tensor value = reals ? cast(given, variable->dtype) : given;
  if (!value.poisoned() && (value.shape() != variable->shape || value.dtype() != variable->dtype))
    return graph.mistake("variable '" + variable->name + "' of " + variable->dtype + " " +
                         infer::text(variable->shape) + " is assigned " + value.dtype() + " " +
                         infer::text(value.shape()));
  graph.variable(variable); // it is an argument of the step, also when nothing reads it
  for (auto &[target, node] : graph.assigned)
    if (target == variable) {
      node = value.node;
      return;
    }
  graph.assigned.emplace_back(variable, value.node);
}

void addLoss(const Tensor &scalar) {
  if (!scalar.graph)
    return Recording::current()->mistake(std::string("a loss that is added is ") + unmade);
  if (!scalar.poisoned() && !scalar.shape().empty())
    return scalar.graph->mistake("a loss that is added must be a scalar, got " +
                                 infer::text(scalar.shape()));
  scalar.graph->losses.push_back(scalar.node);
}

Tensor gradient(const Tensor &y, const Tensor &x) { return record("gradient", {y, x}); }
Tensor customGradient(const Tensor &y, const std::vector<Tensor> &xs,
                      const std::function<std::vector<Tensor>(const Tensor &gradient)> &backward) {
  std::vector<Tensor> operands{y}, gradients = backward(record("incoming_gradient", {y}));
  operands.insert(operands.end(), xs.begin(), xs.end());
  operands.insert(operands.end(), gradients.begin(), gradients.end());
  return record("custom_gradient", operands);
}
Tensor stopGradient(const Tensor &x) { return record("stop_gradient", {x}); }
Tensor cast(const Tensor &x, const std::string &dtype) {
  return x.graph && x.dtype() == dtype ? x : record("cast", {x}, {{"to", dtype}});
}

static Tensor random(const Tensor &like, const char *distribution, uint64_t seed) {
  std::shared_ptr<Graph> graph = graphOf(like);
  // The place is part of the key, so that two layers of one seed do not share their draws.
  uint64_t key = (seed ? seed : graph->seed) * 0x9E3779B97F4A7C15u + uint64_t(++graph->draws);
  return record("random", {read(graph->step(), like), like},
                {{"distribution", std::string(distribution)}, {"seed", int64_t(key)}});
}
Tensor randomUniform(const Tensor &like, uint64_t seed) { return random(like, "uniform", seed); }
Tensor randomNormal(const Tensor &like, uint64_t seed) { return random(like, "normal", seed); }

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
Tensor floor(const Tensor &x) { return record("floor", {x}); }
Tensor sin(const Tensor &x) { return record("sin", {x}); }
Tensor cos(const Tensor &x) { return record("cos", {x}); }
Tensor softplus(const Tensor &x) { return record("softplus", {x}); }
Tensor pow(const Tensor &a, const Tensor &b) { return record("pow", {a, b}); }
Tensor pow(const Tensor &a, double b) { return pow(a, constant(a, b)); }
Tensor sign(const Tensor &x) {
  return indicator(compare(x, 0.0, "gt")) - indicator(compare(x, 0.0, "lt"));
}
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
Tensor compare(const Tensor &a, double b, const std::string &predicate) {
  return compare(a, constant(a, b), predicate);
}
Tensor indicator(const Tensor &condition) { return cast(condition, "f32"); }

static std::vector<int64_t> allAxes(const Tensor &x) {
  std::vector<int64_t> axes;
  for (size_t d = 0; d < x.rank(); ++d)
    axes.push_back(int64_t(d));
  return axes;
}
Tensor sum(const Tensor &x, std::vector<int64_t> axes, bool keepdims) {
  return reduce(x, "sum", std::move(axes), keepdims);
}
Tensor mean(const Tensor &x, std::vector<int64_t> axes, bool keepdims) {
  return reduce(x, "mean", std::move(axes), keepdims);
}
Tensor sum(const Tensor &x) { return x.rank() == 0 ? x : sum(x, allAxes(x)); }
Tensor mean(const Tensor &x) { return x.rank() == 0 ? x : mean(x, allAxes(x)); }

/// 0, 1, ... as f32.
static Tensor indices(const Tensor &like, int64_t count) {
  std::vector<float> cells;
  for (int64_t i = 0; i < count; ++i)
    cells.push_back(float(i));
  return constant(like, {count}, std::move(cells));
}

Tensor argmax(const Tensor &x) {
  if (x.rank() == 0)
    return reduce(x, "max", {-1}); // which tells the mistake
  int64_t classes = x.shape().back();
  Tensor best = compare(x, reduce(x, "max", {-1}, true), "eq");
  Tensor place = select(best, indices(x, classes), constant(x, double(classes - 1)));
  return cast(reduce(place, "min", {-1}), "i32");
}

Tensor takeAlongAxis(const Tensor &x, const Tensor &indices, int64_t axis) {
  return record("take_along_axis", {x, indices}, {{"axis", axis}});
}

TopK topK(const Tensor &x, int64_t k) {
  Tensor indices = record("top_k", {x}, {{"k", k}});
  return {indices.poisoned() ? indices : takeAlongAxis(x, indices), indices};
}

Tensor oneHot(const Tensor &index, int64_t classes) {
  Shape column = index.shape();
  column.push_back(1);
  Tensor wide = reshape(cast(index, "f32"), column);
  return indicator(compare(wide, indices(index, classes), "eq"));
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
Tensor operator/(const Tensor &a, double b) { return a / ops::constant(a, b); }
Tensor operator+(double a, const Tensor &b) { return ops::constant(b, a) + b; }
Tensor operator-(double a, const Tensor &b) { return ops::constant(b, a) - b; }
Tensor operator*(double a, const Tensor &b) { return ops::constant(b, a) * b; }
Tensor operator/(double a, const Tensor &b) { return ops::constant(b, a) / b; }

} // namespace cornet
