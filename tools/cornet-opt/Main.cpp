// SPDX-License-Identifier: Apache-2.0
//
// cornet-opt: runs passes and pipelines over .mlir files, for tests and for those who write passes.
#include "ir/Ops/Ops.h"
#include "ir/Plan/Plan.h"
#include "passes/Passes.h"
#include "passes/Plugin.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

namespace {

/// Takes --load-pass-plugin=FILE out of the arguments and loads each, with Cornet's own check of
/// its version.
bool loadPlugins(std::vector<char *> &arguments) {
  for (size_t i = 1; i < arguments.size();) {
    llvm::StringRef word = arguments[i];
    if (!word.consume_front("--load-pass-plugin") && !word.consume_front("-load-pass-plugin")) {
      ++i;
      continue;
    }
    arguments.erase(arguments.begin() + long(i));
    std::string path;
    if (word.consume_front("=")) {
      path = word.str();
    } else if (i < arguments.size()) {
      path = arguments[i];
      arguments.erase(arguments.begin() + long(i));
    }
    if (llvm::Error error = cornet::loadPassPlugin(path)) {
      llvm::errs() << "cornet-opt: error: " << toString(std::move(error)) << '\n';
      return false;
    }
  }
  return true;
}

} // namespace

int main(int argc, char **argv) {
  std::vector<char *> arguments(argv, argv + argc);
  if (!loadPlugins(arguments))
    return 1;
  mlir::DialectRegistry registry;
  registry.insert<cornet::CornetDialect, cornet::plan::PlanDialect, mlir::func::FuncDialect,
                  mlir::arith::ArithDialect>();
  mlir::registerTransformsPasses();
  cornet::registerCornetPasses();
  return mlir::failed(mlir::MlirOptMain(int(arguments.size()), arguments.data(),
                                        "Cornet's pass driver\n", registry));
}
