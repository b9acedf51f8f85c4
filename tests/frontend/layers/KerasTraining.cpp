// SPDX-License-Identifier: Apache-2.0
//
// Layers and whole models in training against real Keras: outputs, gradients by inputs and weights,
// added losses, and the statistics they move, over several steps. A model is read from Keras's own
// configuration, recorded for inference, and called again in a training step. The vectors are
// tests/keras/training_layers.json.
#include "frontend/import/Import.h"
#include "tests/frontend/layers/Steps.h"

#include <cornet/regularizers.h>
#include <fstream>
#include <nlohmann/json.hpp>

namespace cornet::test {
namespace {

using Json = nlohmann::json;

const Json &document() {
  static const Json json =
      Json::parse(std::ifstream(CORNET_SOURCE_DIR "/tests/keras/training_layers.json"));
  return json;
}

Cells cellsOf(const Json &array) {
  return {array.at("shape"), array.at("data"), array.at("dtype") == "int32"};
}

class KerasTraining : public testing::TestWithParam<size_t> {};

TEST_P(KerasTraining, Equals) {
  const Json &one = document().at("models")[GetParam()];
  std::vector<std::vector<float>> weights;
  for (const Json &weight : one.at("weights"))
    weights.push_back(weight.at("data"));
  import::Imported imported = import::importConfiguration(one.at("config").dump(), weights);
  ASSERT_EQ(imported.error, "");
  const Json &first = one.at("steps")[0];
  bool differentiable = !first.at("input_gradients").empty();

  TrainingGraph training;
  std::vector<Tensor> inputs, cotangents;
  for (const Tensor &input : imported.model.inputs)
    inputs.push_back(Input(Shape(input.shape().begin() + 1, input.shape().end())));
  std::vector<Tensor> outputs = imported.model(inputs);
  Graph &graph = *inputs[0].graph;
  ASSERT_EQ(outputs.size(), first.at("outputs").size());
  Tensor loss = ops::constant(inputs[0], 0), added = loss;
  for (const Tensor &output : outputs) {
    cotangents.push_back(Input(Shape(output.shape().begin() + 1, output.shape().end())));
    loss = loss + ops::sum(output * cotangents.back());
  }
  for (int node : std::vector<int>(graph.losses))
    added = added + Tensor(inputs[0].graph, node);
  for (const VariablePtr &variable : imported.model.variables())
    if (variable->regularizer) // as fit() adds them
      added = added + (*variable->regularizer)(ops::read(variable, loss));
  loss = loss + added;
  std::vector<Tensor> all = outputs;
  all.push_back(added);
  std::vector<VariablePtr> trainable = imported.model.trainable_variables();
  ASSERT_EQ(trainable.size(), first.at("gradients").size());
  if (one.at("name") == "regularized") {
    int constrained = 0;
    for (const VariablePtr &variable : trainable)
      constrained += variable->constraint != nullptr;
    EXPECT_EQ(constrained, 2);
  }
  for (const Tensor &input : inputs)
    if (differentiable)
      all.push_back(ops::gradient(loss, input));
  for (const VariablePtr &variable : trainable)
    all.push_back(ops::gradient(loss, ops::read(variable, loss)));
  std::vector<Tensor> arguments = inputs;
  arguments.insert(arguments.end(), cotangents.begin(), cotangents.end());

  int64_t batch = first.at("inputs")[0].at("shape")[0];
  Steps steps(arguments, all, batch);
  CompiledSteps compiled(arguments, all, batch, 2);
  ASSERT_EQ(steps.problems + compiled.problems, "");
  for (const Json &step : one.at("steps")) {
    std::vector<Cells> given, wanted;
    for (const char *what : {"inputs", "cotangents"})
      for (const Json &array : step.at(what))
        given.push_back(cellsOf(array));
    std::vector<Cells> got = steps.step(given), ran = compiled.step(given);
    ASSERT_EQ(steps.problems + compiled.problems, "");
    size_t next = 0;
    auto expect = [&](const Cells &want, double scale, const std::string &what) {
      expectClose(got[next], want, 2e-6 * scale, 1e-5 * scale, what);
      expectClose(ran[next], want, 1e-5 * scale, 5e-5 * scale, "compiled " + what);
      ++next;
    };
    for (const Json &output : step.at("outputs"))
      expect(cellsOf(output), 2, "output");
    float sum = 0;
    for (const Json &value : step.at("losses"))
      sum += float(value);
    expect({{}, {sum}}, 1, "added losses");
    for (const Json &gradient : step.at("input_gradients"))
      expect(cellsOf(gradient), 10, "gradient by an input");
    for (const VariablePtr &variable : trainable)
      expect(cellsOf(step.at("gradients").at(variable->name)), 10, "gradient by " + variable->name);
    size_t moved = 0;
    for (const VariablePtr &variable : imported.model.non_trainable_variables()) {
      HostTensor now = steps.valueOf(variable);
      Cells want = cellsOf(step.at("after").at(variable->name));
      expectClose({now.shape, std::vector<float>(now.data.begin(), now.data.end())}, want, 2e-6,
                  1e-5, variable->name);
      if (!variable->frozen) // a constant of the program, if it is
        expectClose({now.shape, compiled.valueOf(variable)}, want, 5e-6, 2e-5,
                    "compiled " + variable->name);
      ++moved;
    }
    EXPECT_EQ(moved, step.at("after").size());
  }
}

INSTANTIATE_TEST_SUITE_P(All, KerasTraining,
                         testing::Range<size_t>(0, document().at("models").size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return std::string(document().at("models")[info.param].at("name"));
                         });

// keras.ops.image.affine_transform, and grid_sample at the places that its transforms give.
TEST(GridSample, EqualsKerasAffineTransform) {
  for (const Json &one : document().at("affine")) {
    Cells image = cellsOf(one.at("image")), transforms = cellsOf(one.at("transforms")),
          wanted = cellsOf(one.at("output"));
    int64_t N = image.shape[0], H = image.shape[1], W = image.shape[2];
    Cells places{{N, H, W, 2}, {}};
    for (int64_t n = 0; n < N; ++n)
      for (int64_t y = 0; y < H; ++y)
        for (int64_t x = 0; x < W; ++x) {
          const float *t = transforms.data.data() + n * 8;
          places.data.push_back(t[3] * float(x) + t[4] * float(y) + t[5]);
          places.data.push_back(t[0] * float(x) + t[1] * float(y) + t[2]);
        }
    Recording recording;
    Tensor x = Input({H, W, image.shape[3]}), at = Input({H, W, 2});
    std::string interpolation = one.at("interpolation"), mode = one.at("fill_mode");
    Tensor y = ops::record("grid_sample", {x, at},
                           {{"interpolation", interpolation},
                            {"fill_mode", mode},
                            {"fill_value", double(one.at("fill_value"))}});
    Steps steps({x, at}, {y}, N);
    ASSERT_EQ(steps.problems, "");
    expectClose(steps.step({image, places})[0], wanted, 2e-5, 1e-5, interpolation + " " + mode);
    Road road(Functional({x, at}, {y}));
    expectClose(road.run({image, places}, {wanted})[0], wanted, 2e-5, 1e-5,
                "compiled " + interpolation + " " + mode);
  }
}

} // namespace
} // namespace cornet::test
