// SPDX-License-Identifier: Apache-2.0
#include "codegen/cpu/Isa.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/TargetParser/Host.h"

#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace cornet::cpu {
namespace {

using enum Architecture;

constexpr Isa table[] = {
    // level, architecture, LLVM's cpu and features, lanes, registers, avx512, dots, tiles, byteDots
    {"x86-64-v3", x86_64, "x86-64-v3", "", 8, 16},
    {"x86-64-v4", x86_64, "x86-64-v4", "-prefer-256-bit", 16, 32, true},
    {"x86-64-v4-vnni", x86_64, "x86-64-v4", "+avx512vnni,-prefer-256-bit", 16, 32, true, false,
     false, true},
    {"x86-64-v4-bf16", x86_64, "x86-64-v4", "+avx512vnni,+avx512bf16,-prefer-256-bit", 16, 32, true,
     true, false, true},
    {"x86-64-v4-amx", x86_64, "x86-64-v4",
     "+avx512vnni,+avx512bf16,+amx-tile,+amx-bf16,-prefer-256-bit", 16, 32, true, true, true, true},
    // Every 64-bit Arm processor: NEON and its fused multiply-add belong to the base.
    {"armv8-a", aarch64, "generic", "+v8a,+neon", 4, 32},
};

#if defined(__aarch64__)
constexpr Architecture here = aarch64;
#else
constexpr Architecture here = x86_64;
#endif

/// Linux lends tile registers to processes that ask for them, where the machine has any.
bool getsTiles() {
#if defined(__linux__) && defined(__x86_64__)
  constexpr long request = 0x1023, tileData = 18; // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, request, tileData) == 0;
#else
  return false;
#endif
}

/// LLVM's names of what the loader asks of the processor.
bool hostHas(const Isa &isa, const llvm::StringMap<bool> &has) {
  auto all = [&](std::initializer_list<const char *> features) {
    return llvm::all_of(features, [&](const char *feature) { return has.lookup(feature); });
  };
  if (!isa.isNative())
    return false;
  if (isa.architecture == aarch64)
    return true;
  return all({"avx2", "fma", "bmi", "bmi2", "f16c", "lzcnt", "movbe"}) &&
         (!isa.avx512 || all({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})) &&
         (!isa.byteDots || has.lookup("avx512vnni")) && (!isa.dots || has.lookup("avx512bf16")) &&
         (!isa.tiles || (all({"amx-tile", "amx-bf16"}) && getsTiles()));
}

/// Whether this is an Intel processor, the kind of which estimates and the choice of a level need
/// to know more than what it can do.
bool isIntel() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  return __builtin_cpu_is("intel");
#else
  return false;
#endif
}

/// `isa` with the costs of this machine, where it runs such kernels.
Isa priced(Isa isa) {
  if (isa.isNative() && isa.avx512 && isIntel())
    isa.costs = kWideIntelCosts;
  return isa;
}

/// Whether bf16 is faster by the level's dot products than widened. Intel's cores start one dot
/// product in the time of four multiply-adds (1.3 and 5.9 a nanosecond on an Emerald Rapids).
bool dotsPay(const Isa &isa) { return isa.tiles || !isIntel(); }

} // namespace

bool Isa::isNative() const { return architecture == here; }

llvm::ArrayRef<Isa> levels() { return table; }

llvm::Expected<Isa> isaFor(llvm::StringRef cpu, llvm::StringRef precision, bool hasBytes) {
  auto known = llvm::map_range(levels(), [](const Isa &isa) { return isa.level; });
  for (const Isa &isa : levels())
    if (cpu == isa.level)
      return priced(isa);
  if (cpu != "host")
    return llvm::createStringError("unknown cpu '" + cpu + "'; known: host, " +
                                   llvm::join(known, ", "));
  llvm::StringMap<bool> has = llvm::sys::getHostCPUFeatures();
  bool isBF16 = precision == "bf16" || precision == "bf16-activations";
  for (const Isa &isa : llvm::reverse(levels()))
    if (hostHas(isa, has) && (isa.dots ? isBF16 && dotsPay(isa) : hasBytes || !isa.byteDots))
      return priced(isa);
  return llvm::createStringError("this machine has neither AVX2 with FMA nor AVX-512; name a level "
                                 "to cross-compile, as in --cpu=x86-64-v3");
}

} // namespace cornet::cpu
