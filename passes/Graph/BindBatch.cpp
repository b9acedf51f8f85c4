// SPDX-License-Identifier: Apache-2.0
//
// Clones every entry point (`cornet.entry`) once for each size, as @name_b<size>, with the symbolic
// batch replaced by the size and every result type inferred anew; the symbolic original is erased.
// Before: `?` appears only as dimension 0. After: the entry points are static and carry
// cornet.entry = "name" and cornet.batch = size. Rows of an entry point do not depend on one
// another unless it is marked `cornet.whole`; of such a one, arguments and results with a batch are
// marked `cornet.batched`, and it is cloned once where nothing has a batch. An entry point with
// sizes of its own (`cornet.batches`) is cloned for those instead. Kept for others: everything
// else.
#include "ir/Ops/Ops.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/SmallSet.h"

namespace cornet {
#define GEN_PASS_DEF_BINDBATCH
#include "passes/Passes.h.inc"

using namespace mlir;

namespace {

Type bound(Type type, int64_t batch) {
  auto tensor = cast<RankedTensorType>(type);
  SmallVector<int64_t> shape(tensor.getShape());
  for (int64_t &extent : shape)
    if (ShapedType::isDynamic(extent))
      extent = batch;
  return tensor.clone(shape);
}

/// Whether `op` makes of several rows of a symbolic batch one.
bool mixesRows(Operation &op) {
  auto isBatch = [](Value value, int64_t axis) {
    auto type = cast<RankedTensorType>(value.getType());
    return type.isDynamicDim(unsigned(positiveAxis(axis, size_t(type.getRank()))));
  };
  if (auto reduce = dyn_cast<ReduceOp>(op))
    return llvm::any_of(reduce.getAxes(),
                        [&](int64_t axis) { return isBatch(reduce.getInput(), axis); });
  if (auto circle = dyn_cast<CircleOp>(op))
    return isBatch(circle.getReferenceLabels(), 0);
  auto softmax = dyn_cast<SoftmaxOp>(op);
  return softmax && isBatch(softmax.getInput(), int64_t(softmax.getAxis()));
}

struct BindBatch : impl::BindBatchBase<BindBatch> {
  using BindBatchBase::BindBatchBase;

  LogicalResult checkSizes() {
    llvm::SmallSet<int64_t, 8> seen;
    for (int64_t size : sizes)
      if (size < 1)
        return getOperation().emitError("a batch size must be at least 1, got ") << size;
      else if (!seen.insert(size).second)
        return getOperation().emitError("the batch size ") << size << " is given twice";
    return success();
  }

  LogicalResult bind(func::FuncOp entry, int64_t batch) {
    if (!entry.getBody().hasOneBlock() ||
        !llvm::all_of(entry.getArgumentTypes(), llvm::IsaPred<RankedTensorType>))
      return entry.emitError("an entry point needs a body and tensor arguments");
    if (!entry->hasAttr("cornet.whole"))
      for (Operation &op : entry.front())
        if (mixesRows(op))
          return op.emitOpError("mixes the rows of a batch, but rows are served in any number, "
                                "split and padded; use another axis than 0");
    func::FuncOp copy = entry.clone();
    copy.setName((entry.getName() + "_b" + Twine(batch)).str());
    copy->setAttr("cornet.entry", StringAttr::get(&getContext(), entry.getName()));
    copy->setAttr("cornet.batch", Builder(&getContext()).getI64IntegerAttr(batch));
    entry->getBlock()->getOperations().insert(entry->getIterator(), copy);
    auto isBatched = [](Type type) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      return tensor && tensor.getRank() > 0 && tensor.isDynamicDim(0);
    };
    UnitAttr unit = UnitAttr::get(&getContext());
    for (auto [i, type] : llvm::enumerate(entry.getArgumentTypes()))
      if (entry->hasAttr("cornet.whole") && isBatched(type))
        copy.setArgAttr(unsigned(i), "cornet.batched", unit);
    for (auto [i, type] : llvm::enumerate(entry.getResultTypes()))
      if (entry->hasAttr("cornet.whole") && isBatched(type))
        copy.setResultAttr(unsigned(i), "cornet.batched", unit);
    for (BlockArgument argument : copy.getArguments())
      argument.setType(bound(argument.getType(), batch));
    for (Operation &op : copy.front().without_terminator()) {
      if (op.getNumResults() != 1 || op.getNumOperands() == 0)
        continue;
      FailureOr<RankedTensorType> type = inferResultType(&op, op.getOperandTypes());
      if (failed(type))
        return failure();
      op.getResult(0).setType(*type);
    }
    copy.setType(FunctionType::get(&getContext(), copy.front().getArgumentTypes(),
                                   copy.front().getTerminator()->getOperandTypes()));
    return success();
  }

  void runOnOperation() override {
    if (failed(checkSizes()))
      return signalPassFailure();
    for (func::FuncOp entry : llvm::to_vector(getOperation().getOps<func::FuncOp>())) {
      if (!entry->hasAttr("cornet.entry") || entry->hasAttr("cornet.batch"))
        continue;
      // Who has no batch is the same for each size.
      bool anyBatch = !llvm::all_of(entry.getArgumentTypes(), [](Type type) {
        auto tensor = dyn_cast<RankedTensorType>(type);
        return tensor && tensor.hasStaticShape();
      });
      std::vector<int64_t> wanted(sizes.begin(), sizes.end());
      if (auto own = entry->getAttrOfType<DenseI64ArrayAttr>("cornet.batches"))
        wanted.assign(own.asArrayRef().begin(), own.asArrayRef().end());
      if (!anyBatch && entry->hasAttr("cornet.whole") && !wanted.empty())
        wanted.resize(1);
      for (int64_t size : wanted)
        if (failed(bind(entry, size)))
          return signalPassFailure();
      if (!sizes.empty())
        entry.erase();
    }
  }
};

} // namespace
} // namespace cornet
