// SPDX-License-Identifier: Apache-2.0
//
// Moves zeros around an image into the op that reads it: its own padding costs nothing. Fires on a pad
// of value 0 between batch and channels that a convolution or a depthwise convolution alone reads, and,
// because a pool's padding holds no cells, on one that a max pool alone reads when no cell of the image
// is negative. Never for average pools, which count the cells that are there.
#include "ir/Ops/Ops.h"
#include "passes/Passes.h"

#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace cornet {
#define GEN_PASS_DEF_FOLDPADDING
#include "passes/Passes.h.inc"

using namespace mlir;

namespace {

bool notNegative(Value value) {
  if (auto clamp = value.getDefiningOp<ClampOp>())
    return !clamp.getMin().isNegative();
  return isa_and_present<ReluOp, SigmoidOp, ExpOp, AbsOp, SoftmaxOp>(value.getDefiningOp());
}

template <class Op> struct IntoWindow : OpRewritePattern<Op> {
  using OpRewritePattern<Op>::OpRewritePattern;

  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    auto pad = op.getInput().template getDefiningOp<PadOp>();
    if (!pad || !pad->hasOneUse() || !pad.getValue().isZero())
      return rewriter.notifyMatchFailure(op, "reads no zero padding, or not alone");
    ArrayRef<int64_t> low = pad.getLow(), high = pad.getHigh();
    if (low.front() || high.front() || low.back() || high.back())
      return rewriter.notifyMatchFailure(op, "the padding touches batch or channels");
    SmallVector<int64_t> padding(op.getPadding());
    for (size_t d = 0; 2 * d < padding.size(); ++d)
      padding[2 * d] += low[d + 1], padding[2 * d + 1] += high[d + 1];
    if constexpr (std::is_same_v<Op, MaxPoolOp>) {
      if (!notNegative(pad.getInput()))
        return rewriter.notifyMatchFailure(op, "a padded zero could be the largest cell");
      for (size_t d = 0; d < op.getWindow().size(); ++d)
        if (op.getDilations()[d] != 1 || std::max(padding[2 * d], padding[2 * d + 1]) >= op.getWindow()[d])
          return rewriter.notifyMatchFailure(op, "a window could hold no cell");
    }
    rewriter.modifyOpInPlace(op, [&] {
      op.setPadding(padding);
      op.getInputMutable().set(pad.getInput());
    });
    rewriter.eraseOp(pad);
    return success();
  }
};

struct FoldPadding : impl::FoldPaddingBase<FoldPadding> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<IntoWindow<ConvOp>, IntoWindow<DepthwiseConvOp>, IntoWindow<MaxPoolOp>>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace cornet
