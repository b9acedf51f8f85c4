// SPDX-License-Identifier: Apache-2.0
//
// Damaged artifacts: whatever the bytes, opening gives a sentence or a program, and never a crash or a
// read outside, which the sanitized build of this test would catch.
#include "tests/runtime/Files.h"

#include <gtest/gtest.h>
#include <random>

namespace cornet::test {
namespace {

artifact::Header headerOf(const std::vector<uint8_t> &bytes) {
  artifact::Header header;
  std::memcpy(&header, bytes.data(), sizeof header);
  return header;
}

TEST(Corruption, GoldenOpens) { EXPECT_EQ(tryOpen(bytesOf(goldenPath())), ""); }

TEST(Corruption, EveryByteOfHeaderAndProgram) {
  std::vector<uint8_t> bytes = bytesOf(goldenPath());
  artifact::Header header = headerOf(bytes);
  for (size_t at = 0; at < header.programOffset + header.programSize; ++at) {
    if (at == sizeof header)
      at = header.programOffset;
    bytes[at] ^= 0xff;
    std::string message = tryOpen(bytes);
    EXPECT_NE(message, "") << "byte " << at << " flipped and nothing noticed";
    EXPECT_NE(message.find("; compile the model again"), std::string::npos) << message;
    bytes[at] ^= 0xff;
  }
}

TEST(Corruption, EveryByteOfTheProgramWithItsHashMadeRight) {
  std::vector<uint8_t> bytes = bytesOf(goldenPath());
  artifact::Header header = headerOf(bytes);
  for (size_t at = header.programOffset; at < header.programOffset + header.programSize; ++at)
    for (uint8_t mask : {0xff, 0x01, 0x80}) {
      bytes[at] ^= mask;
      rehash(bytes);
      tryOpen(bytes);
      bytes[at] ^= mask;
    }
}

TEST(Corruption, EveryTruncation) {
  std::vector<uint8_t> bytes = bytesOf(goldenPath());
  size_t program = headerOf(bytes).programOffset + headerOf(bytes).programSize;
  for (size_t size = 0; size < bytes.size(); size += size < program ? 1 : size % 4096 == 4095 || size % 4096 == 0 ? 1 : 97)
    EXPECT_NE(tryOpen({bytes.begin(), bytes.begin() + long(size)}), "") << size << " bytes";
  std::vector<uint8_t> longer = bytes;
  longer.push_back(0);
  EXPECT_NE(tryOpen(longer), "") << "a byte too many";
}

TEST(Corruption, TenThousandRandom) {
  const std::vector<uint8_t> whole = bytesOf(goldenPath());
  artifact::Header header = headerOf(whole);
  std::mt19937_64 bits(20260101);
  for (int i = 0; i < 10000; ++i) {
    std::vector<uint8_t> bytes = whole;
    for (uint64_t flips = 1 + bits() % 8; flips > 0; --flips) {
      size_t range = header.programOffset + header.programSize;
      size_t at = bits() % 8 == 0 ? bits() % sizeof header : bits() % 16 == 0 ? bits() % bytes.size() : header.programOffset + bits() % (range - header.programOffset);
      bytes[at] = uint8_t(bits());
    }
    if (bits() % 16 == 0)
      bytes.resize(bits() % bytes.size());
    if (bits() % 8)
      rehash(bytes);
    tryOpen(bytes);
  }
}

TEST(Corruption, DamagedWeightsAreFoundByVerify) {
  std::vector<uint8_t> bytes = bytesOf(goldenPath());
  std::string path = testing::TempDir() + "/damaged.cornet";
  bytes[bytes.size() - 5] ^= 1; // the last segment
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char *>(bytes.data()), long(bytes.size()));
  cornet_program *program = nullptr;
  cornet_status *status = cornet_program_open(path.c_str(), &program);
  ASSERT_EQ(status, nullptr) << cornet_status_message(status);
  status = cornet_program_verify(program);
  EXPECT_EQ(cornet_status_code(status), CORNET_INVALID_FILE);
  EXPECT_NE(std::string(cornet_status_message(status)).find("SHA-256"), std::string::npos);
  cornet_status_destroy(status);
  cornet_program_destroy(program);
}

} // namespace
} // namespace cornet::test

/// A program may ask for an arena that no machine has; malloc says so instead of ending the process.
extern "C" const char *__asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char *__tsan_default_options() { return "allocator_may_return_null=1"; }
