// SPDX-License-Identifier: Apache-2.0
#include "codegen/InPlace.h"

#include "codegen/Bands.h"
#include "codegen/Work.h"
#include "codegen/cpu/Implementation.h"

#include "ir/Ops/Rows.h"

using namespace mlir;

namespace cornet {
namespace {

/// A dispatch of its own that copies `value`, before the return.
Value copyOf(Operation *ret, Value value) {
  OpBuilder builder(ret);
  auto type = cast<RankedTensorType>(value.getType());
  auto constant = value.getDefiningOp<ConstantOp>();
  bool splat = constant && cast<ElementsAttr>(constant.getValue()).isSplat();
  auto copy = DispatchOp::create(builder, ret->getLoc(), TypeRange{type},
                                 splat ? ValueRange() : ValueRange(value));
  Block *body = builder.createBlock(&copy.getBody());
  Value inside = splat ? builder.clone(*constant)->getResult(0)
                       : Value(body->addArgument(type, ret->getLoc()));
  Value same = ReshapeOp::create(builder, ret->getLoc(), type, inside,
                                 builder.getDenseI64ArrayAttr(type.getShape()));
  YieldOp::create(builder, ret->getLoc(), ValueRange{same});
  return copy.getResult(0);
}

/// Whether `dispatch` reads its input `index` only where it writes, so that its result may take the
/// input's place.
bool readsInPlace(DispatchOp dispatch, unsigned index, Value result) {
  BlockArgument argument = dispatch.getBody().getArgument(index);
  bool walksTwice = llvm::any_of(dispatch.getBody().front().getOps<ReduceOp>(),
                                 [](ReduceOp op) { return Rows::of(op).has_value(); });
  return !walksTwice && argument.getType() == result.getType() &&
         llvm::all_of(argument.getUsers(), [&](Operation *user) {
           return isa<YieldOp>(user) ||
                  (isa<Pointwise>(user) &&
                   cast<ShapedType>(user->getResult(0).getType()).getShape() ==
                       cast<ShapedType>(result.getType()).getShape());
         });
}

/// What settleReturns() does.
class Returns {
public:
  Returns(func::FuncOp entry, const Variables &variables)
      : entry(entry), variables(variables), ret(entry.front().getTerminator()) {
    // New values that are another variable's old one are read before any is overwritten.
    for (OpOperand &operand : ret->getOpOperands())
      if (auto argument = dyn_cast<BlockArgument>(root(operand.get()));
          argument && tied(operand) && argument != old(operand))
        operand.set(copyOf(ret, operand.get()));
    for (OpOperand &operand : ret->getOpOperands())
      if (std::optional<unsigned> variable = tied(operand))
        settle(operand, *variable);
    for (OpOperand &operand : ret->getOpOperands())
      if (!tied(operand) && !claim(operand.get()))
        operand.set(copyOf(ret, operand.get())), claim(operand.get());
  }

private:
  std::optional<unsigned> tied(OpOperand &operand) {
    return variables.find(entry.getResultAttrDict(operand.getOperandNumber()));
  }

  /// The argument that is the old value of what `operand` updates; null when there is none.
  Value old(OpOperand &operand) {
    std::optional<unsigned> variable = tied(operand);
    for (BlockArgument argument : entry.getArguments())
      if (variable && variables.find(entry.getArgAttrDict(argument.getArgNumber())) == variable)
        return argument;
    return {};
  }

  bool claim(Value value) {
    Value source = root(value);
    return source.getDefiningOp<DispatchOp>() && claimed.insert(source).second;
  }

  void settle(OpOperand &operand, unsigned variable) {
    Value before = old(operand), source = root(operand.get());
    if (source == before)
      return;
    auto dispatch = source.getDefiningOp<DispatchOp>();
    bool inPlace = dispatch && !claimed.contains(source) &&
                   (!before || mayOverwrite(dispatch, source, before));
    if (!inPlace)
      operand.set(copyOf(ret, operand.get()));
    claim(operand.get());
  }

  /// Whether `dispatch` may write its result `source` over `before`, which then takes its place.
  bool mayOverwrite(DispatchOp dispatch, Value source, Value before) {
    std::optional<unsigned> reads;
    SmallVector<Value> same{before}; // and its reshapes
    for (size_t i = 0; i < same.size(); ++i)
      for (OpOperand &use : same[i].getUses()) {
        Operation *user = use.getOwner();
        if (auto reshape = dyn_cast<ReshapeOp>(user))
          same.push_back(reshape);
        else if (user == dispatch && !reads)
          reads = use.getOperandNumber();
        else if (user == dispatch || !user->isBeforeInBlock(dispatch))
          return false;
      }
    if (!reads)
      return true;
    if (!readsInPlace(dispatch, *reads, source))
      return false;
    SmallVector<int64_t> places(dispatch.getNumResults(), -1);
    if (auto given = dispatch->getAttrOfType<DenseI64ArrayAttr>("in_place"))
      places.assign(given.asArrayRef().begin(), given.asArrayRef().end());
    places[cast<OpResult>(source).getResultNumber()] = *reads;
    dispatch->setAttr("in_place", DenseI64ArrayAttr::get(dispatch.getContext(), places));
    return true;
  }

  func::FuncOp entry;
  const Variables &variables;
  Operation *ret;
  llvm::DenseSet<Value> claimed;
};

/// The uses of `value` and of its reshapes.
SmallVector<OpOperand *> usesOf(Value value) {
  SmallVector<OpOperand *> out;
  SmallVector<Value> same{value};
  for (size_t i = 0; i < same.size(); ++i)
    for (OpOperand &use : same[i].getUses())
      if (auto reshape = dyn_cast<ReshapeOp>(use.getOwner()))
        same.push_back(reshape);
      else
        out.push_back(&use);
  return out;
}

/// Whether `result`, the one of `dispatch`, is a large image that the next step alone reads as they
/// may take turns: a ring for it is better than any place in the arena.
bool handsOn(DispatchOp dispatch, Value result, const cpu::Isa &level) {
  SmallVector<OpOperand *> uses = usesOf(result);
  Operation *next = dispatch->getNextNode();
  while (isa_and_present<ReshapeOp, ConstantOp>(next))
    next = next->getNextNode();
  if (dispatch.getNumResults() != 1 || bytesOf(result.getType()) < kLargeImage ||
      uses.size() != 1 || uses[0]->getOwner() != next)
    return false;
  auto reader = cast<DispatchOp>(next);
  std::optional<cpu::Sweep> sweep = cpu::implementationOf(reader, level).sweep(reader, level);
  return sweep && sweep->image == uses[0]->getOperandNumber() &&
         cpu::implementationOf(dispatch, level).sweep(dispatch, level);
}

} // namespace

Value root(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getInput();
  return value;
}

void settleReturns(func::FuncOp entry, const Variables &variables) {
  Returns settled(entry, variables);
}

void writeInPlace(func::FuncOp entry, const cpu::Isa &level) {
  auto staysInside = [](Value value) {
    return value.getDefiningOp<DispatchOp>() && llvm::none_of(usesOf(value), [](OpOperand *use) {
             return use->getOwner()->hasTrait<OpTrait::IsTerminator>();
           });
  };
  for (auto dispatch : entry.getOps<DispatchOp>()) {
    if (!llvm::all_of(dispatch.getBody().front().without_terminator(),
                      [](Operation &op) { return isa<ConstantOp, Pointwise>(op); }) ||
        dispatch->hasAttr("pitches"))
      continue;
    SmallVector<int64_t> places(dispatch.getNumResults(), -1);
    if (auto given = dispatch->getAttrOfType<DenseI64ArrayAttr>("in_place"))
      places.assign(given.asArrayRef().begin(), given.asArrayRef().end());
    auto isLast = [&](unsigned input) {
      SmallVector<OpOperand *> uses = usesOf(root(dispatch.getInputs()[input]));
      return llvm::all_of(uses, [&](OpOperand *use) {
        return use->getOwner() == dispatch ? use->getOperandNumber() == input
                                           : use->getOwner()->isBeforeInBlock(dispatch);
      });
    };
    for (auto [place, result] : llvm::zip(places, dispatch.getResults()))
      for (unsigned i = 0; place < 0 && staysInside(result) && !handsOn(dispatch, result, level) &&
                           i < dispatch.getInputs().size();
           ++i)
        if (!llvm::is_contained(places, int64_t(i)) && readsInPlace(dispatch, i, result) &&
            staysInside(root(dispatch.getInputs()[i])) && isLast(i))
          place = i;
    if (llvm::any_of(places, [](int64_t place) { return place >= 0; }))
      dispatch->setAttr("in_place", DenseI64ArrayAttr::get(entry.getContext(), places));
  }
}

} // namespace cornet
