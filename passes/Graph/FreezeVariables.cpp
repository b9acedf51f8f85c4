// SPDX-License-Identifier: Apache-2.0
//
// Replaces each entry-point argument tagged `cornet.variable = @name` by a constant of the
// variable's value and drops the argument, so that the weights fold. Requires: the function only
// reads its variables (inference). Guarantees: no tagged argument of an entry point remains, and no
// variable that nobody names.
#include "ir/Ops/Ops.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace cornet {
#define GEN_PASS_DEF_FREEZEVARIABLES
#include "passes/Passes.h.inc"

using namespace mlir;

namespace {

struct FreezeVariables : impl::FreezeVariablesBase<FreezeVariables> {
  LogicalResult freeze(func::FuncOp entry) {
    if (entry.isExternal())
      return entry.emitError("an entry point needs a body");
    BitVector frozen(entry.getNumArguments());
    OpBuilder builder(&entry.front(), entry.front().begin());
    for (BlockArgument argument : entry.getArguments()) {
      auto name =
          entry.getArgAttrOfType<FlatSymbolRefAttr>(argument.getArgNumber(), "cornet.variable");
      if (!name)
        continue;
      auto variable = SymbolTable::lookupNearestSymbolFrom<VariableOp>(entry, name);
      if (!variable || variable.getValue().getType() != argument.getType())
        return entry.emitError("argument ")
               << argument.getArgNumber() << " names " << name << ", which is no variable of type "
               << argument.getType();
      argument.replaceAllUsesWith(
          ConstantOp::create(builder, variable.getLoc(), variable.getValue()));
      frozen.set(argument.getArgNumber());
    }
    return entry.eraseArguments(frozen);
  }

  void runOnOperation() override {
    for (auto entry : getOperation().getOps<func::FuncOp>())
      if (entry->hasAttr("cornet.entry") && failed(freeze(entry)))
        return signalPassFailure();
    SymbolTableCollection symbols;
    SymbolUserMap users(symbols, getOperation());
    for (auto variable : llvm::make_early_inc_range(getOperation().getOps<VariableOp>()))
      if (users.useEmpty(variable))
        variable.erase();
  }
};

} // namespace
} // namespace cornet
