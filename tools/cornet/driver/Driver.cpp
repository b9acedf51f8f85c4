// SPDX-License-Identifier: Apache-2.0
// The compiler's side of the door: loads sources as modules, runs the compiler and translates its
// report. A fresh context for every call; what the compiler diagnoses becomes part of the error's
// text.
#include "driver/Driver.h"
#include "driver/Sources.h"
#include "driver/Training.h"

#include "codegen/Compile.h"
#include "codegen/cpu/KernelCache.h"
#include "passes/Passes.h"
#include "passes/Plugin.h"

#include "mlir/IR/AsmState.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/TargetParser/Host.h"

#include <sstream>

using namespace mlir;

namespace cornet::cli {
namespace {

/// Where the user's measured choices are; empty: nowhere.
std::string tuningFile(const CompileRequest &request) {
  if (!request.tuning.file.empty())
    return request.tuning.file;
  std::string folder = request.tuning.use ? cpu::KernelCache::folderName() : "";
  return folder.empty() ? "" : folder + "/tuning.txt";
}

CompileOptions optionsOf(const CompileRequest &request) {
  CompileOptions options;
  options.batches = request.batches;
  options.cpus = request.cpus;
  if (!request.pipeline.empty())
    options.pipeline = request.pipeline;
  options.precision = request.precision;
  options.threads = request.threads;
  options.selfTest = request.selfTest;
  options.tuning.shipped = request.tuning.use;
  options.tuning.file = tuningFile(request);
  options.tuning.fileMust = !request.tuning.file.empty() && request.tuning.seconds == 0;
  options.tuning.threads = request.tuning.runThreads;
  options.tuning.seconds = request.tuning.seconds;
  options.tuning.measure = request.tuning.measure, options.tuning.stop = request.tuning.stop;
  options.tuning.log = request.tuning.log;
  if (request.progress)
    options.progress = [&](llvm::StringRef stage, double fraction) {
      request.progress(stage.str(), fraction);
    };
  return options;
}

/// Registers the passes of every plug-in, or says which one is refused and why.
std::string loadPlugins(const std::vector<std::string> &paths) {
  for (const std::string &path : paths)
    if (llvm::Error error = loadPassPlugin(path))
      return llvm::toString(std::move(error));
  return "";
}

CompileReply translate(const CompileReport &report) {
  CompileReply reply;
  for (const cornet::StepReport &step : report.steps)
    reply.steps.push_back({step.entry, step.isa, step.layer, step.operation, step.winner,
                           step.refusals, step.variant, step.source, step.computation, step.bands,
                           step.ringBytes});
  for (const auto &[isa, result] : report.tuned)
    reply.tuned.push_back(
        {isa, result.computations, result.tuned, result.better, result.model, result.best});
  reply.seconds = report.seconds, reply.plan = report.plan;
  reply.kernels = report.kernels, reply.cachedKernels = report.cachedKernels;
  reply.weightBytes = report.weightBytes, reply.codeBytes = report.codeBytes;
  reply.batches = report.batches, reply.precision = report.precision;
  if (const std::optional<PrecisionError> &e = report.error)
    reply.distance = {e->relative, e->cosine, e->agreed, e->rows, e->notFinite};
  reply.arenaBytes = report.arenaBytes, reply.fileBytes = report.fileBytes;
  return reply;
}

class CompilerDriver : public Driver {
public:
  CompileReply compile(const CompileRequest &request) const override {
    CompileReply failed;
    failed.error = loadPlugins(request.plugins);
    if (!failed.error.empty())
      return failed;
    Workshop workshop;
    OwningOpRef<ModuleOp> module = workshop.load(request.source, request.weights);
    if (!module) {
      failed.error = workshop.problems();
      return failed;
    }
    CompileReport report;
    if (llvm::Error error = compileToFile(*module, optionsOf(request), request.output, &report)) {
      failed.error =
          workshop.problems() + request.source.path + ": " + llvm::toString(std::move(error));
      return failed;
    }
    CompileReply reply = translate(report);
    reply.tuningFile = tuningFile(request);
    return reply;
  }

  std::pair<std::string, std::string> pipelineText(const CompileRequest &request) const override {
    CompileOptions options = optionsOf(request);
    if (options.precision.empty()) { // what the model says, if there is one
      Workshop workshop;
      OwningOpRef<ModuleOp> module = workshop.load(request.source, request.weights);
      options.precision = module ? precisionOf(*module) : "fp32";
    }
    std::string text = cornet::pipelineText(options.pipeline, options.batches, options.precision);
    return {text.empty() ? options.pipeline : text, ""};
  }

  std::pair<std::string, std::string> moduleText(const CompileRequest &request) const override {
    Workshop workshop;
    OwningOpRef<ModuleOp> module = workshop.load(request.source, request.weights);
    if (!module)
      return {"", workshop.problems()};
    std::string text;
    llvm::raw_string_ostream stream(text);
    module->print(stream, OpPrintingFlags().enableDebugInfo());
    return {text, ""};
  }

  std::pair<std::string, std::string> summary(const Source &source) const override {
    std::string error;
    std::optional<Model> model = loadModel(source, error);
    if (!model)
      return {"", error};
    std::ostringstream stream;
    model->summary(stream);
    return {stream.str(), ""};
  }

  TrainReply train(const TrainRequest &request) const override { return trainModel(request); }

  std::vector<std::pair<std::string, std::string>> versions() const override {
    return {{"LLVM", LLVM_VERSION_STRING}, {"for", llvm::sys::getHostCPUName().str()}};
  }
};

} // namespace
} // namespace cornet::cli

extern "C" const cornet::cli::Driver *cornet_cli_driver() {
  static const cornet::cli::CompilerDriver instance;
  return &instance;
}
