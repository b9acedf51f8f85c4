// SPDX-License-Identifier: Apache-2.0
//
// What recording a model again for a training step gives: the same weights, the layers' behaviour
// in training, frozen layers, and mistakes of models that cannot be called twice.
#include <cornet/cornet.h>
#include <cornet/regularizers.h>

#include <algorithm>
#include <gtest/gtest.h>
#include <sstream>

namespace cornet {
namespace {

/// The model called on inputs of its own shapes in a training step.
struct Step {
  explicit Step(const Model &model) {
    Recording recording;
    graph = Recording::current();
    graph->training = true;
    for (const Tensor &input : model.inputs)
      inputs.push_back(Input(Shape(input.shape().begin() + 1, input.shape().end())));
    outputs = model(inputs);
  }
  std::shared_ptr<Graph> graph;
  std::vector<Tensor> inputs, outputs;

  int64_t count(const std::string &op) const {
    return std::count_if(graph->nodes.begin(), graph->nodes.end(),
                         [&](const Node &node) { return node.op == op; });
  }
  /// Whether each variable that is read or assigned is one of the model, or the counter of draws.
  bool knows(const std::vector<VariablePtr> &variables) const {
    return std::all_of(graph->nodes.begin(), graph->nodes.end(), [&](const Node &node) {
      return !node.variable || node.variable->name == "random/step" ||
             std::find(variables.begin(), variables.end(), node.variable) != variables.end();
    });
  }
};

TEST(Training, LayersActAndShareTheirWeights) {
  Model model = Sequential({6}, {Dense({.units = 5}), BatchNormalization({.scale = false}),
                                 Dropout({.rate = 0.5}), Dense({.units = 2})});
  std::vector<VariablePtr> before = model.variables();
  EXPECT_EQ(before.size(), 7u);
  Step step(model);
  EXPECT_EQ(text(step.graph->mistakes), "");
  EXPECT_EQ(step.outputs.at(0).shape(), (Shape{-1, 2}));
  EXPECT_EQ(step.count("cornet.random"), 1);
  EXPECT_EQ(step.count("cornet.batch_norm"), 0);
  ASSERT_EQ(step.graph->assigned.size(), 2u);
  EXPECT_EQ(step.graph->assigned[0].first->name, "batch_normalization/moving_mean");
  EXPECT_TRUE(step.knows(before));
  EXPECT_EQ(model.variables(), before);
  Step again(model); // names are not taken by the first time
  EXPECT_EQ(text(again.graph->mistakes), "");
  EXPECT_EQ(model.get_layer("dense_1").layer->path, "dense_1");
}

TEST(Training, OutsideOneNothingChanges) {
  Model model = Sequential({6}, {BatchNormalization(), Dropout({.rate = 0.5})}, "inner");
  Recording recording;
  Tensor x = Input({6}), y = model({x})[0];
  EXPECT_EQ(text(y.graph->mistakes), "");
  EXPECT_TRUE(y.graph->assigned.empty());
  for (const Node &node : y.graph->nodes)
    EXPECT_NE(node.op, "cornet.random");
}

/// A layer that does nothing in inference is found all the same, also beside its own input.
TEST(Training, OfAResidualThatIsNoneInInference) {
  Recording recording;
  Tensor x = Input({6});
  Tensor y = Add()({x, Dropout({.rate = 0.5, .seed = 3})(x)});
  Step step(Functional({x}, {y * 2.0, y}));
  EXPECT_EQ(step.count("cornet.random"), 1);
  EXPECT_EQ(step.count("cornet.select"), 1);
  EXPECT_EQ(step.outputs.size(), 2u);
  EXPECT_EQ(step.count("cornet.mul"), 2) << "the dropout's, and the product outside of layers";
}

TEST(Training, OfNestedAndSharedModels) {
  Model inner = Sequential(
      {6}, {Dense({.units = 6, .name = "a"}), BatchNormalization({.name = "n"})}, "inner");
  Recording recording;
  Tensor x = Input({6});
  Handle shared = Dense({.units = 6, .name = "shared"});
  Model outer = Functional({x}, {shared(inner({shared(inner({x})[0])})[0])}, "outer");
  EXPECT_EQ(outer.variables().size(), 8u);
  Step step(outer);
  EXPECT_EQ(text(step.graph->mistakes), "");
  EXPECT_TRUE(step.knows(outer.variables()));
  EXPECT_EQ(step.count("variable"), 8);
  EXPECT_EQ(step.graph->assigned.size(), 2u) << "moved twice, by the second call from the first's";
  EXPECT_EQ(step.count("cornet.matmul"), 4);
}

TEST(Training, OfAModelOfSeveralOutputsInside) {
  Model inner = [] {
    Recording recording;
    Tensor x = Input({4});
    Tensor y = Dense({.units = 3})(x);
    return Functional({x}, {y, Dropout({.rate = 0.1})(y)}, "inner");
  }();
  Recording recording;
  Tensor x = Input({4});
  std::vector<Tensor> ys = inner({x});
  Step step(Functional({x}, {ys[1], ys[0]}, "outer"));
  EXPECT_EQ(text(step.graph->mistakes), "");
  ASSERT_EQ(step.outputs.size(), 2u);
  EXPECT_EQ(step.graph->nodes[size_t(step.outputs[0].node)].op, "cornet.select");
  EXPECT_EQ(step.graph->nodes[size_t(step.outputs[1].node)].op, "cornet.add");
}

/// A model as a class.
struct Block : Layer {
  Block() : Layer("Block") {}
  Handle dense = Dense({.units = 4}), norm = BatchNormalization(), drop = Dropout({.rate = 0.2});
  Tensor call(const std::vector<Tensor> &x) override { return drop(norm(dense(x[0]))) + x[0]; }
};

TEST(Training, OfModelsAsClasses) {
  Model model = Subclassed(std::make_shared<Block>(), {{4}});
  EXPECT_EQ(model.variables().size(), 6u);
  Step step(model);
  EXPECT_EQ(text(step.graph->mistakes), "");
  EXPECT_TRUE(step.knows(model.variables()));
  EXPECT_EQ(step.graph->assigned.size(), 2u);
  EXPECT_EQ(step.count("cornet.random"), 1);
  std::ostringstream summary;
  model.summary(summary);
  EXPECT_NE(summary.str().find("Total params: 36 "), std::string::npos) << summary.str();
}

TEST(Training, FrozenLayers) {
  Model model = Subclassed(std::make_shared<Block>(), {{4}});
  EXPECT_EQ(model.trainable_variables().size(), 4u);
  EXPECT_EQ(model.non_trainable_variables().size(), 2u);
  model.trainable(false);
  EXPECT_TRUE(model.trainable_variables().empty());
  EXPECT_EQ(model.non_trainable_variables().size(), 6u);
  Step step(model);
  EXPECT_TRUE(step.graph->assigned.empty()) << "a frozen normalization does not move";
  EXPECT_EQ(step.count("cornet.random"), 1) << "dropout drops all the same";
  model.trainable(true);
  EXPECT_EQ(model.trainable_variables().size(), 4u);
  EXPECT_EQ(Step(model).graph->assigned.size(), 2u);
  // Before it is built, as an option, and inside another model.
  Handle block = Handle(std::make_shared<Block>()).trainable(false);
  Recording recording;
  Tensor x = Input({4});
  Model fresh = Functional({x}, {Dense({.units = 2, .trainable = false})(block(x))}, "fresh");
  EXPECT_EQ(fresh.variables().size(), 8u);
  EXPECT_TRUE(fresh.trainable_variables().empty());
  Model inner = Sequential({4},
                           {Dense({.units = 4, .name = "low"}), BatchNormalization({.name = "n"}),
                            Dense({.units = 4, .name = "high"})},
                           "inner");
  Model outer = Sequential({4}, {inner, Dense({.units = 1})}, "outer");
  inner.trainable(false).get_layer("high").trainable(true);
  EXPECT_EQ(outer.trainable_variables().size(), 4u);
  EXPECT_TRUE(Step(outer).graph->assigned.empty());
  std::ostringstream summary;
  outer.summary(summary);
  EXPECT_NE(summary.str().find(" Trainable params: 25 "), std::string::npos) << summary.str();
}

TEST(Training, LayersByName) {
  Model model = Sequential(
      {4}, {Dense({.units = 4, .name = "low"}), Dropout(), Dense({.units = 4, .name = "high"})},
      "stack");
  EXPECT_EQ(model.layers().size(), 3u);
  EXPECT_EQ(model.get_layer("high").layer->weights[0]->name, "high/kernel");
  EXPECT_EQ(model.get_layer("dropout").layer->kind, "Dropout");
  model.get_layer("hihg").trainable(false);
  EXPECT_NE(text(model.graph->mistakes)
                .find("model 'stack' has no layer 'hihg'; its layers: low, dropout, high"),
            std::string::npos);
}

/// Makes a layer, and so weights, each time it is called.
struct Forgetful : Layer {
  Forgetful() : Layer("Forgetful") {}
  Tensor call(const std::vector<Tensor> &x) override {
    return Dense({.units = 4, .name = "fresh"})(x[0]);
  }
};

TEST(Training, LayersMadeInACallAreAMistake) {
  Model model = Subclassed(std::make_shared<Forgetful>(), {{4}});
  EXPECT_EQ(text(model.graph->mistakes), "");
  std::string all = text(Step(model).graph->mistakes);
  EXPECT_NE(all.find("'forgetful/forgetful/fresh' is made anew, with new weights, each time its "
                     "model is called"),
            std::string::npos)
      << all;
}

/// Shows a tensor that is none of its outputs.
struct Leaky : Layer {
  Leaky() : Layer("Leaky") {}
  Tensor inside;
  Tensor call(const std::vector<Tensor> &x) override {
    inside = x[0] * 2.0;
    return inside + 1.0;
  }
};

TEST(Training, TensorsFromInsideALayerAreAMistake) {
  auto leaky = std::make_shared<Leaky>();
  Recording recording;
  Tensor x = Input({4});
  Tensor y = Handle(leaky)(x);
  Model model = Functional({x}, {y + leaky->inside});
  leaky->inside = Tensor();
  std::string all = text(Step(model).graph->mistakes);
  leaky->inside = Tensor();
  EXPECT_NE(all.find("a tensor from inside 'leaky' is used outside it"), std::string::npos) << all;
}

struct Squares : Regularizer {
  Tensor operator()(const Tensor &w) override { return ops::sum(w * w); }
};

TEST(Training, RegularizersStandWithTheWeights) {
  auto squares = std::make_shared<Squares>();
  Handle conv = Conv2D({.filters = 2,
                        .kernel_size = 3,
                        .bias_initializer = {"constant", 0.5},
                        .kernel_regularizer = squares,
                        .activity_regularizer = squares,
                        .name = "c"});
  Model model = Sequential({5, 5, 1}, {conv}, "m");
  EXPECT_EQ(model.variables()[0]->regularizer, squares);
  EXPECT_EQ(model.variables()[1]->regularizer, nullptr);
  EXPECT_EQ(model.variables()[1]->value(), (std::vector<float>{0.5, 0.5}));
  EXPECT_TRUE(model.graph->losses.empty());
  Step step(model);
  EXPECT_EQ(text(step.graph->mistakes), "");
  EXPECT_EQ(step.graph->losses.size(), 1u);
  Step wide(Sequential({3}, {ActivityRegularization({.l1 = 0.1, .l2 = 0.2})}, "m"));
  EXPECT_EQ(wide.graph->losses.size(), 2u);
}

TEST(Training, WrongOptions) {
  auto mistakesOf = [](const Handle &layer, Shape shape) {
    return text(Sequential(std::move(shape), {layer}).graph->mistakes);
  };
  EXPECT_NE(mistakesOf(Dropout({.rate = 1.5}), {4}).find("rate is 1.500000; it must be in [0, 1]"),
            std::string::npos);
  EXPECT_NE(mistakesOf(GaussianDropout({.rate = 1}), {4}).find("it must be in [0, 1)"),
            std::string::npos);
  EXPECT_NE(mistakesOf(GaussianNoise({.stddev = -1}), {4}).find("must not be negative"),
            std::string::npos);
  EXPECT_NE(mistakesOf(Dropout({.rate = 0.5, .noise_shape = {-1, 3}}), {4})
                .find("noise_shape (?, 3) does not broadcast to the input's (?, 4)"),
            std::string::npos);
  EXPECT_NE(mistakesOf(SpatialDropout2D({.rate = 0.5}), {4}).find("expected 4 (N, H, W, C)"),
            std::string::npos);
  EXPECT_NE(mistakesOf(Dense({.units = 1, .bias_initializer = "magic"}), {4})
                .find("unknown initializer 'magic'"),
            std::string::npos);
  EXPECT_NE(mistakesOf(RandomFlip({.mode = "diagonal"}), {4, 4, 1}).find("mode is 'diagonal'"),
            std::string::npos);
  EXPECT_NE(mistakesOf(RandomRotation({.factor = 2, .fill_mode = "mirror"}), {4, 4, 1})
                .find("fill_mode is 'mirror'"),
            std::string::npos);
  EXPECT_NE(mistakesOf(RandomRotation({.factor = 2}), {4, 4, 1}).find("factor must lie in [-1, 1]"),
            std::string::npos);
  EXPECT_NE(mistakesOf(RandomZoom({.height_factor = -1}), {4, 4, 1}).find("(-1, 1]"),
            std::string::npos);
  EXPECT_NE(mistakesOf(RandomCrop({.height = 2}), {4, 4, 1}).find("set both"), std::string::npos);
  EXPECT_NE(mistakesOf(RandomBrightness({.factor = 0.1, .value_range = {1, 0}}), {4, 4, 1})
                .find("value_range must be two numbers"),
            std::string::npos);
  EXPECT_NE(mistakesOf(RandomContrast({.factor = 0.1}), {4}).find("it varies images"),
            std::string::npos);
}

} // namespace
} // namespace cornet
