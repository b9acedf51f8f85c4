// SPDX-License-Identifier: Apache-2.0
#include "codegen/tune/Choices.h"

#include "codegen/cpu/Epilogue.h"

using namespace mlir;

namespace cornet::tune {
namespace {

std::string placeOf(Operation *op) {
  std::string out;
  llvm::raw_string_ostream stream(out);
  stream << op->getName() << " at ";
  op->getLoc().print(stream);
  return out;
}

/// The constant that `dispatch` has as its root's weights; null when it has none.
Attribute weightsOf(DispatchOp dispatch) {
  auto argument = dyn_cast<BlockArgument>(cpu::storedAs(cpu::rootOf(dispatch)->getOperand(1)));
  Value value = argument ? dispatch.getInputs()[argument.getArgNumber()] : Value();
  while (auto reshape = value ? value.getDefiningOp<ReshapeOp>() : ReshapeOp())
    value = reshape.getInput();
  auto constant = value ? value.getDefiningOp<ConstantOp>() : ConstantOp();
  return constant ? Attribute(constant.getValue()) : Attribute();
}

} // namespace

llvm::Error checkVariants(ModuleOp module) {
  std::string problem;
  module.walk([&](Operation *op) {
    Attribute attribute = op->getAttr("variant");
    if (!attribute || !problem.empty())
      return;
    auto text = dyn_cast<StringAttr>(attribute);
    auto variant = cpu::Variant::parse(text ? text.getValue() : StringRef());
    if (!variant)
      problem = placeOf(op) + ": " + llvm::toString(variant.takeError());
  });
  if (!problem.empty())
    return llvm::createStringError(problem);
  return llvm::Error::success();
}

llvm::Error Choices::apply(func::FuncOp function) {
  for (auto dispatch : function.getOps<DispatchOp>()) {
    if (cpu::rootOf(dispatch)->hasAttr("variant")) {
      if (llvm::Error error = checkAsked(dispatch))
        return error;
      continue;
    }
    choose(dispatch);
    if (user || shippedOnes)
      share(dispatch);
  }
  return llvm::Error::success();
}

llvm::Error Choices::checkAsked(DispatchOp dispatch) {
  Operation *root = cpu::rootOf(dispatch);
  StringRef asked = root->getAttrOfType<StringAttr>("variant").getValue();
  cpu::Variant variant = cpu::Variant::of(root);
  for (const cpu::Implementation *implementation : cpu::implementations())
    if (implementation->name() == variant.implementation)
      if (auto why = implementation->refusal(dispatch, isa))
        return llvm::createStringError(placeOf(root) + ": the variant '" + asked +
                                       "' cannot serve it: " + *why +
                                       "; ask for another or leave the choice to the compiler");
  sources[dispatch] = kAsked;
  return llvm::Error::success();
}

/// Asks for `variant`, unless it cannot serve: an entry may be older than the compiler.
bool Choices::set(DispatchOp dispatch, StringRef variant, const char *source) {
  Operation *root = cpu::rootOf(dispatch);
  root->setAttr("variant", StringAttr::get(dispatch.getContext(), variant));
  if (cpu::implementationOf(dispatch, isa).name() == cpu::Variant::of(root).implementation) {
    sources[dispatch] = source;
    return true;
  }
  root->removeAttr("variant");
  return false;
}

void Choices::choose(DispatchOp dispatch) {
  std::optional<std::string> computation = computationOf(dispatch);
  if (!computation)
    return;
  Found mine = user ? user->nearest(*computation, machine) : Found(),
        theirs = shippedOnes ? shippedOnes->nearest(*computation, machine) : Found();
  bool ours = mine.entry && (!theirs.entry || mine.distance <= theirs.distance);
  if (const Entry *entry = ours ? mine.entry : theirs.entry;
      entry && set(dispatch, entry->best.variant, ours ? kTuned : kShipped))
    return;
  sources[dispatch] = kModel;
}

Choices::Layout Choices::layoutOf(DispatchOp dispatch) {
  const cpu::Implementation &implementation = cpu::implementationOf(dispatch, isa);
  auto weights = cast<BlockArgument>(cpu::storedAs(cpu::rootOf(dispatch)->getOperand(1)));
  return {implementation.name(), implementation.packedType(dispatch, weights.getArgNumber(), isa),
          cpu::rootOf(dispatch)->hasAttr("variant")};
}

void Choices::share(DispatchOp dispatch) {
  auto source = sources.find(dispatch);
  Attribute weights = source == sources.end() ? Attribute() : weightsOf(dispatch);
  if (!weights)
    return;
  Layout layout = layoutOf(dispatch);
  auto [it, isFirst] = layouts.try_emplace(weights, layout);
  if (isFirst || layout == it->second || !(layout.measured || it->second.measured))
    return;
  Operation *root = cpu::rootOf(dispatch);
  root->removeAttr("variant"), source->second = kModel;
  if (layoutOf(dispatch) == it->second)
    return;
  for (const cpu::Implementation *implementation : cpu::implementations()) {
    if (implementation->name() != it->second.implementation)
      continue;
    std::vector<cpu::Way> ways = implementation->ways(dispatch, isa);
    cpu::sortWays(ways);
    for (const cpu::Way &way : ways) {
      if (set(dispatch, way.variant.text(), kModel) && layoutOf(dispatch) == it->second)
        return;
      root->removeAttr("variant");
    }
  }
}

std::string Choices::source(DispatchOp dispatch) const {
  auto it = sources.find(dispatch);
  return it == sources.end() ? "" : it->second;
}

void Choices::clear() {
  for (auto [dispatch, source] : sources)
    if (source != kAsked)
      cpu::rootOf(cast<DispatchOp>(dispatch))->removeAttr("variant");
  sources.clear();
}

} // namespace cornet::tune
