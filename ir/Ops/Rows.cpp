// SPDX-License-Identifier: Apache-2.0
#include "ir/Ops/Rows.h"

using namespace mlir;

namespace cornet {
namespace {

constexpr int64_t kLongest = 32768; // cells: 128 KiB
constexpr int64_t kAlone = 8192;    // of few rows, which are no work for many threads

ArrayRef<int64_t> shapeOf(Type type) { return cast<RankedTensorType>(type).getShape(); }

int64_t product(ArrayRef<int64_t> extents) {
  int64_t out = 1;
  for (int64_t extent : extents)
    out *= extent;
  return out;
}

} // namespace

std::optional<Rows> Rows::of(ReduceOp op) {
  auto type = op.getInput().getType();
  if (!type.hasStaticShape() || !type.getElementType().isF32())
    return std::nullopt;
  Rows rows{SmallVector<int64_t>(type.getShape()), {}};
  for (int64_t axis : op.getAxes())
    rows.axes.push_back(positiveAxis(axis, size_t(type.getRank())));
  llvm::sort(rows.axes);
  if (rows.axes.empty() || rows.axes.back() != type.getRank() - 1 || rows.cells() < 2 ||
      rows.cells() > (rows.count() < 4 ? kAlone : kLongest) || rows.count() == 0)
    return std::nullopt;
  return rows;
}

int64_t Rows::cells() const {
  int64_t out = 1;
  for (int64_t axis : axes)
    out *= shape[size_t(axis)];
  return out;
}

int64_t Rows::count() const { return cells() == 0 ? 0 : product(shape) / cells(); }

bool Rows::isWide(Type type) const { return shapeOf(type) == ArrayRef(shape); }

bool Rows::isAligned(Type type) const {
  SmallVector<int64_t> kept(shape);
  for (int64_t axis : axes)
    kept[size_t(axis)] = 1;
  return shapeOf(type) == ArrayRef(kept);
}

bool Rows::isNarrow(Type type) const {
  SmallVector<int64_t> dropped;
  for (size_t d = 0; d < shape.size(); ++d)
    if (!isReduced(int64_t(d)))
      dropped.push_back(shape[d]);
  return isAligned(type) || shapeOf(type) == ArrayRef(dropped);
}

bool Rows::fit(Operation *op, function_ref<bool(Value)> isInside) const {
  if (auto reduce = dyn_cast<ReduceOp>(op)) {
    std::optional<Rows> rows = of(reduce);
    return rows && *rows == *this;
  }
  if (!isa<Pointwise>(op))
    return false;
  Type type = op->getResult(0).getType(), element = getElementTypeOrSelf(type);
  bool wide = isWide(type), number = !wide && isa<CastOp>(op) && element.isInteger(32);
  if ((!wide && !isNarrow(type)) || !(element.isF32() || element.isInteger(1) || number))
    return false;
  return llvm::all_of(op->getOperands(), [&](Value operand) {
    Type from = getElementTypeOrSelf(operand);
    if (!isInside(operand))
      return from.isF32();
    if (wide)
      return isWide(operand.getType()) || isAligned(operand.getType());
    return operand.getType() == type || shapeOf(operand.getType()) == shapeOf(type);
  });
}

} // namespace cornet
