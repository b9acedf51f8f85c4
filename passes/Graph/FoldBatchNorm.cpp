// SPDX-License-Identifier: Apache-2.0
//
// A batch norm after a convolution or a matmul is a scale and a shift by output channel. Moves the
// scale into the constant weights:  op(x, W) * s  ->  op(x, W * s), and through a bias before it:
// (y + b) * s  ->  y * s + b * s. The shift joins a bias before it, (y + b) + c  ->  y + (b + c),
// and stays as what the epilogue adds. Requires: batch_norm decomposed and its parameters folded to
// constants of shape (O). Fires only when the op has no other user and W is constant. The products
// are left to constant folding.
#include "ir/Ops/Ops.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"

namespace cornet {
#define GEN_PASS_DEF_FOLDBATCHNORM
#include "passes/Passes.h.inc"

using namespace mlir;

namespace {

/// Whether `v` is a constant, or a product or sum of some that constant folding will compute.
bool isConstant(Value v) {
  Operation *op = v.getDefiningOp();
  return isa_and_present<ConstantOp>(op) ||
         (isa_and_present<MulOp, AddOp>(op) && llvm::all_of(op->getOperands(), isConstant));
}

/// `v` when it is a constant with one cell for each channel of `tensor`.
Value channelConstant(Value v, RankedTensorType tensor) {
  auto type = cast<RankedTensorType>(v.getType());
  bool fits =
      type.getRank() == 1 && tensor.getRank() > 0 && type.getDimSize(0) == tensor.getShape().back();
  return fits && isConstant(v) ? v : Value();
}

struct ScaleIntoWeights : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp mul, PatternRewriter &rewriter) const override {
    Value scale = channelConstant(mul.getRhs(), mul.getType());
    Operation *op = mul.getLhs().getDefiningOp();
    if (!scale || !op || !op->hasOneUse())
      return rewriter.notifyMatchFailure(mul, "not a channel scale of a value used once");
    if (op->getResult(0).getType() != mul.getType())
      return rewriter.notifyMatchFailure(mul, "the scale stretches the scaled value");
    if (!isa<ConvOp, DepthwiseConvOp, MatmulOp>(op) ||
        !op->getOperand(1).getDefiningOp<ConstantOp>())
      return rewriter.notifyMatchFailure(mul, "the scaled op has no constant weights");
    if (auto matmul = dyn_cast<MatmulOp>(op);
        matmul && (matmul.getTransposeRhs() || matmul.getRhs().getType().getRank() != 2))
      return rewriter.notifyMatchFailure(mul,
                                         "the weights' last dimension is not the output channel");
    Value weights = op->getOperand(1);
    auto type = cast<RankedTensorType>(weights.getType());
    if (isa<DepthwiseConvOp>(op)) { // (h, w, C, M) scaled by C * M
      SmallVector<int64_t> cm(type.getShape().take_back(2));
      scale = ReshapeOp::create(rewriter, mul.getLoc(),
                                RankedTensorType::get(cm, type.getElementType()), scale,
                                rewriter.getDenseI64ArrayAttr(cm));
    }
    Value scaled = MulOp::create(rewriter, mul.getLoc(), type, weights, scale);
    rewriter.setInsertionPoint(mul);
    Operation *copy = rewriter.clone(*op);
    copy->setOperand(1, scaled);
    rewriter.replaceOp(mul, copy->getResults());
    rewriter.eraseOp(op);
    return success();
  }
};

struct ScaleThroughBias : OpRewritePattern<MulOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(MulOp mul, PatternRewriter &rewriter) const override {
    auto add = mul.getLhs().getDefiningOp<AddOp>();
    Value scale = channelConstant(mul.getRhs(), mul.getType());
    if (!add || !scale || !add->hasOneUse())
      return rewriter.notifyMatchFailure(mul, "not a channel scale of a sum used once");
    Value bias = channelConstant(add.getRhs(), mul.getType());
    if (!bias || add.getLhs().getType() != mul.getType())
      return rewriter.notifyMatchFailure(mul, "the sum's right side is no constant by channel");
    Value moved =
        MulOp::create(rewriter, mul.getLoc(), cast<RankedTensorType>(bias.getType()), bias, scale);
    Value product = MulOp::create(rewriter, mul.getLoc(), mul.getType(), add.getLhs(), scale);
    rewriter.replaceOpWithNewOp<AddOp>(mul, mul.getType(), product, moved);
    return success();
  }
};

struct ShiftIntoBias : OpRewritePattern<AddOp> {
  using OpRewritePattern::OpRewritePattern;

  LogicalResult matchAndRewrite(AddOp add, PatternRewriter &rewriter) const override {
    auto inner = add.getLhs().getDefiningOp<AddOp>();
    Value shift = channelConstant(add.getRhs(), add.getType());
    if (!inner || !shift || !inner->hasOneUse())
      return rewriter.notifyMatchFailure(add, "not a channel shift of a sum used once");
    Value bias = channelConstant(inner.getRhs(), add.getType());
    if (!bias || inner.getLhs().getType() != add.getType())
      return rewriter.notifyMatchFailure(add, "the sum's right side is no constant by channel");
    Value both =
        AddOp::create(rewriter, add.getLoc(), cast<RankedTensorType>(bias.getType()), bias, shift);
    rewriter.replaceOpWithNewOp<AddOp>(add, add.getType(), inner.getLhs(), both);
    return success();
  }
};

struct FoldBatchNorm : impl::FoldBatchNormBase<FoldBatchNorm> {
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    patterns.add<ScaleIntoWeights, ScaleThroughBias, ShiftIntoBias>(&getContext());
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
};

} // namespace
} // namespace cornet
