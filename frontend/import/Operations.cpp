// SPDX-License-Identifier: Apache-2.0
//
// Operations whose arguments are tensors alone are rows of a table. The others differ from ours in
// attributes, and are written out one by one, writing beside reading.
#include "frontend/import/Operations.h"

#include "frontend/import/Hdf5.h"

#include <functional>
#include <map>

namespace cornet::import {
namespace {

using Json = nlohmann::json;
using Ordered = nlohmann::ordered_json;

struct Row {
  const char *op, *kind, *module;
};
constexpr const char *numpy = "keras.src.ops.numpy", *nn = "keras.src.ops.nn",
                     *math = "keras.src.ops.math", *core = "keras.src.ops.core";

/// Operations without attributes.
constexpr Row plain[] = {{"add", "Add", numpy},
                         {"sub", "Subtract", numpy},
                         {"mul", "Multiply", numpy},
                         {"div", "TrueDivide", numpy},
                         {"neg", "Negative", numpy},
                         {"pow", "Power", numpy},
                         {"exp", "Exp", numpy},
                         {"log", "Log", numpy},
                         {"abs", "Absolute", numpy},
                         {"floor", "Floor", numpy},
                         {"ceil", "Ceil", numpy},
                         {"round", "Round", numpy},
                         {"sin", "Sin", numpy},
                         {"cos", "Cos", numpy},
                         {"tanh", "Tanh", numpy},
                         {"sqrt", "Sqrt", numpy},
                         {"rsqrt", "Rsqrt", math},
                         {"erf", "Erf", math},
                         {"sigmoid", "Sigmoid", nn},
                         {"softplus", "Softplus", nn},
                         {"silu", "Silu", nn},
                         {"relu", "Relu", nn},
                         {"maximum", "Maximum", numpy},
                         {"minimum", "Minimum", numpy},
                         {"matmul", "Matmul", numpy},
                         {"select", "Where", numpy},
                         {"stop_gradient", "StopGradient", core}};

constexpr std::pair<const char *, const char *> comparisons[] = {
    {"eq", "Equal"},     {"ne", "NotEqual"}, {"lt", "Less"},
    {"le", "LessEqual"}, {"gt", "Greater"},  {"ge", "GreaterEqual"}};
constexpr std::pair<const char *, const char *> reductions[] = {
    {"sum", "Sum"}, {"mean", "Mean"}, {"max", "Max"}, {"min", "Min"}};

template <class T> const T &attribute(const Node &node, const char *name) {
  return std::get<T>(node.attributes.at(name));
}

/// A slice along the dimensions, as the key of x[key].
Ordered sliceKey(const Node &node, const Shape &from) {
  const Shape &start = attribute<Shape>(node, "start"), &size = attribute<Shape>(node, "size");
  Ordered key = Ordered::array();
  for (size_t d = 0; d < start.size(); ++d) {
    Ordered range = {{"start", nullptr}, {"stop", nullptr}, {"step", nullptr}};
    if (size[d] >= 0 && size[d] != from[d])
      range["start"] = start[d], range["stop"] = start[d] + size[d];
    key.push_back({{"class_name", "__slice__"}, {"config", std::move(range)}});
  }
  return key;
}

/// Ones that stretch a tensor to `shape` when multiplied with it.
Ordered ones(const Shape &shape) {
  Ordered value = 1.0;
  for (size_t d = shape.size(); d-- > 0;)
    value = Ordered(Ordered::array_t(shape[d] < 0 ? 1 : size_t(shape[d]), value));
  return {{"class_name", "__numpy__"}, {"config", {{"value", value}, {"dtype", "float32"}}}};
}

} // namespace

std::optional<Operation> exportOperation(const Graph &graph, const Node &node) {
  std::string op = node.op.substr(node.op.find('.') + 1);
  if (op == "matmul" &&
      (attribute<bool>(node, "transpose_lhs") || attribute<bool>(node, "transpose_rhs")))
    return std::nullopt;
  for (const Row &row : plain)
    if (op == row.op)
      return Operation{row.module, row.kind};
  if (op == "compare")
    for (auto [predicate, kind] : comparisons)
      if (attribute<std::string>(node, "predicate") == predicate)
        return Operation{numpy, kind};
  if (op == "reduce")
    for (auto [what, kind] : reductions)
      if (attribute<std::string>(node, "kind") == what)
        return Operation{numpy,
                         kind,
                         {{"axis", attribute<Shape>(node, "axes")},
                          {"keepdims", attribute<bool>(node, "keepdims")}}};
  if (op == "softmax")
    return Operation{nn, "Softmax", Ordered::object({{"axis", attribute<int64_t>(node, "axis")}})};
  if (op == "leaky_relu")
    return Operation{
        nn, "LeakyRelu",
        Ordered::object({{"negative_slope", attribute<double>(node, "negative_slope")}})};
  if (op == "elu")
    return Operation{nn, "Elu", Ordered::object({{"alpha", attribute<double>(node, "alpha")}})};
  if (op == "gelu")
    return Operation{nn, "Gelu",
                     Ordered::object({{"approximate", attribute<bool>(node, "approximate")}})};
  if (op == "clamp")
    return Operation{
        numpy,
        "Clip",
        {{"x_min", attribute<double>(node, "min")}, {"x_max", attribute<double>(node, "max")}}};
  if (op == "reshape")
    return Operation{numpy, "Reshape",
                     Ordered::object({{"newshape", attribute<Shape>(node, "shape")}})};
  if (op == "transpose")
    return Operation{numpy, "Transpose",
                     Ordered::object({{"axes", attribute<Shape>(node, "permutation")}})};
  if (op == "concat")
    return Operation{numpy, "Concatenate",
                     Ordered::object({{"axis", attribute<int64_t>(node, "axis")}}), true};
  if (op == "gather")
    return Operation{numpy, "Take", Ordered::object({{"axis", 0}})};
  if (op == "take_along_axis")
    return Operation{numpy, "TakeAlongAxis",
                     Ordered::object({{"axis", attribute<int64_t>(node, "axis")}})};
  if (op == "top_k") // the values come first
    return Operation{math,  "TopK", {{"k", attribute<int64_t>(node, "k")}, {"sorted", true}},
                     false, {},     1};
  if (op == "cast")
    return Operation{core, "Cast",
                     Ordered::object({{"dtype", node.dtype == "i32"    ? "int32"
                                                : node.dtype == "i8"   ? "int8"
                                                : node.dtype == "ui8"  ? "uint8"
                                                : node.dtype == "i1"   ? "bool"
                                                : node.dtype == "bf16" ? "bfloat16"
                                                : node.dtype == "f16"  ? "float16"
                                                                       : "float32"}})};
  if (op == "slice")
    return Operation{numpy,
                     "GetItem",
                     Ordered::object(),
                     false,
                     {sliceKey(node, graph.nodes[size_t(node.operands[0])].shape)}};
  if (op == "broadcast" && ops::isReal(node.dtype)) // BroadcastTo wants to know the batch
    return Operation{numpy, "Multiply", Ordered::object(), false, {ones(node.shape)}};
  return std::nullopt;
}

bool isOperationModule(const std::string &module) { return module.starts_with("keras.src.ops."); }

namespace {

/// The arguments of one operation, as tensors, numbers and keys.
class Arguments {
public:
  Arguments(const std::string &kind, const Json &config, const Json &arguments,
            const std::vector<Tensor> &tensors)
      : kind(kind), config(config), arguments(arguments), tensors(tensors) {
    if (tensors.empty())
      fail("is applied to no tensor");
  }

  [[noreturn]] void fail(const std::string &why) const {
    throw ImportError("operation " + kind + " '" + config.value("name", "") + "' " + why);
  }
  Tensor tensor(const Json &value) const {
    if (value.is_object() && value.contains("tensor"))
      return tensors.at(value.at("tensor"));
    if (value.is_number())
      return ops::constant(tensors[0], value.get<double>());
    if (value.is_object() && value.value("class_name", "") == "__numpy__")
      return array(value.at("config"));
    fail("has the argument " + value.dump().substr(0, 80) + ", which is not understood");
  }
  Tensor operator[](size_t i) const {
    if (i >= arguments.size())
      fail("has " + std::to_string(arguments.size()) + " arguments; more are expected");
    return tensor(arguments[i]);
  }
  const Json &raw(size_t i) const { return arguments.at(i); }
  size_t size() const { return arguments.size(); }

  Shape list(const char *name) const {
    const Json &value = config.at(name);
    return value.is_array() ? value.get<Shape>() : Shape{value.get<int64_t>()};
  }
  /// All of them where Keras writes None.
  Shape axes(size_t rank) const {
    Shape out;
    for (size_t d = 0; config.at("axis").is_null() && d < rank; ++d)
      out.push_back(int64_t(d));
    return config.at("axis").is_null() ? out : list("axis");
  }

  const std::string &kind;
  const Json &config;

private:
  Tensor array(const Json &numpy) const {
    Shape shape;
    std::vector<float> cells;
    for (const Json *level = &numpy.at("value"); level->is_array(); level = &(*level)[0]) {
      shape.push_back(int64_t(level->size()));
      if (level->empty())
        fail("has an empty constant");
    }
    flatten(numpy.at("value"), cells);
    size_t count = 1;
    for (int64_t extent : shape)
      count *= size_t(extent);
    if (count != cells.size())
      fail("has a constant whose rows differ in length");
    std::string dtype = numpy.value("dtype", "float32");
    return ops::constant(tensors[0], shape, cells,
                         dtype == "int8"                                         ? "i8"
                         : dtype == "uint8"                                      ? "ui8"
                         : dtype.starts_with("int") || dtype.starts_with("uint") ? "i32"
                                                                                 : "f32");
  }
  void flatten(const Json &value, std::vector<float> &cells) const {
    if (value.is_number())
      cells.push_back(value.get<float>());
    else if (value.is_array())
      for (const Json &item : value)
        flatten(item, cells);
    else
      fail("has a constant that is no array of numbers");
  }

  const Json &arguments;
  const std::vector<Tensor> &tensors;
};

/// x[key]: ranges of step 1, numbers, and None for the whole of a dimension.
Tensor getItem(const Arguments &a) {
  Tensor x = a[0];
  Json key = a.raw(1).is_array() ? a.raw(1) : Json::array({a.raw(1)});
  Shape start, size, left;
  if (key.size() > x.rank())
    a.fail("has more indices than its tensor dimensions");
  for (size_t d = 0; d < x.rank(); ++d) {
    int64_t extent = x.shape()[d], from = 0, to = extent;
    auto position = [&](const Json &value, int64_t otherwise) {
      if (value.is_null())
        return otherwise;
      int64_t at = value.get<int64_t>();
      return extent < 0 ? at : std::clamp<int64_t>(at < 0 ? at + extent : at, 0, extent);
    };
    bool number = d < key.size() && key[d].is_number_integer();
    if (number) {
      from = position(key[d], 0), to = from + 1;
    } else if (d < key.size()) {
      const Json &range = key[d].at("config");
      if (!range.at("step").is_null() && range.at("step") != 1)
        a.fail("takes every n-th cell; only ranges without a step are understood");
      from = position(range.at("start"), 0), to = position(range.at("stop"), extent);
    }
    bool whole = from == 0 && to == extent;
    if (extent < 0 && !whole)
      a.fail("indexes the batch, which only whole ranges may");
    start.push_back(from), size.push_back(whole && extent < 0 ? -1 : to - from);
    if (!number)
      left.push_back(size.back());
  }
  Tensor y = ops::slice(x, start, size);
  return left.size() == x.rank() ? y : ops::reshape(y, left);
}

Tensor squeezeOrExpand(const Arguments &a) {
  Tensor x = a[0];
  Shape shape = x.shape();
  int64_t rank = int64_t(shape.size());
  if (a.kind == "ExpandDims") {
    int64_t axis = a.list("axis").at(0);
    axis = axis < 0 ? axis + rank + 1 : axis;
    if (axis < 0 || axis > rank)
      a.fail("has an axis outside its tensor");
    shape.insert(shape.begin() + axis, 1);
    return ops::reshape(x, shape);
  }
  std::vector<bool> gone(shape.size());
  for (int64_t axis : a.axes(shape.size())) {
    axis = axis < 0 ? axis + rank : axis;
    if (axis >= 0 && axis < rank && shape[size_t(axis)] == 1)
      gone[size_t(axis)] = true;
  }
  Shape left;
  for (size_t d = 0; d < shape.size(); ++d)
    if (!gone[d])
      left.push_back(shape[d]);
  return ops::reshape(x, left);
}

/// What an operation gives, most often one tensor.
struct Results {
  Results(Tensor one) : all{std::move(one)} {}
  Results(const ops::TopK &top) : all{top.values, top.indices} {}
  std::vector<Tensor> all;
};
using Make = std::function<Results(const Arguments &)>;

const std::map<std::string, Make> &makers() {
  static const std::map<std::string, Make> table = [] {
    std::map<std::string, Make> out;
    for (const Row &row : plain)
      out[row.kind] = [op = std::string(row.op)](const Arguments &a) {
        std::vector<Tensor> operands;
        for (size_t i = 0; i < a.size(); ++i)
          operands.push_back(a[i]);
        return op == "matmul" ? ops::matmul(a[0], a[1]) : ops::record(op, operands);
      };
    out["Divide"] = out["TrueDivide"];
    for (auto [predicate, kind] : comparisons)
      out[kind] = [p = predicate](const Arguments &a) { return ops::compare(a[0], a[1], p); };
    for (auto [what, kind] : reductions)
      out[kind] = [k = what](const Arguments &a) {
        return ops::reduce(a[0], k, a.axes(a[0].rank()), a.config.value("keepdims", false));
      };
    out["Softmax"] = [](const Arguments &a) { return ops::softmax(a[0], a.list("axis").at(0)); };
    out["LeakyRelu"] = [](const Arguments &a) {
      return ops::record("leaky_relu", {a[0]},
                         {{"negative_slope", a.config.at("negative_slope").get<double>()}});
    };
    out["Elu"] = [](const Arguments &a) {
      return ops::record("elu", {a[0]}, {{"alpha", a.config.at("alpha").get<double>()}});
    };
    out["Gelu"] = [](const Arguments &a) {
      return ops::record("gelu", {a[0]}, {{"approximate", a.config.at("approximate").get<bool>()}});
    };
    out["Clip"] = [](const Arguments &a) {
      return ops::clamp(a[0], a.config.at("x_min"), a.config.at("x_max"));
    };
    out["Reshape"] = [](const Arguments &a) {
      Shape shape = a.list("newshape");
      if (!shape.empty() && a[0].shape()[0] < 0)
        shape[0] = -1;
      return ops::reshape(a[0], shape);
    };
    out["Transpose"] = [](const Arguments &a) { return ops::transpose(a[0], a.list("axes")); };
    out["Concatenate"] = [](const Arguments &a) {
      std::vector<Tensor> all;
      for (const Json &one : a.raw(0))
        all.push_back(a.tensor(one));
      return ops::concat(all, a.list("axis").at(0));
    };
    out["Take"] = [](const Arguments &a) {
      if (a.config.at("axis") != 0)
        a.fail("takes along another axis than 0");
      return ops::gather(a[0], a[1]);
    };
    out["TakeAlongAxis"] = [](const Arguments &a) {
      if (a.config.at("axis").is_null())
        a.fail("takes cells of a flattened tensor; reshape it and give the axis");
      return ops::takeAlongAxis(a[0], a[1], a.config.at("axis"));
    };
    out["TopK"] = [](const Arguments &a) { return ops::topK(a[0], a.config.at("k")); };
    out["Argmax"] = [](const Arguments &a) {
      int64_t last = int64_t(a[0].rank()) - 1;
      Json axis = a.config.at("axis");
      if (axis.is_null() || (axis != -1 && axis != last))
        a.fail("is along another axis than the last");
      Tensor place = ops::argmax(a[0]);
      Shape column = place.shape();
      column.push_back(1);
      return a.config.value("keepdims", false) ? ops::reshape(place, column) : place;
    };
    out["Cast"] = [](const Arguments &a) {
      std::string to = a.config.at("dtype");
      static const std::map<std::string, const char *> known = {
          {"float32", "f32"}, {"bfloat16", "bf16"}, {"float16", "f16"}, {"int32", "i32"},
          {"int8", "i8"},     {"uint8", "ui8"},     {"bool", "i1"}};
      if (!known.contains(to))
        a.fail("casts to " + to +
               "; float32, bfloat16, float16, int32, int8, uint8 and bool are supported");
      return ops::cast(a[0], known.at(to));
    };
    out["GetItem"] = getItem;
    out["ExpandDims"] = out["Squeeze"] = squeezeOrExpand;
    out["Square"] = [](const Arguments &a) { return a[0] * a[0]; };
    out["Sign"] = [](const Arguments &a) { return ops::sign(a[0]); };
    out["OneHot"] = [](const Arguments &a) {
      if (a.config.value("axis", -1) != -1)
        a.fail("puts the classes on another axis than the last");
      return ops::oneHot(a[0], a.config.at("num_classes"));
    };
    return out;
  }();
  return table;
}

} // namespace

std::vector<Tensor> importOperation(const std::string &kind, const Json &config,
                                    const Json &arguments, const std::vector<Tensor> &tensors) {
  Arguments all(kind, config, arguments, tensors);
  auto it = makers().find(kind);
  if (it != makers().end())
    return it->second(all).all;
  std::string known;
  for (const auto &[name, make] : makers())
    known += (known.empty() ? "" : ", ") + name;
  all.fail("is not supported; supported: " + known);
}

} // namespace cornet::import
