// SPDX-License-Identifier: Apache-2.0
//
// cornet-opt: runs passes and pipelines over .mlir files, for tests and for those who write passes.
#include "ir/Ops/Ops.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<cornet::CornetDialect, mlir::func::FuncDialect, mlir::arith::ArithDialect>();
  mlir::registerTransformsPasses();
  cornet::registerCornetPasses();
  return mlir::failed(mlir::MlirOptMain(argc, argv, "Cornet's pass driver\n", registry));
}
