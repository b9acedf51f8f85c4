// SPDX-License-Identifier: Apache-2.0
#include "Network.h"
#include "Session.h"

#include "tests/Levels.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>

namespace cornet::test {
namespace {

struct Run {
  std::string problem;
  std::vector<float> result;
};

Run run(const std::string &path, const Network &network, unsigned threads) {
  Run out;
  std::vector<float> input;
  for (int64_t i = 0; i < network.input.cells(); ++i)
    input.push_back(float(i * 7919 % 1009) / 333 - 1.5f);
  out.result.assign(size_t(network.now.cells()), NAN);
  const void *inputs[] = {input.data()};
  void *outputs[] = {out.result.data()};
  Session run(path, threads);
  bool good = run.selfTest();
  for (int call = 0; call < 2 && good; ++call) // the second finds what the first has left
    good = run.check(
        cornet_session_invoke(run.session, 0, uint64_t(network.input.N), inputs, outputs));
  out.problem = run.problem;
  return out;
}

} // namespace

CompileReport check(const Network &network, const std::string &precision) {
  CompileReport last;
  for (const std::string &level : levels()) {
    SCOPED_TRACE(level);
    std::string path = testing::TempDir() + "/network.cornet";
    mlir::DialectRegistry registry;
    registerCompilerDialects(registry);
    mlir::MLIRContext context(registry);
    auto module = mlir::parseSourceString<mlir::ModuleOp>(network.text(), &context);
    EXPECT_TRUE(module);
    if (!module)
      return last;
    CompileOptions options;
    options.cpus = {level}, options.precision = precision;
    options.tuning.shipped = false;
    CompileReport report;
    llvm::Error error = compileToFile(*module, options, path, &report);
    EXPECT_FALSE(error) << toString(std::move(error));
    Run one = run(path, network, 1);
    if (one.problem.find("this CPU has") != std::string::npos)
      continue;
    EXPECT_EQ(one.problem, "");
    last = std::move(report);
    for (unsigned threads : {2u, 3u, 7u}) {
      Run other = run(path, network, threads);
      EXPECT_EQ(other.problem, "");
      EXPECT_EQ(std::memcmp(one.result.data(), other.result.data(), 4 * one.result.size()), 0)
          << threads << " threads give other bits";
    }
  }
  return last;
}

} // namespace cornet::test
