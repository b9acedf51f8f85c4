// SPDX-License-Identifier: Apache-2.0
//
// Other spellings of an op, turned into the one that later passes and kernels look for.
#include "ir/Ops/Ops.h"

#include "mlir/IR/PatternMatch.h"

using namespace mlir;

namespace cornet {

/// One channel and one filter to a group is a depthwise convolution.
LogicalResult ConvOp::canonicalize(ConvOp op, PatternRewriter &rewriter) {
  auto kernel = cast<RankedTensorType>(op.getKernel().getType());
  int64_t groups = int64_t(op.getGroups());
  ArrayRef<int64_t> shape = kernel.getShape();
  if (groups == 1 || shape[shape.size() - 2] != 1 || shape.back() != groups)
    return rewriter.notifyMatchFailure(op, "groups of several channels or filters");
  SmallVector<int64_t> taps(shape);
  std::swap(taps[taps.size() - 2], taps.back()); // (..., 1, C) to (..., C, 1)
  auto type = RankedTensorType::get(taps, kernel.getElementType());
  Value reshaped = ReshapeOp::create(rewriter, op.getLoc(), type, op.getKernel(),
                                     rewriter.getDenseI64ArrayAttr(taps));
  rewriter.replaceOpWithNewOp<DepthwiseConvOp>(op, op.getType(), op.getInput(), reshaped,
                                               op.getStrides(), op.getPadding(), op.getDilations());
  return success();
}

} // namespace cornet
