// SPDX-License-Identifier: Apache-2.0
//
// Interpreter.h: a walk over a block that keeps each value until its last use. A dispatch's region
// shares the values it takes and gives: weights are large.
#include "ir/Reference/Interpreter.h"

#include <bit>
#include <cstring>
#include <memory>

using namespace mlir;

namespace cornet::reference {
namespace {

using Values = llvm::DenseMap<Value, std::shared_ptr<const HostTensor>>;

HostTensor shaped(RankedTensorType type) { return {std::vector<int64_t>(type.getShape()), {}}; }

APFloat rounded(double value, FloatType type) {
  APFloat out(value);
  bool inexact;
  out.convert(type.getFloatSemantics(), APFloat::rmNearestTiesToEven, &inexact);
  return out;
}

/// Runs the ops of `block` on `values`; `last[v]` is the op after which v is dropped.
LogicalResult run(Block &block, Values &values);

LogicalResult runDispatch(DispatchOp dispatch, Values &values) {
  Values inner;
  Block &body = dispatch.getBody().front();
  for (auto [argument, input] : llvm::zip(body.getArguments(), dispatch.getInputs()))
    inner[argument] = values[input];
  if (failed(run(body, inner)))
    return failure();
  for (auto [result, yielded] :
       llvm::zip(dispatch.getResults(), body.getTerminator()->getOperands()))
    values[result] = inner[yielded];
  return success();
}

LogicalResult run(Block &block, Values &values) {
  llvm::DenseMap<Value, unsigned> uses;
  for (Operation &op : block)
    for (Value operand : op.getOperands())
      ++uses[operand];
  for (Operation &op : block.without_terminator()) {
    if (auto constant = dyn_cast<ConstantOp>(op)) {
      values[constant] = std::make_shared<HostTensor>(toHost(constant.getValue()));
      continue;
    }
    if (auto dispatch = dyn_cast<DispatchOp>(op)) {
      if (failed(runDispatch(dispatch, values)))
        return failure();
    } else {
      SmallVector<const HostTensor *> inputs;
      for (Value operand : op.getOperands())
        inputs.push_back(values.find(operand)->second.get());
      FailureOr<HostTensor> result = evaluate(&op, inputs);
      if (failed(result))
        return failure();
      values[op.getResult(0)] = std::make_shared<HostTensor>(std::move(*result));
    }
    for (Value operand : op.getOperands())
      if (--uses[operand] == 0)
        values.erase(operand);
  }
  return success();
}

} // namespace

HostTensor toHost(ElementsAttr value) {
  HostTensor out = shaped(cast<RankedTensorType>(value.getType()));
  auto dense = cast<DenseElementsAttr>(value);
  Type element = value.getElementType();
  out.data.reserve(out.size());
  if (element.isF32())
    out.data.assign(dense.value_begin<float>(), dense.value_end<float>());
  else if (element.isF64())
    out.data.assign(dense.value_begin<double>(), dense.value_end<double>());
  else if (element.isBF16())
    for (int64_t i = 0, n = out.size(); i < n; ++i) {
      uint16_t bits;
      std::memcpy(&bits, dense.getRawData().data() + (dense.isSplat() ? 0 : 2 * i), 2);
      out.data.push_back(std::bit_cast<float>(uint32_t(bits) << 16));
    }
  else if (isa<FloatType>(element))
    for (const APFloat &real : dense.getValues<APFloat>())
      out.data.push_back(real.convertToDouble());
  else
    for (const APInt &integer : dense.getValues<APInt>())
      out.data.push_back(element.isInteger(1) || element.isUnsignedInteger()
                             ? double(integer.getZExtValue())
                             : double(integer.getSExtValue()));
  return out;
}

ElementsAttr toElements(const HostTensor &value, RankedTensorType type) {
  Type element = type.getElementType();
  auto as = [&]<class T>(T) -> ElementsAttr {
    std::vector<T> cells(value.data.begin(), value.data.end());
    return DenseElementsAttr::get(type, ArrayRef<T>(cells));
  };
  if (element.isF32())
    return as(float());
  if (element.isF64())
    return as(double());
  if (element.isInteger(64))
    return as(int64_t());
  if (element.isInteger(32))
    return as(int32_t());
  if (element.isSignlessInteger(8))
    return as(int8_t());
  if (element.isUnsignedInteger(8))
    return as(uint8_t());
  if (auto real = dyn_cast<FloatType>(element)) {
    SmallVector<APFloat> cells;
    for (double cell : value.data)
      cells.push_back(rounded(cell, real));
    return DenseElementsAttr::get(type, cells);
  }
  SmallVector<bool> cells(value.data.begin(), value.data.end());
  return DenseElementsAttr::get(type, cells);
}

FailureOr<HostTensor> evaluate(Operation *op, ArrayRef<const HostTensor *> inputs) {
  auto evaluable = dyn_cast<Evaluate>(op);
  if (!evaluable)
    return op->emitOpError("cannot be evaluated by the reference interpreter");
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  HostTensor out = shaped(type);
  if (!type.hasStaticShape() || failed(evaluable.evaluate(inputs, out)))
    return op->emitOpError("cannot be evaluated; bind the batch first");
  if (type.getElementType().isF32())
    for (double &cell : out.data)
      cell = float(cell);
  else if (auto real = dyn_cast<FloatType>(type.getElementType()); real && real.getWidth() < 32)
    for (double &cell : out.data)
      cell = rounded(cell, real).convertToDouble();
  return out;
}

FailureOr<std::vector<HostTensor>> interpret(func::FuncOp function, ArrayRef<HostTensor> inputs) {
  if (inputs.size() != function.getNumArguments())
    return function.emitError("takes ")
           << function.getNumArguments() << " inputs, got " << inputs.size();
  Values values;
  for (auto [argument, input] : llvm::zip(function.getArguments(), inputs))
    values[argument] = std::make_shared<HostTensor>(input);
  if (failed(run(function.front(), values)))
    return failure();
  std::vector<HostTensor> outputs;
  for (Value result : function.front().getTerminator()->getOperands())
    outputs.push_back(*values[result]);
  return outputs;
}

} // namespace cornet::reference
