// SPDX-License-Identifier: Apache-2.0
#include "codegen/tune/Key.h"

#include "codegen/cpu/Epilogue.h"

#include "llvm/TargetParser/Host.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

using namespace mlir;

namespace cornet::tune {
namespace {

std::string shapeText(Value value) {
  std::string out;
  for (int64_t extent : cast<RankedTensorType>(value.getType()).getShape())
    out += (out.empty() ? "" : "x") + std::to_string(extent);
  return out;
}

std::string typeText(Value value) {
  std::string out;
  llvm::raw_string_ostream(out) << getElementTypeOrSelf(value.getType());
  return out;
}

/// "1,2" for an array, the attribute's own text else.
std::string attributeText(Attribute attribute) {
  std::string out;
  llvm::raw_string_ostream stream(out);
  if (auto list = dyn_cast<DenseI64ArrayAttr>(attribute))
    llvm::interleave(list.asArrayRef(), stream, ",");
  else if (auto number = dyn_cast<IntegerAttr>(attribute); number && number.getType().isInteger(1))
    stream << (number.getValue().isZero() ? "false" : "true");
  else if (number)
    stream << number.getValue();
  else
    attribute.print(stream, true);
  return out;
}

Value plain(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getInput();
  return value;
}

} // namespace

std::string hostCpu() {
  std::string name = llvm::sys::getHostCPUName().str();
#if defined(__x86_64__)
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d)) {
    unsigned family = a >> 8 & 15, model = a >> 4 & 15;
    if (family == 6 || family == 15)
      model += (a >> 16 & 15) << 4;
    if (family == 15)
      family += a >> 20 & 255;
    name += " " + std::to_string(family) + "." + std::to_string(model);
  }
#endif
  return name;
}

std::string Key::text() const {
  return computation + " | " + machine.isa + " | " + std::to_string(machine.threads) +
         (machine.threads == 1 ? " thread | " : " threads | ") + machine.cpu;
}

std::optional<std::string> computationOf(DispatchOp dispatch) {
  Operation *root = cpu::rootOf(dispatch);
  if (!isa<ConvOp, MatmulOp, ConvTransposeOp>(root) ||
      dispatch->getParentOfType<func::FuncOp>()->hasAttr("cornet.whole"))
    return std::nullopt;
  auto weights = dyn_cast<BlockArgument>(cpu::storedAs(root->getOperand(1)));
  if (!weights || !plain(dispatch.getInputs()[weights.getArgNumber()]).getDefiningOp<ConstantOp>())
    return std::nullopt;
  std::string out = root->getName().stripDialect().str();
  for (Value operand : root->getOperands())
    out += " " + shapeText(operand);
  for (NamedAttribute attribute : root->getAttrDictionary())
    if (attribute.getName() != "variant")
      out += " " + attribute.getName().str() + "=" + attributeText(attribute.getValue());
  std::string in = typeText(cpu::storedAs(root->getOperand(0))),
              result = typeText(dispatch.getResult(0));
  return out + " " + in + (in == result ? "" : "->" + result);
}

} // namespace cornet::tune
