// SPDX-License-Identifier: Apache-2.0
#include "codegen/Slices.h"

#include "codegen/Work.h"
#include "runtime/schema/Header.h"

using namespace mlir;

namespace cornet {
namespace {

ArrayRef<int64_t> shapeOf(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }

/// The concatenation along the last dimension that is all `dispatch` does; null where there is
/// none.
ConcatOp plainConcat(DispatchOp dispatch) {
  auto &ops = dispatch.getBody().front();
  auto concat = dyn_cast<ConcatOp>(ops.front());
  if (!concat || !isa<YieldOp>(concat->getNextNode()) || dispatch.getNumResults() != 1)
    return {};
  int64_t rank = int64_t(shapeOf(concat.getResult()).size()), axis = int64_t(concat.getAxis());
  llvm::SmallDenseSet<Value> distinct;
  bool areParts = llvm::all_of(concat.getInputs(), [&](Value input) {
    return isa<BlockArgument>(input) && distinct.insert(input).second;
  });
  return areParts && (axis == -1 || axis == rank - 1) ? concat : ConcatOp();
}

/// Whether a buffer may begin with cell `offset`, in cells of `tensor`, which has some.
bool isAligned(Type tensor, int64_t offset) {
  uint64_t cell = bytesOf(tensor) / uint64_t(cast<RankedTensorType>(tensor).getNumElements());
  return uint64_t(offset) * cell % artifact::kBufferAlignment == 0;
}

void setPitch(DispatchOp dispatch, unsigned argument, int64_t pitch) {
  SmallVector<int64_t> pitches(dispatch.getInputs().size() + dispatch.getNumResults(), 0);
  if (auto given = dispatch->getAttrOfType<DenseI64ArrayAttr>("pitches"))
    pitches.assign(given.asArrayRef().begin(), given.asArrayRef().end());
  pitches[argument] = pitch;
  dispatch->setAttr("pitches", DenseI64ArrayAttr::get(dispatch.getContext(), pitches));
}

/// Whether `part` may be a slice of what `joining` makes.
bool maySlice(Value part, DispatchOp joining, const cpu::Isa &level) {
  auto writer = part.getDefiningOp<DispatchOp>();
  auto isApart = [&](DispatchOp dispatch, unsigned argument) {
    return cpu::implementationOf(dispatch, level).takesPitch(dispatch, argument, level);
  };
  if (!writer || bytesOf(part.getType()) == 0 || writer.getNumResults() != 1 ||
      writer->hasAttr("in_place") || !isApart(writer, unsigned(writer.getInputs().size())))
    return false;
  unsigned parts = 0;
  return llvm::all_of(part.getUses(), [&](OpOperand &use) {
    if (use.getOwner() == joining)
      return ++parts == 1;
    auto reader = dyn_cast<DispatchOp>(use.getOwner());
    return reader && !reader->hasAttr("in_place") && isApart(reader, use.getOperandNumber());
  });
}

} // namespace

llvm::DenseMap<Value, Slice> writeSlices(func::FuncOp entry, const cpu::Isa &level) {
  llvm::DenseMap<Value, Slice> out;
  SmallVector<DispatchOp> dispatches(entry.getOps<DispatchOp>());
  // A whole may be a part itself, so the last one comes first.
  for (DispatchOp dispatch : llvm::reverse(dispatches)) {
    ConcatOp concat = plainConcat(dispatch);
    if (!concat)
      continue;
    Value result = dispatch.getResult(0);
    auto staysInside = [](OpOperand &use) { return isa<DispatchOp>(use.getOwner()); };
    if (!llvm::all_of(result.getUses(), staysInside))
      continue;
    Slice place = out.contains(result) ? out[result] : Slice{result, 0};
    SmallVector<std::pair<Value, Slice>> parts;
    for (Value input : concat.getInputs()) {
      Value part = dispatch.getInputs()[cast<BlockArgument>(input).getArgNumber()];
      if (!out.contains(part) && maySlice(part, dispatch, level) &&
          isAligned(part.getType(), place.offset))
        parts.push_back({part, place});
      place.offset += shapeOf(part).back();
    }
    if (parts.size() != concat.getInputs().size())
      continue;
    dispatch->setAttr("joined", UnitAttr::get(entry.getContext()));
    for (auto [part, slice] : parts) {
      out[part] = slice;
      int64_t pitch = shapeOf(slice.whole).back();
      auto writer = part.getDefiningOp<DispatchOp>();
      setPitch(writer, unsigned(writer.getInputs().size()), pitch);
      for (OpOperand &use : part.getUses())
        setPitch(cast<DispatchOp>(use.getOwner()), use.getOperandNumber(), pitch);
    }
  }
  return out;
}

} // namespace cornet
