// SPDX-License-Identifier: Apache-2.0
//
// Dtype policies: what layers compute in, and what their weights are.
#include <cornet/cornet.h>

#include <algorithm>
#include <gtest/gtest.h>

namespace cornet {
namespace {

/// The global policy while one lives.
struct Policy {
  explicit Policy(const char *name) { mixed_precision::set_global_policy(name); }
  ~Policy() { mixed_precision::set_global_policy("float32"); }
};

/// The dtype of what the layer of that name returns.
std::string dtypeOf(const Model &model, const std::string &layer) {
  for (const LayerCall &call : model.graph->calls)
    if (call.name == layer)
      return model.graph->nodes[size_t(call.output)].dtype;
  return "no such layer";
}

TEST(Mixed, LayersComputeInThePolicysDtypeOnF32Weights) {
  Policy policy("mixed_bfloat16");
  Model model =
      Sequential({8, 8, 3}, {Conv2D({.filters = 4, .kernel_size = 3}), BatchNormalization(), ReLU(),
                             Flatten(), Dense({.units = 5, .dtype = "float32"}),
                             Dense({.units = 3, .dtype = "mixed_float16"})});
  EXPECT_EQ(text(model.graph->mistakes), "");
  EXPECT_EQ(model.inputs[0].dtype(), "f32");
  EXPECT_EQ(dtypeOf(model, "conv2d"), "bf16");
  EXPECT_EQ(dtypeOf(model, "batch_normalization"), "bf16");
  EXPECT_EQ(dtypeOf(model, "re_lu"), "bf16");
  EXPECT_EQ(dtypeOf(model, "dense"), "f32");
  EXPECT_EQ(dtypeOf(model, "dense_1"), "f16");
  EXPECT_EQ(model.outputs[0].dtype(), "f16");
  for (const VariablePtr &variable : model.variables())
    EXPECT_EQ(variable->dtype, "f32") << variable->name;
  // Normalization is f32 throughout.
  for (const Node &node : model.graph->nodes)
    if (node.op == "cornet.batch_norm") {
      EXPECT_EQ(node.dtype, "f32");
    } else if (node.op == "cornet.conv") {
      EXPECT_EQ(node.dtype, "bf16");
    }
}

TEST(Mixed, ThePolicyIsThatOfTheTimeWhenTheLayerWasMade) {
  Handle before = Dense({.units = 2});
  Handle during = [] {
    Policy policy("mixed_float16");
    return Dense({.units = 2});
  }();
  Handle after = Dense({.units = 2});
  EXPECT_EQ(before.layer->dtype, "float32");
  EXPECT_EQ(during.layer->dtype, "mixed_float16");
  EXPECT_EQ(after.layer->dtype, "float32");
}

TEST(Mixed, RealsOfSeveralDtypesMeetInF32) {
  Recording recording;
  Tensor x = Input({4}), y = ops::cast(x, "bf16"), z = ops::cast(x, "f16");
  EXPECT_EQ((x + y).dtype(), "f32");
  EXPECT_EQ((y + z).dtype(), "f32");
  EXPECT_EQ((y * 2.0 + 1.0).dtype(), "bf16");
  EXPECT_EQ(ops::select(ops::compare(y, 0.0, "gt"), y, x).dtype(), "f32");
  EXPECT_EQ(ops::concat({y, y}, -1).dtype(), "bf16");
  EXPECT_EQ(ops::cast(y, "i32").dtype(), "i32");
  EXPECT_EQ(text(x.graph->mistakes), "");
}

struct Doubling : Layer {
  Doubling() : Layer("Doubling") {}
  std::string input, kernel;
  void build(const std::vector<Shape> &in) override { addWeight("kernel", {in[0].back()}, "ones"); }
  Tensor call(const std::vector<Tensor> &x) override {
    input = x[0].dtype(), kernel = weight(0, x[0]).dtype();
    return ops::cast(x[0] * weight(0, x[0]) * 2.0, "f32");
  }
};

TEST(Mixed, LayersOfYourOwnAreCastToAndReturnWhatTheyReturn) {
  Policy policy("mixed_bfloat16");
  auto layer = std::make_shared<Doubling>();
  Recording recording;
  Tensor y = Handle(layer)(Input({4}));
  EXPECT_EQ(layer->input, "bf16");
  EXPECT_EQ(layer->kernel, "bf16");
  EXPECT_EQ(y.dtype(), "f32");
  Tensor z = Subclassed(layer, {{4}}).outputs[0];
  EXPECT_EQ(z.dtype(), "f32");
}

/// Moves a weight by what it is given, in the policy's dtype.
struct Moving : Layer {
  Moving() : Layer("Moving") {}
  void build(const std::vector<Shape> &in) override {
    addWeight("mean", {in[0].back()}, "zeros", false);
  }
  Tensor call(const std::vector<Tensor> &x) override {
    if (x[0].training())
      ops::assign(weights[0], weight(0, x[0]) * 0.9 + ops::mean(x[0], {0}) * 0.1);
    return x[0] - weight(0, x[0]);
  }
};

TEST(Mixed, WhatALayerAssignsIsCastToTheVariablesDtype) {
  Policy policy("mixed_bfloat16");
  Recording recording;
  Recording::current()->training = true;
  Tensor y = Handle(std::make_shared<Moving>())(Input({4}));
  EXPECT_EQ(text(y.graph->mistakes), "");
  ASSERT_EQ(y.graph->assigned.size(), 1u);
  EXPECT_EQ(y.graph->nodes[size_t(y.graph->assigned[0].second)].dtype, "f32");
}

TEST(Mixed, ModelsInsideKeepTheirInputsDtype) {
  Model inner = Sequential({4}, {Dense({.units = 4})});
  Policy policy("mixed_bfloat16");
  Recording recording;
  Tensor x = Dense({.units = 4})(Input({4}));
  Tensor y = inner({x})[0];
  EXPECT_EQ(y.dtype(), "f32");
  EXPECT_EQ(text(x.graph->mistakes), "");
}

TEST(Mixed, UnknownPoliciesAreMistakes) {
  Recording recording;
  Dense({.units = 2, .dtype = "mixed_float8"})(Input({4}));
  std::string told = text(Recording::current()->mistakes);
  EXPECT_NE(told.find("dtype policy 'mixed_float8' is not known; use float32, mixed_bfloat16 or "
                      "mixed_float16"),
            std::string::npos)
      << told;
}

} // namespace
} // namespace cornet
