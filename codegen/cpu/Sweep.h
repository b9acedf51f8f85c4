// SPDX-License-Identifier: Apache-2.0
//
// How a kernel whose tiles go down an image walks through what it reads and writes. Steps that
// stand in a row and walk so can take turns, a band of lines each, while what the one has written
// is still in the cache of the other.
#pragma once

#include <cstdint>
#include <functional>

namespace cornet::cpu {

/// Tiles come in blocks, the last of which may be smaller. Cells are counted from the first one on:
/// channels stand last, so the leading cells of an image are its upper lines.
struct Sweep {
  using Cells = std::function<int64_t(int64_t blocks)>;

  unsigned image;     ///< the input that is walked through
  int64_t blockTiles; ///< tiles of a block
  int64_t blocks;     ///< of all tiles
  Cells read;         ///< leading cells of the image that so many blocks read
  Cells passed;       ///< leading cells of the image that no block after so many reads
  Cells written;      ///< leading cells of the result that so many blocks complete
  Cells touched;      ///< leading cells of the result that so many blocks may write

  /// The fewest blocks that complete `cells`.
  int64_t blocksFor(int64_t cells) const {
    int64_t low = 0, high = blocks;
    while (low < high) {
      int64_t middle = (low + high) / 2;
      written(middle) >= cells ? high = middle : low = middle + 1;
    }
    return low;
  }
};

} // namespace cornet::cpu
