// SPDX-License-Identifier: Apache-2.0
#include "runtime/core/Rings.h"

#include <sys/mman.h>
#include <unistd.h>

namespace cornet::runtime {

bool Rings::reserve(uint64_t bytes) {
  file = memfd_create("cornet-rings", MFD_CLOEXEC);
  return file >= 0 && ftruncate(file, off_t(bytes)) == 0;
}

bool Rings::map(uint64_t offset, uint64_t period) {
  if (at(offset, period))
    return true;
  if (file < 0)
    return false;
  void *both = mmap(nullptr, 2 * period, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (both == MAP_FAILED)
    return false;
  uint8_t *memory = static_cast<uint8_t *>(both);
  rings.push_back({offset, period, memory});
  for (uint8_t *half : {memory, memory + period})
    if (mmap(half, period, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, off_t(offset)) ==
        MAP_FAILED) {
      munmap(memory, 2 * period);
      rings.pop_back();
      return false;
    }
  return true;
}

uint8_t *Rings::at(uint64_t offset, uint64_t period) const {
  for (const Ring &ring : rings)
    if (ring.offset == offset && ring.period == period)
      return ring.memory;
  return nullptr;
}

void Rings::close() {
  if (file >= 0)
    ::close(file);
  file = -1;
}

Rings::~Rings() {
  for (const Ring &ring : rings)
    munmap(ring.memory, 2 * ring.period);
  close();
}

} // namespace cornet::runtime
