// SPDX-License-Identifier: Apache-2.0
//
// Small modules through the whole road: compiled to a file, loaded by the runtime, compared with
// the reference interpreter by the artifact's own self-test. One row of the table is one op or one
// group.
#include "codegen/Compile.h"
#include "tests/Levels.h"
#include "tests/codegen/Session.h"

#include "cornet_runtime.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

namespace {

std::string temporary(const std::string &name) {
  return testing::TempDir() + "/" + name + ".cornet";
}

/// Compiles `text`; the error's sentence, or "".
std::string compile(const std::string &text, const std::string &path,
                    cornet::CompileOptions options = {}) {
  mlir::DialectRegistry registry;
  cornet::registerCompilerDialects(registry);
  mlir::MLIRContext context(registry);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  if (!module)
    return "does not parse";
  llvm::Error error = cornet::compileToFile(*module, options, path);
  return error ? toString(std::move(error)) : "";
}

/// Loads `path`, runs its self-test on `threads` and returns the status's sentence.
std::string selfTest(const std::string &path, unsigned threads) {
  cornet::test::Session session(path, threads);
  session.selfTest();
  return session.problem;
}

struct Row {
  const char *name, *input, *body, *output;
};

#define CONV(strides, padding, dilations, groups)                                                  \
  "{strides = array<i64: " strides ">, padding = array<i64: " padding                              \
  ">, dilations = array<i64: " dilations ">, groups = " groups " : i64}"

const Row rows[] = {
    {"relu", "tensor<?x5xf32>", "%y = cornet.relu %x : (tensor<?x5xf32>) -> tensor<?x5xf32>",
     "tensor<?x5xf32>"},
    {"gelu_sigmoid_tanh", "tensor<?x37xf32>",
     "%a = cornet.gelu %x {approximate = false} : (tensor<?x37xf32>) -> tensor<?x37xf32>\n"
     "%b = cornet.sigmoid %a : (tensor<?x37xf32>) -> tensor<?x37xf32>\n"
     "%y = cornet.tanh %b : (tensor<?x37xf32>) -> tensor<?x37xf32>",
     "tensor<?x37xf32>"},
    {"softmax", "tensor<?x10xf32>",
     "%y = cornet.softmax %x {axis = -1 : i64} : (tensor<?x10xf32>) -> tensor<?x10xf32>",
     "tensor<?x10xf32>"},
    {"conv_same_relu", "tensor<?x7x9x3xf32>",
     "%k = cornet.constant dense<0.25> : tensor<3x3x3x20xf32>\n"
     "%c = cornet.conv %x, %k " CONV(
         "1, 1", "1, 1, 1, 1", "1, 1",
         "1") " : (tensor<?x7x9x3xf32>, tensor<3x3x3x20xf32>) -> tensor<?x7x9x20xf32>\n"
              "%y = cornet.relu %c : (tensor<?x7x9x20xf32>) -> tensor<?x7x9x20xf32>",
     "tensor<?x7x9x20xf32>"},
    {"conv_strided_dilated", "tensor<?x11x9x4xf32>",
     "%k = cornet.constant dense<0.5> : tensor<3x2x4x70xf32>\n"
     "%y = cornet.conv %x, %k " CONV(
         "2, 1", "0, 1, 1, 0", "1, 2",
         "1") " : (tensor<?x11x9x4xf32>, tensor<3x2x4x70xf32>) -> tensor<?x5x8x70xf32>",
     "tensor<?x5x8x70xf32>"},
    {"conv_grouped", "tensor<?x5x5x4xf32>",
     "%k = cornet.constant dense<0.5> : tensor<3x3x2x6xf32>\n"
     "%y = cornet.conv %x, %k " CONV(
         "1, 1", "0, 0, 0, 0", "1, 1",
         "2") " : (tensor<?x5x5x4xf32>, tensor<3x3x2x6xf32>) -> tensor<?x3x3x6xf32>",
     "tensor<?x3x3x6xf32>"},
    {"depthwise", "tensor<?x6x6x20xf32>",
     "%k = cornet.constant dense<0.5> : tensor<3x3x20x1xf32>\n"
     "%y = cornet.depthwise_conv %x, %k {strides = array<i64: 2, 2>, padding = array<i64: 0, 1, 0, "
     "1>, dilations = array<i64: 1, 1>} : "
     "(tensor<?x6x6x20xf32>, tensor<3x3x20x1xf32>) -> tensor<?x3x3x20xf32>",
     "tensor<?x3x3x20xf32>"},
    {"pools", "tensor<?x6x7x18xf32>",
     "%a = cornet.max_pool %x {window = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding = "
     "array<i64: 0, 1, 1, 1>, dilations = array<i64: 1, "
     "1>} : (tensor<?x6x7x18xf32>) -> tensor<?x3x4x18xf32>\n"
     "%y = cornet.avg_pool %a {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, padding = "
     "array<i64: 0, 1, 0, 1>, dilations = array<i64: 1, "
     "1>} : (tensor<?x3x4x18xf32>) -> tensor<?x3x4x18xf32>",
     "tensor<?x3x4x18xf32>"},
    {"dense_bias_residual", "tensor<?x33xf32>",
     "%w = cornet.constant dense<0.125> : tensor<33x33xf32>\n%b = cornet.constant dense<0.5> : "
     "tensor<33xf32>\n"
     "%m = cornet.matmul %x, %w {transpose_lhs = false, transpose_rhs = false} : "
     "(tensor<?x33xf32>, tensor<33x33xf32>) -> tensor<?x33xf32>\n"
     "%a = cornet.add %m, %b : (tensor<?x33xf32>, tensor<33xf32>) -> tensor<?x33xf32>\n"
     "%y = cornet.add %a, %x : (tensor<?x33xf32>, tensor<?x33xf32>) -> tensor<?x33xf32>",
     "tensor<?x33xf32>"},
    {"movement", "tensor<?x3x4xf32>",
     "%t = cornet.transpose %x {permutation = array<i64: 0, 2, 1>} : (tensor<?x3x4xf32>) -> "
     "tensor<?x4x3xf32>\n"
     "%p = cornet.pad %t {low = array<i64: 0, 1, 0>, high = array<i64: 0, 0, 2>, value = 1.0 : "
     "f64} : (tensor<?x4x3xf32>) -> tensor<?x5x5xf32>\n"
     "%r = cornet.reshape %p {shape = array<i64: -1, 25>} : (tensor<?x5x5xf32>) -> "
     "tensor<?x25xf32>\n"
     "%f = cornet.reshape %x {shape = array<i64: -1, 12>} : (tensor<?x3x4xf32>) -> "
     "tensor<?x12xf32>\n"
     "%y = cornet.concat %r, %f {axis = 1 : i64} : (tensor<?x25xf32>, tensor<?x12xf32>) -> "
     "tensor<?x37xf32>",
     "tensor<?x37xf32>"},
    {"reduced_chains", "tensor<?x5x6x37xf32>",
     "%g = cornet.constant dense<0.5> : tensor<37xf32>\n"
     "%a = cornet.exp %x : (tensor<?x5x6x37xf32>) -> tensor<?x5x6x37xf32>\n"
     "%b = cornet.mul %a, %g : (tensor<?x5x6x37xf32>, tensor<37xf32>) -> tensor<?x5x6x37xf32>\n"
     "%c = cornet.reduce %b {kind = \"sum\", axes = array<i64: 1, 2>, keepdims = false} : "
     "(tensor<?x5x6x37xf32>) -> tensor<?x37xf32>\n"
     "%d = cornet.relu %c : (tensor<?x37xf32>) -> tensor<?x37xf32>\n"
     "%e = cornet.abs %x : (tensor<?x5x6x37xf32>) -> tensor<?x5x6x37xf32>\n"
     "%f = cornet.mul %e, %x : (tensor<?x5x6x37xf32>, tensor<?x5x6x37xf32>) -> "
     "tensor<?x5x6x37xf32>\n"
     "%h = cornet.reduce %f {kind = \"max\", axes = array<i64: -1, 2, 1>, keepdims = true} : "
     "(tensor<?x5x6x37xf32>) -> tensor<?x1x1x1xf32>\n"
     "%i = cornet.reshape %h {shape = array<i64: -1, 1>} : (tensor<?x1x1x1xf32>) -> "
     "tensor<?x1xf32>\n"
     "%y = cornet.add %d, %i : (tensor<?x37xf32>, tensor<?x1xf32>) -> tensor<?x37xf32>",
     "tensor<?x37xf32>"},
    {"reduced_rows", "tensor<?x9x150xf32>",
     "%a = cornet.reduce %x {kind = \"min\", axes = array<i64: 2>, keepdims = false} : "
     "(tensor<?x9x150xf32>) -> tensor<?x9xf32>\n"
     "%b = cornet.exp %x : (tensor<?x9x150xf32>) -> tensor<?x9x150xf32>\n"
     "%c = cornet.reduce %b {kind = \"mean\", axes = array<i64: -1>, keepdims = false} : "
     "(tensor<?x9x150xf32>) -> tensor<?x9xf32>\n"
     "%y = cornet.mul %a, %c : (tensor<?x9xf32>, tensor<?x9xf32>) -> tensor<?x9xf32>",
     "tensor<?x9xf32>"},
    {"transposes_relu", "tensor<?x19x37xf32>",
     "%a = cornet.transpose %x {permutation = array<i64: 0, 2, 1>} : (tensor<?x19x37xf32>) -> "
     "tensor<?x37x19xf32>\n"
     "%b = cornet.relu %a : (tensor<?x37x19xf32>) -> tensor<?x37x19xf32>\n"
     "%c = cornet.reshape %b {shape = array<i64: -1, 37, 19, 1>} : (tensor<?x37x19xf32>) -> "
     "tensor<?x37x19x1xf32>\n"
     "%d = cornet.transpose %c {permutation = array<i64: 0, 3, 1, 2>} : (tensor<?x37x19x1xf32>) -> "
     "tensor<?x1x37x19xf32>\n"
     "%y = cornet.neg %d : (tensor<?x1x37x19xf32>) -> tensor<?x1x37x19xf32>",
     "tensor<?x1x37x19xf32>"},
    {"pool_gradients_relu", "tensor<?x6x7x18xf32>",
     "%z = cornet.relu %x : (tensor<?x6x7x18xf32>) -> tensor<?x6x7x18xf32>\n" // many ties
     "%a = cornet.max_pool %x {window = array<i64: 3, 2>, strides = array<i64: 2, 1>, padding = "
     "array<i64: 1, 1, 0, 1>, dilations = array<i64: 1, 1>} : (tensor<?x6x7x18xf32>) -> "
     "tensor<?x3x7x18xf32>\n"
     "%b = cornet.max_pool_gradient %z, %a {window = array<i64: 3, 2>, strides = array<i64: 2, 1>, "
     "padding = array<i64: 1, 1, 0, 1>, dilations = array<i64: 1, 1>} : (tensor<?x6x7x18xf32>, "
     "tensor<?x3x7x18xf32>) -> tensor<?x6x7x18xf32>\n"
     "%c = cornet.add %b, %x : (tensor<?x6x7x18xf32>, tensor<?x6x7x18xf32>) -> "
     "tensor<?x6x7x18xf32>\n"
     "%d = cornet.avg_pool_gradient %c {size = array<i64: 6, 7>, window = array<i64: 3, 3>, "
     "strides "
     "= array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>} : "
     "(tensor<?x6x7x18xf32>) -> tensor<?x6x7x18xf32>\n"
     "%y = cornet.mul %d, %x : (tensor<?x6x7x18xf32>, tensor<?x6x7x18xf32>) -> "
     "tensor<?x6x7x18xf32>",
     "tensor<?x6x7x18xf32>"},
    {"conv_transpose_relu", "tensor<?x5x6x20xf32>",
     "%k = cornet.constant dense<0.125> : tensor<3x2x9x20xf32>\n"
     "%a = cornet.conv_transpose %x, %k {strides = array<i64: 2, 3>, padding = array<i64: 1, 0, 0, "
     "2>, dilations = array<i64: 1, 1>} : (tensor<?x5x6x20xf32>, tensor<3x2x9x20xf32>) -> "
     "tensor<?x10x15x9xf32>\n"
     "%y = cornet.relu %a : (tensor<?x10x15x9xf32>) -> tensor<?x10x15x9xf32>",
     "tensor<?x10x15x9xf32>"},
    {"returned_input", "tensor<?x4xf32>",
     "%y = cornet.reshape %x {shape = array<i64: -1, 2, 2>} : (tensor<?x4xf32>) -> "
     "tensor<?x2x2xf32>",
     "tensor<?x2x2xf32>"},
};

class Road : public testing::TestWithParam<Row> {};

TEST_P(Road, ArtifactAnswersAsTheInterpreterDoes) {
  const Row &row = GetParam();
  std::string text = std::string("func.func @predict(%x: ") + row.input + ") -> " + row.output +
                     " attributes {cornet.entry} {\n" + row.body + "\nreturn %y : " + row.output +
                     "\n}";
  std::string path = temporary(row.name);
  cornet::CompileOptions options;
  options.batches = {1, 3};
  for (const std::string &level : cornet::test::levels({"host", "x86-64-v3"})) {
    options.cpus = {level};
    ASSERT_EQ(compile(text, path, options), "");
    EXPECT_EQ(selfTest(path, 1), "") << level;
    EXPECT_EQ(selfTest(path, 2), "") << level;
  }
}

INSTANTIATE_TEST_SUITE_P(Ops, Road, testing::ValuesIn(rows),
                         [](const auto &info) { return std::string(info.param.name); });

TEST(Compile, TwiceGivesTheSameBytes) {
  const char *text =
      "func.func @predict(%x: tensor<?x6xf32>) -> tensor<?x6xf32> attributes {cornet.entry} {\n"
      "%a = cornet.exp %x : (tensor<?x6xf32>) -> tensor<?x6xf32>\n"
      "%y = cornet.softmax %a {axis = 1 : i64} : (tensor<?x6xf32>) -> tensor<?x6xf32>\n"
      "return %y : tensor<?x6xf32>\n}";
  auto bytes = [](const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  cornet::CompileOptions options;
  options.cpus = {"x86-64-v3", "x86-64-v4"};
  ASSERT_EQ(compile(text, temporary("once"), options), "");
  options.threads = 1;
  ASSERT_EQ(compile(text, temporary("twice"), options), "");
  EXPECT_EQ(bytes(temporary("once")), bytes(temporary("twice")));
}

TEST(Compile, BadOptionsAreSentences) {
  const char *text = "func.func @predict(%x: tensor<?x6xf32>) -> tensor<?x6xf32> attributes "
                     "{cornet.entry} { return %x : tensor<?x6xf32> }";
  cornet::CompileOptions options;
  options.cpus = {"pentium"};
  EXPECT_EQ(compile(text, temporary("bad"), options),
            "unknown cpu 'pentium'; known: host, x86-64-v3, x86-64-v4, x86-64-v4-vnni, "
            "x86-64-v4-bf16, "
            "x86-64-v4-amx, armv8-a");
  options.cpus = {"host"};
  options.pipeline = "builtin.module(no-such-pass)";
  EXPECT_NE(compile(text, temporary("bad"), options).find("no-such-pass"), std::string::npos);
  EXPECT_NE(compile("module {}", temporary("bad")).find("no entry point"), std::string::npos);
  EXPECT_NE(compile(text, "/nonexistent/folder/x.cornet").find("/nonexistent/folder/x.cornet"),
            std::string::npos);
}

} // namespace
