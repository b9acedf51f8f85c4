// SPDX-License-Identifier: Apache-2.0
#include "tests/codegen/TileEmulator.h"

#if defined(__linux__) && defined(__x86_64__)

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <csignal>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <sys/syscall.h>
#include <ucontext.h>

namespace {

std::atomic<bool> emulating = false;
std::atomic<unsigned long> count = 0;

constexpr long kRequest = 0x1023; // ARCH_REQ_XCOMP_PERM

struct Tiles {
  uint16_t bytes[8] = {}; ///< of a row
  uint8_t rows[8] = {};
  uint8_t cells[8][16][64] = {};
};
thread_local Tiles tiles;

using Registers = greg_t *;

/// The general register with that number, as instructions count them.
greg_t &generalRegister(Registers registers, unsigned number) {
  static constexpr int places[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                     REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                     REG_R12, REG_R13, REG_R14, REG_R15};
  return registers[places[number]];
}

/// A VEX instruction of three prefix bytes: what follows C4.
struct Instruction {
  unsigned r, x, b, map, w, vvvv, length, pp, opcode, mod, reg, rm;
  uint8_t *base = nullptr; ///< of the memory operand, without its index
  int64_t index = 0;       ///< scaled
  unsigned size = 0;       ///< bytes of the instruction
};

bool decode(const uint8_t *at, Registers registers, Instruction &out) {
  if (at[0] != 0xC4)
    return false;
  out.r = !(at[1] & 0x80), out.x = !(at[1] & 0x40), out.b = !(at[1] & 0x20), out.map = at[1] & 31;
  out.w = at[2] >> 7, out.vvvv = ~(at[2] >> 3) & 15, out.length = at[2] >> 2 & 1,
  out.pp = at[2] & 3;
  out.opcode = at[3];
  out.mod = at[4] >> 6, out.reg = (at[4] >> 3 & 7) + 8 * out.r, out.rm = at[4] & 7;
  out.size = 5;
  if (out.map != 2 || out.w || out.length)
    return false;
  if (out.mod == 3) {
    out.rm += 8 * out.b;
    return true;
  }
  bool displaced = false;
  int64_t base = 0;
  if (out.rm == 4) {
    uint8_t sib = at[out.size++];
    unsigned index = (sib >> 3 & 7) + 8 * out.x;
    if (index != 4)
      out.index = generalRegister(registers, index) << (sib >> 6);
    displaced = (sib & 7) == 5 && out.mod == 0;
    if (!displaced)
      base = generalRegister(registers, (sib & 7) + 8 * out.b);
  } else if (out.rm == 5 && out.mod == 0) {
    return false; // relative to the instruction: no tile instruction's form
  } else {
    base = generalRegister(registers, out.rm + 8 * out.b);
  }
  if (out.mod == 1) {
    base += int8_t(at[out.size++]);
  } else if (out.mod == 2 || displaced) {
    int32_t far;
    std::memcpy(&far, at + out.size, 4);
    base += far, out.size += 4;
  }
  out.base = reinterpret_cast<uint8_t *>(base);
  return true;
}

float widened(const uint8_t *cell) {
  uint16_t bits;
  std::memcpy(&bits, cell, 2);
  return std::bit_cast<float>(uint32_t(bits) << 16);
}

/// TDPBF16PS: to += left right, whose words are pairs along k.
void multiplyTiles(unsigned to, unsigned left, unsigned right) {
  for (unsigned m = 0; m < tiles.rows[to]; ++m)
    for (unsigned k = 0; k < tiles.bytes[left] / 4u; ++k)
      for (unsigned n = 0; n < tiles.bytes[to] / 4u; ++n) {
        float sum;
        std::memcpy(&sum, &tiles.cells[to][m][4 * n], 4);
        for (unsigned half = 0; half < 2; ++half)
          sum += widened(&tiles.cells[left][m][4 * k + 2 * half]) *
                 widened(&tiles.cells[right][k][4 * n + 2 * half]);
        std::memcpy(&tiles.cells[to][m][4 * n], &sum, 4);
      }
}

bool carryOut(const Instruction &it) {
  enum Prefix { None, P66, F3, F2 };
  unsigned tile = it.reg;
  if (tile > 7)
    return false;
  if (it.opcode == 0x49 && it.pp == None && it.mod != 3 && it.reg == 0) { // ldtilecfg
    tiles = {};
    for (unsigned t = 0; t < 8; ++t) {
      std::memcpy(&tiles.bytes[t], it.base + it.index + 16 + 2 * t, 2);
      tiles.rows[t] = it.base[it.index + 48 + t];
    }
    return it.base[it.index] == 1;
  }
  if (it.opcode == 0x49 && it.pp == None && it.mod == 3 && it.reg == 0) { // tilerelease
    tiles = {};
    return true;
  }
  if (it.opcode == 0x49 && it.pp == F2 && it.mod == 3) { // tilezero
    std::memset(tiles.cells[tile], 0, sizeof tiles.cells[tile]);
    return tiles.rows[tile] > 0;
  }
  if (it.opcode == 0x4B && (it.pp == F2 || it.pp == P66)) { // tileloadd, tileloaddt1
    std::memset(tiles.cells[tile], 0, sizeof tiles.cells[tile]);
    for (unsigned row = 0; row < tiles.rows[tile]; ++row)
      std::memcpy(tiles.cells[tile][row], it.base + row * it.index, tiles.bytes[tile]);
    return tiles.rows[tile] > 0;
  }
  if (it.opcode == 0x4B && it.pp == F3) { // tilestored
    for (unsigned row = 0; row < tiles.rows[tile]; ++row)
      std::memcpy(it.base + row * it.index, tiles.cells[tile][row], tiles.bytes[tile]);
    return tiles.rows[tile] > 0;
  }
  if (it.opcode == 0x5C && it.pp == F3 && it.mod == 3) { // tdpbf16ps
    bool fits = it.rm < 8 && it.vvvv < 8 && tiles.rows[tile] == tiles.rows[it.rm] &&
                tiles.bytes[it.rm] / 4u == tiles.rows[it.vvvv] &&
                tiles.bytes[tile] == tiles.bytes[it.vvvv] && tile != it.rm && tile != it.vvvv &&
                it.rm != it.vvvv;
    if (fits)
      multiplyTiles(tile, it.rm, it.vvvv);
    return fits;
  }
  return false;
}

void onIllegalInstruction(int, siginfo_t *, void *context) {
  Registers registers = static_cast<ucontext_t *>(context)->uc_mcontext.gregs;
  auto *at = reinterpret_cast<const uint8_t *>(registers[REG_RIP]);
  if (at[-2] == 0x0F && at[-1] == 0x05) // a system call: another handler gave way to this one, and
    return;                             // the instruction is met again
  Instruction instruction;
  if (!decode(at, registers, instruction) || !carryOut(instruction)) {
    std::fprintf(stderr, "TileEmulator: not a tile instruction it knows, or a wrong one:");
    for (int i = 0; i < 10; ++i)
      std::fprintf(stderr, " %02x", at[i]);
    std::fprintf(stderr, "\n");
    std::signal(SIGILL, SIG_DFL); // and it happens again
    return;
  }
  ++count;
  registers[REG_RIP] += instruction.size;
}

long systemCall(long number, const long *a) {
  long result;
  register long r10 asm("r10") = a[3];
  register long r8 asm("r8") = a[4];
  register long r9 asm("r9") = a[5];
  asm volatile("syscall"
               : "=a"(result)
               : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9)
               : "rcx", "r11", "memory");
  return result;
}

} // namespace

/// In place of libc's, so that a question for tiles is answered here while they are emulated.
extern "C" long syscall(long number, ...) noexcept {
  long arguments[6];
  va_list list;
  va_start(list, number);
  for (long &argument : arguments)
    argument = va_arg(list, long);
  va_end(list);
  if (number == SYS_arch_prctl && arguments[0] == kRequest && emulating)
    return 0;
  long result = systemCall(number, arguments);
  if (result < 0 && result > -4096) {
    errno = int(-result);
    return -1;
  }
  return result;
}

namespace cornet::test {

void emulateTiles() {
  const long request[6] = {kRequest, 18};
  if (emulating || systemCall(SYS_arch_prctl, request) == 0)
    return;
  emulating = true;
  struct sigaction action = {};
  action.sa_sigaction = onIllegalInstruction;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGILL, &action, nullptr);
}

unsigned long emulatedTileInstructions() { return count; }

} // namespace cornet::test

#else

namespace cornet::test {
void emulateTiles() {}
unsigned long emulatedTileInstructions() { return 0; }
} // namespace cornet::test

#endif
