// SPDX-License-Identifier: Apache-2.0
//
// The shared object inside an artifact, loaded into this process: from a file in memory where the
// system lets those run, else from a temporary file that is gone again when load() returns.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace cornet::runtime {

class Code {
public:
  Code() = default;
  Code(const Code &) = delete;
  ~Code();

  /// Loads `size` bytes of a shared object. "" on success, else why not. Called once.
  std::string load(const uint8_t *bytes, size_t size);

  /// The address of `symbol`, or null.
  void *find(const char *symbol) const;

private:
  std::string loadFromMemory(const uint8_t *bytes, size_t size);
  std::string loadFromDisk(const uint8_t *bytes, size_t size);

  void *handle = nullptr; ///< dlopen's
  int file = -1; ///< kept open: dlopen knows libraries by name, and the name is this number's
};

} // namespace cornet::runtime
