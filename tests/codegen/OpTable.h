// SPDX-License-Identifier: Apache-2.0
//
// One row for each op of the dialect: what it is tested, documented and timed with. An op without a
// row fails the tests.
#pragma once

#include <cornet/cornet.h>

namespace cornet::optable {

struct Operand {
  Shape small, large; ///< for tests and for timing; an Input when it starts with -1, else a weight
  const char *dtype = "float32";
};

struct Row {
  const char *op;
  std::vector<Operand> operands;
  Attributes attributes;
  Attributes largeAttributes; ///< where shapes are among them; else empty
  bool positive = false;      ///< defined for positive cells only
};

inline const std::vector<Row> &rows() {
  static const std::vector<Row> table = [] {
    using Ints = std::vector<int64_t>;
    const Operand vector{{-1, 37}, {-1, 4096}}, bias{{37}, {4096}},
        image{{-1, 7, 6, 20}, {-1, 28, 28, 128}};
    std::vector<Row> t;
    for (const char *op : {"neg", "abs", "exp", "tanh", "sigmoid", "erf", "floor", "ceil", "round",
                           "relu", "silu", "softplus", "sin", "cos"})
      t.push_back({op, {vector}, {}, {}});
    for (const char *op : {"log", "sqrt", "rsqrt"})
      t.push_back({op, {vector}, {}, {}, true});
    t.push_back({"gelu", {vector}, {{"approximate", false}}, {}});
    t.push_back({"stop_gradient", {vector}, {}, {}});
    t.push_back({"cast", {vector}, {{"to", std::string("i32")}}, {}});
    t.push_back({"clamp", {vector}, {{"min", 0.0}, {"max", 6.0}}, {}});
    t.push_back({"leaky_relu", {vector}, {{"negative_slope", 0.2}}, {}});
    t.push_back({"elu", {vector}, {{"alpha", 1.0}}, {}});
    for (const char *op : {"add", "sub", "mul", "maximum", "minimum"})
      t.push_back({op, {vector, bias}, {}, {}});
    for (const char *op : {"div", "pow"})
      t.push_back({op, {vector, bias}, {}, {}, true});
    t.push_back({"compare", {vector, vector}, {{"predicate", std::string("lt")}}, {}});
    t.push_back({"select", {vector, vector, vector}, {}, {}});
    Attributes window{
        {"strides", Ints{1, 1}}, {"padding", Ints{1, 1, 1, 1}}, {"dilations", Ints{1, 1}}};
    Attributes pool = window, grouped = window, plain = window;
    pool["window"] = Ints{3, 3}, plain["groups"] = int64_t(1), grouped["groups"] = int64_t(2);
    t.push_back({"matmul",
                 {{{-1, 33}, {-1, 1024}}, {{33, 70}, {1024, 1024}}},
                 {{"transpose_lhs", false}, {"transpose_rhs", false}},
                 {}});
    t.push_back({"matmul",
                 {{{-1, 9, 5}, {-1, 128, 64}}, {{-1, 5, 11}, {-1, 64, 128}}},
                 {{"transpose_lhs", false}, {"transpose_rhs", false}},
                 {}});
    t.push_back({"conv", {image, {{3, 3, 20, 24}, {3, 3, 128, 128}}}, plain, {}});
    t.push_back({"conv", {image, {{3, 3, 10, 24}, {3, 3, 64, 128}}}, grouped, {}});
    t.push_back({"depthwise_conv", {image, {{3, 3, 20, 1}, {3, 3, 128, 1}}}, window, {}});
    t.push_back({"depthwise_conv", {image, {{3, 3, 20, 2}, {3, 3, 128, 2}}}, window, {}});
    t.push_back(
        {"conv_transpose",
         {image, {{3, 3, 24, 20}, {3, 3, 64, 128}}},
         {{"strides", Ints{2, 2}}, {"padding", Ints{0, 1, 0, 1}}, {"dilations", Ints{1, 1}}},
         {}});
    t.push_back({"max_pool", {image}, pool, {}});
    t.push_back({"avg_pool", {image}, pool, {}});
    // The same, two cells at a time, with uneven padding, and with holes.
    Attributes strided{
        {"strides", Ints{2, 2}}, {"padding", Ints{0, 1, 1, 0}}, {"dilations", Ints{1, 1}}};
    Attributes dilated{
        {"strides", Ints{1, 1}}, {"padding", Ints{2, 1, 0, 2}}, {"dilations", Ints{2, 2}}};
    for (Attributes attributes : {strided, dilated}) {
      Attributes withWindow = attributes, withGroups = attributes;
      withWindow["window"] = Ints{3, 2}, withGroups["groups"] = int64_t(1);
      t.push_back({"conv", {image, {{3, 2, 20, 24}, {3, 2, 128, 128}}}, withGroups, {}});
      t.push_back({"depthwise_conv", {image, {{3, 2, 20, 1}, {3, 2, 128, 1}}}, attributes, {}});
      t.push_back({"max_pool", {image}, withWindow, {}});
      t.push_back({"avg_pool", {image}, withWindow, {}});
      // And their gradients: `places` is what the window leaves of the image.
      bool isStrided = attributes == strided;
      Shape small = isStrided ? Shape{-1, 3, 3, 20} : Shape{-1, 6, 6, 20},
            large = isStrided ? Shape{-1, 14, 14, 128} : Shape{-1, 27, 28, 128};
      Operand places{small, large};
      Attributes sized = withWindow, sizedLarge = withWindow;
      sized["size"] = Ints{7, 6}, sizedLarge["size"] = Ints{28, 28};
      t.push_back({"conv_filter_gradient", {image, places}, withWindow, {}});
      t.push_back({"max_pool_gradient", {image, places}, withWindow, {}});
      t.push_back({"avg_pool_gradient", {places}, sized, sizedLarge});
    }
    t.push_back({"reduce",
                 {image},
                 {{"kind", std::string("mean")}, {"axes", Ints{1, 2}}, {"keepdims", false}},
                 {}});
    t.push_back({"reduce",
                 {image},
                 {{"kind", std::string("max")}, {"axes", Ints{-1}}, {"keepdims", true}},
                 {}});
    t.push_back({"softmax", {vector}, {{"axis", int64_t(-1)}}, {}});
    Operand channels{{20}, {128}};
    t.push_back({"batch_norm",
                 {image, channels, channels, channels, channels},
                 {{"axis", int64_t(-1)}, {"epsilon", 1e-3}},
                 {},
                 true});
    t.push_back(
        {"reshape", {image}, {{"shape", Ints{-1, 42, 20}}}, {{"shape", Ints{-1, 784, 128}}}});
    for (Ints order : {Ints{0, 3, 1, 2}, Ints{0, 2, 1, 3}, Ints{0, 3, 2, 1}})
      t.push_back({"transpose", {image}, {{"permutation", order}}, {}});
    t.push_back(
        {"transpose", {{{-1, 150, 37}, {-1, 1024, 1024}}}, {{"permutation", Ints{0, 2, 1}}}, {}});
    t.push_back({"pad",
                 {image},
                 {{"low", Ints{0, 1, 0, 0}}, {"high", Ints{0, 0, 2, 0}}, {"value", 1.0}},
                 {}});
    t.push_back({"concat", {image, image}, {{"axis", int64_t(-1)}}, {}});
    t.push_back({"slice",
                 {image},
                 {{"start", Ints{0, 1, 2, 0}}, {"size", Ints{-1, 5, 4, 20}}},
                 {{"start", Ints{0, 1, 2, 0}}, {"size", Ints{-1, 26, 24, 128}}}});
    t.push_back({"broadcast",
                 {{{-1, 1, 20}, {-1, 1, 128}}},
                 {{"shape", Ints{-1, 6, 20}}},
                 {{"shape", Ints{-1, 784, 128}}}});
    t.push_back({"gather", {{{9, 5}, {1000, 64}}, {{-1, 7}, {-1, 128}, "int32"}}, {}, {}});
    t.push_back({"take_along_axis",
                 {image, {{-1, 7, 3, 20}, {-1, 28, 9, 128}, "int32"}},
                 {{"axis", int64_t(2)}},
                 {}});
    t.push_back(
        {"take_along_axis", {vector, {{-1, 5}, {-1, 9}, "int32"}}, {{"axis", int64_t(-1)}}, {}});
    for (int64_t k : {1, 5, 37})
      t.push_back({"top_k", {vector}, {{"k", k}}, {}});
    t.push_back({"recompute", {image, image}, {}, {}});
    t.push_back({"scatter",
                 {{{-1, 7, 5}, {-1, 128, 64}}, {{-1, 7}, {-1, 128}, "int32"}},
                 {{"rows", int64_t(3)}}, // the test's batch: results begin with one
                 {{"rows", int64_t(1000)}}});
    t.push_back({"random",
                 {{{}, {}, "int32"}, image},
                 {{"distribution", std::string("uniform")}, {"seed", int64_t(123456789)}},
                 {}});
    t.push_back({"random",
                 {{{}, {}, "int32"}, image},
                 {{"distribution", std::string("normal")}, {"seed", int64_t(987654321012)}},
                 {}});
    t.push_back(
        {"circle",
         {{{-1}, {-1}, "int32"}, {{-1, 5}, {-1, 64}}, {{7}, {256}, "int32"}, {{7, 5}, {256, 64}}},
         {{"gamma", 4.0}, {"margin", 0.4}, {"remove_diagonal", true}},
         {}});
    const Operand places{{-1, 5, 4, 2}, {-1, 28, 28, 2}};
    for (auto [interpolation, mode] : {std::pair{"bilinear", "reflect"},
                                       {"bilinear", "constant"},
                                       {"bilinear", "nearest"},
                                       {"nearest", "wrap"}})
      t.push_back({"grid_sample",
                   {image, places},
                   {{"interpolation", std::string(interpolation)},
                    {"fill_mode", std::string(mode)},
                    {"fill_value", 0.5}},
                   {}});
    t.push_back({"resize", {image}, {{"size", Ints{14, 12}}}, {{"size", Ints{56, 56}}}});
    t.push_back({"resize_gradient",
                 {{{-1, 14, 15, 20}, {-1, 56, 56, 128}}},
                 {{"size", Ints{7, 6}}},
                 {{"size", Ints{28, 28}}}});
    t.push_back({"resize_gradient", {image}, {{"size", Ints{9, 11}}}, {{"size", Ints{56, 56}}}});
    return t;
  }();
  return table;
}

/// The row as a model; select's condition is computed, since conditions are no inputs.
inline Model modelOf(const Row &row, bool large) {
  Recording recording;
  std::vector<Tensor> inputs, operands;
  for (const Operand &operand : row.operands) {
    Shape shape = large ? operand.large : operand.small;
    if (!shape.empty() && shape[0] == -1) {
      inputs.push_back(Input(Shape(shape.begin() + 1, shape.end()), {.dtype = operand.dtype}));
      operands.push_back(inputs.back());
      continue;
    }
    auto weight = std::make_shared<Variable>();
    weight->name = "weight" + std::to_string(operands.size()), weight->shape = shape;
    weight->initializer = Initializer("random_uniform", 0, operands.size());
    weight->dtype = std::string(operand.dtype) == "int32" ? "i32" : "f32";
    weight->data = weight->value();
    if (weight->dtype == "i32")
      weight->data.assign(weight->data.size(), 7);
    for (float &cell : weight->data)
      cell = row.positive ? 0.5f + 8 * std::abs(cell) : 4 * cell;
    operands.emplace_back(Recording::current(), Recording::current()->variable(weight));
  }
  if (std::string(row.op) == "select")
    operands[0] = ops::compare(operands[0], operands[1], "lt");
  Tensor result =
      ops::record(row.op, operands,
                  large && !row.largeAttributes.empty() ? row.largeAttributes : row.attributes);
  if (std::string(row.op) == "scatter") // its rows are not the batch's
    result = ops::gather(result, operands[1]);
  if (result.dtype() == "i32")
    result = ops::cast(result, "f32");
  if (std::string(row.op) == "compare") // i1 is no output either
    result = ops::select(result, operands[0], operands[1]);
  return Functional(inputs, {result}, row.op);
}

} // namespace cornet::optable
