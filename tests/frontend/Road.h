// SPDX-License-Identifier: Apache-2.0
//
// A DSL model down the whole road, and the numbers that come out at each end of it.
#pragma once

#include "codegen/Compile.h"
#include "frontend/emit/Emit.h"
#include "ir/Reference/Interpreter.h"
#include "passes/Passes.h"
#include "tests/Levels.h"

#include "cornet_runtime.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

#include <bit>
#include <cmath>
#include <filesystem>
#include <gtest/gtest.h>

namespace cornet::test {

/// A tensor of f32 or i32 cells, in float.
struct Cells {
  std::vector<int64_t> shape;
  std::vector<float> data;
  bool integer = false;
};

inline void expectClose(const Cells &got, const Cells &want, double absolute, double relative,
                        const std::string &what) {
  ASSERT_EQ(got.shape, want.shape) << what;
  for (size_t i = 0; i < want.data.size(); ++i)
    ASSERT_LE(std::fabs(got.data[i] - want.data[i]), absolute + relative * std::fabs(want.data[i]))
        << what << ": cell " << i << " is " << got.data[i] << ", wanted " << want.data[i];
}

/// A context, a module, and what was reported in it.
class Road {
public:
  explicit Road(const Model &model) : Road() {
    module = emitModel(context, model);
    if (failed(mlir::verify(*module)))
      problems += "the emitted module does not verify\n";
  }
  /// Of a module in text.
  explicit Road(const char *text) : Road() {
    module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  }

  /// What the reference interpreter computes of the module as emitted, before any pass but the
  /// batch.
  std::vector<Cells> interpret(const std::vector<Cells> &inputs) {
    mlir::OwningOpRef<mlir::ModuleOp> copy = module->clone();
    registerCornetPasses();
    mlir::PassManager pm(&context);
    std::string binding = "cornet-bind-batch{sizes=" + std::to_string(inputs.at(0).shape.at(0)) +
                          "},cornet-freeze-variables";
    if (failed(mlir::parsePassPipeline(binding, pm)) || failed(pm.run(*copy)))
      return {};
    std::vector<HostTensor> host;
    for (const Cells &input : inputs)
      host.push_back({input.shape, std::vector<double>(input.data.begin(), input.data.end())});
    auto outputs = reference::interpret(*copy->getOps<mlir::func::FuncOp>().begin(), host);
    std::vector<Cells> out;
    if (succeeded(outputs))
      for (HostTensor &output : *outputs)
        out.push_back({output.shape, std::vector<float>(output.data.begin(), output.data.end())});
    return out;
  }

  /// What the compiled artifact computes on `threads` threads.
  std::vector<Cells> run(const std::vector<Cells> &inputs, const std::vector<Cells> &like,
                         unsigned threads = 1, CompileOptions options = {}) {
    std::string path = testing::TempDir() + "/road-" + std::to_string(getpid()) + ".cornet";
    options.batches = {inputs.at(0).shape.at(0)};
    if (options.cpus == CompileOptions().cpus)
      options.cpus = {levels({"host"}).front()};
    mlir::OwningOpRef<mlir::ModuleOp> copy = module->clone();
    if (llvm::Error error = compileToFile(*copy, options, path)) {
      problems += toString(std::move(error));
      return {};
    }
    cornet_program *program = nullptr;
    cornet_session *session = nullptr;
    cornet_session_options sessionOptions{sizeof(cornet_session_options), threads};
    check(cornet_program_open(path.c_str(), &program)) &&
        check(cornet_session_create(program, &sessionOptions, &session));
    std::filesystem::remove(path);
    if (!session)
      return {};
    check(cornet_session_self_test(session, nullptr));
    std::vector<std::vector<int32_t>> integers(inputs.size());
    std::vector<const void *> in;
    for (size_t i = 0; i < inputs.size(); ++i) {
      integers[i].assign(inputs[i].data.begin(), inputs[i].data.end());
      in.push_back(inputs[i].integer ? static_cast<const void *>(integers[i].data())
                                     : inputs[i].data.data());
    }
    std::vector<Cells> out = like;
    std::vector<void *> results;
    for (Cells &cells : out)
      cells.data.assign(cells.data.size(), NAN), results.push_back(cells.data.data());
    check(
        cornet_session_invoke(session, 0, uint64_t(inputs[0].shape[0]), in.data(), results.data()));
    cornet_session_destroy(session);
    cornet_program_destroy(program);
    for (Cells &cells : out)
      for (float &cell : cells.data)
        cell = cells.integer ? float(std::bit_cast<int32_t>(cell)) : cell;
    return out;
  }

  /// The module as emitted, for messages.
  std::string text() {
    std::string out;
    llvm::raw_string_ostream stream(out);
    module->print(stream, mlir::OpPrintingFlags().elideLargeElementsAttrs(4));
    return out;
  }

  std::string problems;

private:
  Road() : context(registry()) {
    context.getDiagEngine().registerHandler([this](mlir::Diagnostic &d) {
      problems += d.str() + "\n";
      return mlir::success();
    });
    context.loadAllAvailableDialects();
  }
  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry out;
    registerCompilerDialects(out);
    return out;
  }
  bool check(cornet_status *status) {
    if (!status)
      return true;
    problems += cornet_status_message(status);
    cornet_status_destroy(status);
    return false;
  }

  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace cornet::test
