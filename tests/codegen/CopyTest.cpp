// SPDX-License-Identifier: Apache-2.0
//
// What is bound by memory alone: concatenations of channels with what follows them, and pointwise
// chains over rows shorter than a vector. Who serves them, that they are what the reference says,
// and the same bits whatever the threads.
#include "tests/frontend/Road.h"

#include <random>

namespace cornet::test {
namespace {

struct Case {
  std::string name, winner;
  std::vector<Shape> inputs; ///< of a batch row
  Tensor (*apply)(const std::vector<Tensor> &);
};

Tensor concat(const std::vector<Tensor> &x) { return Concatenate()(x); }
Tensor vector(int64_t cells) {
  auto weight = std::make_shared<Variable>();
  weight->name = "vector", weight->shape = {cells}, weight->dtype = "f32";
  for (int64_t i = 0; i < cells; ++i)
    weight->data.push_back(float(i) * 0.75f - 1);
  return Tensor(Recording::current(), Recording::current()->variable(weight));
}
/// (x - vector) scale + shift.
Tensor chain(const std::vector<Tensor> &x) {
  return (x[0] - vector(x[0].shape().back())) * 0.5 + 0.25;
}

const std::vector<Case> &cases() {
  static const std::vector<Case> table = [] {
    std::vector<Case> out;
    for (Shape channels : {Shape{16, 32}, Shape{1, 15}, Shape{37, 21, 70}, Shape{64, 3, 16, 5}}) {
      std::vector<Shape> inputs;
      std::string name;
      for (int64_t c : channels)
        inputs.push_back({5, 3, c}), name += "_" + std::to_string(c);
      out.push_back({"concat" + name, "concat", inputs, concat});
      out.push_back({"concat_relu" + name, "concat", inputs, [](const std::vector<Tensor> &x) {
                       Tensor all = concat(x);
                       return ops::relu(all * vector(all.shape().back()) + 0.5);
                     }});
    }
    out.push_back({"concat_of_flat", "concat", {{7}, {20}}, concat});
    for (int64_t columns : {1, 2, 3, 5, 7, 12, 17, 24, 31, 33})
      for (int64_t width : {9, 40})
        out.push_back({"chain_" + std::to_string(width) + "x" + std::to_string(columns),
                       "row",
                       {{width, 11, columns}},
                       chain});
    // A rest shorter than a vector, and operands that are no row.
    out.push_back(
        {"chain_of_two", "row", {{40, 11, 3}, {40, 11, 3}}, [](const std::vector<Tensor> &x) {
           return x[0] * x[1] + vector(3);
         }});
    out.push_back(
        {"chain_with_columns", "row", {{40, 11, 3}, {40, 1, 3}}, [](const std::vector<Tensor> &x) {
           return x[0] * x[1] + vector(3);
         }});
    return out;
  }();
  return table;
}

class Copies : public testing::TestWithParam<size_t> {};

TEST_P(Copies, AreWhatTheReferenceSays) {
  const Case &it = cases()[GetParam()];
  Recording recording;
  std::vector<Tensor> tensors;
  std::vector<Cells> inputs;
  std::mt19937 bits(3);
  for (const Shape &shape : it.inputs) {
    tensors.push_back(Input(shape));
    Cells cells{{3}, {}};
    int64_t count = 3;
    for (int64_t extent : shape)
      cells.shape.push_back(extent), count *= extent;
    for (int64_t i = 0; i < count; ++i)
      cells.data.push_back(float(bits() % 2000) / 500 - 2);
    inputs.push_back(std::move(cells));
  }
  Model model = Functional(tensors, {it.apply(tensors)}, it.name);
  ASSERT_TRUE(model.graph->mistakes.empty());
  Road road(model);
  std::vector<Cells> wanted = road.interpret(inputs);
  ASSERT_EQ(wanted.size(), 1u) << road.problems;
  for (const char *cpu : {"x86-64-v3", "x86-64-v4"}) {
    std::vector<Cells> first;
    for (unsigned threads : {1u, 2u, 7u}) {
      CompileOptions options;
      options.cpus = {cpu};
      std::vector<Cells> ran = road.run(inputs, wanted, threads, options);
      if (road.problems.find("this CPU has") != std::string::npos)
        GTEST_SKIP() << road.problems;
      ASSERT_EQ(road.problems, "");
      expectClose(ran[0], wanted[0], 1e-6, 1e-6, cpu);
      if (!first.empty())
        EXPECT_EQ(ran[0].data, first[0].data) << threads << " threads";
      first = ran;
    }
  }
}

TEST_P(Copies, AreServedByVectors) {
  const Case &it = cases()[GetParam()];
  Recording recording;
  std::vector<Tensor> tensors;
  for (const Shape &shape : it.inputs)
    tensors.push_back(Input(shape));
  Model model = Functional(tensors, {it.apply(tensors)}, it.name);
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry);
  mlir::OwningOpRef<mlir::ModuleOp> module = emitModel(context, model);
  CompileOptions options;
  options.cpus = {"x86-64-v4"}, options.selfTest = false, options.batches = {3};
  CompileReport report;
  ASSERT_FALSE(bool(compileToFile(*module, options, "", &report)));
  ASSERT_EQ(report.steps.size(), 1u);
  EXPECT_EQ(report.steps[0].winner, it.winner) << report.steps[0].operation;
}

INSTANTIATE_TEST_SUITE_P(All, Copies, testing::Range<size_t>(0, cases().size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return cases()[info.param].name;
                         });

} // namespace
} // namespace cornet::test
