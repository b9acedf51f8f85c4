// SPDX-License-Identifier: Apache-2.0
//
// What `contract` computes: products, convolutions and transposed convolutions as sums over k of
// input cells and weights, for output pixels in lines.
#pragma once

#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Geometry.h"
#include "codegen/cpu/Panels.h"
#include "codegen/cpu/Variant.h"

#include <vector>

namespace cornet::cpu {

/// A register tile: rows of pixels times columns of vectors.
struct RegisterTile {
  int64_t rows = 1, columns = 1;
  /// Whether its sums, a row of weights and an input cell have a register each.
  bool fits(const Isa &isa) const { return rows * columns + columns + 1 <= isa.registers; }
};
inline Variant variantOf(const RegisterTile &tile) {
  return {"contract", 0, 0, tile.rows, tile.columns, 0};
}

/// Output pixels in `lines` of `width`, each a sum over k of input cells and weights. The cells
/// that one phase of a strided transposed convolution computes are such pixels, some steps apart in
/// the result.
struct Contraction : Geometry {
  mlir::Value input, weights;
  int64_t outputs = 1; ///< of one part
  bool packed = true;  ///< weights are panels, else (k, outputs) as they are
  int64_t pixel = 1;   ///< cells between neighbouring input pixels
  int64_t word = 1; ///< cells along k that one instruction multiplies: 2 of bf16, 4 of ui8 and i8
  int64_t parts = 1, inputPart = 0, columnPart = 0, rowPart = 0; ///< and where a part's cells begin
  /// Place of the pixel at (image, y, x) in the result: image imageStep + y lineStep + x pixelStep
  /// + firstPixel.
  int64_t imageStep = 0, lineStep = 0, pixelStep = 1, firstPixel = 0;
  RegisterTile tile;
  Panels panels; ///< of packed weights

  /// Whether words run through the taps of a kernel row, because channels are odd and few.
  bool through = false;
  /// Rows of a panel for a tap and for a kernel row, in whole words.
  int64_t padded() const { return (channels + word - 1) / word * word; }
  int64_t rowDepth() const {
    return through ? (S * channels + word - 1) / word * word : S * padded();
  }
  /// Rows of the weights: of a panel, or of the matrix as it is.
  int64_t depth() const { return packed ? R * rowDepth() : R * S * channels; }
  bool flat() const {
    return R == 1 && S == 1 && strideY == 1 && strideX == 1 && padY == 0 && padX == 0 &&
           width == inWidth && perLine == inHeight && pixelStep == 1 &&
           (lineStep == 0 || lineStep == width);
  }
  /// Whether lines follow each other in the result.
  bool plain() const { return pixelStep == 1 && lineStep == width && imageStep == perLine * width; }
  int64_t columnsOf(const Isa &isa) const { return tile.columns * isa.lanes; }
  /// Register tiles of a panel: pixels of the one long line, or lines.
  int64_t units() const { return flat() ? (width + tile.rows - 1) / tile.rows : lines; }
  /// Units of a block: tiles go by blocks of units, within a block by panels. A block's input and
  /// what it computes stay in the second cache while the panels pass, a panel in the first while
  /// the block's units do. Threads take neighbouring tiles, so they split the pixels, and the next
  /// op finds its lines where they were written. Where weights outweigh pixels all is one block,
  /// and threads split the panels. `bytes`: of an input's cell.
  int64_t block(int64_t bytes) const;
  int64_t tiles(const Isa &isa) const {
    return parts * ((outputs + columnsOf(isa) - 1) / columnsOf(isa)) * units();
  }
};

/// Estimated time of computing `k` directly in its tile.
double directCost(const Contraction &k, const Isa &isa);

/// Every register tile that could serve the dispatch; none where it is no contraction.
std::vector<Way> contractWays(DispatchOp dispatch, const Isa &isa);

/// The contractions that make up the dispatch's root, or none where it is no contraction of a known
/// form. Weights of all are packed into one buffer.
std::vector<Contraction> contractionsOf(DispatchOp dispatch, const Isa &isa);

} // namespace cornet::cpu
