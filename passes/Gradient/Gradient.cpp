// SPDX-License-Identifier: Apache-2.0
//
// For the function named by the option, adds another, `<name>_gradient`, with the same arguments:
// it returns what the function does and then the gradients of its first result (the sum of its
// cells) by the trainable variables among the arguments, in order; where no argument is a variable,
// by every argument of a float type. Reverse accumulation over the ops' Differentiable interface:
// gradients of several uses are added, branches that reach no wanted argument are not
// differentiated. Requires: static shapes, one block, composites without a gradient decomposed. An
// argument nothing flows to has a gradient of zeros. Fails, naming the op, where a gradient is not
// known.
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

/// The arguments to differentiate by.
SmallVector<BlockArgument> wanted(func::FuncOp function) {
  SmallVector<BlockArgument> variables, all;
  for (BlockArgument argument : function.getArguments()) {
    if (!isReal(argument))
      continue;
    all.push_back(argument);
    auto name =
        function.getArgAttrOfType<FlatSymbolRefAttr>(argument.getArgNumber(), "cornet.variable");
    auto variable =
        name ? SymbolTable::lookupNearestSymbolFrom<VariableOp>(function, name) : VariableOp();
    if (variable && variable.getTrainable())
      variables.push_back(argument);
  }
  return variables.empty() ? all : variables;
}

class Accumulator {
public:
  explicit Accumulator(func::FuncOp function) : block(function.front()) {}

  LogicalResult run(ArrayRef<BlockArgument> arguments, SmallVectorImpl<Value> &results) {
    active.insert(arguments.begin(), arguments.end());
    SmallVector<Operation *> order;
    for (Operation &op : block.without_terminator()) {
      order.push_back(&op);
      if (llvm::any_of(op.getOperands(), [&](Value v) { return active.contains(v); }) &&
          isReal(op.getResult(0)))
        active.insert(op.getResult(0));
    }
    Operation *end = block.getTerminator();
    OpBuilder b(end);
    Value loss = end->getOperand(0);
    Build c{b, end->getLoc()};
    gradients[loss] = c.broadcast(c.constant(1, loss), Build::shape(loss));
    for (Operation *op : llvm::reverse(order))
      if (failed(back(b, op)))
        return failure();
    for (BlockArgument argument : arguments) {
      Value gradient = gradients.lookup(argument);
      results.push_back(gradient ? gradient
                                 : c.broadcast(c.constant(0, argument), Build::shape(argument)));
    }
    return success();
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

  Block &block;
  llvm::DenseSet<Value> active;
  llvm::DenseMap<Value, Value> gradients;
};

struct Gradient : impl::GradientBase<Gradient> {
  using GradientBase::GradientBase;

  LogicalResult differentiate(func::FuncOp function) {
    if (function.isDeclaration() || !llvm::hasSingleElement(function.getBody()))
      return function.emitError("has no body of one block to differentiate");
    Operation *end = function.front().getTerminator();
    if (end->getNumOperands() == 0 || !isReal(end->getOperand(0)))
      return function.emitError("returns no float tensor first, which would be its loss");
    for (BlockArgument argument : function.getArguments())
      if (!cast<RankedTensorType>(argument.getType()).hasStaticShape())
        return function.emitError("has a symbolic batch; bind it first");
    func::FuncOp copy = function.clone();
    copy.setName((function.getName() + "_gradient").str());
    function->getBlock()->getOperations().insert(std::next(function->getIterator()), copy);
    SmallVector<Value> gradients;
    if (failed(Accumulator(copy).run(wanted(copy), gradients)))
      return failure();
    Operation *ret = copy.front().getTerminator();
    ret->insertOperands(ret->getNumOperands(), gradients);
    copy.setType(FunctionType::get(&getContext(), copy.getArgumentTypes(), ret->getOperandTypes()));
    return success();
  }

  void runOnOperation() override {
    auto found = getOperation().lookupSymbol<func::FuncOp>(function);
    if (!found) {
      getOperation().emitError("there is no function '") << function << "' to differentiate";
      return signalPassFailure();
    }
    if (failed(differentiate(found)))
      signalPassFailure();
  }
};

} // namespace
} // namespace cornet
