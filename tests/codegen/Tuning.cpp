// SPDX-License-Identifier: Apache-2.0
//
// Measured choices: the database as text, which lines it refuses, what is found for which machine;
// and that compiling takes what it says, so that a step is computed in another way, with the same
// answers and, for the same database, the same bytes. Times are made up: tests measure nothing.
#include "codegen/Compile.h"
#include "codegen/tune/Database.h"
#include "tests/codegen/Session.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>

namespace cornet::test {
namespace {

using tune::Database;
using tune::Entry;
using tune::Key;

/// A line's fields after its computation, but for the variants.
std::string here() { return " | x86-64-v3 | 1 thread | " + tune::hostCpu() + " | "; }

std::string temporary(const std::string &name) { return testing::TempDir() + "/tuning-" + name; }

std::string readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// The error's sentence, or "".
std::string parse(Database &database, const std::string &text) {
  llvm::Error error = database.parse(text, "choices.txt");
  return error ? toString(std::move(error)) : "";
}

const std::string step = "conv 1x14x14x64 3x3x64x64 f32 | x86-64-v4 | ";
const std::string ways = " | winograd 4x4 2 64: 81.50 us | contract 14x2: 120.00 us\n";

TEST(Tuning, TextComesBackAsItWas) {
  Database database;
  ASSERT_EQ(parse(database, "# a comment\n\n" + step + "2 threads | znver4 25.17" + ways + step +
                                "1 thread | znver4 25.17" + ways),
            "");
  EXPECT_EQ(database.size(), 2u);
  Database again;
  ASSERT_EQ(parse(again, database.text()), "");
  EXPECT_EQ(again.text(), database.text());
  EXPECT_LT(database.text().find("1 thread"), database.text().find("2 threads")) << "sorted";
  const Entry *entry =
      again.find({"conv 1x14x14x64 3x3x64x64 f32", {"x86-64-v4", "znver4 25.17", 2}});
  ASSERT_TRUE(entry);
  EXPECT_EQ(entry->best.variant, "winograd 4x4 2 64");
  EXPECT_EQ(entry->best.microseconds, 81.5);
  EXPECT_EQ(entry->model.variant, "contract 14x2");
}

TEST(Tuning, BadLinesAreRefusedWithTheirPlace) {
  const std::pair<std::string, std::string> rows[] = {
      {"contract\n", "1 fields"},
      {step + "two threads | cpu" + ways, "'two threads' should be a number of threads"},
      {step + "0 threads | cpu" + ways, "number of threads"},
      {"conv | pentium | 1 thread | cpu" + ways, "unknown cpu 'pentium'"},
      {"conv | host | 1 thread | cpu" + ways, "'host' is no ISA level"},
      {step + "1 thread | cpu | contract 6x4: fast | contract 6x4: 1.00 us\n",
       "'contract 6x4: fast'"},
      {step + "1 thread | cpu | contract 6x4: -1.00 us | contract 6x4: 1.00 us\n", "its time"},
      {step + "1 thread | cpu | abacus: 1.00 us | contract 6x4: 1.00 us\n",
       "unknown variant 'abacus'"},
      {step + "1 thread |  | contract: 1.00 us | contract 6x4: 1.00 us\n", "a field is empty"},
  };
  for (const auto &[text, what] : rows) {
    Database database;
    std::string problem = parse(database, "# head\n" + text);
    EXPECT_NE(problem.find("choices.txt:2: error: "), std::string::npos) << problem;
    EXPECT_NE(problem.find(what), std::string::npos) << problem;
    EXPECT_NE(problem.find("delete the line"), std::string::npos) << problem;
  }
}

TEST(Tuning, TheMostSimilarMachineIsFound) {
  Database database;
  auto entry = [](const std::string &variant) { return Entry{{variant, 1}, {variant, 1}}; };
  database.add({"x", {"x86-64-v4", "kind 6.1", 1}}, entry("contract 1x1"));
  database.add({"x", {"x86-64-v4", "kind 6.1", 4}}, entry("contract 4x1"));
  database.add({"x", {"x86-64-v4", "kind 6.2", 2}}, entry("contract 2x1"));
  database.add({"x", {"x86-64-v3", "kind 6.1", 2}}, entry("contract 3x1"));
  database.add({"x", {"x86-64-v4", "kindred 6.1", 2}}, entry("contract 5x1"));
  database.add({"x", {"x86-64-v4", "emeraldrapids 6.207", 1}}, entry("contract 6x1"));
  auto found = [&](const std::string &cpu, unsigned threads) {
    tune::Found out = database.nearest("x", {"x86-64-v4", cpu, threads});
    return out.entry ? out.entry->best.variant : "";
  };
  EXPECT_EQ(found("kind 6.1", 1), "contract 1x1");
  EXPECT_EQ(found("kind 6.1", 2), "contract 1x1") << "its own CPU with fewer threads";
  EXPECT_EQ(found("kind 6.1", 8), "contract 4x1");
  EXPECT_EQ(found("kind 6.2", 1), "contract 2x1") << "its own CPU with more threads";
  EXPECT_EQ(found("kind 6.3", 2), "contract 2x1") << "another model of its kind";
  EXPECT_EQ(found("sapphirerapids 6.143", 1), "contract 6x1") << "the same cores by another name";
  EXPECT_EQ(found("kind", 1), "contract 1x1") << "a CPU that does not tell its model";
  EXPECT_EQ(found("other 6.1", 2), "") << "another kind of CPU";
  EXPECT_FALSE(database.nearest("y", {"x86-64-v4", "kind 6.1", 1}).entry);
  EXPECT_FALSE(database.nearest("x", {"x86-64-v4-bf16", "kind 6.1", 1}).entry);
}

TEST(Tuning, MergingKeepsOtherLines) {
  std::string path = temporary("merged.txt");
  std::filesystem::remove(path);
  Database first, second;
  ASSERT_EQ(parse(first, step + "1 thread | a" + ways), "");
  ASSERT_EQ(parse(second, step + "1 thread | b" + ways), "");
  EXPECT_FALSE(bool(first.mergeInto(path)));
  EXPECT_FALSE(bool(second.mergeInto(path)));
  auto both = Database::read(path);
  ASSERT_TRUE(bool(both));
  EXPECT_EQ(both->size(), 2u);
  llvm::Error error = second.mergeInto(path + "/all.txt");
  ASSERT_TRUE(bool(error));
  EXPECT_NE(toString(std::move(error)).find(path + "/all.txt"), std::string::npos);
}

TEST(Tuning, WhatShipsIsWellFormedAndCoversTheZoo) {
  const Database &database = tune::shipped();
  EXPECT_GT(database.size(), 300u);
  for (const auto &[text, entry] : database.all())
    EXPECT_LE(entry.second.best.microseconds, entry.second.model.microseconds) << text;
}

std::string module(const std::string &attributes = "") {
  std::string cells; // all alike they would be one scalar
  for (int i = 0; i < 3 * 3 * 64 * 64; ++i)
    cells += i % 3 ? "0AD7233C" : "0AD723BC";
  return "func.func @predict(%x: tensor<?x14x14x64xf32>) -> tensor<?x14x14x64xf32> "
         "attributes {cornet.entry} {\n"
         "%w = cornet.constant dense<\"0x" +
         cells +
         "\"> : tensor<3x3x64x64xf32>\n"
         "%y = cornet.conv %x, %w {strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, "
         "dilations = array<i64: 1, 1>, groups = 1 : i64" +
         attributes +
         "} : (tensor<?x14x14x64xf32>, tensor<3x3x64x64xf32>) -> tensor<?x14x14x64xf32>\n"
         "return %y : tensor<?x14x14x64xf32>\n}";
}

struct Compiled {
  std::string problem, bytes;
  StepReport step;
};

Compiled compileWith(const std::string &choices, const std::string &attributes = "") {
  std::string file, path = temporary("program.cornet");
  if (!choices.empty()) {
    file = temporary("choices.txt");
    std::ofstream(file) << choices;
  }
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry);
  auto parsed = mlir::parseSourceString<mlir::ModuleOp>(module(attributes), &context);
  CompileOptions options;
  options.cpus = {"x86-64-v3"};
  options.tuning.shipped = false, options.tuning.file = file, options.tuning.fileMust = true;
  CompileReport report;
  Compiled out;
  if (llvm::Error error = compileToFile(*parsed, options, path, &report)) {
    out.problem = toString(std::move(error));
    return out;
  }
  out.bytes = readFile(path), out.step = report.steps.back();
  Session run(path, 1);
  run.selfTest();
  out.problem = run.problem;
  return out;
}

TEST(Tuning, CompilingTakesWhatIsInTheDatabase) {
  Compiled model = compileWith("");
  EXPECT_EQ(model.problem, "");
  EXPECT_EQ(model.step.source, "model");
  ASSERT_NE(model.step.computation, "");
  for (const std::string variant : {"contract 4x2", "winograd 2x2 1 8", "winograd 4x3 2 16"}) {
    std::string line =
        model.step.computation + here() + variant + ": 1.00 us | contract 6x2: 2.00 us\n";
    Compiled tuned = compileWith(line);
    EXPECT_EQ(tuned.problem, "") << variant;
    EXPECT_EQ(tuned.step.variant, variant);
    EXPECT_EQ(tuned.step.source, "tuned");
    EXPECT_TRUE(tuned.bytes != model.bytes) << variant;
    EXPECT_TRUE(tuned.bytes == compileWith(line).bytes) << "the same choices give the same bytes";
  }
}

TEST(Tuning, CompilingTakesNothingOfAnotherKindOfCpu) {
  std::string line = " | x86-64-v3 | 1 thread | abacus 1.1 | contract 4x2: 1.00 us | contract 6x2: "
                     "2.00 us\n";
  EXPECT_EQ(compileWith(compileWith("").step.computation + line).step.source, "model");
}

TEST(Tuning, AnEntryThatCannotServeIsPassedOver) {
  Compiled model = compileWith("");
  Compiled tuned = compileWith(model.step.computation + here() +
                               "contract 14x4: 1.00 us | contract 6x2: 2.00 us\n");
  EXPECT_EQ(tuned.problem, "");
  EXPECT_EQ(tuned.step.source, "model") << "AVX2 has no registers for 14 x 4 sums";
  EXPECT_TRUE(tuned.bytes == model.bytes);
}

TEST(Tuning, AnAttributeGoesBeforeAnEntry) {
  std::string computation = compileWith("").step.computation;
  Compiled asked =
      compileWith(computation + here() + "contract 4x2: 1.00 us | contract 6x2: 2.00 us\n",
                  ", variant = \"winograd 2x2\"");
  EXPECT_EQ(asked.problem, "");
  EXPECT_EQ(asked.step.source, "attribute");
  EXPECT_EQ(asked.step.variant.substr(0, 12), "winograd 2x2");
}

TEST(Tuning, UnknownVariantsAreRefused) {
  std::string problem = compileWith("", ", variant = \"abacus\"").problem;
  EXPECT_NE(problem.find("unknown variant 'abacus'; known: contract, contract ROWSxCOLUMNS"),
            std::string::npos)
      << problem;
  problem = compileWith("", ", variant = \"winograd 20x20\"").problem;
  EXPECT_NE(problem.find("the variant 'winograd 20x20' cannot serve it: "), std::string::npos)
      << problem;
}

} // namespace
} // namespace cornet::test
