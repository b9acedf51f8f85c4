// SPDX-License-Identifier: Apache-2.0
// The loops are written with intrinsics behind target attributes and chosen by CPUID. Empty
// assembler statements keep the compiler from computing them at compile time or turning a copy into
// a call.
#include "Peaks.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <limits>
#include <memory>
#include <thread>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace cornet::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Runs a number of rounds and tells what they were worth, in operations or bytes.
using Loop = double (*)(float *memory, size_t floats, size_t rounds);

struct Loops {
  const char *name;
  Loop multiply, dot, bytes, read, copy; ///< dot and bytes may be null
};

#if defined(__x86_64__)
constexpr int kSums = 12; // independent sums: more than the latency of two units needs

#define CORNET_PEAK_LOOPS(SUFFIX, TARGET, VECTOR, WIDTH, PREFIX, CONSTRAINT)                       \
  __attribute__((target(TARGET))) double multiply##SUFFIX(float *, size_t, size_t rounds) {        \
    VECTOR sum[kSums], x = PREFIX##_set1_ps(0.999f), y = PREFIX##_set1_ps(1e-3f);                  \
    asm volatile("" : "+" CONSTRAINT(x), "+" CONSTRAINT(y)); /* no numbers to compute with */      \
    for (VECTOR & s : sum)                                                                         \
      s = PREFIX##_set1_ps(1);                                                                     \
    for (size_t i = 0; i < rounds; ++i)                                                            \
      for (VECTOR & s : sum)                                                                       \
        s = PREFIX##_fmadd_ps(s, x, y);                                                            \
    for (VECTOR & s : sum)                                                                         \
      asm volatile("" : : CONSTRAINT(s));                                                          \
    return double(rounds) * kSums * 2 * WIDTH;                                                     \
  }                                                                                                \
  __attribute__((target(TARGET))) double read##SUFFIX(float *memory, size_t floats,                \
                                                      size_t rounds) {                             \
    for (size_t i = 0; i < rounds; ++i)                                                            \
      for (const float *at = memory, *end = memory + floats; at < end; at += 8 * WIDTH)            \
        for (int k = 0; k < 8; ++k) {                                                              \
          VECTOR x = PREFIX##_load_ps(at + k * WIDTH);                                             \
          asm volatile("" : : CONSTRAINT(x));                                                      \
        }                                                                                          \
    return double(rounds) * double(floats) * 4;                                                    \
  }                                                                                                \
  __attribute__((target(TARGET))) double copy##SUFFIX(float *memory, size_t floats,                \
                                                      size_t rounds) {                             \
    size_t half = floats / 2;                                                                      \
    for (size_t i = 0; i < rounds; ++i)                                                            \
      for (size_t at = 0; at < half; at += 4 * WIDTH)                                              \
        for (size_t k = 0; k < 4; ++k) {                                                           \
          VECTOR x = PREFIX##_load_ps(memory + at + k * WIDTH);                                    \
          asm volatile("" : "+" CONSTRAINT(x));                                                    \
          PREFIX##_store_ps(memory + half + at + k * WIDTH, x);                                    \
        }                                                                                          \
    return double(rounds) * double(half) * 8;                                                      \
  }

CORNET_PEAK_LOOPS(512, "avx512f", __m512, 16, _mm512, "v")
CORNET_PEAK_LOOPS(256, "avx2,fma", __m256, 8, _mm256, "x")
#undef CORNET_PEAK_LOOPS

__attribute__((target("avx512f,avx512bw,avx512vl,avx512bf16"))) double dot512(float *, size_t,
                                                                              size_t rounds) {
  __m512 sum[kSums];
  __m512bh x = (__m512bh)_mm512_set1_epi32(0x3c003c00), y = x;
  asm volatile("" : "+v"(x), "+v"(y));
  for (__m512 &s : sum)
    s = _mm512_set1_ps(1);
  for (size_t i = 0; i < rounds; ++i)
    for (__m512 &s : sum)
      s = _mm512_dpbf16_ps(s, x, y);
  for (__m512 &s : sum)
    asm volatile("" : : "v"(s));
  return double(rounds) * kSums * 2 * 32;
}

__attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni"))) double bytes512(float *, size_t,
                                                                                size_t rounds) {
  __m512i sum[kSums], x = _mm512_set1_epi8(1), y = x;
  asm volatile("" : "+v"(x), "+v"(y));
  for (__m512i &s : sum)
    s = _mm512_setzero_si512();
  for (size_t i = 0; i < rounds; ++i)
    for (__m512i &s : sum)
      s = _mm512_dpbusd_epi32(s, x, y);
  for (__m512i &s : sum)
    asm volatile("" : : "v"(s));
  return double(rounds) * kSums * 2 * 64;
}
#endif

double multiplyPortable(float *, size_t, size_t rounds) {
  float sum[32];
  std::fill_n(sum, 32, 1.0f);
  for (size_t i = 0; i < rounds; ++i) {
    for (float &s : sum)
      s = s * 0.999f + 1e-3f;
    asm volatile("" : : "r"(sum) : "memory");
  }
  return double(rounds) * 32 * 2;
}
double readPortable(float *memory, size_t floats, size_t rounds) {
  for (size_t i = 0; i < rounds; ++i) {
    float sum[16] = {};
    for (size_t at = 0; at < floats; at += 16)
      for (size_t k = 0; k < 16; ++k)
        sum[k] += memory[at + k];
    asm volatile("" : : "r"(sum) : "memory");
  }
  return double(rounds) * double(floats) * 4;
}
double copyPortable(float *memory, size_t floats, size_t rounds) {
  for (size_t i = 0; i < rounds; ++i) {
    std::memcpy(memory + floats / 2, memory, floats / 2 * 4);
    asm volatile("" : : "r"(memory) : "memory");
  }
  return double(rounds) * double(floats / 2) * 8;
}

Loops loopsOfThisMachine() {
#if defined(__x86_64__)
  __builtin_cpu_init();
  if (__builtin_cpu_supports("avx512f"))
    return {"AVX-512",
            multiply512,
            __builtin_cpu_supports("avx512bf16") ? dot512 : nullptr,
            __builtin_cpu_supports("avx512vnni") ? bytes512 : nullptr,
            read512,
            copy512};
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
    return {"AVX2", multiply256, nullptr, nullptr, read256, copy256};
#endif
  return {"portable", multiplyPortable, nullptr, nullptr, readPortable, copyPortable};
}

/// Bytes of the data caches, nearest first, as the kernel tells; common sizes where it does not.
std::vector<uint64_t> cacheSizes() {
  std::vector<uint64_t> sizes;
  for (int index = 0; index < 8; ++index) {
    std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index) + "/";
    std::string type, size;
    std::ifstream(folder + "type") >> type;
    std::ifstream(folder + "size") >> size;
    if (type.empty() || type == "Instruction" || size.empty())
      continue;
    uint64_t bytes = std::strtoull(size.c_str(), nullptr, 10);
    bytes *= size.back() == 'K' ? 1024 : size.back() == 'M' ? 1024 * 1024 : 1;
    if (bytes > 0 && (sizes.empty() || bytes > sizes.back()))
      sizes.push_back(bytes);
  }
  if (sizes.empty())
    sizes = {32 << 10, 1 << 20, 16 << 20};
  return sizes;
}

/// The threads' memory: `floats` each, aligned to a page and written once.
class Memory {
public:
  Memory(unsigned threads, size_t floats) : floats(floats) {
    for (unsigned i = 0; i < threads; ++i) {
      void *raw = std::aligned_alloc(4096, (floats * 4 + 4095) / 4096 * 4096);
      if (!raw)
        throw std::bad_alloc();
      std::memset(raw, 0, floats * 4);
      parts.emplace_back(static_cast<float *>(raw), std::free);
    }
  }
  float *operator[](unsigned thread) const { return parts[thread].get(); }
  const size_t floats;

private:
  std::vector<std::unique_ptr<float, decltype(&std::free)>> parts;
};

/// One sample: all threads run `rounds` rounds; what they did in a nanosecond.
double sample(Loop loop, const Memory &memory, unsigned threads, size_t rounds) {
  std::atomic<unsigned> ready = 0;
  std::vector<double> done(threads), seconds(threads);
  auto work = [&](unsigned thread) {
    ++ready;
    while (ready < threads)
      ;
    auto start = Clock::now();
    done[thread] = loop(memory[thread], memory.floats, rounds);
    seconds[thread] = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
  };
  std::vector<std::thread> others;
  for (unsigned thread = 1; thread < threads; ++thread)
    others.emplace_back(work, thread);
  work(0);
  for (std::thread &other : others)
    other.join();
  double rate = 0;
  for (unsigned thread = 0; thread < threads; ++thread)
    rate += done[thread] / std::max(seconds[thread], 1.0);
  return rate;
}

/// The best rate of samples of a few milliseconds, after as long a warm-up.
double best(Loop loop, const Memory &memory, unsigned threads) {
  size_t rounds = 1;
  for (;;) { // a sample takes 4 ms
    auto start = Clock::now();
    loop(memory[0], memory.floats, rounds);
    double ms = std::chrono::duration<double, std::milli>(Clock::now() - start).count();
    if (ms > 2)
      break;
    rounds *= ms > 0.2 ? 2 : 8;
  }
  double most = 0;
  for (int i = 0; i < 10; ++i)
    most = std::max(most, sample(loop, memory, threads, rounds));
  return most;
}

} // namespace

const MemoryLevel &Peaks::levelOf(uint64_t bytes) const {
  for (const MemoryLevel &level : levels)
    if (bytes <= level.size)
      return level;
  return levels.back();
}

Peaks betterOf(Peaks one, const Peaks &other) {
  one.f32 = std::max(one.f32, other.f32), one.bf16 = std::max(one.bf16, other.bf16);
  one.bytes = std::max(one.bytes, other.bytes);
  for (size_t i = 0; i < one.levels.size(); ++i) {
    one.levels[i].read = std::max(one.levels[i].read, other.levels[i].read);
    one.levels[i].copy = std::max(one.levels[i].copy, other.levels[i].copy);
  }
  return one;
}

Peaks measurePeaks(unsigned threads) {
  Loops loops = loopsOfThisMachine();
  Peaks peaks;
  peaks.threads = threads, peaks.vectors = loops.name;
  Memory none(threads, 1024);
  peaks.f32 = best(loops.multiply, none, threads);
  if (loops.dot)
    peaks.bf16 = best(loops.dot, none, threads);
  if (loops.bytes)
    peaks.bytes = best(loops.bytes, none, threads);
  std::vector<uint64_t> sizes = cacheSizes();
  auto add = [&](const std::string &name, uint64_t size, uint64_t used) {
    Memory memory(threads, size_t(used / 4096 * 1024)); // whole pages, so that loops need no rest
    peaks.levels.push_back(
        {name, size, best(loops.read, memory, threads), best(loops.copy, memory, threads)});
  };
  for (size_t i = 0; i < sizes.size(); ++i) {
    bool last = i > 0 && i + 1 == sizes.size(); // shared by the cores
    uint64_t used = sizes[i] / 2;
    if (last) // well outside of the one before, and not all: others use it, too
      used = std::max(std::min<uint64_t>(sizes[i] / 4, 8 << 20), 2 * sizes[i - 1]) / threads;
    add("L" + std::to_string(i + 1), last ? sizes[i] : sizes[i] * threads, used);
  }
  uint64_t beyond = std::clamp<uint64_t>(4 * sizes.back(), 64 << 20, 256 << 20);
  add("DRAM", std::numeric_limits<uint64_t>::max(), beyond / threads);
  return peaks;
}

} // namespace cornet::cli
