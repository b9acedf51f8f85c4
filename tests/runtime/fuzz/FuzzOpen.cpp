// SPDX-License-Identifier: Apache-2.0
//
// Any bytes as the program of an artifact whose header is right: the verifier and the semantic pass meet
// what the fuzzer finds, instead of a hash that stops everything.
#include "tests/runtime/Files.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  using namespace cornet;
  artifact::Header header{};
  std::memcpy(header.magic, artifact::kMagic, sizeof header.magic);
  header.programOffset = 64, header.programSize = size;
  size_t end = (64 + size + 4095) / 4096 * 4096 + 8192; // room for segments to point at
  header.fileSize = end;
  std::vector<uint8_t> bytes(end);
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + 64, data, size);
  test::rehash(bytes);
  test::tryOpen(bytes);
  return 0;
}

extern "C" const char *__asan_default_options() { return "allocator_may_return_null=1:detect_leaks=1"; }
