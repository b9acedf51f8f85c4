// SPDX-License-Identifier: Apache-2.0
//
// Weights as panels, [part][panel][tap][channel][lane] or with the taps of a channel together: what
// a contraction reads in one sweep. Where an instruction multiplies pairs of channels, a lane holds
// a word of two, the last one with a zero if need be: [part][panel][tap][pair of
// channels][lane][2]. Where the cells come from is a sum of steps, so kernels of convolutions,
// transposed and flipped ones, and matrices either way round are packed by the same code, at
// compile time on the host or at run time by a kernel.
#pragma once

#include "codegen/cpu/Code.h"
#include "codegen/cpu/Isa.h"

namespace cornet::cpu {

struct Panels {
  int64_t parts = 1, R = 1, S = 1, channels = 1, outputs = 1; ///< outputs of one part
  int64_t width = 1;                                          ///< lanes of a panel
  int64_t word = 1;                                           ///< channels of a lane: 1, 2 or 4
  int64_t unit = 1;          ///< channels of a tap are made up to whole ones of so many, by zeros
  int64_t first = 0;         ///< cells of the packed buffer before
  bool channelMajor = false; ///< [channel][tap] in a panel, not [tap][channel]
  /// Cell (part, r, s, c, o) lies at base + part partStep + r rStep + ... of the plain weights.
  int64_t base = 0, partStep = 0, rStep = 0, sStep = 0, channelStep = 0, outputStep = 1;

  int64_t panels() const { return (outputs + width - 1) / width; }
  int64_t words() const { ///< of a tap
    int64_t whole = unit > word ? unit : word;
    return (channels + whole - 1) / whole * whole / word;
  }
  int64_t depth() const { return R * S * words() * word; }
  /// Cells between neighbouring taps and words of channels of a packed panel.
  int64_t packedTap() const { return word * width * (channelMajor ? 1 : words()); }
  int64_t packedChannel() const { return word * width * (channelMajor ? R * S : 1); }
  int64_t cells() const { return parts * panels() * depth() * width; }
  /// Tiles of the kernel that packs.
  int64_t tiles() const { return parts * panels() * R * S; }

  /// Emits the packing of tile `tile`; both buffers are flat. Words are of 1 or 2 channels.
  void emit(const Code &c, const Isa &isa, mlir::Value from, mlir::Value to,
            mlir::Value tile) const;
};

/// `value` packed by all of `panels` into a buffer of type `packed`, on the host.
mlir::ElementsAttr packedBy(llvm::ArrayRef<Panels> panels, mlir::DenseElementsAttr value,
                            mlir::RankedTensorType packed);

/// Vectors of as many lanes as there are: lane j of vector i becomes lane i of vector j.
llvm::SmallVector<mlir::Value> transposeSquare(const Code &c, llvm::ArrayRef<mlir::Value> rows);

} // namespace cornet::cpu
