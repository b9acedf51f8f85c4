// SPDX-License-Identifier: Apache-2.0
//
// Writes every cornet.gradient in vector-Jacobian products. Reverse accumulation over the ops'
// Differentiable interface: gradients of several uses are added, branches that reach no wanted
// value are not differentiated, and what nothing flows to has a gradient of zeros. Gradients of one
// y are accumulated together, at the first of them; a gradient of a gradient is written after the
// inner one. The ops of a checkpoint (`cornet.checkpoint`, one name for each) are computed again
// from what they read, when the first gradient reaches them, so that nothing between is kept. The
// gradient of a custom_gradient is computed as its own ops say, from what arrives. Requires: static
// shapes; composites without a gradient decomposed. Guarantees: no cornet.gradient and no mark of a
// checkpoint is left. Fails, naming the op, where a gradient is not known.
#include "ir/Ops/Build.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

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
    if (auto custom = dyn_cast<CustomGradientOp>(op))
      return customBack(b, custom, gradient), success();
    auto differentiable = dyn_cast<Differentiable>(again(b, op, gradient));
    if (!differentiable)
      return op->emitOpError("has no gradient yet");
    SmallVector<Value> operands;
    if (failed(differentiable.differentiate(b, gradient, operands)))
      return failure();
    for (auto [operand, part] : llvm::zip_equal(op->getOperands(), operands))
      add(b, op->getLoc(), operand, part);
    return success();
  }

  void add(OpBuilder &b, Location loc, Value operand, Value part) {
    if (!part || !active.contains(operand))
      return;
    Build c{b, loc};
    Value &total = gradients[operand];
    part = c.sumTo(part, operand);
    total = total ? c.add(total, part) : part;
  }

  /// The op to differentiate for `op`: itself, or what computes it again.
  Operation *again(OpBuilder &b, Operation *op, Value gradient) {
    Attribute region = op->getAttr("cornet.checkpoint");
    if (!region)
      return op;
    if (regions.insert(region).second) {
      IRMapping mapping;
      for (Operation &part : llvm::make_early_inc_range(*op->getBlock())) {
        if (&part == end)
          break;
        if (part.getAttr("cornet.checkpoint") != region)
          continue;
        for (Value operand : part.getOperands())
          if (!mapping.contains(operand) && !operand.getDefiningOp<ConstantOp>() &&
              !isVariable(operand) && isReal(operand))
            mapping.map(operand, Build{b, part.getLoc()}.op("recompute", {operand, gradient}));
        Operation *copy = b.clone(part, mapping);
        copy->removeAttr("cornet.checkpoint");
        copies[&part] = copy;
      }
    }
    return copies.lookup(op);
  }

  static bool isVariable(Value value) {
    auto argument = dyn_cast<BlockArgument>(value);
    auto function =
        argument ? dyn_cast<func::FuncOp>(argument.getOwner()->getParentOp()) : func::FuncOp();
    return function && function.getArgAttr(argument.getArgNumber(), "cornet.variable");
  }

  /// Clones what computes the gradients of `custom` from the incoming one, with `gradient` for it.
  void customBack(OpBuilder &b, CustomGradientOp custom, Value gradient) {
    IRMapping mapping;
    for (Operation &op : *custom->getBlock()) {
      if (&op == custom)
        break;
      auto incoming = dyn_cast<IncomingGradientOp>(op);
      if (incoming && incoming.getY() == custom.getY())
        mapping.map(incoming.getResult(), gradient);
      else if (llvm::any_of(op.getOperands(), [&](Value v) { return mapping.contains(v); }))
        b.clone(op, mapping);
    }
    for (auto [x, given] : llvm::zip_equal(custom.functionOf(), custom.gradients()))
      add(b, custom.getLoc(), x, mapping.lookupOrDefault(given));
  }

  Operation *end;
  OpBuilder builder;
  llvm::DenseSet<Value> active;
  llvm::DenseMap<Value, Value> gradients;
  llvm::DenseSet<Attribute> regions; ///< checkpoints that are computed again
  llvm::DenseMap<Operation *, Operation *> copies;
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
    getOperation()->walk([](Operation *op) { op->removeAttr("cornet.checkpoint"); });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
} // namespace cornet
