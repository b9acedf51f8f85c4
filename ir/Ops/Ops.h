// SPDX-License-Identifier: Apache-2.0
//
// The cornet dialect: include this to build, match or verify its ops.
#pragma once

#include "ir/Reference/HostTensor.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/PatternMatch.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace cornet {

/// An axis of `rank`, of which negative ones count from the last.
inline int64_t positiveAxis(int64_t axis, size_t rank) {
  return axis < 0 ? axis + int64_t(rank) : axis;
}

/// Whether `type`, or the elements of one, are integers of 8 bits: i8 or ui8.
inline bool isByte(mlir::Type type) {
  auto integer = mlir::dyn_cast<mlir::IntegerType>(mlir::getElementTypeOrSelf(type));
  return integer && integer.getWidth() == 8;
}
/// The least and the largest of them.
inline std::pair<double, double> rangeOfByte(mlir::Type type) {
  return mlir::getElementTypeOrSelf(type).isUnsignedInteger() ? std::pair(0.0, 255.0)
                                                              : std::pair(-128.0, 127.0);
}

/// Checks the one result of `op` against the shape rule of the op's name; the message carries the
/// label.
llvm::LogicalResult verifyInferred(mlir::Operation *op);

/// The result type of `op` for other operand types, as batch binding needs it. Emits an error at
/// `op`.
mlir::FailureOr<mlir::RankedTensorType> inferResultType(mlir::Operation *op,
                                                        mlir::TypeRange operands);

} // namespace cornet

#include "ir/Ops/Dialect.h.inc"
#include "ir/Ops/Interfaces.h.inc"

#define GET_OP_CLASSES
#include "ir/Ops/Pointwise.h.inc"
#define GET_OP_CLASSES
#include "ir/Ops/Structured.h.inc"
#define GET_OP_CLASSES
#include "ir/Ops/Program.h.inc"
