// SPDX-License-Identifier: Apache-2.0
//
// Every case of Computed.h, small, for both ISA levels: the stored self-test compares with the
// reference interpreter; one thread and several give the same bits; and no contraction of a
// training step is left to `element`.
#include "tests/codegen/Computed.h"
#include "tests/Levels.h"
#include "tests/codegen/Session.h"

#include "codegen/Compile.h"

#include "mlir/Parser/Parser.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

namespace cornet::test {
namespace {

class Computed : public testing::TestWithParam<size_t> {};

TEST_P(Computed, IsWhatTheReferenceSays) {
  const computed::Case it = computed::cases()[GetParam()];
  for (const std::string &cpu : levels()) {
    mlir::DialectRegistry registry;
    registerCompilerDialects(registry);
    mlir::MLIRContext context(registry);
    auto module = mlir::parseSourceString<mlir::ModuleOp>(moduleOf(it, it.small), &context);
    ASSERT_TRUE(module);
    std::string path = testing::TempDir() + "/computed-" + it.name + ".cornet";
    CompileOptions options;
    options.cpus = {cpu};
    CompileReport report;
    llvm::Error error = compileToFile(*module, options, path, &report);
    ASSERT_FALSE(error) << toString(std::move(error));
    for (const StepReport &step : report.steps)
      EXPECT_NE(step.winner, "element") << step.operation;
    std::vector<float> first;
    for (unsigned threads : {1u, 2u, 5u}) {
      Session run(path, threads);
      if (run.problem.find("this CPU has") != std::string::npos)
        GTEST_SKIP() << run.problem;
      ASSERT_EQ(run.problem, "");
      run.selfTest();
      ASSERT_EQ(run.problem, "") << cpu << ", " << threads << " threads";
      std::vector<std::vector<float>> memory;
      std::vector<const void *> inputs;
      for (const computed::Shape &shape : it.small.operands) {
        memory.emplace_back();
        for (int64_t i = 0; i < computed::cells(shape); ++i)
          memory.back().push_back(float(i * 7919 % 1009) / 333 - 1.5f);
      }
      for (const std::vector<float> &cells : memory)
        inputs.push_back(cells.data());
      std::vector<float> result(size_t(computed::cells(it.small.result)), NAN);
      void *output = result.data();
      run.check(cornet_session_invoke(run.session, 0, 1, inputs.data(), &output));
      ASSERT_EQ(run.problem, "");
      if (first.empty())
        first = result;
      EXPECT_EQ(std::memcmp(first.data(), result.data(), 4 * first.size()), 0)
          << cpu << ": " << threads << " threads give other bits";
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Computed, testing::Range<size_t>(0, computed::cases().size()),
                         [](const auto &info) { return computed::cases()[info.param].name; });

} // namespace
} // namespace cornet::test
