// SPDX-License-Identifier: Apache-2.0
#include "codegen/cpu/Epilogue.h"

using namespace mlir;

namespace cornet::cpu {
namespace {

ArrayRef<int64_t> shapeOf(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

} // namespace

bool isReal(Value value) {
  Type type = getElementTypeOrSelf(value);
  return type.isF32() || type.isBF16() || type.isF16();
}

double numberOf(DenseElementsAttr splat) {
  auto cell = splat.getSplatValue<APInt>();
  return splat.getElementType().isUnsignedInteger() ? double(cell.getZExtValue())
                                                    : double(cell.getSExtValue());
}

/// What loads widen and stores narrow.
static bool isNumber(Value value) { return isReal(value) || isByte(value.getType()); }

std::optional<std::string> refuseNarrow(DispatchOp dispatch) {
  auto isNarrow = [](Type type) {
    Type element = getElementTypeOrSelf(type);
    return element.isBF16() || element.isF16();
  };
  if (llvm::any_of(dispatch->getOperandTypes(), isNarrow) ||
      llvm::any_of(dispatch->getResultTypes(), isNarrow))
    return "it knows f32 alone";
  return std::nullopt;
}

Value storedAs(Value value) {
  auto widen = value.getDefiningOp<CastOp>();
  bool isWidened = widen && isa<BlockArgument>(widen.getInput()) && isNumber(widen.getInput()) &&
                   getElementTypeOrSelf(widen.getType()).isF32();
  return isWidened ? widen.getInput() : value;
}

Operation *rootOf(DispatchOp dispatch) {
  for (Operation &op : dispatch.getBody().front().without_terminator())
    if (!isa<ConstantOp, Pointwise>(op))
      return &op;
  for (Operation &op : dispatch.getBody().front())
    if (!isa<ConstantOp>(op))
      return &op;
  llvm_unreachable("a dispatch ends with its yield");
}

unsigned resultArgument(DispatchOp dispatch, size_t result) {
  auto inPlace = dispatch->getAttrOfType<DenseI64ArrayAttr>("in_place");
  if (inPlace && inPlace[result] >= 0)
    return unsigned(inPlace[result]);
  return unsigned(dispatch.getInputs().size() + result);
}

std::optional<std::string> refuseEpilogue(DispatchOp dispatch, Operation *root) {
  if (!llvm::all_of(dispatch.getResults(), isNumber))
    return "a result is no real of 16 or 32 bits and no integer of 8";
  for (Operation &op : dispatch.getBody().front().without_terminator()) {
    if (&op == root || isa<ConstantOp>(op) || storedAs(op.getResult(0)) != op.getResult(0))
      continue;
    if (!isa<Pointwise>(op))
      return op.getName().stripDialect().str() + " is not pointwise";
    bool before = root && op.isBeforeInBlock(root);
    if (shapeOf(op.getResult(0)) !=
        (before ? shapeOf(root->getOperand(0)) : shapeOf(dispatch.getResult(0))))
      return op.getName().stripDialect().str() + " has another shape than the result";
    for (Value operand : op.getOperands())
      if (isa<BlockArgument>(operand) && !isNumber(operand))
        return "an operand of " + op.getName().stripDialect().str() +
               " is no real of 16 or 32 bits and no integer of 8";
  }
  return std::nullopt;
}

Value flatten(const Code &c, Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  int64_t cells = type.getNumElements();
  auto flat = MemRefType::get({cells}, type.getElementType());
  if (type == flat)
    return buffer;
  return memref::ReinterpretCastOp::create(c.b, c.loc, flat, buffer, 0, ArrayRef<int64_t>{cells},
                                           ArrayRef<int64_t>{1});
}

Epilogue::Epilogue(const Code &code, DispatchOp dispatch, Operation *root, func::FuncOp kernel,
                   unsigned lanes)
    : c(code), dispatch(dispatch), root(root),
      type(VectorType::get({int64_t(lanes)}, code.b.getF32Type())),
      shape(shapeOf(dispatch.getResult(0))) {
  for (int64_t extent : shape.empty() ? shape : shape.drop_back())
    rowCount *= extent;
  for (BlockArgument argument : kernel.getArguments())
    if (isa<MemRefType>(argument.getType()))
      buffers.push_back(flatten(c, argument));
}

int64_t Epilogue::pitch(Value flat, int64_t columns) const {
  auto pitches = dispatch->getAttrOfType<DenseI64ArrayAttr>("pitches");
  size_t place = size_t(llvm::find(buffers, flat) - buffers.begin());
  return pitches && place < size_t(pitches.size()) && pitches[int64_t(place)] > 0
             ? pitches[int64_t(place)]
             : columns;
}

Type Epilogue::elementOf(Value flat) const {
  size_t place = size_t(llvm::find(buffers, flat) - buffers.begin());
  DispatchOp op = dispatch;
  size_t inputs = op.getInputs().size();
  Type stored = cast<MemRefType>(flat.getType()).getElementType();
  if (!stored.isInteger(8) || place >= inputs + op.getNumResults())
    return stored;
  return getElementTypeOrSelf(place < inputs ? op.getInputs()[place]
                                             : op.getResult(unsigned(place - inputs)));
}

Value Epilogue::splat(double value) const {
  return arith::ConstantOp::create(c.b, c.loc,
                                   DenseElementsAttr::get(type, c.b.getF32FloatAttr(value)));
}

Value Epilogue::mask(Value column, int64_t step) const {
  return columns() % step ? c.firstLanes(type.getDimSize(0), c.sub(c.index(columns()), column))
                          : Value();
}

Value Epilogue::load(Value flat, Value at, Value mask) const {
  return c.widened(loadStored(flat, at, mask), elementOf(flat));
}

Value Epilogue::loadStored(Value flat, Value at, Value mask) const {
  auto stored = VectorType::get(type.getShape(), cast<MemRefType>(flat.getType()).getElementType());
  if (!mask)
    return vector::LoadOp::create(c.b, c.loc, stored, flat, ValueRange{at});
  Value zeros = arith::ConstantOp::create(c.b, c.loc, c.b.getZeroAttr(stored));
  return vector::MaskedLoadOp::create(c.b, c.loc, stored, flat, ValueRange{at}, mask, zeros);
}

Value Epilogue::loadScalar(Value flat, Value at) const {
  return c.widened(memref::LoadOp::create(c.b, c.loc, flat, ValueRange{at}), elementOf(flat));
}

Value Epilogue::loadSpread(Value flat, Value at) const {
  Value cell = memref::LoadOp::create(c.b, c.loc, flat, ValueRange{at});
  // Vectors of f16 are widened as fast as one cell, which would travel back and forth.
  bool late = cell.getType().isF16();
  if (!late)
    cell = c.widened(cell, elementOf(flat));
  auto spread = VectorType::get(type.getShape(), cell.getType());
  Value vector = vector::BroadcastOp::create(c.b, c.loc, spread, cell);
  return late ? c.real(vector, c.b.getF32Type()) : vector;
}

void Epilogue::store(Value vector, Value flat, Value at, Value mask) const {
  vector = c.narrowed(vector, elementOf(flat));
  if (mask)
    vector::MaskedStoreOp::create(c.b, c.loc, flat, ValueRange{at}, mask, vector);
  else
    vector::StoreOp::create(c.b, c.loc, vector, flat, ValueRange{at});
}

Value Epilogue::operand(Value value, Value row, Value column, Value mask) {
  if (auto it = values.find(value); it != values.end())
    return it->second;
  if (auto constant = value.getDefiningOp<ConstantOp>()) {
    auto cell = cast<DenseElementsAttr>(constant.getValue()).getSplatValue<Attribute>();
    if (isReal(value))
      return splat(cast<FloatAttr>(cell).getValueAsDouble());
    if (isByte(value.getType()))
      return splat(numberOf(cast<DenseElementsAttr>(constant.getValue())));
    auto vector = VectorType::get(type.getShape(), cast<TypedAttr>(cell).getType());
    return arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(vector, cell));
  }
  value = storedAs(value);
  if (auto it = given.find(value); it != given.end())
    return it->second;
  ArrayRef<int64_t> extents = shapeOf(value);
  Value buffer = flat(value), at = c.index(0);
  // The operand's row behind the result's: the same, the only one, or found by coordinates.
  ArrayRef<int64_t> outer = extents.empty() ? extents : extents.drop_back();
  int64_t outerCells = 1;
  for (int64_t extent : outer)
    outerCells *= extent;
  if (outerCells == rowCount) {
    at = row;
  } else if (outerCells != 1) {
    SmallVector<Value> place = c.coordinates(row, shape.drop_back());
    for (size_t d = 0, shift = place.size() - outer.size(); d < outer.size(); ++d)
      at = outer[d] == 1 ? at : c.add(c.mul(at, outer[d]), place[d + shift]);
  }
  if (extents.empty() || (extents.back() == 1 && columns() != 1))
    return vector::BroadcastOp::create(c.b, c.loc, type, loadScalar(buffer, at));
  return load(buffer, c.add(c.mul(at, pitch(buffer, extents.back())), column), mask);
}

Value Epilogue::before(Value value, Value row, Value column, Value mask) {
  auto keptShape = shape;
  int64_t keptRows = rowCount;
  shape = shapeOf(value), rowCount = 1, values.clear();
  for (int64_t extent : shape.empty() ? shape : shape.drop_back())
    rowCount *= extent;
  for (Operation &op : dispatch.getBody().front().without_terminator()) {
    if (&op == root)
      break;
    emit(op, row, column, mask);
  }
  Value result = operand(value, row, column, mask);
  shape = keptShape, rowCount = keptRows;
  return result;
}

void Epilogue::emit(Operation &op, Value row, Value column, Value mask) {
  auto pointwise = dyn_cast<Pointwise>(op);
  if (!pointwise || storedAs(op.getResult(0)) != op.getResult(0))
    return;
  SmallVector<Value> operands;
  for (Value value : op.getOperands())
    operands.push_back(operand(value, row, column, mask));
  Value result = pointwise.emitScalar(c.b, c.loc, operands);
  if (isReal(op.getResult(0))) // rounded to the op's type, and computed with as f32
    result = c.real(c.real(result, getElementTypeOrSelf(op.getResult(0))), c.b.getF32Type());
  values[op.getResult(0)] = result;
}

void Epilogue::finish(Value rootValue, Value row, Value column, Value mask) {
  values.clear();
  if (root && isByte(root->getResult(0).getType()))
    values[root->getResult(0)] = rootValue;
  else if (root)
    values[root->getResult(0)] =
        c.real(c.real(rootValue, getElementTypeOrSelf(root->getResult(0))), c.b.getF32Type());
  for (Operation &op : dispatch.getBody().front().without_terminator()) {
    if (&op != root && (!root || root->isBeforeInBlock(&op)))
      emit(op, row, column, mask);
  }
  SmallVector<Value> results;
  for (Value result : dispatch.getBody().front().getTerminator()->getOperands())
    results.push_back(operand(result, row, column, mask));
  for (auto [i, result] : llvm::enumerate(results)) {
    Value buffer = buffers[resultArgument(dispatch, i)];
    store(result, buffer, c.add(c.mul(row, pitch(buffer, columns())), column), mask);
  }
}

} // namespace cornet::cpu
