// SPDX-License-Identifier: Apache-2.0
//
// Moves a pad of zeros before a windowed op into that op's own padding: op(pad(x)) -> op(x). A
// convolution takes any such pad, for the cells outside its input are 0. A max pool has no cell
// there, so it takes one only when x is provably not negative and every window keeps a real cell;
// an average pool takes none, since its mean does not count padding.
// Requires: nothing. Fires only on a pad of spatial dimensions with no other use. Guarantees: the
// values stay the same. Other pads are left to kernels.
#include "ir/Ops/Ops.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace cornet {
#define GEN_PASS_DEF_FOLDPADDING
#include "passes/Passes.h.inc"

using namespace mlir;

namespace {

/// Whether no cell of `v` is below 0 by the op that produces it.
bool isNonNegative(Value v) {
  Operation *op = v.getDefiningOp();
  if (auto clamp = dyn_cast_or_null<ClampOp>(op))
    return clamp.getMin().convertToDouble() >= 0 && clamp.getMax().convertToDouble() >= 0;
  return isa_and_nonnull<ReluOp, SigmoidOp>(op);
}

/// Whether each window of `pool` over an unpadded `input` with `padding` has a real cell: padding
/// is within a window's reach, and the input too wide to slip between its taps.
bool keepsRealCells(MaxPoolOp pool, RankedTensorType input, ArrayRef<int64_t> padding) {
  for (auto [d, window] : llvm::enumerate(pool.getWindow())) {
    int64_t dilation = pool.getDilations()[d], reach = (window - 1) * dilation;
    if (std::max(padding[2 * d], padding[2 * d + 1]) > reach || input.getDimSize(d + 1) < dilation)
      return false;
  }
  return true;
}

template <class Op> struct PadIntoWindow : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    auto pad = op.getInput().template getDefiningOp<PadOp>();
    if (!pad || !pad->hasOneUse())
      return rewriter.notifyMatchFailure(op, "the data is not a pad used once");
    if (!pad.getValue().isZero())
      return rewriter.notifyMatchFailure(op, "the padded value is not 0");
    ArrayRef<int64_t> low = pad.getLow(), high = pad.getHigh();
    if (low.front() || high.front() || low.back() || high.back())
      return rewriter.notifyMatchFailure(op, "the pad touches the batch or the channels");
    SmallVector<int64_t> padding(op.getPadding());
    for (size_t d = 0; 2 * d < padding.size(); ++d)
      padding[2 * d] += low[d + 1], padding[2 * d + 1] += high[d + 1];
    if constexpr (std::is_same_v<Op, MaxPoolOp>) {
      if (!isNonNegative(pad.getInput()))
        return rewriter.notifyMatchFailure(op, "a cell of the pool's data may be below 0");
      if (!keepsRealCells(op, pad.getInput().getType(), padding))
        return rewriter.notifyMatchFailure(op, "a window may lie in padding alone");
    }
    rewriter.modifyOpInPlace(op, [&] {
      op->setOperand(0, pad.getInput());
      op.setPaddingAttr(rewriter.getDenseI64ArrayAttr(padding));
    });
    rewriter.eraseOp(pad);
    return success();
  }
};

struct FoldPadding : impl::FoldPaddingBase<FoldPadding> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<PadIntoWindow<ConvOp>, PadIntoWindow<DepthwiseConvOp>, PadIntoWindow<MaxPoolOp>>(
        &getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace cornet
