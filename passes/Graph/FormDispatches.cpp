// SPDX-License-Identifier: Apache-2.0
//
// Groups the ops of each function into dispatches. A group is one op of any kind followed by
// pointwise ops, each of which reads the group's last value, is its only user and has its shape: an
// epilogue, or a pointwise chain. A pointwise op with two candidates (a residual sum) joins the
// later one. A reduction takes the pointwise chain before it that nobody else reads, so that what it
// sums is never written; one that leaves no dimension behind the reduced ones takes no epilogue.
// Requires: static shapes. Guarantees: only constants, reshapes (which cost nothing) and
// the terminator stay outside dispatches; splat constants are inside, other constants are inputs.
#include "ir/Ops/Ops.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"

namespace cornet {
#define GEN_PASS_DEF_FORMDISPATCHES
#include "passes/Passes.h.inc"

using namespace mlir;

namespace {

using Group = SmallVector<Operation *>;

bool stays(Operation *op) {
  return isa<ConstantOp, ReshapeOp, DispatchOp>(op) || !isa<Evaluate>(op);
}

bool isSplat(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  return constant && cast<ElementsAttr>(constant.getValue()).isSplat();
}

/// Whether the last dimension is among the reduced ones.
bool reducesRows(ReduceOp op) {
  int64_t last = op.getInput().getType().getRank() - 1;
  return llvm::any_of(op.getAxes(), [&](int64_t axis) { return axis == -1 || axis == last; });
}

/// Whether `op` may be computed behind `group`, whose last value it reads.
bool follows(Operation &op, const Group &group) {
  if (isa<ReduceOp>(op))
    return llvm::all_of(group, llvm::IsaPred<Pointwise>);
  if (!isa<Pointwise>(op))
    return false;
  auto reduce = dyn_cast<ReduceOp>(group.back());
  return !reduce || !reducesRows(reduce);
}

SmallVector<Group> groups(Block &block) {
  SmallVector<Group> all;
  llvm::DenseMap<Operation *, size_t> groupOf; // by the last op of each group
  for (Operation &op : block.without_terminator()) {
    if (stays(&op))
      continue;
    std::optional<size_t> join;
    for (Value operand : op.getOperands()) {
      Operation *producer = operand.getDefiningOp();
      auto it = producer ? groupOf.find(producer) : groupOf.end();
      if (it != groupOf.end() && operand.hasOneUse() && follows(op, all[it->second]) &&
          (isa<ReduceOp>(op) || cast<ShapedType>(operand.getType()).getShape() ==
                                    cast<ShapedType>(op.getResult(0).getType()).getShape()))
        join = std::max(join.value_or(0), it->second);
    }
    if (!join) {
      join = all.size();
      all.emplace_back();
    } else {
      groupOf.erase(all[*join].back());
    }
    all[*join].push_back(&op);
    groupOf[&op] = *join;
  }
  return all;
}

void outline(const Group &group) {
  Operation *last = group.back();
  OpBuilder builder(last);
  llvm::SetVector<Value> inputs;
  for (Operation *op : group)
    for (Value operand : op->getOperands())
      if (!llvm::is_contained(group, operand.getDefiningOp()) && !isSplat(operand))
        inputs.insert(operand);
  auto dispatch =
      DispatchOp::create(builder, last->getLoc(), last->getResultTypes(), inputs.getArrayRef());
  Block *body = builder.createBlock(&dispatch.getBody());
  IRMapping mapping;
  for (Value input : inputs)
    mapping.map(input, body->addArgument(input.getType(), input.getLoc()));
  for (Operation *op : group) {
    for (Value operand : op->getOperands())
      if (!mapping.contains(operand) && isSplat(operand))
        builder.clone(*operand.getDefiningOp(), mapping);
    builder.clone(*op, mapping);
  }
  YieldOp::create(builder, last->getLoc(), ValueRange{mapping.lookup(last->getResult(0))});
  last->getResult(0).replaceAllUsesWith(dispatch.getResult(0));
  for (Operation *op : llvm::reverse(group))
    op->erase();
}

struct FormDispatches : impl::FormDispatchesBase<FormDispatches> {
  void runOnOperation() override {
    getOperation()->walk([](func::FuncOp function) {
      for (Block &block : function.getBody())
        for (const Group &group : groups(block))
          outline(group);
    });
  }
};

} // namespace
} // namespace cornet
