// SPDX-License-Identifier: Apache-2.0
//
// Which steps of a plan take turns. An activation that the second cache does not hold is written
// to and read back from afar, step by step. Steps in a row that go down their images can take a
// band of lines each instead, so that a band is read while it is near. What only they read lives in
// a ring, whose cells are written anew when nobody needs them any more, and never leaves the cache.
// Kernels, and the bits they compute, stay what they are.
#pragma once

#include "codegen/cpu/Sweep.h"

#include <optional>
#include <vector>

namespace cornet {

/// Bytes of an image for which taking turns is worth it.
inline constexpr uint64_t kLargeImage = 512 << 10;

/// A step as far as taking turns goes.
struct BandedStep {
  /// How its tiles walk; nothing for a step that stands alone: it writes over something that others
  /// read, as the old value of a variable, has several results, or does not walk.
  std::optional<cpu::Sweep> sweep;
  int64_t tiles = 1;
  std::vector<uint32_t> inputs; ///< buffers
  std::vector<bool> along;      ///< of each input: whether a cell is read where its like is written
  uint32_t result = 0;          ///< its buffer
  uint64_t imageBytes = 0, resultBytes = 0;
  uint64_t imageCell = 0, resultCell = 0; ///< bytes of a cell
  size_t lastReader = SIZE_MAX; ///< of the result, the last step; SIZE_MAX: others read it, too

  std::vector<int64_t> bands = {}; ///< ends of ranges of tiles; none: the step is done at once
  bool follows = false;            ///< takes turns with the step before
  /// Cell c of the result lies at c modulo `period` bytes of a ring; 0: it has none. In band b,
  /// cells lie where a buffer would have them that begins turns[b] periods before the ring.
  uint64_t period = 0;
  std::vector<int64_t> turns = {};
};

/// Decides what follows `lastReader`.
void formBands(std::vector<BandedStep> &steps);

} // namespace cornet
