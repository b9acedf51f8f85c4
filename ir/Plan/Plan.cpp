// SPDX-License-Identifier: Apache-2.0
#include "ir/Plan/Plan.h"

#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

#include "ir/Plan/PlanDialect.cpp.inc"
#define GET_TYPEDEF_CLASSES
#include "ir/Plan/PlanTypes.cpp.inc"

namespace cornet::plan {

void PlanDialect::initialize() {
  addTypes<
#define GET_TYPEDEF_LIST
#include "ir/Plan/PlanTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "ir/Plan/Plan.cpp.inc"
      >();
}

LogicalResult EntryOp::verify() {
  for (auto buffer : getBody().front().getOps<BufferOp>()) {
    if (buffer.getStorage() == "arena" &&
        (buffer.getOffset() > getArena() || buffer.getSize() > getArena() - buffer.getOffset()))
      return buffer.emitOpError("plan_c1: lies outside the arena of ") << getArena() << " bytes";
    else if (buffer.getRing() > getRings() || buffer.getPeriod() > getRings() - buffer.getRing())
      return buffer.emitOpError("plan_c1: lies outside the rings of ") << getRings() << " bytes";
  }
  return success();
}

LogicalResult BufferOp::verify() {
  if (!llvm::is_contained({"arena", "weights", "input", "output", "variable"}, getStorage()))
    return emitOpError("plan_c2: storage must be arena, weights, input or output");
  if (int64_t(getSize()) < 0 || int64_t(getOffset()) < 0 || getOffset() % 64 != 0)
    return emitOpError(
        "plan_c3: size and offset must not be negative, the offset a multiple of 64");
  return success();
}

LogicalResult StepOp::verify() {
  if (getBuffers().empty() || int64_t(getTiles()) < 1 || getScratch() % 64 != 0 ||
      getWork().size() != 4)
    return emitOpError("plan_c4: a step needs a buffer and a tile, scratch in multiples of 64, and "
                       "four numbers of work");
  ArrayRef<int64_t> ends = getBands();
  bool good = ends.empty() || ends.back() == int64_t(getTiles());
  for (size_t i = 0; i < ends.size(); ++i)
    good &= ends[i] >= (i ? ends[i - 1] : 0);
  if (getFollows()) {
    auto before = dyn_cast_or_null<StepOp>((*this)->getPrevNode());
    good &= before && !ends.empty() && before.getBands().size() == ends.size();
  }
  if (!good)
    return emitOpError(
        "plan_c5: the ends of bands ascend to the number of tiles, and a step has as "
        "many as the one it follows");
  return success();
}

} // namespace cornet::plan

#define GET_OP_CLASSES
#include "ir/Plan/Plan.cpp.inc"
