// SPDX-License-Identifier: Apache-2.0
//
// SHA-256 by plain code and by instructions gives the digests of FIPS 180-4's examples, however
// the bytes are cut into updates.
#include "runtime/schema/Sha256.h"

#include <gtest/gtest.h>

#include <string>

namespace {

using cornet::artifact::Sha256;

std::string digest(const std::string &bytes, bool instructions, size_t piece) {
  Sha256 hash(instructions);
  for (size_t at = 0; at < bytes.size(); at += piece)
    hash.update(bytes.data() + at, std::min(piece, bytes.size() - at));
  std::string out;
  for (uint8_t byte : hash.finish())
    out += {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
  return out;
}

void expectDigests(bool instructions) {
  struct {
    std::string bytes;
    const char *digest;
  } const examples[] = {{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
                        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
                        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
                         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
                        {std::string(1000000, 'a'),
                         "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}};
  for (const auto &example : examples)
    for (size_t piece : {1, 3, 55, 63, 64, 65, 127, 128, 1000, 1 << 20})
      EXPECT_EQ(digest(example.bytes, instructions, piece), example.digest)
          << example.bytes.size() << " bytes in pieces of " << piece;
}

TEST(Sha256, PlainCode) { expectDigests(false); }

TEST(Sha256, Instructions) {
  if (!Sha256::hasInstructions())
    GTEST_SKIP() << "this CPU has no SHA instructions";
  expectDigests(true);
}

} // namespace
