// SPDX-License-Identifier: Apache-2.0
//
// What a dispatch is worth, for rooflines: its operations and the memory it has to touch, however a
// kernel goes about it.
#pragma once

#include "ir/Ops/Ops.h"

namespace cornet {

struct Work {
  uint64_t flops = 0;   ///< a multiplication and an addition are two; a function is one
  uint64_t read = 0;    ///< bytes of inputs and weights, each once
  uint64_t written = 0; ///< bytes of results
  uint64_t weights = 0; ///< of the bytes read: constants
};

/// Contractions count as the direct sum of products says, over padding too: an algorithm that needs
/// fewer is faster than that. Reductions count each cell, pointwise ops each cell of the result,
/// movements and comparisons nothing. Of a table that is gathered from, or an input that is sliced,
/// what arrives counts.
Work workOf(DispatchOp dispatch);

/// Bytes of a tensor in memory.
uint64_t bytesOf(mlir::Type tensor);

} // namespace cornet
