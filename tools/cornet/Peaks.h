// SPDX-License-Identifier: Apache-2.0
// What this machine can do at best: multiply and add from registers, and read and copy memory of
// each level of the hierarchy, found by small loops of the widest vectors it has. About a second;
// the best of several short samples each, since a machine is seldom alone with us.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cornet::cli {

struct MemoryLevel {
  std::string name;  ///< "L1", "L2", "L3", "DRAM"
  uint64_t size;     ///< bytes, of all threads together; of DRAM the largest number
  double read, copy; ///< GB/s; a copied byte counts twice, read and written
};

struct Peaks {
  unsigned threads = 1;
  std::string vectors; ///< "AVX-512", "AVX2" or "portable"
  double f32 = 0;      ///< GFLOP/s of fused multiply-adds
  double bf16 = 0;     ///< GFLOP/s of bf16 dot products; 0 where there is no instruction
  double bytes = 0;    ///< the same of products of 8-bit integers
  std::vector<MemoryLevel> levels; ///< nearest first, DRAM last

  /// The nearest level that holds `bytes`.
  const MemoryLevel &levelOf(uint64_t bytes) const;
};

/// The better of each rate of two measurements of one machine.
Peaks betterOf(Peaks one, const Peaks &other);

/// Measures with `threads` threads at once, each on memory of its own.
Peaks measurePeaks(unsigned threads);

} // namespace cornet::cli
