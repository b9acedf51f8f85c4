// SPDX-License-Identifier: Apache-2.0
//
// Integers of 8 bits: quantized, moved, multiplied, and back. Every level gives what the reference
// interpreter does, the same bits on any number of threads; sums of products are exact, so they are
// compared as they are.
#include "tests/frontend/Road.h"

#include <functional>
#include <gmock/gmock.h>
#include <random>

namespace cornet::test {
namespace {

using Ints = std::vector<int64_t>;

Tensor real(const Tensor &x) { return ops::cast(x, "f32"); }

/// Constant integers of all values of i8, or of ui8.
Tensor integers(const Tensor &like, Shape shape, const char *dtype = "i8") {
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  std::mt19937 bits{unsigned(count)};
  std::vector<float> cells;
  for (int64_t i = 0; i < count; ++i)
    cells.push_back(float(bits() % 256) - (std::string(dtype) == "i8" ? 128 : 0));
  return ops::constant(like, shape, std::move(cells), dtype);
}

Tensor conv(const Tensor &x, const Tensor &kernel, Ints strides, Ints padding, int64_t groups = 1,
            Ints dilations = {1, 1}) {
  return ops::record(
      "conv", {x, kernel},
      {{"strides", strides}, {"padding", padding}, {"dilations", dilations}, {"groups", groups}});
}

struct Case {
  const char *name;
  Shape shape; ///< of a batch row; cells are whole numbers from -40 to 300
  std::function<Tensor(const Tensor &)> apply;
};

const std::vector<Case> &cases() {
  static const std::vector<Case> table = {
      {"cast", {37}, [](const Tensor &x) { return real(ops::cast(x * 1.1, "ui8")); }},
      {"cast_signed", {37}, [](const Tensor &x) { return real(ops::cast(x * -1.1, "i8")); }},
      {"cast_of_integers",
       {37},
       [](const Tensor &x) {
         Tensor whole = ops::cast(x, "i32");
         return real(ops::cast(ops::cast(whole, "i8"), "i32")) +
                real(ops::cast(ops::cast(ops::compare(x, 9, "gt"), "ui8"), "f32"));
       }},
      {"product",
       {64},
       [](const Tensor &x) {
         return ops::matmul(real(ops::cast(x, "ui8")), real(integers(x, {64, 48})));
       }},
      {"product_odd",
       {9, 67},
       [](const Tensor &x) {
         Tensor y = ops::matmul(real(ops::cast(x, "ui8")), real(integers(x, {67, 37})));
         return ops::relu(y * 0.125 - 3.0);
       }},
      {"product_short",
       {3},
       [](const Tensor &x) {
         return ops::matmul(real(ops::cast(x, "ui8")), real(integers(x, {3, 5})));
       }},
      {"product_transposed",
       {50},
       [](const Tensor &x) {
         return ops::record("matmul", {real(ops::cast(x, "ui8")), real(integers(x, {21, 50}))},
                            {{"transpose_lhs", false}, {"transpose_rhs", true}});
       }},
      {"product_of_signed",
       {40},
       [](const Tensor &x) {
         return ops::matmul(real(ops::cast(x, "i8")), real(integers(x, {40, 16})));
       }},
      {"product_of_computed",
       {6, 20},
       [](const Tensor &x) {
         Tensor y = ops::cast(x, "ui8"), z = ops::transpose(ops::cast(x, "i8"), {0, 2, 1});
         return ops::matmul(real(y), real(z));
       }},
      {"quantized_between",
       {32},
       [](const Tensor &x) {
         Tensor y = ops::matmul(real(ops::cast(x, "ui8")), real(integers(x, {32, 24})));
         Tensor middle = ops::cast(ops::record("round", {y / 1024.0}) + 128.0, "ui8");
         return ops::matmul(real(middle), real(integers(x, {24, 8})));
       }},
      {"conv",
       {7, 6, 20},
       [](const Tensor &x) {
         return conv(real(ops::cast(x, "ui8")), real(integers(x, {3, 3, 20, 24})), {1, 1},
                     {1, 1, 1, 1});
       }},
      {"conv_of_pictures",
       {15, 14, 3},
       [](const Tensor &x) {
         return conv(real(ops::cast(x, "ui8")), real(integers(x, {7, 7, 3, 16})), {2, 2},
                     {3, 3, 3, 3});
       }},
      {"conv_1x1",
       {5, 6, 32},
       [](const Tensor &x) {
         Tensor y = conv(real(ops::cast(x, "ui8")), real(integers(x, {1, 1, 32, 40})), {1, 1},
                         {0, 0, 0, 0});
         return real(ops::cast(y / 2048.0, "i8")) + y;
       }},
      {"conv_grouped",
       {7, 6, 20},
       [](const Tensor &x) {
         return conv(real(ops::cast(x, "ui8")), real(integers(x, {3, 2, 10, 24})), {2, 1},
                     {0, 1, 1, 0}, 2);
       }},
      {"conv_dilated",
       {9, 9, 6},
       [](const Tensor &x) {
         return conv(real(ops::cast(x, "ui8")), real(integers(x, {3, 3, 6, 17})), {1, 1},
                     {2, 2, 2, 2}, 1, {2, 2});
       }},
      {"moved",
       {4, 6, 5},
       [](const Tensor &x) {
         Tensor y = ops::cast(x, "ui8");
         y = ops::reshape(ops::transpose(y, {0, 2, 1, 3}), {-1, 6, 20});
         y = ops::concat({y, ops::slice(y, {0, 1, 0}, {-1, 3, 20})}, 1);
         return real(y) * 2.0;
       }},
      {"concatenated",
       {6, 6, 8},
       [](const Tensor &x) {
         Tensor y = real(ops::cast(x, "ui8"));
         auto part = [&](int64_t channels) {
           Tensor sum = conv(y, real(integers(x, {1, 1, 8, channels})), {1, 1}, {0, 0, 0, 0});
           return ops::cast(sum * 0x1p-9 + 128.0, "ui8"); // exact, whether fused or not
         };
         Tensor joined = ops::concat({part(32), part(16)}, -1);
         return conv(real(joined), real(integers(x, {3, 3, 48, 16})), {1, 1}, {1, 1, 1, 1});
       }},
      {"gathered",
       {9},
       [](const Tensor &x) {
         Tensor table = integers(x, {30, 7}, "ui8");
         return real(ops::gather(table, ops::cast(x / 10.0, "i32")));
       }},
  };
  return table;
}

class Bytes : public testing::TestWithParam<size_t> {};

TEST_P(Bytes, AreWhatTheReferenceSays) {
  const Case &one = cases()[GetParam()];
  Recording recording;
  Tensor x = Input(one.shape);
  Model model = Functional({x}, {one.apply(x)}, one.name);
  ASSERT_TRUE(model.graph->mistakes.empty()) << text(model.graph->mistakes);
  Cells in{{3}, {}};
  int64_t count = 3;
  for (int64_t extent : one.shape)
    in.shape.push_back(extent), count *= extent;
  std::mt19937 bits(3);
  for (int64_t i = 0; i < count; ++i)
    in.data.push_back(float(bits() % 341) - 40);
  Road road(model);
  std::vector<Cells> wanted = road.interpret({in});
  ASSERT_EQ(wanted.size(), 1u) << road.problems;
  for (const std::string &cpu : levels({"x86-64-v3", "x86-64-v4", "x86-64-v4-vnni"})) {
    std::vector<Cells> first;
    for (unsigned threads : {1u, 2u, 3u, 7u}) {
      CompileOptions options;
      options.cpus = {cpu};
      std::vector<Cells> ran = road.run({in}, wanted, threads, options);
      if (road.problems.find("this CPU has") != std::string::npos)
        GTEST_SKIP() << road.problems;
      ASSERT_EQ(road.problems, "") << cpu;
      EXPECT_EQ(ran[0].data, wanted[0].data) << cpu << " on " << threads << " threads";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Bytes, testing::Range<size_t>(0, cases().size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return cases()[info.param].name;
                         });

/// Weights are stored as they are, what is quantized as one byte a cell, and both are read by the
/// contraction itself.
TEST(BytesStored, AreOneByteEach) {
  Recording recording;
  Tensor x = Input({256});
  Tensor y = ops::matmul(real(ops::cast(x * 10.0 + 128.0, "ui8")), real(integers(x, {256, 512})));
  Model model = Functional({x}, {y * 0.01}, "stored");
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry);
  for (const char *cpu : {"x86-64-v3", "x86-64-v4-vnni", "armv8-a"}) {
    mlir::OwningOpRef<mlir::ModuleOp> module = emitModel(context, model);
    CompileOptions options;
    options.cpus = {cpu}, options.batches = {4}, options.selfTest = false;
    CompileReport report;
    std::string path = testing::TempDir() + "/stored.cornet";
    ASSERT_FALSE(bool(compileToFile(*module, options, path, &report)));
    std::filesystem::remove(path);
    ASSERT_EQ(report.steps.size(), 2u) << cpu;
    EXPECT_EQ(report.steps[0].operation, "mul + add + cast -> 4x256 ui8");
    EXPECT_EQ(report.steps[1].operation, "matmul ui8 i8 + mul -> 4x512");
    EXPECT_EQ(report.steps[1].winner, "contract");
    EXPECT_EQ(report.weightBytes, 256u * 512u) << cpu;
    EXPECT_EQ(report.arenaBytes, 4u * 256u) << cpu;
  }
}

TEST(BytesMistakes, AreTold) {
  Recording recording;
  Tensor x = Input({5}), y = ops::cast(x, "ui8");
  std::vector<Mistake> &mistakes = x.graph->mistakes;
  for (const std::function<Tensor()> &use : std::vector<std::function<Tensor()>>{
           [&] { return y + y; }, [&] { return ops::relu(y); },
           [&] {
             return ops::matmul(y, integers(x, {5, 3}, "ui8"));
           },
           [&] { return ops::reduce(y, "max", {-1}); }, [&] { return ops::softmax(y); }}) {
    mistakes.clear();
    use();
    ASSERT_EQ(mistakes.size(), 1u);
    EXPECT_THAT(mistakes[0].message, testing::HasSubstr("cast them to f32 first"));
  }
  for (const auto &[cell, dtype, says] : {std::tuple(300.0f, "ui8", "whole numbers from 0 to 255"),
                                          {-1.0f, "ui8", "cell -1.0"},
                                          {1.5f, "i8", "from -128 to 127"},
                                          {NAN, "i8", "cell nan"},
                                          {INFINITY, "i8", "cell inf"},
                                          {1.0f, "int8", "not 'int8'"},
                                          {1.0f, "i1", "not 'i1'"}}) {
    mistakes.clear();
    EXPECT_TRUE(ops::constant(x, {1}, {cell}, dtype).poisoned());
    ASSERT_EQ(mistakes.size(), 1u) << cell << " " << dtype;
    EXPECT_THAT(mistakes[0].message, testing::HasSubstr(says));
  }
}

} // namespace
} // namespace cornet::test
