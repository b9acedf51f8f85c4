// SPDX-License-Identifier: Apache-2.0
//
// Toom's matrices, exactly; and what convolutions by patches lose: each patch, on both ISA levels,
// against sums in float64, within its bound.
#include "codegen/Compile.h"
#include "codegen/cpu/Toom.h"
#include "tests/Levels.h"
#include "tests/codegen/Session.h"

#include "mlir/Parser/Parser.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

namespace cornet::test {
namespace {

struct Doubles {
  double add(double x, double y) { return x + y; }
  double sub(double x, double y) { return x - y; }
  double mul(double s, double x) { return s * x; }
  double fma(double s, double x, double y) { return s * x + y; }
};

TEST(Toom, IsTheCorrelation) {
  std::mt19937 bits(1);
  std::uniform_real_distribution<double> uniform(-1, 1);
  for (int64_t r = 1; r <= cpu::Toom::kMostProducts; ++r)
    for (int64_t m = 1; m + r - 1 <= cpu::Toom::kMostProducts; ++m) {
      cpu::Toom toom(m, r);
      if (m > 1 && r > 1)
        ASSERT_EQ(toom.alpha, m + r - 1);
      std::vector<double> data(size_t(m + r - 1)), taps(static_cast<size_t>(r));
      for (double &v : data)
        v = uniform(bits);
      for (double &v : taps)
        v = uniform(bits);
      Doubles ops;
      auto d = cpu::multiply<double>(toom.input,
                                     llvm::ArrayRef(data).take_front(toom.input[0].size()), ops);
      auto w = cpu::multiply<double>(toom.weights, taps, ops);
      ASSERT_EQ(d.size(), w.size());
      for (size_t i = 0; i < d.size(); ++i)
        d[i] *= w[i];
      auto y = cpu::multiply<double>(toom.output, d, ops);
      ASSERT_EQ(y.size(), size_t(m));
      for (size_t j = 0; j < size_t(m); ++j) {
        double want = 0;
        for (size_t k = 0; k < size_t(r); ++k)
          want += data[j + k] * taps[k];
        EXPECT_NEAR(y[j], want, 1e-12) << "m " << m << ", r " << r << ", output " << j;
      }
    }
}

/// The largest error of a convolution by `variant`, relative to the largest output.
struct Trial {
  int64_t height, width, channels, outputs, R, S;
  std::string variant;
};

double errorOf(const Trial &t, const std::string &cpu, std::string &problem) {
  auto dims = [](std::initializer_list<int64_t> extents) {
    std::string text;
    for (int64_t extent : extents)
      text += std::to_string(extent) + "x";
    return "tensor<" + text + "f32>";
  };
  std::string in = dims({1, t.height, t.width, t.channels}),
              kernel = dims({t.R, t.S, t.channels, t.outputs}),
              out = dims({1, t.height, t.width, t.outputs});
  auto pad = [](int64_t taps) {
    return std::to_string((taps - 1) / 2) + ", " + std::to_string(taps - 1 - (taps - 1) / 2);
  };
  std::string text =
      "module { func.func @predict(%x: " + in + ", %w: " + kernel + ") -> " + out +
      " attributes {cornet.entry = \"predict\", cornet.batch = 1 : i64, cornet.whole} {\n"
      "%y = cornet.conv %x, %w {strides = array<i64: 1, 1>, padding = array<i64: " +
      pad(t.R) + ", " + pad(t.S) +
      ">, dilations = array<i64: 1, 1>, groups = 1 : i64, variant = \"" + t.variant + "\"} : (" +
      in + ", " + kernel + ") -> " + out + "\nreturn %y : " + out + "\n} }";
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module)
    return problem = "does not parse", NAN;
  CompileOptions options;
  options.cpus = {cpu}, options.selfTest = false;
  options.pipeline = "builtin.module(func.func(cornet-form-dispatches))";
  CompileReport report;
  std::string path = testing::TempDir() + "/winograd-" + std::to_string(getpid()) + ".cornet";
  if (llvm::Error error = compileToFile(*module, options, path, &report))
    return problem = toString(std::move(error)), NAN;
  if (report.steps.back().winner != "winograd")
    return problem = "implemented by " + report.steps.back().winner, NAN;
  Session run(path, 2);
  std::vector<float> x(size_t(t.height * t.width * t.channels)),
      w(size_t(t.R * t.S * t.channels * t.outputs)), y(size_t(t.height * t.width * t.outputs));
  std::mt19937 bits(7);
  std::uniform_real_distribution<float> uniform(-1, 1);
  for (std::vector<float> *all : {&x, &w})
    for (float &v : *all)
      v = uniform(bits);
  const void *inputs[] = {x.data(), w.data()};
  void *outputs[] = {y.data()};
  if (run.problem.empty())
    run.check(cornet_session_invoke(run.session, 0, 1, inputs, outputs));
  problem = run.problem;
  double worst = 0, largest = 0;
  for (int64_t i = 0; problem.empty() && i < t.height; ++i)
    for (int64_t j = 0; j < t.width; ++j)
      for (int64_t o = 0; o < t.outputs; ++o) {
        double want = 0;
        for (int64_t r = 0; r < t.R; ++r)
          for (int64_t s = 0; s < t.S; ++s) {
            int64_t a = i + r - (t.R - 1) / 2, b = j + s - (t.S - 1) / 2;
            if (a < 0 || a >= t.height || b < 0 || b >= t.width)
              continue;
            for (int64_t ch = 0; ch < t.channels; ++ch)
              want += double(x[size_t((a * t.width + b) * t.channels + ch)]) *
                      double(w[size_t(((r * t.S + s) * t.channels + ch) * t.outputs + o)]);
          }
        worst = std::max(worst, std::fabs(want - y[size_t((i * t.width + j) * t.outputs + o)]));
        largest = std::max(largest, std::fabs(want));
      }
  return worst / largest;
}

class Patches : public testing::TestWithParam<std::string> {};

using Taps = std::pair<int64_t, int64_t>;

/// Every patch for windows of R x S taps, or those with the same products on both axes.
std::vector<Taps> patchesFor(Taps taps, bool all) {
  std::vector<Taps> out;
  auto most = [](int64_t r) { return r == 1 ? 1 : cpu::Toom::kMostProducts - r + 1; };
  auto [R, S] = taps;
  for (int64_t m = 1; m <= most(R); ++m)
    for (int64_t n = 1; n <= most(S); ++n)
      if (m * n > 1 && (all || R == 1 || S == 1 || m + R == n + S))
        out.push_back({m, n});
  return out;
}

/// With CORNET_WINOGRAD_TABLE every patch for windows of one extent, as the table of
/// docs/precision.md; else some, whose errors are printed, too.
TEST_P(Patches, LoseNoMoreThanTheirBound) {
  // By the products of the longer axis: 4 is as good as a direct sum, each further step loses more.
  const double bounds[] = {0, 0, 5e-7, 5e-7, 1e-6, 4e-6, 6e-6, 9e-6, 1.2e-5};
  bool table = std::getenv("CORNET_WINOGRAD_TABLE") != nullptr;
  std::vector<Taps> windows = {{3, 3}, {5, 5}, {1, 7}, {7, 1}, {2, 3}, {1, 3}};
  if (table) {
    windows.clear();
    for (int64_t extent = 2; extent < cpu::Toom::kMostProducts; ++extent)
      windows.push_back({extent, extent}), windows.push_back({1, extent});
    std::sort(windows.begin(), windows.end());
    std::printf(
        "%s\n| taps | m | n = 1 | 2 | 3 | 4 | 5 | 6 | 7 |\n|---|---|---|---|---|---|---|---|---|",
        GetParam().c_str());
  }
  for (auto [R, S] : windows) {
    int64_t row = 0;
    for (auto [m, n] : patchesFor({R, S}, table)) {
      Trial trial{11, 13, 40, 37, R, S, "winograd " + std::to_string(m) + "x" + std::to_string(n)};
      std::string problem;
      double error = errorOf(trial, GetParam(), problem);
      if (problem.find("this CPU has") != std::string::npos)
        GTEST_SKIP() << problem;
      ASSERT_EQ(problem, "") << R << "x" << S << " by " << trial.variant;
      if (table && m != row)
        std::printf("\n| %d x %d | %d |%s", int(R), int(S), int(row = m), n == 2 ? " |" : "");
      if (table)
        std::printf(" %.1e |", error);
      else
        std::printf("%s %dx%d by patches of %dx%d: error %.1e of the largest output\n",
                    GetParam().c_str(), int(R), int(S), int(m), int(n), error);
      EXPECT_LT(error, bounds[std::max(m + R, n + S) - 1])
          << R << "x" << S << " by " << trial.variant;
    }
  }
  if (table)
    std::printf("\n");
}

/// Blocks, chunks and panels that do not divide evenly.
TEST_P(Patches, OfEveryShape) {
  const Trial trials[] = {
      {30, 31, 3, 5, 3, 3, "winograd 4x4"},       {6, 6, 130, 70, 3, 3, "winograd 4x2 1 16"},
      {9, 9, 33, 100, 3, 3, "winograd 2x2 4 32"}, {1, 40, 20, 20, 1, 3, "winograd 1x4 2"},
      {40, 1, 20, 20, 3, 1, "winograd 4x1 3"},    {64, 64, 70, 33, 3, 3, "winograd 2x2"},
  };
  for (const Trial &trial : trials) {
    std::string problem;
    double error = errorOf(trial, GetParam(), problem);
    if (problem.find("this CPU has") != std::string::npos)
      GTEST_SKIP() << problem;
    ASSERT_EQ(problem, "") << trial.variant;
    EXPECT_LT(error, 1e-5) << trial.variant;
  }
}

TEST(WinogradWeights, AreSharedByBatches) {
  std::string cells; // no two alike
  for (unsigned i = 0; i < 3 * 3 * 64 * 64; ++i)
    for (unsigned shift : {4, 0, 12, 8, 20, 16, 28, 24})
      cells += "0123456789ABCDEF"[(0x3c000000 + i) >> shift & 15];
  std::string image = "tensor<?x14x14x64xf32>", kernel = "tensor<3x3x64x64xf32>";
  std::string text = "func.func @predict(%x: " + image + ") -> " + image +
                     " attributes {cornet.entry} {\n%w = cornet.constant dense<\"0x" + cells +
                     "\"> : " + kernel +
                     "\n%y = cornet.conv %x, %w {strides = array<i64: 1, 1>, padding = array<i64: "
                     "1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (" +
                     image + ", " + kernel + ") -> " + image + "\nreturn %y : " + image + "\n}";
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  ASSERT_TRUE(module);
  CompileOptions options;
  options.batches = {1, 3, 16}, options.cpus = {"x86-64-v4"}, options.selfTest = false;
  CompileReport report;
  std::string path = testing::TempDir() + "/winograd-batches.cornet";
  llvm::Error error = compileToFile(*module, options, path, &report);
  ASSERT_FALSE(error) << toString(std::move(error));
  for (const StepReport &step : report.steps)
    EXPECT_EQ(step.winner, "winograd");
  EXPECT_EQ(report.steps.size(), 3u);
  EXPECT_EQ(report.weightBytes, 3u * 3 * 64 * 64 * 4);
}

INSTANTIATE_TEST_SUITE_P(Isa, Patches, testing::ValuesIn(levels()), [](const auto &info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

} // namespace
} // namespace cornet::test
