// SPDX-License-Identifier: Apache-2.0
#include "frontend/emit/Build.h"

#include "codegen/Compile.h"
#include "frontend/emit/Emit.h"

#include "mlir/IR/Diagnostics.h"

using namespace mlir;

namespace cornet {

std::string buildProgram(const ProgramDescription &program, const BuildOptions &options,
                         const std::string &path) {
  std::string problems;
  for (const EntryPoint &entry : program.entries)
    problems += text(entry.graph->mistakes);
  if (!problems.empty())
    return problems;
  DialectRegistry registry;
  registerCompilerDialects(registry);
  MLIRContext context(registry);
  context.getDiagEngine().registerHandler([&](Diagnostic &diagnostic) {
    llvm::raw_string_ostream stream(problems);
    stream << diagnostic.getLocation() << ": " << diagnostic << "\n";
    return success();
  });
  OwningOpRef<ModuleOp> module = emitProgram(context, program);
  CompileOptions compile;
  compile.batches = options.batches, compile.cpus = options.cpus;
  compile.threads = options.threads, compile.pipeline = "training-cpu";
  if (options.progress)
    compile.progress = [&](llvm::StringRef stage, double fraction) {
      options.progress(stage.str(), fraction);
    };
  if (llvm::Error error = compileToFile(*module, compile, path))
    return problems + llvm::toString(std::move(error));
  return "";
}

} // namespace cornet
