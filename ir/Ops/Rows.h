// SPDX-License-Identifier: Apache-2.0
//
// Groups of ops that can be computed row by row: reductions over the same dimensions, the last one
// among them, and the pointwise ops around them. A value is wide, of the shape that is reduced, or
// narrow, with one cell for each row. The rule is one for those who form groups and those who emit
// kernels for them.
#pragma once

#include "ir/Ops/Ops.h"

namespace cornet {

struct Rows {
  llvm::SmallVector<int64_t> shape; ///< of wide values
  llvm::SmallVector<int64_t> axes;  ///< the reduced dimensions, ascending

  /// The rows that `op` reduces; nothing where the last dimension stays, the shape is not static,
  /// the cells are no f32, or a row is one cell or too long to stay in a cache near by.
  static std::optional<Rows> of(ReduceOp op);

  int64_t count() const; ///< of rows
  int64_t cells() const; ///< of one row
  bool isWide(mlir::Type type) const;
  bool isNarrow(mlir::Type type) const;
  /// Narrow, and broadcasts against wide values.
  bool isAligned(mlir::Type type) const;
  bool isReduced(int64_t dimension) const { return llvm::is_contained(axes, dimension); }

  /// Whether `op`, a pointwise op or a reduction, can be computed along these rows. `isInside`
  /// tells which of its operands are computed beside it; others come from memory.
  bool fit(mlir::Operation *op, llvm::function_ref<bool(mlir::Value)> isInside) const;

  bool operator==(const Rows &other) const { return shape == other.shape && axes == other.axes; }
};

} // namespace cornet
