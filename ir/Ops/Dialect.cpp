// SPDX-License-Identifier: Apache-2.0
//
// Registration of the dialect, and the generic bridge from an op to its shape rule in ir/Infer.
#include "ir/Infer/Infer.h"
#include "ir/Ops/Ops.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;

#include "ir/Ops/Dialect.cpp.inc"
#include "ir/Ops/Interfaces.cpp.inc"

namespace cornet {

void CornetDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "ir/Ops/Pointwise.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "ir/Ops/Structured.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "ir/Ops/Program.cpp.inc"
      >();
}

Operation *CornetDialect::materializeConstant(OpBuilder &builder, Attribute value, Type type,
                                              Location loc) {
  auto elements = dyn_cast<ElementsAttr>(value);
  return elements && elements.getType() == type
             ? ConstantOp::create(builder, loc, elements).getOperation()
             : nullptr;
}

namespace {

FailureOr<infer::DType> dtypeOf(Type type) {
  if (type.isF32())
    return infer::DType::f32;
  if (type.isF64())
    return infer::DType::f64;
  if (type.isF16())
    return infer::DType::f16;
  if (type.isBF16())
    return infer::DType::bf16;
  if (type.isInteger(1))
    return infer::DType::i1;
  if (type.isSignlessInteger(8))
    return infer::DType::i8;
  if (type.isUnsignedInteger(8))
    return infer::DType::ui8;
  if (type.isInteger(32))
    return infer::DType::i32;
  if (type.isInteger(64))
    return infer::DType::i64;
  return failure();
}

Type typeOf(infer::DType dtype, MLIRContext *context) {
  Builder b(context);
  switch (dtype) {
  case infer::DType::f32:
    return b.getF32Type();
  case infer::DType::f64:
    return b.getF64Type();
  case infer::DType::f16:
    return b.getF16Type();
  case infer::DType::bf16:
    return b.getBF16Type();
  case infer::DType::i1:
    return b.getI1Type();
  case infer::DType::i8:
    return b.getI8Type();
  case infer::DType::ui8:
    return b.getIntegerType(8, false);
  case infer::DType::i32:
    return b.getI32Type();
  case infer::DType::i64:
    return b.getI64Type();
  }
  llvm_unreachable("every DType is listed");
}

infer::Attributes plainAttributes(Operation *op) {
  infer::Attributes out;
  for (NamedAttribute named : op->getAttrs()) {
    std::string name = named.getName().str();
    if (auto flag = dyn_cast<BoolAttr>(named.getValue()))
      out[name] = flag.getValue();
    else if (auto integer = dyn_cast<IntegerAttr>(named.getValue()))
      out[name] = integer.getInt();
    else if (auto real = dyn_cast<FloatAttr>(named.getValue()))
      out[name] = real.getValueAsDouble();
    else if (auto text = dyn_cast<StringAttr>(named.getValue()))
      out[name] = text.getValue().str();
    else if (auto list = dyn_cast<DenseI64ArrayAttr>(named.getValue()))
      out[name] = std::vector<int64_t>(list.asArrayRef());
  }
  return out;
}

infer::Shape plainShape(RankedTensorType type) {
  infer::Shape shape(type.getShape());
  for (int64_t &extent : shape)
    if (ShapedType::isDynamic(extent))
      extent = infer::kDynamic;
  return shape;
}

} // namespace

FailureOr<RankedTensorType> inferResultType(Operation *op, TypeRange operands) {
  SmallVector<infer::TensorType> types;
  for (Type type : operands) {
    auto ranked = dyn_cast<RankedTensorType>(type);
    FailureOr<infer::DType> dtype =
        ranked ? dtypeOf(ranked.getElementType()) : FailureOr<infer::DType>(failure());
    if (failed(dtype))
      return op->emitOpError() << "operand type " << type
                               << " is not one the dialect computes with";
    types.push_back({*dtype, plainShape(ranked)});
  }
  infer::Result result = infer::inferOp(op->getName().getStringRef(), types, plainAttributes(op));
  if (!result)
    return op->emitOpError(result.error);
  SmallVector<int64_t> shape(result.type.shape.begin(), result.type.shape.end());
  for (int64_t &extent : shape)
    if (extent == infer::kDynamic)
      extent = ShapedType::kDynamic;
  return RankedTensorType::get(shape, typeOf(result.type.dtype, op->getContext()));
}

LogicalResult verifyInferred(Operation *op) {
  FailureOr<RankedTensorType> wanted = inferResultType(op, op->getOperandTypes());
  if (failed(wanted))
    return failure();
  if (*wanted != op->getResult(0).getType())
    return op->emitOpError() << "has result type " << op->getResult(0).getType() << " where "
                             << *wanted << " is inferred";
  return success();
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

LogicalResult DispatchOp::verify() {
  Block &block = getBody().front();
  auto yield = dyn_cast<YieldOp>(block.getTerminator());
  if (!yield || block.getArgumentTypes() != getInputs().getTypes() ||
      yield.getValues().getTypes() != getResults().getTypes())
    return emitOpError(
        "dispatch_c1: region arguments and yielded types must match the inputs and results");
  return success();
}

OpFoldResult ReshapeOp::fold(FoldAdaptor) {
  return getInput().getType() == getType() ? getInput() : OpFoldResult();
}

OpFoldResult TransposeOp::fold(FoldAdaptor) {
  for (auto [i, p] : llvm::enumerate(getPermutation()))
    if (int64_t(i) != p)
      return {};
  return getInput();
}

OpFoldResult PadOp::fold(FoldAdaptor) {
  return getInput().getType() == getType() ? getInput() : OpFoldResult();
}

} // namespace cornet

#define GET_OP_CLASSES
#include "ir/Ops/Program.cpp.inc"
