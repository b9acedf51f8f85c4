// SPDX-License-Identifier: Apache-2.0
//
// Keras's activations by name.
#include <cornet/layers.h>

#include <functional>

namespace cornet::ops {
namespace {

using Function = std::function<Tensor(const Tensor &)>;

Function unary(const char *op) {
  return [op](const Tensor &x) { return record(op, {x}); };
}

Tensor hardSigmoid(const Tensor &x) { return clamp(x + 3.0, 0, 6) * (1.0 / 6); }

Tensor hardShrink(const Tensor &x) {
  return select(compare(abs(x), constant(x, 0.5), "gt"), x, constant(x, 0));
}

/// 0 below -1, x above 1, (x + 1)^2 / 4 between.
Tensor sparsePlus(const Tensor &x) {
  Tensor between = clamp(x + 1.0, 0, 2);
  return maximum(between * between * 0.25, x);
}

Tensor logSoftmax(const Tensor &x) {
  Tensor shifted = x - reduce(x, "max", {-1}, true);
  return shifted - log(reduce(exp(shifted), "sum", {-1}, true));
}

Tensor glu(const Tensor &x) {
  Shape start(x.rank(), 0), size = x.shape();
  if (size.back() % 2) {
    x.graph->mistake("glu halves the last axis, which has " + std::to_string(size.back()) +
                     " cells; make it even");
    return x;
  }
  size.back() /= 2;
  Tensor first = slice(x, start, size);
  start.back() = size.back();
  return first * sigmoid(slice(x, start, size));
}

/// Martins and Astudillo 2016. The support is where 1 + k z > the sum of the k cells not below z.
Tensor sparsemax(const Tensor &x) {
  Shape column = x.shape(), row = x.shape();
  column.push_back(1);
  row.insert(row.end() - 1, 1);
  Tensor z = reshape(x, column), others = reshape(x, row);
  Tensor zero = constant(x, 0), one = constant(x, 1);
  Tensor notBelow = select(compare(others, z, "ge"), one, zero);
  Tensor count = reduce(notBelow, "sum", {-1}), sum = reduce(notBelow * others, "sum", {-1});
  Tensor support = select(compare(x * count + 1.0, sum, "gt"), one, zero);
  Tensor tau = (reduce(x * support, "sum", {-1}, true) - 1.0) / reduce(support, "sum", {-1}, true);
  return relu(x - tau);
}

const std::map<std::string, Function> &table() {
  static const std::map<std::string, Function> functions = {
      {"linear", [](const Tensor &x) { return x; }},
      {"relu", unary("relu")},
      {"relu6", [](const Tensor &x) { return clamp(x, 0, 6); }},
      {"leaky_relu",
       [](const Tensor &x) {
         return record("leaky_relu", {x}, {{"negative_slope", 0.2}});
       }},
      {"elu",
       [](const Tensor &x) {
         return record("elu", {x}, {{"alpha", 1.0}});
       }},
      {"celu",
       [](const Tensor &x) {
         return record("elu", {x}, {{"alpha", 1.0}});
       }},
      {"selu",
       [](const Tensor &x) {
         return record("elu", {x}, {{"alpha", 1.6732632423543772}}) * 1.0507009873554805;
       }},
      {"gelu",
       [](const Tensor &x) {
         return record("gelu", {x}, {{"approximate", false}});
       }},
      {"sigmoid", unary("sigmoid")},
      {"hard_sigmoid", hardSigmoid},
      {"silu", unary("silu")},
      {"swish", unary("silu")},
      {"hard_silu", [](const Tensor &x) { return x * hardSigmoid(x); }},
      {"hard_swish", [](const Tensor &x) { return x * hardSigmoid(x); }},
      {"mish", [](const Tensor &x) { return x * tanh(record("softplus", {x})); }},
      {"softplus", unary("softplus")},
      {"softsign", [](const Tensor &x) { return x / (abs(x) + 1.0); }},
      {"exponential", exp},
      {"log_sigmoid", [](const Tensor &x) { return -record("softplus", {-x}); }},
      {"tanh", unary("tanh")},
      {"hard_tanh", [](const Tensor &x) { return clamp(x, -1, 1); }},
      {"tanh_shrink", [](const Tensor &x) { return x - tanh(x); }},
      {"soft_shrink", [](const Tensor &x) { return x - clamp(x, -0.5, 0.5); }},
      {"hard_shrink", hardShrink},
      {"squareplus", [](const Tensor &x) { return (x + sqrt(x * x + 4.0)) * 0.5; }},
      {"sparse_plus", sparsePlus},
      {"sparse_sigmoid", [](const Tensor &x) { return clamp((x + 1.0) * 0.5, 0, 1); }},
      {"softmax", [](const Tensor &x) { return softmax(x); }},
      {"log_softmax", logSoftmax},
      {"glu", glu},
      {"sparsemax", sparsemax},
  };
  return functions;
}

} // namespace

std::string checkActivation(const std::string &name) {
  if (name.empty() || table().contains(name))
    return "";
  std::string known;
  for (const auto &[key, function] : table())
    known += (known.empty() ? "" : ", ") + key;
  return "unknown activation '" + name + "'; known: " + known;
}

Tensor activation(const std::string &name, const Tensor &x) {
  if (std::string mistake = checkActivation(name); !mistake.empty()) {
    x.graph->mistake(mistake);
    return x;
  }
  return table().at(name.empty() ? "linear" : name)(x);
}

} // namespace cornet::ops
