// SPDX-License-Identifier: Apache-2.0
//
// What every vector emitter shares: buffers as flat arrays, rows of the result cut into vectors
// with a mask for the ragged end, and the pointwise ops that follow a group's root. A row is the
// last dimension; rows are counted over all others. Real cells narrower than f32 are widened where
// they are loaded and rounded where the graph says so, by a cast or an op's type.
#pragma once

#include "codegen/cpu/Code.h"
#include "codegen/cpu/Implementation.h"

#include "llvm/ADT/DenseMap.h"

namespace cornet::cpu {

/// The op a group is about: its first one that is neither a constant nor pointwise, else its first
/// one that is no constant.
mlir::Operation *rootOf(DispatchOp dispatch);

/// The kernel's argument that result `result` is stored to: its own, or the input that it takes the
/// place of. A kernel never reads and writes one buffer through two arguments.
unsigned resultArgument(DispatchOp dispatch, size_t result);

/// What is read for `value`: the dispatch's argument whose 16-bit cells a cast widens, or `value`
/// itself.
mlir::Value storedAs(mlir::Value value);

/// Whether cells of `value` are reals that vectors of f32 compute with: f32, bf16 or f16.
bool isReal(mlir::Value value);
/// The number in every cell of a splat of integers.
double numberOf(mlir::DenseElementsAttr splat);
/// Why an implementation that knows f32 alone cannot serve `dispatch`, or nothing when it can.
std::optional<std::string> refuseNarrow(DispatchOp dispatch);

/// Why the ops after the root cannot be computed on vectors of f32, or nothing when they can. A
/// null root asks about all of them.
std::optional<std::string> refuseEpilogue(DispatchOp dispatch, mlir::Operation *root);

/// `buffer` as a flat memref.
mlir::Value flatten(const Code &code, mlir::Value buffer);

class Epilogue {
public:
  /// `kernel` as Implementation::emit() gets it; `lanes` f32 to a vector.
  Epilogue(const Code &code, DispatchOp dispatch, mlir::Operation *root, mlir::func::FuncOp kernel,
           unsigned lanes);

  /// Which lanes of the vector at `column` lie inside the row; null when all always do because rows
  /// are walked in steps of `step` columns.
  mlir::Value mask(mlir::Value column, int64_t step) const;
  /// The group's value `value`, of shape `shape`, as a vector at `row` and `column` of that shape:
  /// what stands before the root.
  mlir::Value before(mlir::Value value, mlir::Value row, mlir::Value column, mlir::Value mask);
  /// The ops after the root on its value, a vector at `row` and `column`, stored in the result. The
  /// root's value is null when there is no root.
  void finish(mlir::Value root, mlir::Value row, mlir::Value column, mlir::Value mask);

  /// From now on `argument` of the group is `vector`, wherever it is read.
  void give(mlir::Value argument, mlir::Value vector) { given[storedAs(argument)] = vector; }

  /// Buffer `argument` of the kernel as a flat memref.
  mlir::Value flat(unsigned argument) const { return buffers[argument]; }
  mlir::Value flat(mlir::Value blockArgument) const {
    return buffers[mlir::cast<mlir::BlockArgument>(storedAs(blockArgument)).getArgNumber()];
  }
  /// Cells are computed with as f32, whatever type they are stored in: loads widen, stores round to
  /// nearest even.
  mlir::Value load(mlir::Value flat, mlir::Value at, mlir::Value mask) const;
  /// The same as they are stored.
  mlir::Value loadStored(mlir::Value flat, mlir::Value at, mlir::Value mask) const;
  mlir::Value loadScalar(mlir::Value flat, mlir::Value at) const;
  /// The cell in every lane.
  mlir::Value loadSpread(mlir::Value flat, mlir::Value at) const;
  void store(mlir::Value vector, mlir::Value flat, mlir::Value at, mlir::Value mask) const;
  mlir::Value splat(double value) const;
  mlir::VectorType vector() const { return type; }
  int64_t rows() const { return rowCount; }
  int64_t columns() const { return shape.empty() ? 1 : shape.back(); }

private:
  void emit(mlir::Operation &op, mlir::Value row, mlir::Value column, mlir::Value mask);
  mlir::Value operand(mlir::Value value, mlir::Value row, mlir::Value column, mlir::Value mask);

  /// What the cells of a buffer are; of integers of 8 bits the tensor knows the sign.
  mlir::Type elementOf(mlir::Value flat) const;
  /// Cells between rows of a buffer, an argument of the kernel, whose rows have so many.
  int64_t pitch(mlir::Value flat, int64_t columns) const;

  const Code &c;
  DispatchOp dispatch;
  mlir::Operation *root;
  mlir::VectorType type;
  llvm::ArrayRef<int64_t> shape; ///< of the result
  int64_t rowCount = 1;
  llvm::SmallVector<mlir::Value> buffers;
  llvm::DenseMap<mlir::Value, mlir::Value> values, given; ///< of ops in the group, as vectors
};

} // namespace cornet::cpu
