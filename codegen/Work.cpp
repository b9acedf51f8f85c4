// SPDX-License-Identifier: Apache-2.0
#include "codegen/Work.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace cornet {
namespace {

ArrayRef<int64_t> shapeOf(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }

uint64_t cells(Value v) { return uint64_t(cast<RankedTensorType>(v.getType()).getNumElements()); }

uint64_t product(ArrayRef<int64_t> extents) {
  uint64_t out = 1;
  for (int64_t extent : extents)
    out *= uint64_t(extent);
  return out;
}

uint64_t flopsOf(Operation &op) {
  if (op.getNumResults() == 0)
    return 0;
  Value result = op.getResult(0);
  auto out = cells(result);
  return llvm::TypeSwitch<Operation *, uint64_t>(&op)
      .Case([&](MatmulOp matmul) {
        ArrayRef<int64_t> lhs = shapeOf(matmul.getLhs());
        return 2 * out * uint64_t(lhs[lhs.size() - (matmul.getTransposeLhs() ? 2 : 1)]);
      })
      .Case([&](ConvOp conv) { return 2 * out * product(shapeOf(conv.getKernel()).drop_back()); })
      .Case([&](DepthwiseConvOp conv) {
        return 2 * out * product(shapeOf(conv.getKernel()).drop_back(2));
      })
      .Case([&](ConvTransposeOp conv) {
        return 2 * cells(conv.getInput()) * product(shapeOf(conv.getKernel()).drop_back());
      })
      .Case([&](ConvFilterGradientOp conv) {
        return 2 * cells(conv.getGradient()) * product(shapeOf(result).drop_back());
      })
      .Case([&](MaxPoolOp pool) { return out * product(pool.getWindow()); })
      .Case([&](AvgPoolOp pool) { return out * product(pool.getWindow()); })
      .Case([&](MaxPoolGradientOp pool) {
        return cells(pool.getGradient()) * product(pool.getWindow());
      })
      .Case([&](AvgPoolGradientOp pool) {
        return cells(pool.getGradient()) * product(pool.getWindow());
      })
      .Case([&](ReduceOp reduce) { return cells(reduce.getInput()); })
      .Case([&](TopKOp top) { return cells(top.getInput()); })
      .Case([&](ScatterOp scatter) { return cells(scatter.getUpdates()); })
      .Case([&](ResizeOp) { return 8 * out; })
      .Case([&](ResizeGradientOp gradient) { return 8 * cells(gradient.getGradient()); })
      .Case([&](GridSampleOp) { return 8 * out; })
      .Case<CastOp, StopGradientOp, CompareOp, SelectOp>([](Operation *) { return 0; })
      .Default([&](Operation *other) { return isa<Pointwise>(other) ? out : 0; });
}

/// Of the bytes of `argument`, those that the group reads.
uint64_t readOf(BlockArgument argument) {
  uint64_t whole = bytesOf(argument.getType()), part = 0;
  for (Operation *user : argument.getUsers()) {
    bool isTaken = isa<GatherOp, TakeAlongAxisOp>(user) && user->getOperand(0) == argument;
    if (!isa<SliceOp>(user) && !isTaken)
      return whole;
    part += bytesOf(user->getResult(0).getType());
  }
  return std::min(part, whole);
}

} // namespace

uint64_t bytesOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  unsigned bits = tensor.getElementTypeBitWidth();
  return uint64_t(tensor.getNumElements()) * (bits == 1 ? 1 : bits / 8);
}

Work workOf(DispatchOp dispatch) {
  Work work;
  Block &body = dispatch.getBody().front();
  for (Operation &op : body.without_terminator())
    if (!isa<ConstantOp>(op))
      work.flops += flopsOf(op);
  llvm::SmallPtrSet<void *, 8> seen;
  for (auto [input, argument] : llvm::zip(dispatch.getInputs(), body.getArguments())) {
    Value source = input;
    while (auto reshape = source.getDefiningOp<ReshapeOp>())
      source = reshape.getInput();
    if (!seen.insert(source.getAsOpaquePointer()).second)
      continue;
    uint64_t bytes = readOf(argument);
    work.read += bytes;
    if (source.getDefiningOp<ConstantOp>())
      work.weights += bytes;
  }
  for (Type type : dispatch.getResultTypes())
    work.written += bytesOf(type);
  return work;
}

} // namespace cornet
