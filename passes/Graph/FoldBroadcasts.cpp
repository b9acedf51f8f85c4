// SPDX-License-Identifier: Apache-2.0
//
// Lets pointwise ops stretch their operands themselves: op(x, broadcast(y)) -> op(x, y) where the
// result keeps its shape, so that what gradients spread over a batch is never written.
// Requires: nothing. Guarantees: the values stay the same; a broadcast that nobody reads any more
// is gone.
#include "ir/Ops/Ops.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace cornet {
#define GEN_PASS_DEF_FOLDBROADCASTS
#include "passes/Passes.h.inc"

using namespace mlir;

namespace {

struct FoldBroadcasts : impl::FoldBroadcastsBase<FoldBroadcasts> {
  void runOnOperation() override {
    getOperation()->walk([](Pointwise op) {
      for (OpOperand &operand : op->getOpOperands())
        while (auto broadcast = operand.get().getDefiningOp<BroadcastOp>()) {
          SmallVector<Type> types(op->getOperandTypes());
          types[operand.getOperandNumber()] = broadcast.getInput().getType();
          FailureOr<RankedTensorType> type = inferResultType(op, TypeRange(types));
          if (failed(type) || *type != op->getResult(0).getType())
            break;
          operand.set(broadcast.getInput());
          if (broadcast->use_empty())
            broadcast->erase();
        }
    });
  }
};

} // namespace
} // namespace cornet
