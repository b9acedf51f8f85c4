// SPDX-License-Identifier: Apache-2.0
//
// The instruction-set levels kernels are generated for. A level is a contract with the loader,
// which checks it by CPUID; nothing finer than a level is ever assumed.
#pragma once

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace cornet::cpu {

struct Isa {
  /// "x86-64-v3" (AVX2, FMA), "x86-64-v4" (AVX-512 F, BW, CD, DQ, VL) or "x86-64-v4-bf16" (that and
  /// AVX512_BF16).
  std::string level;
  unsigned lanes;   ///< f32 elements of a vector register
  unsigned columns; ///< vectors of a register tile's row
  unsigned rows;    ///< most rows of a register tile
  /// Whether pairs of bf16 are multiplied and added to f32 by one instruction; else they are
  /// widened first.
  bool dots = false;

  /// What LLVM calls the level, and the features that it has on top.
  llvm::StringRef cpu() const {
    llvm::StringRef name = level;
    name.consume_back("-bf16");
    return name;
  }
  llvm::StringRef features() const {
    return dots ? "+avx512bf16,-prefer-256-bit" : lanes == 16 ? "-prefer-256-bit" : "";
  }
};

/// The level named `cpu`; "host" is the best one this machine has for values of `precision`
/// ("fp32", "bf16", ...). Unknown names list the known ones.
llvm::Expected<Isa> isaFor(llvm::StringRef cpu, llvm::StringRef precision = "fp32");

} // namespace cornet::cpu
