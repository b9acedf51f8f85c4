// SPDX-License-Identifier: Apache-2.0
//
// Writes every cornet.gradient in vector-Jacobian products. Reverse accumulation over the ops'
// Differentiable interface: gradients of several uses are added, branches that reach no wanted value
// are not differentiated, and what nothing flows to has a gradient of zeros. Gradients of one y are
// accumulated together, at the first of them; a gradient of a gradient is written after the inner one.
// Requires: static shapes; composites without a gradient decomposed. Guarantees: no cornet.gradient
// is left. Fails, naming the op, where a gradient is not known.
#include "ir/Ops/Build.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace cornet {
#define GEN_PASS_DEF_GRADIENT
#include "passes/Passes.h.inc"

using namespace mlir;

namespace {

bool isReal(Value value) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  return type && isa<FloatType>(type.getElementType());
}

/// The derivatives of the sum of one value's cells, by values that ops before `end` computed.
class Accumulator {
public:
  explicit Accumulator(Operation *end) : end(end), builder(end) {}

  LogicalResult run(Value y, ArrayRef<Value> wanted) {
    active.insert(wanted.begin(), wanted.end());
    SmallVector<Operation *> order;
    for (Operation &op : *end->getBlock()) {
      if (&op == end)
        break;
      order.push_back(&op);
      if (op.getNumResults() == 1 && isReal(op.getResult(0)) &&
          llvm::any_of(op.getOperands(), [&](Value v) { return active.contains(v); }))
        active.insert(op.getResult(0));
    }
    Build c{builder, end->getLoc()};
    gradients[y] = c.broadcast(c.constant(1, y), Build::shape(y));
    for (Operation *op : llvm::reverse(order))
      if (failed(back(builder, op)))
        return failure();
    return success();
  }

  /// The derivative by `x`, which was wanted.
  Value by(Value x) {
    Build c{builder, end->getLoc()};
    Value gradient = gradients.lookup(x);
    return gradient ? gradient : c.broadcast(c.constant(0, x), Build::shape(x));
  }

private:
  LogicalResult back(OpBuilder &b, Operation *op) {
    Value gradient = op->getNumResults() == 1 ? gradients.lookup(op->getResult(0)) : Value();
    if (!gradient || !active.contains(op->getResult(0)))
      return success();
    auto differentiable = dyn_cast<Differentiable>(op);
    if (!differentiable)
      return op->emitOpError("has no gradient yet");
    SmallVector<Value> operands;
    if (failed(differentiable.differentiate(b, gradient, operands)))
      return failure();
    Build c{b, op->getLoc()};
    for (auto [operand, part] : llvm::zip_equal(op->getOperands(), operands)) {
      if (!part || !active.contains(operand))
        continue;
      Value &total = gradients[operand];
      part = c.sumTo(part, operand);
      total = total ? c.add(total, part) : part;
    }
    return success();
  }

  Operation *end;
  OpBuilder builder;
  llvm::DenseSet<Value> active;
  llvm::DenseMap<Value, Value> gradients;
};

struct Gradient : impl::GradientBase<Gradient> {
  using GradientBase::GradientBase;

  LogicalResult write(GradientOp first) {
    Value y = first.getY();
    SmallVector<GradientOp> group;
    SmallVector<Value> wanted;
    for (Operation *user : y.getUsers())
      if (auto op = dyn_cast<GradientOp>(user); op && op.getY() == y && reaches(op.getX(), first))
        group.push_back(op), wanted.push_back(op.getX());
    for (Value value : wanted)
      if (!cast<RankedTensorType>(value.getType()).hasStaticShape())
        return first.emitOpError("has a symbolic batch; bind it first");
    Accumulator accumulator(first);
    if (failed(accumulator.run(y, wanted)))
      return failure();
    SmallVector<Value> gradients; // all of them before the first op, which they stand before, goes
    for (Value value : wanted)
      gradients.push_back(accumulator.by(value));
    for (auto [op, gradient] : llvm::zip_equal(group, gradients)) {
      op.getResult().replaceAllUsesWith(gradient);
      op.erase();
    }
    return success();
  }

  /// Whether `value` is there before `op`.
  static bool reaches(Value value, Operation *op) {
    Operation *source = value.getDefiningOp();
    return !source || source->isBeforeInBlock(op);
  }

  void runOnOperation() override {
    WalkResult result = getOperation()->walk([&](func::FuncOp function) {
      for (Block &block : function.getBody())
        for (;;) {
          auto gradients = block.getOps<GradientOp>();
          if (gradients.empty())
            break;
          if (failed(write(*gradients.begin())))
            return WalkResult::interrupt();
        }
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
} // namespace cornet
