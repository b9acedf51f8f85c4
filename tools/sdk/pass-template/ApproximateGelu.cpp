// SPDX-License-Identifier: Apache-2.0
//
// Replaces exact GELUs by their tanh form, which is cheaper and differs by less than 5e-4.
// Requires and guarantees nothing else: it may stand anywhere in a pipeline before dispatches are
// formed.
#include "ir/Ops/Ops.h"
#include "passes/Plugin.h"

#include "mlir/Pass/Pass.h"

namespace {

struct ApproximateGelu : mlir::PassWrapper<ApproximateGelu, mlir::OperationPass<>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ApproximateGelu)

  llvm::StringRef getArgument() const final { return "approximate-gelu"; }
  llvm::StringRef getDescription() const final { return "Use the tanh form of GELU"; }

  void runOnOperation() override {
    getOperation()->walk([](cornet::GeluOp gelu) { gelu.setApproximate(true); });
  }
};

void registerPasses() { mlir::PassRegistration<ApproximateGelu>(); }

} // namespace

CORNET_PASS_PLUGIN("approximate-gelu", registerPasses)
