// SPDX-License-Identifier: Apache-2.0
//
// Damaged files: opening answers with a status or a program, whatever the bytes; nothing crashes,
// and under AddressSanitizer nothing is read outside. Half of the damage is hashed anew, so that it
// reaches the verifiers behind the hash. Programs that open are verified and given a session, not
// run.
#include "tests/runtime/Golden.h"

#include "runtime/schema/cornet_generated.h"

#include <algorithm>
#include <fcntl.h>

using namespace cornet;
using namespace cornet::golden;

namespace {

class CorruptionTest : public testing::Test {
protected:
  CorruptionTest() : golden(readFile(kDigits)) {
    const fb::Program *program = fb::GetProgram(golden.data() + sizeof(artifact::Header));
    for (const fb::Segment *segment : *program->segments()) {
      boundaries.push_back(segment->offset());
      boundaries.push_back(segment->offset() + segment->size());
    }
    artifact::Header header;
    std::memcpy(&header, golden.data(), sizeof header);
    front = header.programOffset + header.programSize;
    boundaries.push_back(header.programOffset), boundaries.push_back(front);
    scratch.write(golden.data(), golden.size());
    file = ::open(scratch.path.c_str(), O_RDWR | O_CLOEXEC);
  }
  ~CorruptionTest() override { close(file); }

  /// Opens the scratch file; true when it is a program.
  bool attempt() {
    cornet_program *raw = nullptr;
    Status status(cornet_program_open(scratch.path.c_str(), &raw));
    Program program(raw);
    EXPECT_EQ(status == nullptr, program != nullptr);
    if (status) {
      EXPECT_GT(std::strlen(cornet_status_message(status.get())), 8u);
      return false;
    }
    if (++opened % 8 == 0)
      Status(cornet_program_verify(program.get()));
    for (size_t entry = 0; entry < cornet_program_entry_count(program.get()); ++entry)
      for (size_t plan = 0; plan < cornet_program_plan_count(program.get(), entry); ++plan)
        for (size_t step = 0; step < cornet_program_step_count(program.get(), entry, plan);
             ++step) {
          cornet_step_spec spec;
          Status(cornet_program_step(program.get(), entry, plan, step, &spec));
          read += std::strlen(spec.layer) + std::strlen(spec.implementation);
        }
    cornet_session *session = nullptr;
    Status created(cornet_session_create(program.get(), nullptr, &session));
    Session owner(session);
    EXPECT_EQ(created == nullptr, session != nullptr);
    return true;
  }

  /// Replaces the scratch file's contents from `begin` on.
  void put(const std::vector<uint8_t> &bytes, size_t begin, size_t end) {
    ASSERT_EQ(pwrite(file, bytes.data() + begin, end - begin, off_t(begin)), ssize_t(end - begin));
  }

  std::vector<uint8_t> golden;
  std::vector<uint64_t> boundaries; ///< where header, program and segments start and end
  size_t front;                     ///< bytes of header and program
  Scratch scratch;
  int file;
  size_t opened = 0, read = 0;
};

TEST_F(CorruptionTest, EveryByteOfHeaderAndProgramFlipped) {
  std::vector<uint8_t> bytes = golden;
  for (size_t i = 0; i < front; ++i) {
    bytes[i] ^= 0xff;
    put(bytes, i, i + 1);
    EXPECT_FALSE(attempt()) << "byte " << i << " may change unnoticed";
    bytes[i] ^= 0xff;
    put(bytes, i, i + 1);
  }
  EXPECT_TRUE(attempt());
}

TEST_F(CorruptionTest, EveryByteOfTheProgramFlippedAndHashedAnew) {
  for (size_t i = sizeof(artifact::Header); i < front; ++i) {
    std::vector<uint8_t> bytes(golden.begin(), golden.begin() + long(front));
    bytes[i] ^= i % 2 ? 0xff : uint8_t(1 << (i / 2 % 8));
    sign(bytes);
    put(bytes, 0, front);
    attempt();
  }
}

TEST_F(CorruptionTest, TruncatedAnywhere) {
  std::vector<uint64_t> sizes = {0, 1, 7, 8, 63, 64, 65, 128, golden.size() - 1};
  for (uint64_t boundary : boundaries)
    for (int around : {-1, 0, 1})
      if (boundary + uint64_t(around) < golden.size())
        sizes.push_back(boundary + uint64_t(around));
  for (uint64_t size = 0; size < golden.size(); size += 509)
    sizes.push_back(size);
  for (uint64_t size : sizes)
    for (bool agree : {false, true}) {
      std::vector<uint8_t> bytes(golden.begin(), golden.begin() + long(size));
      if (agree && size >= sizeof(artifact::Header)) // the header knows of the new size
        std::memcpy(bytes.data() + offsetof(artifact::Header, fileSize), &size, sizeof size);
      scratch.write(bytes.data(), bytes.size());
      EXPECT_FALSE(attempt()) << "cut to " << size << " bytes";
    }
}

TEST_F(CorruptionTest, GrownFilesAreRefused) {
  std::vector<uint8_t> bytes = golden;
  bytes.resize(bytes.size() + 4096);
  scratch.write(bytes.data(), bytes.size());
  EXPECT_FALSE(attempt());
}

/// One to eight edits of `bytes`, nine in ten in header and program.
void mutate(std::vector<uint8_t> &bytes, size_t front, std::mt19937_64 &random) {
  static const uint64_t kNasty[] = {0,
                                    1,
                                    63,
                                    64,
                                    0x7f,
                                    0x7fff,
                                    0x7fffffff,
                                    0xffffffff,
                                    uint64_t(1) << 32,
                                    uint64_t(1) << 40,
                                    INT64_MAX,
                                    ~uint64_t(0),
                                    ~uint64_t(63),
                                    ~uint64_t(4095)};
  for (uint64_t edits = 1 + random() % 8; edits > 0; --edits) {
    size_t range = random() % 10 ? front : bytes.size();
    size_t at = random() % range, width = std::min<size_t>(size_t(1) << random() % 4, range - at);
    uint64_t value = random() % 2 ? kNasty[random() % std::size(kNasty)] : random();
    switch (random() % 4) {
    case 0:
      bytes[at] = uint8_t(value);
      break;
    case 1:
      bytes[at] = uint8_t(bytes[at] + (random() % 2 ? 4 : -4)); // offsets, by one element
      break;
    case 2:
      at -= at % width;
      std::memcpy(bytes.data() + at, &value, width);
      break;
    default:
      size_t from = random() % range,
             length = std::min<size_t>(1 + random() % 64, range - std::max(at, from));
      std::memmove(bytes.data() + at, bytes.data() + from, length);
    }
  }
}

TEST_F(CorruptionTest, TenThousandRandomMutations) {
  std::mt19937_64 random(20240229);
  size_t programs = 0;
  for (int i = 0; i < 10000; ++i) {
    std::vector<uint8_t> bytes = golden;
    mutate(bytes, front, random);
    if (i % 4 != 0) { // the header stays, and vouches for the rest
      std::copy_n(golden.begin(), sizeof(artifact::Header), bytes.begin());
      sign(bytes);
    }
    put(bytes, 0, bytes.size());
    programs += attempt();
    if (HasFatalFailure())
      return;
  }
  EXPECT_GT(programs, 0u) << "no mutation reached a session: the test tests too little";
  RecordProperty("programs", int(programs));
  std::printf("%zu of 10000 mutated files opened\n", programs);
}

} // namespace
