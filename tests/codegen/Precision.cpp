// SPDX-License-Identifier: Apache-2.0
//
// Tensors in bf16 and f16, at every ISA level this machine runs: each contraction of Computed.h
// with computed operands, and small networks with constant weights of odd channels, groups, strides
// and borders. The self-test compares with the reference interpreter, which rounds where the graph
// says so and sums in float64; one thread and several give the same bits; and the distance to what
// float32 gives stays within what the format promises.
#include "tests/Levels.h"
#include "tests/codegen/Computed.h"
#include "tests/codegen/Session.h"
#include "tests/codegen/TileEmulator.h"

#include "codegen/Compile.h"

#include "mlir/Parser/Parser.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

namespace cornet::test {
namespace {

using computed::array;
using computed::cells;
using computed::Shape;
using computed::tensor;

/// Compiles `text`; the error's sentence, or "".
std::string compile(const std::string &text, const std::string &path, const CompileOptions &options,
                    CompileReport *report = nullptr) {
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module)
    return "does not parse";
  llvm::Error error = compileToFile(*module, options, path, report);
  return error ? toString(std::move(error)) : "";
}

struct Answer {
  std::string problem;
  double difference = 0; ///< of the self-test
  std::vector<float> result;
  bool skipped() const { return problem.find("this CPU has") != std::string::npos; }
};

/// The self-test of `path`, and its answer to numbers of all sizes and signs.
Answer answer(const std::string &path, unsigned threads, const std::vector<Shape> &operands,
              int64_t results, uint64_t rows) {
  Answer out;
  std::vector<std::vector<float>> memory;
  std::vector<const void *> inputs;
  for (const Shape &shape : operands) {
    memory.emplace_back();
    for (int64_t i = 0; i < cells(shape); ++i)
      memory.back().push_back(float(i * 7919 % 1009) / 333 - 1.5f);
  }
  for (const std::vector<float> &cells : memory)
    inputs.push_back(cells.data());
  out.result.assign(size_t(results), NAN);
  void *result = out.result.data();
  Session run(path, threads);
  if (run.selfTest(&out.difference))
    run.check(cornet_session_invoke(run.session, 0, rows, inputs.data(), &result));
  out.problem = run.problem;
  return out;
}

double largest(const std::vector<float> &cells) {
  double out = 0;
  for (float cell : cells)
    out = std::max(out, std::fabs(double(cell)));
  return out;
}

/// The report of the last level that runs here.
struct Checked : CompileReport {
  std::string level;
};

/// Checks `text` in `precision` at every level against `exact`.
Checked checkOne(const std::string &text, const std::string &precision, const std::string &path,
                 const std::vector<Shape> &operands, const std::vector<float> &exact,
                 double unitsFromF32, uint64_t rows) {
  SCOPED_TRACE(precision);
  double unit = precision.starts_with("bf16") ? 0x1p-8 : 0x1p-11;
  CompileOptions options;
  options.precision = precision;
  Checked last;
  for (const std::string &level :
       levels({"x86-64-v3", "x86-64-v4", "x86-64-v4-bf16", "x86-64-v4-amx"})) {
    options.cpus = {level};
    CompileReport report;
    EXPECT_EQ(compile(text, path, options, &report), "") << level;
    Answer first = answer(path, 1, operands, int64_t(exact.size()), rows);
    if (first.skipped())
      continue;
    last = {std::move(report), level};
    EXPECT_EQ(first.problem, "") << level;
    double scale = largest(exact), worst = 0;
    for (size_t i = 0; i < first.result.size(); ++i)
      worst = std::max(worst, std::fabs(double(first.result[i]) - exact[i]));
    EXPECT_LT(worst, unitsFromF32 * unit * scale) << level << ": far from what float32 gives";
    EXPECT_TRUE(last.error) << level;
    if (last.error) {
      EXPECT_GT(last.error->relative, 0) << level;
      EXPECT_LT(last.error->relative, unitsFromF32 * unit) << level;
      EXPECT_GT(last.error->cosine, 1 - unit) << level;
      EXPECT_EQ(last.error->notFinite, 0u) << level;
    }
    for (unsigned threads : {2u, 3u, 7u}) {
      Answer other = answer(path, threads, operands, int64_t(exact.size()), rows);
      EXPECT_EQ(other.problem, "") << level << ", " << threads << " threads";
      EXPECT_EQ(std::memcmp(first.result.data(), other.result.data(), 4 * first.result.size()), 0)
          << level << ": " << threads << " threads give other bits";
    }
  }
  return last;
}

const std::vector<std::string> allPrecisions = {
    "bf16", "fp16", "bf16-weights", "fp16-weights", "bf16-activations", "fp16-activations"};

/// Checks `text` in each of `precisions` and returns the first one's report.
Checked check(const std::string &name, const std::string &text, const std::vector<Shape> &operands,
              int64_t results, double unitsFromF32,
              const std::vector<std::string> &precisions = allPrecisions, uint64_t rows = 1) {
  emulateTiles();
  std::string path = testing::TempDir() + "/precision-" + name + ".cornet";
  CompileOptions options;
  options.cpus = {"x86-64-v3"};
  CompileReport f32;
  EXPECT_EQ(compile(text, path, options, &f32), "");
  EXPECT_FALSE(f32.error);
  Answer exact = answer(path, 1, operands, results, rows);
  EXPECT_EQ(exact.problem, "");
  Checked first;
  for (const std::string &precision : precisions) {
    Checked report = checkOne(text, precision, path, operands, exact.result, unitsFromF32, rows);
    EXPECT_EQ(report.precision, precision);
    if (precision == precisions.front())
      first = std::move(report);
  }
  return first;
}

class Computed16 : public testing::TestWithParam<size_t> {};

TEST_P(Computed16, IsWhatTheReferenceSays) {
  const computed::Case it = computed::cases()[GetParam()];
  check(it.name, computed::moduleOf(it, it.small), it.small.operands, cells(it.small.result), 2,
        {"bf16", "fp16"});
}

INSTANTIATE_TEST_SUITE_P(All, Computed16, testing::Range<size_t>(0, computed::cases().size(), 3),
                         [](const auto &info) { return computed::cases()[info.param].name; });

/// Weights that differ from each other, as the text of a constant.
std::string weights(const Shape &shape, unsigned seed) {
  std::string bytes;
  for (int64_t i = 0; i < cells(shape); ++i) {
    float cell = float((i * 6151 + seed * 101) % 499) / 250 - 1;
    bytes.append(reinterpret_cast<const char *>(&cell), sizeof(cell));
  }
  return "cornet.constant dense<\"0x" + llvm::toHex(bytes) + "\"> : " + tensor(shape) + "\n";
}

/// Ops one after another from %0 on, each a line of text.
struct Network {
  std::vector<Shape> shapes;
  std::string body;

  explicit Network(Shape input) : shapes{std::move(input)} {}
  std::string last() const { return "%" + std::to_string(shapes.size() - 1); }
  Network &op(const std::string &name, const std::string &attributes, Shape result,
              const std::string &more = "", const std::string &moreTypes = "") {
    body += "%" + std::to_string(shapes.size()) + " = cornet." + name + " " + last() + more + " {" +
            attributes + "} : (" + tensor(shapes.back()) + moreTypes + ") -> " + tensor(result) +
            "\n";
    shapes.push_back(std::move(result));
    return *this;
  }
  Network &weighted(const std::string &name, const std::string &attributes, const Shape &kernel,
                    Shape result) {
    std::string w = "%w" + std::to_string(shapes.size());
    body += w + " = " + weights(kernel, unsigned(shapes.size()));
    return op(name, attributes, std::move(result), ", " + w, ", " + tensor(kernel));
  }
  Network &relu() { return op("relu", "", shapes.back()); }
  std::string text() const {
    return "func.func @predict(%0: " + tensor(shapes.front()) + ") -> " + tensor(shapes.back()) +
           " attributes {cornet.entry = \"predict\", cornet.batch = " +
           std::to_string(shapes.front().front()) + " : i64} {\n" + body + "return " + last() +
           " : " + tensor(shapes.back()) + "\n}";
  }
};

std::string window(int64_t stride, int64_t pad, int64_t dilation = 1) {
  return "strides = " + array({stride, stride}) + ", padding = " + array({pad, pad, pad, pad}) +
         ", dilations = " + array({dilation, dilation});
}

Checked check(const std::string &name, const Network &network, double units = 8,
              const std::vector<std::string> &precisions = allPrecisions) {
  return check(name, network.text(), {network.shapes.front()}, cells(network.shapes.back()), units,
               precisions, uint64_t(network.shapes.front().front()));
}

const std::string product = "transpose_lhs = false, transpose_rhs = false";

TEST(Precision, OddChannelsStridesAndBorders) {
  CompileReport report = check(
      "odd",
      Network({1, 19, 23, 3})
          .weighted("conv", window(2, 3) + ", groups = 1 : i64", {7, 7, 3, 37}, {1, 10, 12, 37})
          .relu()
          .op("max_pool", "window = " + array({3, 3}) + ", " + window(2, 1), {1, 5, 6, 37})
          .weighted("conv", window(1, 1) + ", groups = 1 : i64", {3, 3, 37, 20}, {1, 5, 6, 20})
          .weighted("conv", window(1, 0) + ", groups = 1 : i64", {1, 1, 20, 33}, {1, 5, 6, 33}));
  for (const StepReport &step : report.steps)
    EXPECT_NE(step.winner, "element") << step.operation;
  ASSERT_EQ(report.steps.size(), 5u);
  EXPECT_EQ(report.steps[0].operation, "cast -> 1x1311 bf16");
  EXPECT_EQ(report.steps[1].operation, "conv + relu -> 1x10x12x37 bf16");
  EXPECT_EQ(report.steps[2].operation, "max_pool -> 1x5x6x37 bf16");
  EXPECT_EQ(report.steps[4].operation, "conv -> 1x5x6x33 f32: output") << "an output stays f32";
}

TEST(Precision, GroupsDepthwiseDilationAndMeans) {
  check(
      "groups",
      Network({1, 9, 10, 6})
          .weighted("conv", window(1, 2, 2) + ", groups = 2 : i64", {3, 3, 3, 34}, {1, 9, 10, 34})
          .weighted("depthwise_conv", window(2, 1), {3, 3, 34, 1}, {1, 5, 5, 34})
          .relu()
          .weighted("conv", window(1, 1) + ", groups = 17 : i64", {3, 3, 2, 17}, {1, 5, 5, 17})
          .op("avg_pool", "window = " + array({2, 2}) + ", " + window(1, 0), {1, 4, 4, 17})
          .op("reduce", "kind = \"mean\", axes = " + array({1, 2}) + ", keepdims = false", {1, 17})
          .weighted("matmul", product, {17, 11}, {1, 11})
          .op("softmax", "axis = -1 : i64", {1, 11}));
}

TEST(Precision, TransposedConvolutionsAndMovement) {
  check("movement",
        Network({1, 4, 5, 8})
            .weighted("conv_transpose", window(2, 0), {3, 3, 19, 8}, {1, 9, 11, 19})
            .op("transpose", "permutation = " + array({0, 2, 3, 1}), {1, 11, 19, 9})
            .op("slice", "start = " + array({0, 1, 2, 0}) + ", size = " + array({-1, 7, 16, 9}),
                {1, 7, 16, 9})
            .op("resize", "size = " + array({9, 8}), {1, 9, 8, 9})
            .op("pad",
                "low = " + array({0, 1, 0, 0}) + ", high = " + array({0, 0, 2, 0}) +
                    ", value = 0.5 : f64",
                {1, 10, 10, 9})
            .weighted("conv", window(3, 0) + ", groups = 1 : i64", {2, 2, 9, 16}, {1, 3, 3, 16}));
}

TEST(Precision, ProductsOfManyRowsAndResiduals) {
  Network network({1, 70, 33});
  network.weighted("matmul", product, {33, 64}, {1, 70, 64});
  std::string kept = network.last();
  network.op("gelu", "approximate = false", {1, 70, 64})
      .weighted("matmul", product, {64, 64}, {1, 70, 64})
      .op("add", "", {1, 70, 64}, ", " + kept, ", " + tensor({1, 70, 64}))
      .weighted("matmul", product, {64, 5}, {1, 70, 5});
  check("residual", network);
}

/// Products and convolutions on tile registers: each in a network of its own, so that it reads and
/// writes f32 at its ends, and with a second one that reads bf16.
TEST(Precision, TileRegisters) {
  struct Case {
    std::string name;
    Shape input, kernel, result;
    std::string attributes;
  };
  auto convolution = [](int64_t stride, int64_t pad, int64_t dilation = 1) {
    return window(stride, pad, dilation) + ", groups = 1 : i64";
  };
  const std::vector<Case> cases = {
      {"taps", {1, 9, 20, 32}, {3, 3, 32, 40}, {1, 9, 20, 40}, convolution(1, 1)},
      {"through_line_ends", {2, 7, 7, 64}, {3, 3, 64, 33}, {2, 7, 7, 33}, convolution(1, 1)},
      {"strided", {1, 19, 21, 32}, {3, 3, 32, 16}, {1, 10, 11, 16}, convolution(2, 1)},
      {"dilated", {1, 12, 17, 32}, {3, 3, 32, 20}, {1, 12, 17, 20}, convolution(1, 2, 2)},
      {"unpadded", {1, 11, 34, 32}, {3, 5, 32, 70}, {1, 9, 30, 70}, convolution(1, 0)},
      {"first", {1, 30, 37, 3}, {7, 7, 3, 64}, {1, 15, 19, 64}, convolution(2, 3)},
      {"odd_channels", {3, 8, 9, 24}, {3, 3, 24, 35}, {3, 8, 9, 35}, convolution(1, 1)},
      {"in_place", {1, 4, 16, 32}, {1, 1, 32, 48}, {1, 4, 16, 48}, convolution(1, 0)},
      {"short_last", {1, 7, 7, 96}, {1, 1, 96, 64}, {1, 7, 7, 64}, convolution(1, 0)},
      {"wide_pitch", {1, 4, 4, 512}, {1, 1, 512, 32}, {1, 4, 4, 32}, convolution(1, 0)},
      {"every_other", {2, 13, 15, 64}, {1, 1, 64, 65}, {2, 7, 8, 65}, convolution(2, 0)},
      {"rows", {1, 70, 33}, {33, 100}, {1, 70, 100}, product},
      {"blocks_of_lines", {1, 60, 60, 192}, {3, 3, 192, 32}, {1, 60, 60, 32}, convolution(1, 1)},
      {"blocks_of_images", {9, 15, 15, 192}, {3, 3, 192, 32}, {9, 15, 15, 32}, convolution(1, 1)},
      {"panels_pass_by", {1, 6, 14, 256}, {3, 3, 256, 80}, {1, 6, 14, 80}, convolution(1, 1)},
      {"panels_stay", {1, 5, 8, 256}, {3, 3, 256, 300}, {1, 5, 8, 300}, convolution(1, 1)},
  };
  for (const Case &it : cases) {
    SCOPED_TRACE(it.name);
    Network network(it.input);
    network.op("relu", "", it.input)
        .weighted(it.attributes == product ? "matmul" : "conv", it.attributes, it.kernel,
                  it.result);
    Checked report = check("tiles-" + it.name, network, 2, {"bf16"});
    if (report.level == "x86-64-v4-amx")
      EXPECT_EQ(report.steps.back().winner, "amx") << report.steps.back().operation;
  }
}

/// A deep chain drifts no further from float32 than a few units of its format.
TEST(Precision, ErrorDoesNotPileUp) {
  Network network({1, 12, 12, 16});
  for (int i = 0; i < 12; ++i) {
    std::string kept = network.last();
    network.op("mul", "", {1, 12, 12, 16}, ", %scale", ", tensor<f32>")
        .weighted("conv", window(1, 1) + ", groups = 1 : i64", {3, 3, 16, 16}, {1, 12, 12, 16})
        .relu()
        .op("add", "", {1, 12, 12, 16}, ", " + kept, ", " + tensor({1, 12, 12, 16}));
  }
  network.body = "%scale = cornet.constant dense<0.05> : tensor<f32>\n" + network.body;
  check("deep", network);
}

/// Weights of 512 cells times 512 take half the bytes, and everything else stays.
TEST(Precision, WeightsAloneHalveTheFile) {
  Network network({1, 512});
  network.weighted("matmul", product, {512, 512}, {1, 512}).relu();
  std::string path = testing::TempDir() + "/half.cornet";
  std::map<std::string, CompileReport> reports;
  for (const char *precision : {"fp32", "bf16-weights", "fp16-weights"}) {
    CompileOptions options;
    options.precision = precision;
    EXPECT_EQ(compile(network.text(), path, options, &reports[precision]), "");
  }
  for (const char *precision : {"bf16-weights", "fp16-weights"}) {
    EXPECT_EQ(reports[precision].weightBytes * 2, reports["fp32"].weightBytes);
    ASSERT_EQ(reports[precision].steps.size(), 1u);
    EXPECT_EQ(reports[precision].steps[0].operation, reports["fp32"].steps[0].operation);
  }
}

/// What f16 cannot hold is infinite, in the answer and in the report.
TEST(Precision, OverflowIsTold) {
  Network network({1, 8});
  network.body = "%scale = cornet.constant dense<1000000.0> : tensor<f32>\n";
  network.op("mul", "", {1, 8}, ", %scale", ", tensor<f32>")
      .weighted("matmul", product, {8, 16}, {1, 16})
      .weighted("matmul", product, {16, 4}, {1, 4});
  std::string path = testing::TempDir() + "/overflow.cornet";
  for (bool overflows : {true, false}) {
    CompileOptions options;
    options.precision = overflows ? "fp16" : "bf16";
    CompileReport report;
    EXPECT_EQ(compile(network.text(), path, options, &report), "");
    ASSERT_TRUE(report.error);
    EXPECT_EQ(report.error->notFinite > 0, overflows);
    EXPECT_EQ(std::isfinite(report.error->relative), !overflows);
  }
}

TEST(Precision, BadOnesAreSentences) {
  std::string text = Network({1, 4}).relu().text(), path = testing::TempDir() + "/none.cornet";
  CompileOptions options;
  options.precision = "fp7";
  EXPECT_EQ(compile(text, path, options),
            "unknown precision 'fp7'; known: fp32, bf16, fp16, and the last two with -weights or "
            "-activations after them");
  for (const char *wrong : {"bf16-", "fp16-biases", "fp32-weights", "f16"}) {
    options.precision = wrong;
    EXPECT_NE(compile(text, path, options).find("unknown precision"), std::string::npos) << wrong;
  }
  options.precision = "bf16", options.pipeline = "training-cpu";
  EXPECT_NE(compile(text, path, options).find("belongs to the pipeline inference-cpu"),
            std::string::npos);
}

} // namespace
} // namespace cornet::test
