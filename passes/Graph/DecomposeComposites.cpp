// SPDX-License-Identifier: Apache-2.0
//
// Writes every op that has the Decompose interface in simpler ops, but for those named in `keep`.
// Requires: nothing. Guarantees: only kept composites remain. Locations are the composite's.
#include "ir/Ops/Ops.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace cornet {
#define GEN_PASS_DEF_DECOMPOSECOMPOSITES
#include "passes/Passes.h.inc"

using namespace mlir;

namespace {

struct DecomposeComposites : impl::DecomposeCompositesBase<DecomposeComposites> {
  using DecomposeCompositesBase::DecomposeCompositesBase;

  void runOnOperation() override {
    getOperation()->walk([&](Decompose composite) {
      Operation *op = composite.getOperation();
      if (llvm::is_contained(keep, op->getName().stripDialect()))
        return;
      OpBuilder builder(op);
      Operation *before = op->getPrevNode();
      if (Value equivalent = composite.decompose(builder)) {
        if (Attribute region = op->getAttr("cornet.checkpoint")) // its parts are of it
          for (Operation *part = op->getPrevNode(); part && part != before;
               part = part->getPrevNode())
            part->setAttr("cornet.checkpoint", region);
        op->getResult(0).replaceAllUsesWith(equivalent);
        op->erase();
      }
    });
  }
};

} // namespace
} // namespace cornet
