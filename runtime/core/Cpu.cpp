// SPDX-License-Identifier: Apache-2.0
//
// One table of levels for each architecture the runtime is built for: those that need more come
// later.
#include "runtime/core/Cpu.h"

#include <cstring>
#include <elf.h>

#if defined(__x86_64__)
#include <sys/syscall.h>
#include <unistd.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
#endif

namespace cornet::runtime {
namespace {

struct Level {
  const char *name;
  bool (*isHere)();
};

#if defined(__x86_64__)
constexpr uint16_t kMachine = EM_X86_64;

bool hasV3() {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
         __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
}
bool hasV4() {
  return hasV3() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
         __builtin_cpu_supports("avx512vl");
}
bool hasV4Vnni() { return hasV4() && __builtin_cpu_supports("avx512vnni"); }
bool hasV4BF16() { return hasV4Vnni() && __builtin_cpu_supports("avx512bf16"); }
/// Linux lends tile registers to processes that ask for them, where the machine has any.
bool hasV4Amx() {
  constexpr long request = 0x1023, tileData = 18; // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
  return hasV4BF16() && syscall(SYS_arch_prctl, request, tileData) == 0;
}

constexpr Level kLevels[] = {{"x86-64-v3", hasV3},
                             {"x86-64-v4", hasV4},
                             {"x86-64-v4-vnni", hasV4Vnni},
                             {"x86-64-v4-bf16", hasV4BF16},
                             {"x86-64-v4-amx", hasV4Amx}};
#elif defined(__aarch64__)
constexpr uint16_t kMachine = EM_AARCH64;

bool hasNeon() {
  unsigned long needed = HWCAP_FP | HWCAP_ASIMD;
  return (getauxval(AT_HWCAP) & needed) == needed;
}

constexpr Level kLevels[] = {{"armv8-a", hasNeon}};
#else
#error "the runtime knows the levels of x86-64 and AArch64: add a table for this architecture"
#endif

std::string machineName(unsigned machine) {
  switch (machine) {
  case EM_X86_64:
    return "x86-64";
  case EM_AARCH64:
    return "AArch64";
  default:
    return "ELF machine " + std::to_string(machine);
  }
}

} // namespace

int rankOf(const char *isa) {
  for (int rank = 0; const Level &level : kLevels) {
    if (!std::strcmp(isa, level.name))
      return level.isHere() ? rank : -1;
    ++rank;
  }
  return -1;
}

const char *bestLevel() {
  const char *best = nullptr;
  for (const Level &level : kLevels)
    best = level.isHere() ? level.name : best;
  return best;
}

std::string refuseMachine(const void *code, size_t size) {
  Elf64_Ehdr header;
  if (size < sizeof header)
    return "the code is shorter than the header of an ELF object";
  std::memcpy(&header, code, sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) || header.e_ident[EI_CLASS] != ELFCLASS64 ||
      header.e_ident[EI_DATA] != ELFDATA2LSB)
    return "the code is no 64-bit little-endian ELF object";
  if (header.e_machine != kMachine)
    return "the code is for " + machineName(header.e_machine) + " and this processor is " +
           machineName(kMachine);
  return "";
}

} // namespace cornet::runtime
