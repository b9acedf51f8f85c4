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
  std::string level; ///< "x86-64-v3" (AVX2, FMA) or "x86-64-v4" (AVX-512 F, BW, CD, DQ, VL)
  unsigned lanes;    ///< f32 elements of a vector register
  unsigned columns;  ///< vectors of a register tile's row
  unsigned rows;     ///< most rows of a register tile
};

/// The level named `cpu`; "host" is the best one this machine has. Unknown names list the known
/// ones.
llvm::Expected<Isa> isaFor(llvm::StringRef cpu);

} // namespace cornet::cpu
