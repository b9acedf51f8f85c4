// SPDX-License-Identifier: Apache-2.0
//
// Rings: memory that the system shows twice in a row, so that whatever lies in it up to its period
// is in one piece, wherever it begins.
#pragma once

#include <cstdint>
#include <vector>

namespace cornet::runtime {

class Rings {
public:
  Rings() = default;
  Rings(const Rings &) = delete;
  ~Rings();

  /// Memory for rings, of `bytes`. False where the system has none to show twice.
  bool reserve(uint64_t bytes);
  /// Makes the ring at `offset` of the memory, unless there is one; false where that cannot be.
  /// Rings may share memory. A multiple of pages each.
  bool map(uint64_t offset, uint64_t period);
  /// No more rings are made: closes the memory's file, which the rings outlive.
  void close();
  /// The ring's beginning; null where map() has not made it.
  uint8_t *at(uint64_t offset, uint64_t period) const;

private:
  struct Ring {
    uint64_t offset, period;
    uint8_t *memory;
  };
  int file = -1;
  std::vector<Ring> rings;
};

} // namespace cornet::runtime
