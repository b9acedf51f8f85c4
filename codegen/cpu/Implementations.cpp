// SPDX-License-Identifier: Apache-2.0
#include "codegen/cpu/Implementation.h"

namespace cornet::cpu {

mlir::RankedTensorType Implementation::packedType(DispatchOp dispatch, unsigned index,
                                                  const Isa &isa) const {
  return mlir::cast<mlir::RankedTensorType>(dispatch.getInputs()[index].getType());
}

std::optional<std::string> Implementation::refusal(DispatchOp dispatch, const Isa &isa) const {
  auto hasByte = [](mlir::TypeRange types) {
    return llvm::any_of(types, [](mlir::Type type) { return isByte(type); });
  };
  if (!knowsBytes() && (hasByte(dispatch->getOperandTypes()) || hasByte(dispatch.getResultTypes())))
    return "it knows no integers of 8 bits";
  return refuse(dispatch, isa);
}

llvm::ArrayRef<const Implementation *> implementations() {
  static const Implementation *const list[] = {
      &amxImplementation(),       &winogradImplementation(),
      &contractImplementation(),  &filterGradientImplementation(),
      &windowImplementation(),    &poolGradientImplementation(),
      &transposeImplementation(), &scatterImplementation(),
      &resizeImplementation(),    &concatImplementation(),
      &topKImplementation(),      &rowsImplementation(),
      &rowImplementation(),       &elementImplementation()};
  return list;
}

const Implementation &implementationOf(DispatchOp dispatch, const Isa &isa) {
  for (const Implementation *implementation : implementations())
    if (!implementation->refusal(dispatch, isa))
      return *implementation;
  llvm_unreachable("the last implementation accepts everything");
}

} // namespace cornet::cpu
