// SPDX-License-Identifier: Apache-2.0
#include "tests/frontend/saving/Models.h"

#include "frontend/import/Import.h"

#include <cornet/cornet.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace cornet::test {
namespace {

/// Numbers in [-1, 1), from a linear congruential generator.
struct Draw {
  uint32_t state = 12345;
  float operator()() {
    state = state * 1664525u + 1013904223u;
    return float(state >> 8) / float(1 << 23) - 1;
  }
};

Model sequential() {
  return Sequential({8, 8, 3},
                    {Conv2D({.filters = 4, .kernel_size = 3, .strides = 2, .padding = "same"}),
                     BatchNormalization(), Activation({.activation = "relu"}), MaxPooling2D(),
                     Dropout({.rate = 0.25}), Flatten(), Dense({.units = 6}), Dense({.units = 3})},
                    "stack");
}

Model shared() {
  Recording recording;
  Tensor a = Input({5}), b = Input({5}, {.name = "other"});
  Handle dense = Dense({.units = 4, .activation = "tanh"});
  Tensor x = dense(a), y = dense(b);
  Tensor joined = Concatenate()({y, x});
  return Functional({a, b}, {Dense({.units = 2, .name = "out"})(joined), x}, "shared");
}

/// What images go through in training, and a penalty.
Model augmented() {
  return Sequential({8, 8, 3},
                    {RandomFlip({.mode = "horizontal", .seed = 5}), RandomRotation({.factor = 0.1}),
                     RandomTranslation({.height_factor = 0.2, .width_factor = {-0.1, 0.3}}),
                     RandomZoom({.height_factor = 0.1}), RandomShear({.x_factor = 0.1}),
                     RandomContrast({.factor = 0.2, .value_range = {-10, 10}}),
                     RandomBrightness({.factor = 0.2, .value_range = {-10, 10}}), Flatten(),
                     ActivityRegularization({.l2 = 0.01}), Dense({.units = 2})},
                    "augmented");
}

/// The skip goes around the dropout, which hands its input through.
Model skip() {
  Recording recording;
  Tensor a = Input({6});
  Tensor x = Dense({.units = 6})(a);
  Tensor y = Dense({.units = 6})(Dropout({.rate = 0.5})(x));
  return Functional({a}, {Add()({x, y})}, "skip");
}

Model nested() {
  Model tail = [] {
    Recording recording;
    Tensor x = Input({4});
    return Functional({x}, {Dense({.units = 2, .name = "last"})(x)}, "tail");
  }();
  Model block = [&] {
    Recording recording;
    Tensor x = Input({4}), y = Input({4});
    Tensor z = Dense({.units = 4, .name = "mix"})(Multiply()({x, y}));
    return Functional({x, y}, {z, tail({z})[0]}, "block");
  }();
  Model stack = Sequential({4}, {Dense({.units = 4, .name = "one"}), LayerNormalization()}, "pile");
  Recording recording;
  Tensor a = Input({4}), b = Input({4});
  std::vector<Tensor> first = block({a, b}), second = block({first[0], b});
  Tensor piled = Handle(stack)(second[0]);
  Tensor out = Dense({.units = 3, .name = "mix"})(piled);
  return Functional({a, b}, {out, second[1], first[1], tail({piled})[0]}, "nested");
}

Model operations() {
  Recording recording;
  Tensor a = Input({3, 4}), b = Input({4}), i = Input({2}, {.dtype = "int32"});
  Tensor x = (1.0 - ops::exp(a * -0.5)) / (ops::abs(a) + 2.0) + ops::reshape(b, {-1, 1, 4});
  Tensor y = ops::reshape(ops::transpose(x, {0, 2, 1}), {-1, 12});
  y = ops::concat({y, ops::slice(y, {0, 3}, {-1, 5})}, -1);
  Tensor z = ops::matmul(a, ops::transpose(a, {0, 2, 1}));
  z = ops::softmax(ops::reduce(z, "max", {2}), -1) + ops::mean(x, {2}) - ops::sum(x, {-1});
  Tensor table = ops::constant(b, {3, 2}, {1, 2, 3, 4, 5, 6});
  Tensor w = ops::select(ops::compare(b, 0.1, "gt"), ops::sqrt(ops::abs(b)), -b);
  w = ops::clamp(w, -0.5, 0.75) * ops::constant(b, {4}, {1, 2, 0.1f, -1});
  w = ops::maximum(ops::sigmoid(w), ops::tanh(b)) + ops::minimum(ops::relu(b), b) + ops::pow(b, 2);
  w = ops::activation("gelu", w) + ops::activation("leaky_relu", b) + ops::activation("elu", b) +
      ops::log(ops::abs(b) + 1.5) + ops::floor(b) + ops::sin(b) + ops::cos(b) + ops::softplus(b) +
      ops::rsqrt(ops::abs(b) + 1) + ops::sign(b);
  Tensor wide = ops::broadcast(ops::reshape(b, {-1, 1, 4}), {-1, 3, 4});
  ops::TopK top = ops::topK(a, 2);
  return Functional({a, b, i},
                    {Dense({.units = 2})(y), z, ops::gather(table, i), w, wide,
                     ops::cast(i, "f32") * 2.0, ops::oneHot(i, 3), top.values,
                     ops::cast(top.indices, "f32"), ops::takeAlongAxis(x, top.indices, 2),
                     ops::cast(ops::cast(b * 40.0, "i8"), "f32")},
                    "operations");
}

/// An input that nothing uses, and one that is an output.
Model idle() {
  Recording recording;
  Tensor a = Input({3}), b = Input({2}), c = Input({4});
  return Functional({a, b, c}, {Dense({.units = 2})(b), c}, "idle");
}

/// Branches of different depths, whose layers Keras lists by depth.
Model depths() {
  Recording recording;
  Tensor a = Input({4});
  Tensor deep = a, flat = Dense({.units = 3, .name = "flat"})(a);
  for (int i = 0; i < 12; ++i)
    deep = Dense({.units = 3})(deep);
  Handle twice = Dense({.units = 3, .name = "twice"});
  Tensor late = twice(deep), early = twice(flat);
  return Functional({a}, {Dense({.units = 2, .name = "a"})(early), Add()({late, early})}, "depths");
}

/// Layers of several dtype policies, and an op between tensors of two.
Model mixed() {
  Recording recording;
  Tensor a = Input({6, 6, 2});
  Tensor x = Conv2D({.filters = 4, .kernel_size = 3, .dtype = "mixed_bfloat16"})(a);
  x = ReLU({.dtype = "mixed_bfloat16"})(BatchNormalization({.dtype = "mixed_bfloat16"})(x));
  Tensor flat = Flatten({.dtype = "mixed_float16"})(x);
  Tensor y = Dense({.units = 3, .dtype = "mixed_float16"})(flat);
  return Functional({a}, {Dense({.units = 3})(flat) + y, y}, "mixed");
}

/// The whole model is one call of a functional model.
Model wrapped() {
  Recording recording;
  Tensor a = Input({5}), b = Input({5});
  Model inner = shared();
  std::vector<Tensor> y = inner({a, b});
  return Functional({a, b}, {y[1], y[0]}, "wrapped");
}

} // namespace

std::vector<Cells> inputsFor(const Model &model) {
  Draw draw;
  std::vector<Cells> out;
  for (const Tensor &input : model.inputs) {
    Cells cells{input.shape(), {}, input.dtype() == "i32"};
    cells.shape[0] = 2;
    size_t count = 1;
    for (int64_t extent : cells.shape)
      count *= size_t(extent);
    for (size_t i = 0; i < count; ++i)
      cells.data.push_back(cells.integer ? float(i % 3) : 2 * draw());
    out.push_back(std::move(cells));
  }
  return out;
}

void fillWeights(const Model &model) {
  Draw draw;
  for (const VariablePtr &variable : model.variables()) {
    size_t count = variable->value().size();
    bool positive = variable->name.ends_with("variance");
    variable->data.resize(count);
    for (float &cell : variable->data)
      cell = positive ? 0.5f + std::fabs(draw()) : 0.7f * draw();
  }
}

std::vector<Sample> layerSamples() {
  std::vector<Sample> out;
  auto document =
      nlohmann::json::parse(std::ifstream(CORNET_SOURCE_DIR "/tests/keras/layers.json"));
  for (const auto &one : document.at("cases")) {
    std::vector<std::vector<float>> weights;
    for (const auto &weight : one.at("weights"))
      weights.push_back(weight.at("data"));
    import::Imported imported = import::importConfiguration(one.at("config").dump(), weights);
    EXPECT_EQ(imported.error, "") << one.at("name");
    Sample sample{one.at("name"), std::move(imported.model), {}};
    for (const auto &array : one.at("inputs"))
      sample.inputs.push_back({array.at("shape"), array.at("data"), array.at("dtype") == "int32"});
    out.push_back(std::move(sample));
  }
  return out;
}

std::vector<Sample> graphSamples() {
  std::vector<Sample> out;
  for (Model (*make)() :
       {sequential, augmented, shared, skip, nested, operations, idle, depths, mixed, wrapped}) {
    Model model = make();
    EXPECT_EQ(text(model.graph->mistakes), "");
    fillWeights(model);
    out.push_back({model.name, model, inputsFor(model)});
  }
  return out;
}

} // namespace cornet::test
