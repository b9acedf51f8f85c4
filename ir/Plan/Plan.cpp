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
  for (auto buffer : getBody().front().getOps<BufferOp>())
    if (buffer.getStorage() == "arena" &&
        (buffer.getOffset() > getArena() || buffer.getSize() > getArena() - buffer.getOffset()))
      return buffer.emitOpError("plan_c1: lies outside the arena of ") << getArena() << " bytes";
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
  return success();
}

} // namespace cornet::plan

#define GET_OP_CLASSES
#include "ir/Plan/Plan.cpp.inc"
