// SPDX-License-Identifier: Apache-2.0
//
// The instruction-set levels kernels are generated for, as a table. A level is a contract with the
// loader, which checks it by what the processor says of itself; nothing finer than a level is ever
// assumed. Emitters ask for these facts and never for a level's name.
#pragma once

#include "codegen/cpu/Costs.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

namespace cornet::cpu {

enum class Architecture { x86_64, aarch64 };

struct Isa {
  llvm::StringLiteral level; ///< what users and artifacts call it
  Architecture architecture;
  llvm::StringLiteral cpu;      ///< what LLVM calls it,
  llvm::StringLiteral features; ///< and what it has on top
  unsigned lanes;               ///< f32 elements of a vector register
  unsigned registers;           ///< vector registers
  /// Whether AVX-512's powers of two and reciprocal estimates are there.
  bool avx512 = false;
  /// Whether pairs of bf16 are multiplied and added to f32 by one instruction; else they are
  /// widened first.
  bool dots = false;
  bool tiles = false; ///< whether there are tile registers for bf16
  /// Whether four products of ui8 and i8 are added to an i32 by one instruction.
  bool byteDots = false;
  Costs costs = {}; ///< what estimates are made of

  llvm::StringRef triple() const {
    return architecture == Architecture::aarch64 ? "aarch64-unknown-linux-gnu"
                                                 : "x86_64-unknown-linux-gnu";
  }
  /// Whether a cell in memory can be an operand in all lanes.
  bool broadcastsFromMemory() const { return architecture == Architecture::x86_64; }
  /// Whether code of this level can run on a machine of the compiler's kind at all.
  bool isNative() const;
};

/// Every level: of each architecture the ones that need more come later.
llvm::ArrayRef<Isa> levels();

/// The level named `cpu`; "host" is the best one this machine has for values of `precision`
/// ("fp32", "bf16", ...), and for integers of 8 bits where the program has any. Unknown names list
/// the known ones.
llvm::Expected<Isa> isaFor(llvm::StringRef cpu, llvm::StringRef precision = "fp32",
                           bool hasBytes = false);

} // namespace cornet::cpu
