// SPDX-License-Identifier: Apache-2.0
//
// Concatenations without copies. Where the parts of a concatenation along the last dimension are
// all computed by steps that can write rows apart from each other, they write into their place in
// the whole, and no step joins them. Who reads a part besides reads it there.
#pragma once

#include "codegen/cpu/Implementation.h"

namespace cornet {

/// Where a value lies in another: its cell `offset` is its first, its rows are the other's.
struct Slice {
  mlir::Value whole;
  int64_t offset = 0;
};

/// Decides which values are slices. Dispatches that write or read one say so by `pitches`: for each
/// input and result the cells between rows, or 0 where rows follow each other. A concatenation
/// whose parts are all slices is marked `joined`: there is nothing for it to do. Comes before
/// writeInPlace().
llvm::DenseMap<mlir::Value, Slice> writeSlices(mlir::func::FuncOp entry, const cpu::Isa &level);

} // namespace cornet
