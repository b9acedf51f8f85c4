// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 (FIPS 180-4), for compiler and runtime: no library, so that the runtime needs none. Where
// the CPU has x86's SHA instructions, they hash (about 6 times faster on Emerald Rapids).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#ifdef __x86_64__
#include <cpuid.h>
#include <immintrin.h>
#endif

namespace cornet::artifact {

class Sha256 {
public:
  /// Whether this CPU has x86's SHA instructions.
  static bool hasInstructions() {
#ifdef __x86_64__
    unsigned a, b, c, d;
    bool sse41 = __get_cpuid(1, &a, &b, &c, &d) && (c & bit_SSE4_1);
    return sse41 && __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & bit_SHA);
#else
    return false;
#endif
  }

  explicit Sha256(bool instructions = hasInstructions()) : instructions(instructions) {}

  void update(const void *data, size_t size) {
    const uint8_t *bytes = static_cast<const uint8_t *>(data);
    total += size;
    if (fill > 0) {
      size_t take = size < 64 - fill ? size : 64 - fill;
      std::memcpy(block + fill, bytes, take);
      fill += take, bytes += take, size -= take;
      if (fill < 64)
        return;
      compress(block, 1), fill = 0;
    }
    compress(bytes, size / 64);
    fill = size % 64;
    if (fill > 0)
      std::memcpy(block, bytes + size - fill, fill);
  }

  std::array<uint8_t, 32> finish() {
    uint64_t bits = total * 8;
    const uint8_t one = 0x80, zero = 0;
    update(&one, 1);
    while (fill != 56)
      update(&zero, 1);
    uint8_t length[8];
    for (int i = 0; i < 8; ++i)
      length[i] = uint8_t(bits >> (56 - 8 * i));
    update(length, 8);
    std::array<uint8_t, 32> out;
    for (int i = 0; i < 32; ++i)
      out[i] = uint8_t(h[i / 4] >> (24 - 8 * (i % 4)));
    return out;
  }

  static std::array<uint8_t, 32> of(const void *data, size_t size) {
    Sha256 hash;
    hash.update(data, size);
    return hash.finish();
  }

private:
  static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

  alignas(16) static constexpr uint32_t k[64] = {
      0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
      0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
      0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
      0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
      0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
      0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
      0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
      0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
      0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
      0xc67178f2};

  /// Takes in `count` blocks of 64 bytes.
  void compress(const uint8_t *bytes, size_t count) {
#ifdef __x86_64__
    if (instructions)
      return compressByInstructions(bytes, count);
#endif
    for (; count > 0; --count, bytes += 64)
      compressOne(bytes);
  }

  void compressOne(const uint8_t *bytes) {
    uint32_t w[64];
    for (int i = 0; i < 16; ++i)
      w[i] = uint32_t(bytes[4 * i]) << 24 | uint32_t(bytes[4 * i + 1]) << 16 |
             uint32_t(bytes[4 * i + 2]) << 8 | bytes[4 * i + 3];
    for (int i = 16; i < 64; ++i)
      w[i] = w[i - 16] + (rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3) +
             w[i - 7] + (rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10);
    uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], s = h[7];
    for (int i = 0; i < 64; ++i) {
      uint32_t t1 =
          s + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + k[i] + w[i];
      uint32_t t2 = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
      s = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e, h[5] += f, h[6] += g, h[7] += s;
  }

#ifdef __x86_64__
  /// The instructions keep the state as (f e b a) and (h g d c), lowest lane first, and do two
  /// rounds each; m[] is the last 16 words of the schedule, a ring of 4 vectors.
  [[gnu::target("sha,sse4.1")]] void compressByInstructions(const uint8_t *bytes, size_t count) {
    const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
    auto at = [](auto *p) { return reinterpret_cast<const __m128i *>(p); };
    __m128i abcd = _mm_shuffle_epi32(_mm_loadu_si128(at(h)), 0x1B);
    __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128(at(h + 4)), 0x1B);
    __m128i abef = _mm_unpackhi_epi64(efgh, abcd), cdgh = _mm_unpacklo_epi64(efgh, abcd);
    for (; count > 0; --count, bytes += 64) {
      __m128i first = abef, second = cdgh, m[4];
      for (int i = 0; i < 4; ++i)
        m[i] = _mm_shuffle_epi8(_mm_loadu_si128(at(bytes + 16 * i)), swap);
      for (int i = 0; i < 16; ++i) {
        __m128i &now = m[i % 4], last = m[(i + 3) % 4];
        __m128i words = _mm_add_epi32(now, _mm_load_si128(at(k + 4 * i)));
        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, words);
        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(words, 0x0E));
        if (i < 12)
          now = _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(now, m[(i + 1) % 4]),
                                                   _mm_alignr_epi8(last, m[(i + 2) % 4], 4)),
                                     last);
      }
      abef = _mm_add_epi32(abef, first), cdgh = _mm_add_epi32(cdgh, second);
    }
    auto to = [](uint32_t *p) { return reinterpret_cast<__m128i *>(p); };
    _mm_storeu_si128(to(h), _mm_shuffle_epi32(_mm_unpackhi_epi64(cdgh, abef), 0x1B));
    _mm_storeu_si128(to(h + 4), _mm_shuffle_epi32(_mm_unpacklo_epi64(cdgh, abef), 0x1B));
  }
#endif

  uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  bool instructions;
  uint8_t block[64];
  size_t fill = 0;
  uint64_t total = 0;
};

} // namespace cornet::artifact
