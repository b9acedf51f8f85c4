// SPDX-License-Identifier: Apache-2.0
//
// Whole training runs against Keras (tests/keras/generate_training_runs.py): from the same weights,
// on the same batches, the loss of each of 50 steps within 1e-4 of Keras's, and what is predicted
// then.
#include <cornet/training.h>
#include <cornet_runtime.hpp>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>

namespace cornet::test {
namespace {

using data::Array;

const nlohmann::json &vectors() {
  static const nlohmann::json all =
      nlohmann::json::parse(std::ifstream(CORNET_SOURCE_DIR "/tests/keras/training_runs.json"));
  return all;
}

const nlohmann::json &runNamed(const std::string &name) {
  for (const nlohmann::json &run : vectors()["runs"])
    if (run["name"] == name)
      return run;
  throw std::runtime_error(name);
}

Array images(Shape row) {
  std::vector<float> cells = vectors()["pixels"].get<std::vector<float>>();
  for (float &cell : cells)
    cell /= 16;
  Shape shape{int64_t(vectors()["labels"].size())};
  shape.insert(shape.end(), row.begin(), row.end());
  return Array::of<float>(shape, cells);
}

Array labels() {
  std::vector<int32_t> cells = vectors()["labels"].get<std::vector<int32_t>>();
  return Array::of<int32_t>({int64_t(cells.size())}, cells);
}

void setWeights(const Model &model, const nlohmann::json &run) {
  std::vector<VariablePtr> variables = model.variables();
  ASSERT_EQ(variables.size(), run["weights"].size());
  for (const VariablePtr &variable : variables) {
    ASSERT_TRUE(run["weights"].contains(variable->name)) << variable->name;
    std::vector<float> cells = run["weights"][variable->name].get<std::vector<float>>();
    ASSERT_EQ(variable->value().size(), cells.size()) << variable->name;
    variable->data = cells;
  }
}

/// `make` gives the arguments anew: an optimizer keeps its slots.
void follow(const std::string &name, Model model, std::function<CompileArguments()> make,
            const Array &x, const std::vector<Array> &ys) {
  const nlohmann::json &run = runNamed(name);
  for (unsigned threads : {1u, 2u}) {
    setWeights(model, run);
    CompileArguments arguments = make();
    arguments.threads = threads;
    Trainer trainer(model);
    trainer.compile(arguments);
    int64_t batch = vectors()["batch"], rows = x.rows();
    for (size_t step = 0; step < run["losses"].size(); ++step) {
      int64_t begin = int64_t(step) * batch % rows;
      data::Batch fed{{x.slice(begin, begin + batch)}, {}};
      for (const Array &y : ys)
        fed.y.push_back(y.slice(begin, begin + batch));
      if (step)
        trainer.reset_metrics();
      double got = trainer.train_on_batch(fed).at("loss"), want = run["losses"][step];
      ASSERT_LE(std::fabs(got - want), 1e-4 * std::fabs(want))
          << name << ", step " << step << ": " << got << ", Keras " << want;
    }
    trainer.pull();
    std::vector<Array> predicted = trainer.predict(x.slice(0, 4));
    for (size_t o = 0; o < predicted.size(); ++o) {
      std::vector<float> want = run["predicted"][o].get<std::vector<float>>();
      std::span<const float> got = predicted[o].data<float>();
      ASSERT_EQ(got.size(), want.size());
      for (size_t i = 0; i < want.size(); ++i)
        EXPECT_NEAR(got[i], want[i], 2e-3 * std::max(1.0f, std::fabs(want[i]))) << "output " << o;
    }
  }
}

TEST(Run, MultilayerPerceptron) {
  Model model =
      Sequential({64}, {Dense({.units = 24, .activation = "relu", .kernel_regularizer = L2()}),
                        Dense({.units = 16, .activation = "tanh"}),
                        Dense({.units = 10, .activation = "softmax"})});
  follow("mlp", model,
         [] {
           return CompileArguments{.optimizer = Adam({.learning_rate = 0.01}),
                                   .loss = "sparse_categorical_crossentropy"};
         },
         images({64}), {labels()});
}

TEST(Run, ConvolutionsWithBatchNormalization) {
  Model model = Sequential(
      {8, 8, 1}, {Conv2D({.filters = 6, .kernel_size = 3, .padding = "same", .use_bias = false}),
                  BatchNormalization(), ReLU(), MaxPooling2D(),
                  Conv2D({.filters = 8, .kernel_size = 3, .padding = "same"}),
                  BatchNormalization({.momentum = 0.9}), ReLU(), AveragePooling2D(), Flatten(),
                  Dense({.units = 10})});
  follow("cnn", model,
         [] {
           return CompileArguments{
               .optimizer = SGD({.learning_rate = 0.05, .momentum = 0.9, .nesterov = true}),
               .loss = SparseCategoricalCrossentropy({.from_logits = true})};
         },
         images({8, 8, 1}), {labels()});
}

TEST(Run, TwoOutputs) {
  Recording recording;
  Tensor image = Input({64});
  Tensor hidden = LayerNormalization()(Dense({.units = 20, .activation = "gelu"})(image));
  Tensor small = Dense({.units = 8, .activation = "elu"})(hidden);
  Tensor parity = Dense({.units = 1, .activation = "sigmoid", .name = "parity"})(small);
  Tensor sum = Add()({hidden, Dense({.units = 20})(hidden)});
  Tensor digit = Dense({.units = 10, .activation = "softmax", .name = "digit"})(sum);
  Model model = Functional({image}, {digit, parity});
  std::vector<float> even;
  Array digits = labels();
  for (int32_t label : digits.data<int32_t>())
    even.push_back(label % 2 == 0);
  follow("two_outputs", model,
         [] {
           return CompileArguments{
               .optimizer = AdamW({.learning_rate = 0.005, .clipnorm = 1.0}),
               .loss = {"sparse_categorical_crossentropy", "binary_crossentropy"},
               .loss_weights = {1.0, 0.5}};
         },
         images({64}), {labels(), Array::of<float>({int64_t(even.size()), 1}, even)});
}

TEST(Run, ArtifactBeforeAnyData) {
  Model model = Sequential({64}, {Dense({.units = 10, .activation = "softmax"})});
  Trainer trainer(model);
  EXPECT_THROW(trainer.expect({{"i32", {}}}), std::runtime_error) << "before compile()";
  trainer.compile({.optimizer = SGD(), .loss = "sparse_categorical_crossentropy"});
  std::string path = testing::TempDir() + "before_any_data.cornet";
  EXPECT_THROW(trainer.saveArtifact(path, {8}), std::runtime_error);
  EXPECT_THROW(trainer.expect({{"f16", {}}}), std::runtime_error);
  trainer.expect({{"i32", {}}});
  EXPECT_THROW(trainer.expect({{"f32", {10}}}), std::runtime_error) << "another target";
  trainer.saveArtifact(path, {8});

  // The runtime takes one step, the trainer another on the same batch: the same weights.
  Array x = images({64}).slice(0, 8), y = labels().slice(0, 8);
  rt::Program program(path);
  rt::Session session(program, 1);
  size_t step = 0;
  while (program.entryName(step) != std::string("train_step"))
    ++step;
  std::vector<const void *> inputs{x.bytes.data(), y.bytes.data()};
  rt::check(cornet_session_invoke(session.get(), step, 8, inputs.data(), nullptr));
  trainer.train_on_batch({{x}, {y}});
  trainer.pull();
  const auto *kernel = static_cast<const float *>(cornet_session_variable(session.get(), 0));
  const std::vector<float> &want = model.variables()[0]->data;
  EXPECT_EQ(std::vector<float>(kernel, kernel + want.size()), want);
  std::remove(path.c_str());
}

} // namespace
} // namespace cornet::test
