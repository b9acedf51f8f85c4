// SPDX-License-Identifier: Apache-2.0
//
// The fixed start of an artifact, little-endian.
#pragma once

#include <cstdint>

namespace cornet::artifact {

inline constexpr char kMagic[8] = {'C', 'O', 'R', 'N', 'E', 'T', '\0', '\1'};
inline constexpr uint32_t kSchema = 1;
inline constexpr uint64_t kSegmentAlignment = 4096, kBufferAlignment = 64,
                          kRingAlignment = 16384; ///< of pages on most machines

struct Header {
  char magic[8];
  uint64_t fileSize;      ///< bytes
  uint64_t programOffset; ///< bytes from the start of the file, a multiple of 64
  uint64_t programSize;   ///< bytes
  uint8_t programSha256[32];
};
static_assert(sizeof(Header) == 64);

} // namespace cornet::artifact
