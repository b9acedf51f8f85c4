// SPDX-License-Identifier: Apache-2.0
//
// Windows sliding over images: which input cells stand under which output cell, and how a line of
// output is cut into tiles so that only the tiles of the border meet cells that do not exist.
// Channels last; one spatial dimension is an image of one line.
#pragma once

#include "codegen/cpu/Code.h"
#include "ir/Ops/Ops.h"

namespace cornet::cpu {

struct Geometry {
  int64_t lines = 1, width = 1; ///< output: lines (n, y) of pixels
  int64_t perLine = 1;          ///< output lines of one image
  int64_t inHeight = 1, inWidth = 1, channels = 1;
  int64_t R = 1, S = 1; ///< window
  int64_t strideY = 1, strideX = 1, dilationY = 1, dilationX = 1, padY = 0, padX = 0;

  /// `in` and `out` are (N, H, W, C) or (N, W, C); attributes as the ops have them.
  static Geometry of(llvm::ArrayRef<int64_t> in, llvm::ArrayRef<int64_t> out,
                     llvm::ArrayRef<int64_t> window, llvm::ArrayRef<int64_t> strides,
                     llvm::ArrayRef<int64_t> dilations, llvm::ArrayRef<int64_t> padding);

  /// Whether tap `s` of output column `x` reads outside the line.
  bool outside(int64_t x, int64_t s) const {
    int64_t at = x * strideX + s * dilationX - padX;
    return at < 0 || at >= inWidth;
  }
  /// Whether a tile of columns `first`.. reads outside the line.
  bool guarded(int64_t first, int64_t columns) const {
    return outside(first, 0) || outside(first + columns - 1, S - 1);
  }
  int64_t guardedTiles(int64_t columns) const;

  /// A tile of a line: `first` is its first column, also as the constant `at` when guarded.
  struct Tile {
    mlir::Value first;
    int64_t at, columns;
    bool guarded;
  };
  /// What is known of output line `line`: input line number (of all images) under window row 0, the
  /// window rows [low, high) inside the image, and the image's line under window row 0, which may
  /// be negative.
  struct Line {
    mlir::Value inputLine, low, high, top = {};
  };

  Line lineAt(const Code &c, mlir::Value line) const;
  /// Of `rows` input lines from the line's top on, how many end inside the image.
  mlir::Value highOf(const Code &c, const Line &at, int64_t rows) const;
  /// How many leading input lines (of all images) the first `count` output lines read, and how many
  /// no line after those reads.
  int64_t linesRead(int64_t count) const;
  int64_t linesPassed(int64_t count) const;
  /// Whether some window reads outside the image above or below.
  bool guardedLines() const {
    return padY > 0 || (perLine - 1) * strideY - padY + (R - 1) * dilationY >= inHeight;
  }
  /// Whether every output line has a window row inside the image.
  bool hasRows() const;
  /// Emits every tile of a line, runs of unguarded ones as a loop.
  void forEachTile(const Code &c, int64_t columns,
                   llvm::function_ref<void(const Tile &)> emit) const;
};

} // namespace cornet::cpu
