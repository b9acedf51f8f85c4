// SPDX-License-Identifier: Apache-2.0
//
// Every row of the table: interpreted, compiled for both ISA levels and run on one thread and two;
// that no op is without a row; and docs/ops.md, which is made from it (CORNET_UPDATE_DOCS=1 writes
// it anew).
#include "tests/codegen/OpTable.h"

#include "ir/Ops/Ops.h"
#include "tests/frontend/Road.h"

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <random>
#include <set>
#include <sstream>

namespace cornet::test {
namespace {

class OpRow : public testing::TestWithParam<size_t> {};

TEST_P(OpRow, IsWhatTheReferenceSays) {
  const optable::Row &row = optable::rows()[GetParam()];
  Model model = optable::modelOf(row, false);
  ASSERT_TRUE(model.graph->mistakes.empty()) << text(model.graph->mistakes);
  std::mt19937 bits(5);
  std::vector<Cells> inputs;
  for (const Tensor &input : model.inputs) {
    Cells cells{input.shape(), {}, model.graph->nodes[size_t(input.node)].dtype == "i32"};
    cells.shape[0] = 3;
    int64_t count = 1;
    for (int64_t extent : cells.shape)
      count *= extent;
    for (int64_t i = 0; i < count; ++i) {
      float draw = float(bits() % 1000) / 250 - 2;
      cells.data.push_back(cells.integer  ? float(bits() % 9)
                           : row.positive ? std::fabs(draw) + 0.1f
                                          : draw);
    }
    inputs.push_back(std::move(cells));
  }
  Road road(model);
  std::vector<Cells> wanted = road.interpret(inputs);
  ASSERT_EQ(wanted.size(), 1u) << road.problems;
  for (const std::string &cpu : levels())
    for (unsigned threads : {1u, 2u}) {
      CompileOptions options;
      options.cpus = {cpu};
      std::vector<Cells> ran = road.run(inputs, wanted, threads, options);
      if (road.problems.find("this CPU has") != std::string::npos)
        GTEST_SKIP() << road.problems;
      ASSERT_EQ(road.problems, "");
      float largest = 1;
      for (float cell : wanted[0].data)
        largest = std::isfinite(cell) ? std::max(largest, std::fabs(cell)) : largest;
      expectClose(ran[0], wanted[0], 1e-5 * largest, 1e-4, cpu);
    }
}

INSTANTIATE_TEST_SUITE_P(All, OpRow, testing::Range<size_t>(0, optable::rows().size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return std::to_string(info.param) + "_" + optable::rows()[info.param].op;
                         });

TEST(OpTable, HasARowForEveryOp) {
  mlir::MLIRContext context;
  context.loadDialect<CornetDialect>();
  std::set<std::string> rows;
  for (const optable::Row &row : optable::rows())
    rows.insert(row.op);
  for (mlir::RegisteredOperationName name : context.getRegisteredOperationsByDialect("cornet"))
    if (name.hasInterface<Evaluate>())
      EXPECT_TRUE(rows.contains(name.stripDialect().str()))
          << name.getStringRef().str() << " has no row in OpTable.h";
}

/// The table of docs/ops.md: each op, and which implementations serve its rows.
std::string document() {
  std::ostringstream out;
  out << "# Ops\n\nEvery op of the `cornet` dialect that computes: its rows of "
         "`tests/codegen/OpTable.h` and who serves\n"
         "them for x86-64-v4. All are interpreted, compiled for AVX2 and AVX-512, and timed by "
         "`ops_bench`.\n\n"
         "| op | operands | implementation |\n|---|---|---|\n";
  for (const optable::Row &row : optable::rows()) {
    Model model = optable::modelOf(row, false);
    mlir::DialectRegistry registry;
    registerCompilerDialects(registry);
    mlir::MLIRContext context(registry);
    mlir::OwningOpRef<mlir::ModuleOp> module = emitModel(context, model);
    CompileOptions options;
    options.cpus = {"x86-64-v4"}, options.selfTest = false;
    CompileReport report;
    llvm::cantFail(compileToFile(*module, options, "", &report));
    out << "| " << row.op << " | ";
    for (size_t i = 0; i < row.operands.size(); ++i) {
      out << (i ? ", " : "") << "(";
      for (size_t d = 0; d < row.operands[i].small.size(); ++d)
        out << (d ? ", " : "")
            << (row.operands[i].small[d] < 0 ? "N" : std::to_string(row.operands[i].small[d]));
      out << ")";
    }
    std::vector<std::string> winners;
    for (const StepReport &step : report.steps)
      if (winners.empty() || winners.back() != step.winner)
        winners.push_back(step.winner);
    out << " | ";
    for (size_t i = 0; i < winners.size(); ++i)
      out << (i ? ", " : "") << winners[i];
    out << " |\n";
  }
  return out.str();
}

TEST(OpTable, IsTheDocumentation) {
  const char *path = CORNET_SOURCE_DIR "/docs/ops.md";
  std::string wanted = document();
  if (std::getenv("CORNET_UPDATE_DOCS"))
    std::ofstream(path) << wanted;
  std::ifstream file(path);
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), wanted)
      << "run codegen_tests with CORNET_UPDATE_DOCS=1";
}

} // namespace
} // namespace cornet::test
