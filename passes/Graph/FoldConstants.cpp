// SPDX-License-Identifier: Apache-2.0
//
// Replaces each op whose operands are all constants by its value, computed by the reference
// interpreter, unless the result has more than `max-elements` elements. Only dense constants are
// read; blobs of resources stay.
#include "ir/Reference/Interpreter.h"
#include "passes/Passes.h"

namespace cornet {
#define GEN_PASS_DEF_FOLDCONSTANTS
#include "passes/Passes.h.inc"

using namespace mlir;

namespace {

struct FoldConstants : impl::FoldConstantsBase<FoldConstants> {
  using FoldConstantsBase::FoldConstantsBase;

  /// The constants behind the operands of `op`, or nothing when one is not constant.
  static SmallVector<ConstantOp> constants(Operation *op) {
    SmallVector<ConstantOp> out;
    for (Value operand : op->getOperands())
      if (auto constant = operand.getDefiningOp<ConstantOp>();
          constant && isa<DenseElementsAttr>(constant.getValue()))
        out.push_back(constant);
    return out.size() == op->getNumOperands() ? out : SmallVector<ConstantOp>{};
  }

  void runOnOperation() override {
    WalkResult walked = getOperation()->walk([&](Operation *op) {
      if (!isa<Evaluate>(op) || op->getParentOfType<DispatchOp>())
        return WalkResult::advance();
      auto type = cast<RankedTensorType>(op->getResult(0).getType());
      // Weights of 8 bits are widened where they are read.
      if (isa<CastOp>(op) && isByte(op->getOperand(0).getType()) && !isByte(type))
        return WalkResult::advance();
      SmallVector<ConstantOp> operands = constants(op);
      if (operands.empty() || !type.hasStaticShape() || type.getNumElements() > maxElements)
        return WalkResult::advance();
      std::vector<HostTensor> values;
      for (ConstantOp operand : operands)
        values.push_back(reference::toHost(operand.getValue()));
      SmallVector<const HostTensor *> inputs;
      for (const HostTensor &value : values)
        inputs.push_back(&value);
      FailureOr<HostTensor> result = reference::evaluate(op, inputs);
      if (failed(result))
        return WalkResult::interrupt();
      OpBuilder builder(op);
      op->getResult(0).replaceAllUsesWith(
          ConstantOp::create(builder, op->getLoc(), reference::toElements(*result, type)));
      op->erase();
      for (ConstantOp operand : operands)
        if (operand->use_empty() && !llvm::is_contained(erased, operand.getOperation())) {
          erased.push_back(operand);
        }
      return WalkResult::advance();
    });
    for (Operation *constant : erased)
      constant->erase();
    erased.clear();
    if (walked.wasInterrupted())
      signalPassFailure();
  }

  SmallVector<Operation *> erased;
};

} // namespace
} // namespace cornet
