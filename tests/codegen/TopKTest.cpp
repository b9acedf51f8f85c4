// SPDX-License-Identifier: Apache-2.0
//
// top_k and what reads by its indices: rows shorter than a vector and of many, lists of one cell,
// of a vector and more, of all cells; every level, the same on any number of threads. Wanted is
// what sorting says, written out here.
#include "tests/frontend/Road.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <numeric>
#include <random>

namespace cornet::test {
namespace {

constexpr int64_t kRows = 7;

/// Rows with many equal cells; with infinities, all alike, zeros of both signs, and with cells that
/// are no numbers.
Cells rowsOf(int64_t n) {
  Cells out{{kRows, n}, {}};
  std::mt19937 bits(5);
  for (int64_t row = 0; row < kRows; ++row)
    for (int64_t i = 0; i < n; ++i) {
      float cell = float(bits() % 12) - 6;
      out.data.push_back(row == 0   ? (i % 11 ? -INFINITY : cell)
                         : row == 1 ? 3
                         : row == 2 ? -cell * 1e37f
                         : row == 3 ? (i % 2 ? 0.0f : -0.0f)
                         : row == 4 ? (bits() % 3 ? cell : std::copysign(NAN, cell))
                         : row == 5 ? float(bits()) / 4e9f
                                    : float(i)); // the worst order
    }
  return out;
}

/// Values and indices of the k largest of each row.
std::vector<Cells> sorted(const Cells &in, int64_t k) {
  int64_t n = in.shape[1];
  std::vector<Cells> out = {{{kRows, k}, {}}, {{kRows, k}, {}, true}};
  for (int64_t row = 0; row < kRows; ++row) {
    const float *cells = in.data.data() + row * n;
    std::vector<int64_t> order(size_t(n), 0);
    std::iota(order.begin(), order.end(), 0);
    auto larger = [&](int64_t a, int64_t b) {
      return std::isnan(cells[a]) ? !std::isnan(cells[b]) : cells[a] > cells[b];
    };
    std::ranges::sort(
        order, [&](int64_t a, int64_t b) { return larger(a, b) || (!larger(b, a) && a < b); });
    for (int64_t i = 0; i < k; ++i) {
      out[0].data.push_back(cells[order[size_t(i)]]);
      out[1].data.push_back(float(order[size_t(i)]));
    }
  }
  return out;
}

std::vector<uint32_t> bitsOf(const Cells &cells) {
  std::vector<uint32_t> out;
  for (float cell : cells.data)
    out.push_back(std::isnan(cell) ? ~0u : std::bit_cast<uint32_t>(cell));
  return out;
}

void expectSame(const std::vector<Cells> &got, const std::vector<Cells> &want,
                const std::string &what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  for (size_t i = 0; i < want.size(); ++i)
    EXPECT_EQ(bitsOf(got[i]), bitsOf(want[i])) << what << ", output " << i;
}

Model topModel(int64_t n, int64_t k) {
  Recording recording;
  Tensor x = Input({n});
  ops::TopK top = ops::topK(x, k);
  return Functional({x}, {top.values, top.indices}, "top");
}

class TopK : public testing::TestWithParam<std::pair<int64_t, int64_t>> {};

TEST_P(TopK, IsWhatSortingSays) {
  auto [n, k] = GetParam();
  Model model = topModel(n, k);
  ASSERT_TRUE(model.graph->mistakes.empty()) << text(model.graph->mistakes);
  Cells in = rowsOf(n);
  std::vector<Cells> wanted = sorted(in, k);
  Road road(model);
  expectSame(road.interpret({in}), wanted, "the reference");
  for (const std::string &cpu : levels())
    for (unsigned threads : {1u, 2u, 3u}) {
      CompileOptions options;
      options.cpus = {cpu};
      std::vector<Cells> ran = road.run({in}, wanted, threads, options);
      if (road.problems.find("this CPU has") != std::string::npos)
        GTEST_SKIP() << road.problems;
      ASSERT_EQ(road.problems, "");
      expectSame(ran, wanted, cpu);
    }
}

INSTANTIATE_TEST_SUITE_P(All, TopK,
                         testing::Values(std::pair(5, 1), std::pair(5, 5), std::pair(16, 3),
                                         std::pair(23, 4), std::pair(23, 23), std::pair(70, 16),
                                         std::pair(70, 17), std::pair(200, 100),
                                         std::pair(1000, 300), std::pair(1000, 1000)),
                         [](const testing::TestParamInfo<std::pair<int64_t, int64_t>> &info) {
                           return std::to_string(info.param.second) + "_of_" +
                                  std::to_string(info.param.first);
                         });

/// What the group computes before is served cell by cell, and is the same.
TEST(TopKOfAGroup, IsWhatTheReferenceSays) {
  const char *text = R"(
    func.func @predict(%x: tensor<7x23xf32> {cornet.name = "x"}) -> (tensor<7x5xi32> {cornet.name = "y"})
        attributes {cornet.entry = "predict", cornet.batch = 7 : i64} {
      %0 = cornet.dispatch(%x) : (tensor<7x23xf32>) -> tensor<7x5xi32> {
      ^bb0(%a: tensor<7x23xf32>):
        %1 = cornet.floor %a : (tensor<7x23xf32>) -> tensor<7x23xf32>
        %2 = cornet.top_k %1 {k = 5 : i64} : (tensor<7x23xf32>) -> tensor<7x5xi32>
        cornet.yield %2 : tensor<7x5xi32>
      }
      return %0 : tensor<7x5xi32>
    })";
  Cells in = rowsOf(23), floors = in;
  for (float &cell : floors.data)
    cell = std::floor(cell);
  std::vector<Cells> wanted = {sorted(floors, 5)[1]};
  Road road(text);
  ASSERT_EQ(road.problems, "");
  std::vector<Cells> ran = road.run({in}, wanted, 2);
  ASSERT_EQ(road.problems, "");
  expectSame(ran, wanted, "element");
}

TEST(TopKKernel, ServesWhereverTheOpStands) {
  Recording recording;
  Tensor x = Input({40});
  ops::TopK top = ops::topK(-x * 2.0, 3);
  Tensor later = ops::cast(top.indices, "f32") * 2.0 + top.values;
  Model model = Functional({x}, {later, top.values}, "around");
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry);
  for (const char *precision : {"fp32", "bf16"}) {
    mlir::OwningOpRef<mlir::ModuleOp> module = emitModel(context, model);
    CompileOptions options;
    options.cpus = {"x86-64-v3", "x86-64-v4"}, options.selfTest = false;
    options.precision = precision;
    CompileReport report;
    ASSERT_FALSE(bool(compileToFile(*module, options, "", &report)));
    size_t served = 0;
    for (const StepReport &step : report.steps)
      served += step.operation == "top_k -> 1x3" && step.winner == "top_k";
    EXPECT_EQ(served, 2u) << precision << "\n" << report.plan;
  }
}

TEST(TopKMistakes, AreTold) {
  Recording recording;
  ops::topK(Tensor(), 2);
  ASSERT_EQ(Recording::current()->mistakes.size(), 1u);
  EXPECT_THAT(Recording::current()->mistakes[0].message, testing::HasSubstr("no Input() or op"));
  Tensor x = Input({5}), whole = Input({5}, {.dtype = "int32"});
  for (const auto &[of, k, says] : {std::tuple(x, 0, "must be static and have 0 cells"),
                                    {x, 6, "and have 6 cells"},
                                    {whole, 2, "must be reals"}}) {
    x.graph->mistakes.clear();
    ops::topK(of, k);
    ASSERT_EQ(x.graph->mistakes.size(), 1u) << k;
    EXPECT_THAT(x.graph->mistakes[0].message, testing::HasSubstr(says));
  }
}

/// Nothing crashes on a tensor that nothing made.
TEST(NoTensor, IsTold) {
  Recording recording;
  Tensor none, x = Input({5});
  EXPECT_TRUE(none.poisoned());
  EXPECT_FALSE(none.training());
  EXPECT_EQ(none.rank(), 0u);
  std::vector<VariablePtr> variables = {std::make_shared<Variable>()};
  size_t told = 0;
  for (const std::function<void()> &use : std::vector<std::function<void()>>{
           [&] { ops::argmax(none); }, [&] { ops::oneHot(none, 3); },
           [&] { ops::takeAlongAxis(x, none); }, [&] { ops::cast(none, "f32"); },
           [&] { ops::randomNormal(none); }, [&] { ops::clamp(none, 0, 1) + 1.0; },
           [&] { ops::compare(none, 0.0, "gt"); }, [&] { ops::pow(none, 2); },
           [&] { ops::assign(variables[0], none); }, [&] { ops::addLoss(none); }, [&] { x + none; },
           [&] { ops::mean(none, {0}); }}) {
    std::vector<Mistake> &mistakes = x.graph->mistakes;
    mistakes.clear();
    use();
    ++told;
    ASSERT_EQ(mistakes.size(), 1u) << "use " << told;
    EXPECT_THAT(mistakes[0].message, testing::HasSubstr("no Input() or op made")) << told;
  }
}

} // namespace
} // namespace cornet::test
