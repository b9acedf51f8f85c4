// SPDX-License-Identifier: Apache-2.0
#include "runtime/core/Area.h"

#include <algorithm>
#include <new>
#include <sys/mman.h>
#include <unistd.h>

namespace cornet::runtime {

Area::Area(uint64_t bytes) : size(std::max<uint64_t>(bytes, 1)) {
  void *pages = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED)
    throw std::bad_alloc();
  memory = static_cast<uint8_t *>(pages);
}

Area::~Area() { munmap(memory, size); }

uint64_t physicalMemory() {
  return uint64_t(sysconf(_SC_PHYS_PAGES)) * uint64_t(sysconf(_SC_PAGESIZE));
}

} // namespace cornet::runtime
