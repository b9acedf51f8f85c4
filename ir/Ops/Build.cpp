// SPDX-License-Identifier: Apache-2.0
#include "ir/Ops/Build.h"

using namespace mlir;

namespace cornet {

Value Build::op(StringRef name, ValueRange operands, ArrayRef<NamedAttribute> attributes) const {
  OperationState state(loc, ("cornet." + name).str());
  state.addOperands(operands);
  state.addAttributes(attributes);
  state.addTypes(operands[0].getType()); // until it is inferred
  Operation *made = b.create(state);
  FailureOr<RankedTensorType> type = inferResultType(made, operands.getTypes());
  assert(succeeded(type) && "the op is built right");
  made->getResult(0).setType(*type);
  return made->getResult(0);
}

Value Build::constant(double value, Value like) const {
  Type element = cast<RankedTensorType>(like.getType()).getElementType();
  auto cell = FloatAttr::get(element, value);
  return ConstantOp::create(b, loc,
                            DenseElementsAttr::get(RankedTensorType::get({}, element), cell));
}

Value Build::cast(Value x, Value like) const {
  std::string to;
  llvm::raw_string_ostream(to) << getElementTypeOrSelf(like);
  return op("cast", {x}, {b.getNamedAttr("to", b.getStringAttr(to))});
}

Value Build::matmul(Value x, Value y, bool transposeX, bool transposeY) const {
  return op("matmul", {x, y},
            {b.getNamedAttr("transpose_lhs", b.getBoolAttr(transposeX)),
             b.getNamedAttr("transpose_rhs", b.getBoolAttr(transposeY))});
}

Value Build::reshape(Value x, ArrayRef<int64_t> to) const {
  return shape(x) == to ? x
                        : op("reshape", {x}, {b.getNamedAttr("shape", b.getDenseI64ArrayAttr(to))});
}

Value Build::transpose(Value x, ArrayRef<int64_t> permutation) const {
  return op("transpose", {x}, {b.getNamedAttr("permutation", b.getDenseI64ArrayAttr(permutation))});
}

Value Build::broadcast(Value x, ArrayRef<int64_t> to) const {
  return shape(x) == to
             ? x
             : op("broadcast", {x}, {b.getNamedAttr("shape", b.getDenseI64ArrayAttr(to))});
}

Value Build::slice(Value x, ArrayRef<int64_t> start, ArrayRef<int64_t> size) const {
  if (shape(x) == size)
    return x;
  return op("slice", {x},
            {b.getNamedAttr("start", b.getDenseI64ArrayAttr(start)),
             b.getNamedAttr("size", b.getDenseI64ArrayAttr(size))});
}

Value Build::pad(Value x, ArrayRef<int64_t> low, ArrayRef<int64_t> high, double value) const {
  if (llvm::all_of(low, [](int64_t n) { return n == 0; }) &&
      llvm::all_of(high, [](int64_t n) { return n == 0; }))
    return x;
  return op("pad", {x},
            {b.getNamedAttr("low", b.getDenseI64ArrayAttr(low)),
             b.getNamedAttr("high", b.getDenseI64ArrayAttr(high)),
             b.getNamedAttr("value", b.getF64FloatAttr(value))});
}

Value Build::sum(Value x, ArrayRef<int64_t> axes, bool keepdims) const {
  return op("reduce", {x},
            {b.getNamedAttr("kind", b.getStringAttr("sum")),
             b.getNamedAttr("axes", b.getDenseI64ArrayAttr(axes)),
             b.getNamedAttr("keepdims", b.getBoolAttr(keepdims))});
}

Value Build::sumTo(Value gradient, Value operand) const {
  ArrayRef<int64_t> from = shape(gradient), to = shape(operand);
  SmallVector<int64_t> axes;
  size_t shift = from.size() - to.size();
  for (size_t d = 0; d < from.size(); ++d)
    if (d < shift || (to[d - shift] == 1 && from[d] != 1))
      axes.push_back(int64_t(d));
  return axes.empty() ? gradient : reshape(sum(gradient, axes, true), to);
}

} // namespace cornet
