// SPDX-License-Identifier: Apache-2.0
//
// The code of one cell of any value of a dispatch: a pointwise op asks its operands for their
// cells, a movement asks at other coordinates, a reduction or contraction loops.
#pragma once

#include "codegen/cpu/Code.h"
#include "ir/Ops/Ops.h"

namespace cornet::cpu {

using Place = llvm::SmallVector<mlir::Value>;

class Cells {
public:
  Cells(Code code, mlir::ValueRange buffers) : c(code), buffers(buffers) {}

  /// From here on cells of `op` lie in its input `index`, which begins at `begin` on the axis.
  void inPart(ConcatOp op, size_t index, int64_t begin) {
    concat = op, part = index, partBegin = begin;
  }

  /// From here on cells at `at`, in the block where they are asked for, are computed once.
  void begin(const Place &at) { top = at, computed.clear(); }

  /// The cell of `value` at `at`.
  mlir::Value cell(mlir::Value value, const Place &at);

private:
  /// Narrow reals are computed with as f32 and rounded to the type of the op that computes them;
  /// integers of 8 bits are computed with as f32, too.
  mlir::Value compute(mlir::Value value, const Place &at);
  /// By the op's own emit(); `buffers` hold what comes from outside.
  mlir::Value computeAsIs(mlir::Value value, const Place &at);
  static llvm::ArrayRef<int64_t> shape(mlir::Value v) {
    return mlir::cast<mlir::RankedTensorType>(v.getType()).getShape();
  }
  static int64_t positive(int64_t axis, int64_t rank) { return axis < 0 ? axis + rank : axis; }
  mlir::Value pointwise(Pointwise op, const Place &at);
  /// The cell of `operand` that stands behind `at` of the wider result.
  Place broadcast(mlir::Value operand, const Place &at);
  /// Nested loops over `extents` that carry one value.
  mlir::Value fold(llvm::ArrayRef<int64_t> extents, mlir::Value init,
                   llvm::function_ref<mlir::Value(const Place &, mlir::Value)> step,
                   Place outer = {});
  /// The cell at `at` when it lies inside `extents`, else `otherwise`; the load itself stays
  /// inside.
  mlir::Value guarded(llvm::ArrayRef<int64_t> extents, Place at, mlir::Value otherwise,
                      llvm::function_ref<mlir::Value(const Place &)> load);
  mlir::Value product(mlir::Value sum, mlir::Value x, mlir::Value y);
  Place broadcastBatch(mlir::Value operand, const Place &at);
  /// The place of input pixel under tap `k` of output pixel `at`, without the channel.
  template <class Op> Place pixel(Op op, const Place &at, llvm::ArrayRef<mlir::Value> k);
  /// The places of a window over (N, spatial..., C) whose tap `k` is the cell at `at`: calls `add`
  /// with the place, which is 0 where there is none, and whether there is one.
  template <class Op>
  mlir::Value places(
      Op op, llvm::ArrayRef<int64_t> extents, const Place &at,
      llvm::function_ref<mlir::Value(const Place &, const Place &, mlir::Value, mlir::Value)> add);
  /// Index `i` brought into `extent` cells by the fill mode; of `constant` also whether it was
  /// inside.
  std::pair<mlir::Value, mlir::Value> filled(mlir::Value i, int64_t extent, llvm::StringRef mode);

  mlir::Value emit(ConstantOp op, const Place &);
  mlir::Value emit(ReduceOp op, const Place &at);
  mlir::Value emit(ReshapeOp op, const Place &at);
  mlir::Value emit(RecomputeOp op, const Place &at);
  mlir::Value emit(TransposeOp op, const Place &at);
  mlir::Value emit(PadOp op, const Place &at);
  mlir::Value emit(ConcatOp op, const Place &at);
  mlir::Value emit(MatmulOp op, const Place &at);
  mlir::Value emit(SliceOp op, const Place &at);
  mlir::Value emit(BroadcastOp op, const Place &at);
  mlir::Value emit(GatherOp op, const Place &at);
  mlir::Value emit(ScatterOp op, const Place &at);
  mlir::Value emit(TakeAlongAxisOp op, const Place &at);
  mlir::Value emit(TopKOp op, const Place &at);
  mlir::Value emit(RandomOp op, const Place &at);

  // In WindowCells.cpp.
  mlir::Value emit(ConvOp op, const Place &at);
  mlir::Value emit(ConvFilterGradientOp op, const Place &at);
  mlir::Value emit(DepthwiseConvOp op, const Place &at);
  mlir::Value emit(MaxPoolOp op, const Place &at);
  mlir::Value emit(AvgPoolOp op, const Place &at);
  mlir::Value emit(MaxPoolGradientOp op, const Place &at);
  mlir::Value emit(AvgPoolGradientOp op, const Place &at);
  mlir::Value emit(ResizeGradientOp op, const Place &at);
  mlir::Value emit(ResizeOp op, const Place &at);
  mlir::Value emit(GridSampleOp op, const Place &at);
  mlir::Value emit(ConvTransposeOp op, const Place &at);

  Code c;
  mlir::ValueRange buffers;
  Place top;
  llvm::DenseMap<mlir::Value, mlir::Value> computed;
  int depth = 0; ///< of loops around the current cell
  ConcatOp concat;
  size_t part = 0;
  int64_t partBegin = 0;
};

} // namespace cornet::cpu
