// SPDX-License-Identifier: Apache-2.0
//
// Computes tensors of bf16 and f16 in f32. What an op would have rounded to 16 bits it computes in
// f32 and carries as a mark, `cornet.stored` with the type's name: cornet-lower-precision with the
// type "marked" stores so what lies between dispatches, and contractions that have the mark
// multiply narrow operands. Casts between real types are gone, so that the passes after this one
// see the graph that f32 would have had, and fuse as much. A value may keep more precision than its
// type had, and never less; but sums of f16 that go on in f32, as gradients of weights do, are
// rounded to f16 on the way, so that they overflow where a loss scale expects it. Requires:
// gradients are written. Guarantees: entry points have the same types, and no other tensor is
// narrow.
#include "passes/Passes.h"

#include "ir/Ops/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace cornet {
#define GEN_PASS_DEF_COMPUTEWIDE
#include "passes/Passes.h.inc"

using namespace mlir;

namespace {

bool isNarrow(Type type) {
  Type element = getElementTypeOrSelf(type);
  return element.isBF16() || element.isF16();
}

bool isReal(Type type) { return isa<FloatType>(getElementTypeOrSelf(type)); }

class Widening {
public:
  Widening(func::FuncOp function, bool marks)
      : function(function), builder(function.getContext()), marks(marks) {}

  void run() {
    Block &block = function.front();
    Operation *end = block.getTerminator();
    builder.setInsertionPointToStart(&block);
    for (BlockArgument argument : block.getArguments())
      if (isNarrow(argument.getType())) {
        Value wide = cast(argument, wideOf(argument.getType()), "f32");
        argument.replaceAllUsesExcept(wide, wide.getDefiningOp());
      }
    SmallVector<Type> returned(end->getOperandTypes());
    Block::iterator first = builder.getInsertionPoint();
    for (Operation &op : llvm::make_early_inc_range(llvm::make_range(first, end->getIterator())))
      widen(&op);
    builder.setInsertionPoint(end);
    for (auto [i, type] : llvm::enumerate(returned))
      if (isNarrow(type))
        end->setOperand(unsigned(i), cast(end->getOperand(unsigned(i)), type, nameOf(type)));
  }

private:
  static Type wideOf(Type type) {
    auto tensor = llvm::cast<RankedTensorType>(type);
    return tensor.clone(Float32Type::get(type.getContext()));
  }
  static StringRef nameOf(Type type) {
    return getElementTypeOrSelf(type).isBF16() ? "bf16" : "f16";
  }
  Value cast(Value value, Type type, StringRef to) {
    return CastOp::create(builder, value.getLoc(), type, value, builder.getStringAttr(to));
  }

  void widen(Operation *op) {
    if (op->getNumResults() != 1)
      return;
    Value result = op->getResult(0);
    Type type = result.getType();
    auto change = dyn_cast<CastOp>(op);
    if (change && isReal(change.getInput().getType()) && isReal(type) &&
        getElementTypeOrSelf(change.getInput()).isF32()) { // what was narrow is f32 by now
      if (isNarrow(type) && marks)
        mark(change);
      if (wasHalf.contains(change.getInput()) && getElementTypeOrSelf(type).isF32()) {
        builder.setInsertionPoint(op);
        auto half = llvm::cast<RankedTensorType>(type).clone(builder.getF16Type());
        change.setOperand(cast(change.getInput(), half, "f16"));
        if (marks)
          change->setAttr("cornet.stored", builder.getStringAttr("f16"));
        return;
      }
      if (isNarrow(type) || getElementTypeOrSelf(type).isF32()) {
        result.replaceAllUsesWith(change.getInput());
        op->erase();
        return;
      }
    }
    if (!isNarrow(type))
      return;
    if (auto constant = dyn_cast<ConstantOp>(op))
      return widenConstant(constant);
    bool sums =
        isa<MatmulOp, ConvOp, DepthwiseConvOp, ConvTransposeOp, ConvFilterGradientOp, ReduceOp>(
            op) ||
        (isa<ReshapeOp>(op) && wasHalf.contains(op->getOperand(0)));
    if (marks && sums && getElementTypeOrSelf(type).isF16())
      wasHalf.insert(result);
    result.setType(llvm::cast<RankedTensorType>(wideOf(type)));
    if (change)
      change.setTo("f32");
    if (marks)
      op->setAttr("cornet.stored", builder.getStringAttr(nameOf(type)));
  }

  /// What a cast alone reads is stored as the cast would have it; what others read in f32 is not.
  void mark(CastOp change) {
    Value value = change.getInput();
    StringRef name = nameOf(change.getType());
    for (;;) {
      bool same = llvm::all_of(value.getUsers(), [&](Operation *user) {
        auto other = dyn_cast<CastOp>(user);
        return user == change || (other && other.getType() == change.getType()) ||
               isa<ReshapeOp>(user);
      });
      Operation *producer = value.getDefiningOp();
      if (!same || !producer)
        return;
      if (auto reshape = dyn_cast<ReshapeOp>(producer)) {
        if (!reshape.getInput().hasOneUse())
          return;
        value = reshape.getInput();
        continue;
      }
      producer->setAttr("cornet.stored", builder.getStringAttr(name));
      return;
    }
  }

  void widenConstant(ConstantOp constant) {
    auto value = llvm::cast<DenseElementsAttr>(constant.getValue());
    auto type = llvm::cast<RankedTensorType>(wideOf(constant.getType()));
    DenseElementsAttr wide = value.mapValues(type.getElementType(), [&](const APFloat &cell) {
      return APFloat(float(cell.convertToDouble())).bitcastToAPInt();
    });
    OpBuilder at(constant);
    constant.getResult().replaceAllUsesWith(ConstantOp::create(at, constant.getLoc(), wide));
    constant.erase();
  }

  func::FuncOp function;
  OpBuilder builder;
  bool marks;
  llvm::DenseSet<Value> wasHalf; ///< sums that were f16
};

struct ComputeWide : impl::ComputeWideBase<ComputeWide> {
  using ComputeWideBase::ComputeWideBase;

  void runOnOperation() override {
    getOperation()->walk([&](func::FuncOp function) {
      if (function.getBody().hasOneBlock())
        Widening(function, mark).run();
    });
  }
};

} // namespace
} // namespace cornet
