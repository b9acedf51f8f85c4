// SPDX-License-Identifier: Apache-2.0
//
// Chains with reductions of rows: one dispatch by `rows`, equal to the reference, the same bits
// whatever the threads. Rows are shorter than a vector, of several vectors and a rest, and long
// enough for every loop.
#include "tests/frontend/Road.h"

#include <algorithm>
#include <random>

namespace cornet::test {
namespace {

struct Chain {
  const char *name;
  Shape shape; ///< of a batch row
  std::vector<Tensor> (*apply)(const Tensor &);
  size_t steps = 1;
};

Tensor mean(const Tensor &x, std::vector<int64_t> axes) {
  return ops::reduce(x, "mean", axes, true);
}
Tensor softmax(const Tensor &x) { return ops::record("softmax", {x}, {{"axis", int64_t(-1)}}); }
Tensor logSoftmax(const Tensor &x) {
  Tensor shifted = x - ops::reduce(x, "max", {-1}, true);
  Tensor sum = ops::reduce(ops::record("exp", {shifted}), "sum", {-1}, true);
  return shifted - ops::record("log", {sum});
}

using Results = std::vector<Tensor>;

const std::vector<Chain> &chains() {
  static const std::vector<Chain> table = {
      {"softmax_5", {5}, [](const Tensor &x) { return Results{softmax(x)}; }},
      {"softmax_37", {37}, [](const Tensor &x) { return Results{softmax(x)}; }},
      {"softmax_1000", {1000}, [](const Tensor &x) { return Results{softmax(x)}; }},
      {"softmax_4x64", {4, 64}, [](const Tensor &x) { return Results{softmax(x)}; }},
      {"log_softmax", {83}, [](const Tensor &x) { return Results{logSoftmax(x)}; }},
      {"layer_norm", {6, 48}, [](const Tensor &x) { return Results{LayerNormalization()(x)}; }},
      {"layer_norm_of_two",
       {6, 5, 20},
       [](const Tensor &x) {
         return Results{LayerNormalization({.axis = {-2, -1}})(x)};
       }},
      {"rms_norm",
       {130},
       [](const Tensor &x) { return Results{x * ops::rsqrt(mean(x * x, {-1}) + 1e-6)}; }},
      {"unit_norm", {4, 20}, [](const Tensor &x) { return Results{UnitNormalization()(x)}; }},
      {"group_norm",
       {6, 5, 24},
       [](const Tensor &x) { return Results{GroupNormalization({.groups = 3})(x)}; },
       2}, // the affine part lies behind a reshape
      {"residual",
       {3, 40},
       [](const Tensor &x) {
         Tensor sum = x + x * 0.5;
         return Results{sum, softmax(sum)};
       }},
      {"kept_for_later",
       {3, 40},
       [](const Tensor &x) {
         Tensor p = softmax(x);
         Tensor dot = ops::reduce(p * x, "sum", {-1}, true);
         return Results{p * (x - dot), p, dot};
       }},
      {"argmax",
       {3, 70},
       [](const Tensor &x) { return Results{ops::cast(ops::argmax(x), "f32")}; }},
      {"least_and_most",
       {3, 23},
       [](const Tensor &x) {
         Tensor low = ops::reduce(x, "min", {-1}, true), high = ops::reduce(x, "max", {-1}, true);
         return Results{(x - low) / (high - low + 1e-3)};
       }},
  };
  return table;
}

class RowsChain : public testing::TestWithParam<size_t> {};

TEST_P(RowsChain, IsOneDispatchAndWhatTheReferenceSays) {
  const Chain &chain = chains()[GetParam()];
  Recording recording;
  Tensor x = Input(chain.shape);
  Model model = Functional({x}, chain.apply(x), chain.name);
  ASSERT_TRUE(model.graph->mistakes.empty());
  Cells in{{7}, {}};
  int64_t count = 7;
  for (int64_t extent : chain.shape)
    in.shape.push_back(extent), count *= extent;
  std::mt19937 bits(11);
  for (int64_t i = 0; i < count; ++i)
    in.data.push_back(float(bits() % 2000) / 250 - 4);
  Road road(model);
  std::vector<Cells> wanted = road.interpret({in});
  ASSERT_EQ(wanted.size(), model.outputs.size()) << road.problems;
  for (const std::string &cpu : levels()) {
    std::vector<Cells> first;
    for (unsigned threads : {1u, 2u, 3u}) {
      CompileOptions options;
      options.cpus = {cpu};
      std::vector<Cells> ran = road.run({in}, wanted, threads, options);
      if (road.problems.find("this CPU has") != std::string::npos)
        GTEST_SKIP() << road.problems;
      ASSERT_EQ(road.problems, "");
      for (size_t i = 0; i < wanted.size(); ++i) {
        expectClose(ran[i], wanted[i], 2e-6, 2e-5, std::string(chain.name) + " on " + cpu);
        if (!first.empty())
          EXPECT_EQ(ran[i].data, first[i].data) << threads << " threads";
      }
      first = ran;
    }
  }
}

TEST_P(RowsChain, IsServedByRows) {
  const Chain &chain = chains()[GetParam()];
  Recording recording;
  Tensor x = Input(chain.shape);
  Model model = Functional({x}, chain.apply(x), chain.name);
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry);
  mlir::OwningOpRef<mlir::ModuleOp> module = emitModel(context, model);
  CompileOptions options;
  options.cpus = {"x86-64-v4"}, options.selfTest = false, options.batches = {7};
  CompileReport report;
  ASSERT_FALSE(bool(compileToFile(*module, options, "", &report)));
  ASSERT_EQ(report.steps.size(), chain.steps);
  EXPECT_EQ(report.steps[0].winner, "rows") << report.steps[0].operation;
}

INSTANTIATE_TEST_SUITE_P(All, RowsChain, testing::Range<size_t>(0, chains().size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return chains()[info.param].name;
                         });

} // namespace
} // namespace cornet::test
