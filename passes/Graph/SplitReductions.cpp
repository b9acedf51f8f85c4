// SPDX-License-Identifier: Apache-2.0
//
// Cuts long reductions over the first dimensions in two: reduce over {0, .., k} becomes one over
// the later of them, whose results are independent, and one over the rest. So a sum over a whole
// batch of images has work for every thread, in an order that depends on shapes alone, and a
// smaller error. Requires: static shapes. Guarantees: the values stay the same but for rounding.
// Fires where at least 2048 cells are reduced over neighbouring dimensions from the first one on,
// and at least 16 partial results are left for the second step.
#include "ir/Ops/Ops.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace cornet {
#define GEN_PASS_DEF_SPLITREDUCTIONS
#include "passes/Passes.h.inc"

using namespace mlir;

namespace {

constexpr int64_t kLong = 2048, kParts = 16;

Value reduce(OpBuilder &b, ReduceOp like, Value input, ArrayRef<int64_t> axes) {
  auto type = cast<RankedTensorType>(input.getType());
  SmallVector<int64_t> shape;
  for (int64_t d = 0; d < type.getRank(); ++d)
    if (!llvm::is_contained(axes, d))
      shape.push_back(type.getDimSize(unsigned(d)));
  return ReduceOp::create(b, like.getLoc(), type.clone(shape), input, like.getKindAttr(),
                          b.getDenseI64ArrayAttr(axes), b.getBoolAttr(false));
}

/// How many of the first dimensions are left to the second step; 0 where the op stays whole.
int64_t kept(ReduceOp op) {
  auto type = op.getInput().getType();
  if (!type.hasStaticShape())
    return 0;
  SmallVector<int64_t> axes;
  for (int64_t axis : op.getAxes())
    axes.push_back(axis < 0 ? axis + type.getRank() : axis);
  llvm::sort(axes);
  int64_t reduced = 1, parts = 1, count = 0;
  for (auto [i, axis] : llvm::enumerate(axes)) {
    if (axis != int64_t(i))
      return 0;
    reduced *= type.getDimSize(unsigned(axis));
    if (parts < kParts)
      parts *= type.getDimSize(unsigned(axis)), count = int64_t(i) + 1;
  }
  return reduced >= kLong && parts >= kParts && parts < reduced ? count : 0;
}

struct SplitReductions : impl::SplitReductionsBase<SplitReductions> {
  void runOnOperation() override {
    getOperation()->walk([](ReduceOp op) {
      int64_t first = kept(op), all = int64_t(op.getAxes().size());
      if (first == 0 || first == all)
        return;
      OpBuilder b(op);
      SmallVector<int64_t> later, rest;
      for (int64_t d = 0; d < all; ++d)
        (d < first ? rest : later).push_back(d);
      Value value = reduce(b, op, reduce(b, op, op.getInput(), later), rest);
      if (value.getType() != op.getType())
        value = ReshapeOp::create(b, op.getLoc(), op.getType(), value,
                                  b.getDenseI64ArrayAttr(op.getType().getShape()));
      op.replaceAllUsesWith(value);
      op.erase();
    });
  }
};

} // namespace
} // namespace cornet
