// SPDX-License-Identifier: Apache-2.0
//
// What recording a model gives: shapes, weights, names, the summary; models in models; layers of
// one's own.
#include <cornet/cornet.h>

#include <cmath>
#include <gtest/gtest.h>
#include <sstream>

namespace cornet {
namespace {

std::string summaryOf(const Model &model) {
  std::ostringstream stream;
  model.summary(stream);
  return stream.str();
}

TEST(Model, SequentialShapesAndNames) {
  Model model = Sequential(
      {28, 28, 1}, {Conv2D({.filters = 8, .kernel_size = 3}), MaxPooling2D(),
                    Conv2D({.filters = 4, .kernel_size = 3, .strides = 2, .padding = "same"}),
                    Flatten(), Dense({.units = 10, .name = "scores"}), ReLU(), LeakyReLU()});
  EXPECT_TRUE(model.graph->mistakes.empty()) << text(model.graph->mistakes);
  EXPECT_EQ(model.outputs[0].shape(), (Shape{-1, 10}));
  std::vector<std::string> names;
  for (const VariablePtr &variable : model.variables())
    names.push_back(variable->name);
  EXPECT_EQ(names, (std::vector<std::string>{"conv2d/kernel", "conv2d/bias", "conv2d_1/kernel",
                                             "conv2d_1/bias", "scores/kernel", "scores/bias"}));
  EXPECT_EQ(model.variables()[0]->shape, (Shape{3, 3, 1, 8}));
  EXPECT_EQ(model.variables()[4]->shape, (Shape{196, 10}));
}

TEST(Model, OutputsHaveNamesOfTheirOwn) {
  Recording recording;
  Tensor x = Input({4}, {.name = "x"});
  Handle layer = Dense({.units = 4, .name = "d"});
  Model model = Functional({x}, {layer(x), layer(x * 2.0), x, x + 1.0, x - 1.0});
  EXPECT_EQ(model.outputNames(), (std::vector<std::string>{"d", "d_1", "x", "output", "output_1"}));
}

TEST(Model, SummaryAsKerasPrintsIt) {
  Model model =
      Sequential({8},
                 {Dense({.units = 4, .activation = "relu", .name = "hidden"}),
                  BatchNormalization({.name = "norm"}), Dense({.units = 2, .name = "out"})},
                 "tiny");
  std::string text = summaryOf(model);
  EXPECT_NE(text.find("Model: \"tiny\""), std::string::npos) << text;
  EXPECT_NE(text.find("│ hidden (Dense)                        │ (None, 4)                  │      "
                      "        36 │"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("│ norm (BatchNormalization)             │ (None, 4)                  │      "
                      "        16 │"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find(" Total params: 62 (248.00 B)\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" Trainable params: 54 (216.00 B)\n"), std::string::npos) << text;
  EXPECT_NE(text.find(" Non-trainable params: 8 (32.00 B)\n"), std::string::npos) << text;
}

TEST(Model, SharedLayersShareWeights) {
  Recording recording;
  Tensor a = Input({6}), b = Input({6});
  Handle shared = Dense({.units = 3});
  Model model = Functional({a, b}, {Add()({shared(a), shared(b)})});
  EXPECT_EQ(model.variables().size(), 2u);
  EXPECT_EQ(model.graph->nodes[size_t(a.node)].layer, "input");
  EXPECT_EQ(model.graph->nodes[size_t(b.node)].layer, "input_1");
  EXPECT_EQ(summaryOf(model).find("dense_1"), std::string::npos);
}

TEST(Model, ModelsAreLayers) {
  Model inner =
      Sequential({6}, {Dense({.units = 6, .activation = "relu"}), Dense({.units = 6})}, "inner");
  Recording recording;
  Tensor x = Input({6});
  Tensor y = inner({x})[0], z = inner({y})[0]; // the same weights twice
  Model outer = Functional({x}, {z + y}, "outer");
  EXPECT_TRUE(outer.graph->mistakes.empty()) << text(outer.graph->mistakes);
  EXPECT_EQ(outer.variables(), inner.variables());
  Model stack = Sequential({6}, {inner, Dense({.units = 2})}, "stack");
  EXPECT_EQ(stack.variables().size(), 6u);
  EXPECT_EQ(stack.outputs[0].shape(), (Shape{-1, 2}));
  EXPECT_NE(summaryOf(stack).find("inner (Sequential)"), std::string::npos) << summaryOf(stack);
}

/// A layer made of ops: a gated unit with weights of its own.
struct Gate : Layer {
  explicit Gate(int64_t units) : Layer("Gate"), units(units) {}
  int64_t units;
  void build(const std::vector<Shape> &in) override {
    addWeight("value", {in[0].back(), units}, "glorot_uniform");
    addWeight("gate", {in[0].back(), units}, "glorot_uniform");
  }
  Tensor call(const std::vector<Tensor> &x) override {
    return ops::matmul(x[0], weight(0, x[0])) * ops::sigmoid(ops::matmul(x[0], weight(1, x[0])));
  }
};

/// A model as a class: layers as members, call() as the computation.
struct TwoGates : Layer {
  TwoGates() : Layer("TwoGates") {}
  Handle first{std::make_shared<Gate>(8)}, second{std::make_shared<Gate>(3)};
  Tensor call(const std::vector<Tensor> &x) override { return second(first(x[0])) - 1.0; }
};

TEST(Model, LayersAndModelsOfYourOwn) {
  Model model = Subclassed(std::make_shared<TwoGates>(), {{5}});
  EXPECT_TRUE(model.graph->mistakes.empty()) << text(model.graph->mistakes);
  EXPECT_EQ(model.outputs[0].shape(), (Shape{-1, 3}));
  std::vector<std::string> names;
  for (const VariablePtr &variable : model.variables())
    names.push_back(variable->name);
  EXPECT_EQ(names, (std::vector<std::string>{"two_gates/gate/value", "two_gates/gate/gate",
                                             "two_gates/gate_1/value", "two_gates/gate_1/gate"}));
  EXPECT_EQ(model.name, "two_gates");
}

TEST(Model, OfAnotherInputShape) {
  auto make = [] {
    Tensor image = Input({9, 9, 2}), x = Conv2D({.filters = 4, .kernel_size = 3})(image);
    Shape inside(x.shape().begin() + 1, x.shape().end());
    return Functional({image}, {Handle(Sequential(inside, {Flatten()}))(x)});
  };
  {
    InputShape shape({5, 7, 2});
    EXPECT_EQ(make().outputs[0].shape(), (Shape{-1, 3 * 5 * 4})); // of the first alone
  }
  { InputShape unused({5, 7, 2}); }
  EXPECT_EQ(make().outputs[0].shape(), (Shape{-1, 7 * 7 * 4}));
  InputShape tooSmall({2, 2, 2});
  EXPECT_NE(text(make().graph->mistakes), "");
}

double mean(const std::vector<float> &v) {
  double sum = 0;
  for (float x : v)
    sum += x;
  return sum / double(v.size());
}
double deviation(const std::vector<float> &v) {
  double m = mean(v), sum = 0;
  for (float x : v)
    sum += (x - m) * (x - m);
  return std::sqrt(sum / double(v.size()));
}

TEST(Initializer, HasKerassDistribution) {
  Variable kernel{"layer/kernel", {3, 3, 32, 64}, {"glorot_uniform", 0, 1}, true, {}};
  double limit = std::sqrt(6.0 / (9 * 32 + 9 * 64));
  std::vector<float> uniform = kernel.value();
  EXPECT_NEAR(mean(uniform), 0, limit / 50);
  EXPECT_NEAR(deviation(uniform), limit / std::sqrt(3.0), limit / 50);
  for (float x : uniform)
    ASSERT_LE(std::fabs(x), limit);
  kernel.initializer.name = "he_normal";
  EXPECT_NEAR(deviation(kernel.value()), std::sqrt(2.0 / (9 * 32)), 1e-3);
  for (auto [name, want] : {std::pair{"glorot_normal", std::sqrt(2.0 / (9 * 96))},
                            {"he_uniform", std::sqrt(2.0 / (9 * 32))},
                            {"lecun_normal", std::sqrt(1.0 / (9 * 32))},
                            {"lecun_uniform", std::sqrt(1.0 / (9 * 32))},
                            {"uniform", 0.05 / std::sqrt(3.0)},
                            {"random_normal", 0.05},
                            {"truncated_normal", 0.05 * 0.8796}}) {
    Variable other = kernel;
    other.initializer.name = name;
    EXPECT_NEAR(deviation(other.value()), want, want / 50) << name;
  }
  Variable square{"layer/square", {6, 4}, {"orthogonal", 0, 3}, true, {}};
  std::vector<float> q = square.value();
  for (int i = 0; i < 4; ++i)
    for (int j = 0; j < 4; ++j) {
      double dot = 0;
      for (int r = 0; r < 6; ++r)
        dot += double(q[size_t(r * 4 + i)]) * double(q[size_t(r * 4 + j)]);
      EXPECT_NEAR(dot, i == j, 1e-6);
    }
  EXPECT_EQ(kernel.value(), kernel.value());
  std::vector<float> one = kernel.value();
  kernel.initializer.seed = 2;
  EXPECT_NE(kernel.value(), one);
  kernel.name = "other/kernel", kernel.initializer.seed = 1;
  EXPECT_NE(kernel.value(), one) << "two weights with one seed must differ";
}

} // namespace
} // namespace cornet
