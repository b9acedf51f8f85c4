// SPDX-License-Identifier: Apache-2.0
//
// Zeroed memory straight from the system, page-aligned. Pages cost nothing until they are touched,
// so that a damaged size in a file is an error or nothing, never a machine out of memory.
#pragma once

#include <cstdint>

namespace cornet::runtime {

class Area {
public:
  /// Throws std::bad_alloc.
  explicit Area(uint64_t bytes);
  Area(const Area &) = delete;
  ~Area();

  uint8_t *data() const { return memory; }

private:
  uint8_t *memory;
  uint64_t size;
};

/// Bytes of memory in this machine.
uint64_t physicalMemory();

} // namespace cornet::runtime
