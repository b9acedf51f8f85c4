// SPDX-License-Identifier: Apache-2.0
//
// The bytes of event files: sums, framing, fields. TensorBoard itself reads them in
// read_tensorboard.py.
#include "frontend/train/callbacks/EventFile.h"
#include "tests/frontend/callbacks/FakeTraining.h"

#include <cmath>
#include <csignal>
#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

namespace cornet::test {
namespace {

/// While this lives, no file of this process grows.
struct FullDisk {
  FullDisk() {
    getrlimit(RLIMIT_FSIZE, &before);
    rlimit none{0, before.rlim_max};
    handler = std::signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &none);
  }
  ~FullDisk() {
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
  }
  rlimit before;
  void (*handler)(int);
};

using testing::ElementsAre;
using testing::HasSubstr;

TEST(EventFile, Crc32c) {
  EXPECT_EQ(train::crc32c("123456789"), 0xE3069283u);           // the check value of CRC-32C
  EXPECT_EQ(train::crc32c(std::string(32, '\0')), 0x8A9136AAu); // RFC 3720, B.4
  EXPECT_EQ(train::crc32c(std::string(32, '\xff')), 0x62A8AB43u);
  EXPECT_EQ(train::crc32c(""), 0u);
}

TEST(EventFile, Wire) {
  train::Message inner;
  inner.bytes(2, "ab");
  train::Message message;
  message.integer(1, 300).integer(2, -1).message(3, inner).float32(4, 1).float64(5, 1);
  std::string expected("\x08\xac\x02"                                 // 1: varint 300
                       "\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01" // 2: -1, ten bytes
                       "\x1a\x04\x12\x02"                             // 3: 4 bytes: 2: 2 bytes
                       "ab"                                           //
                       "\x25\x00\x00\x80\x3f"                         // 4: 1.0f
                       "\x29\x00\x00\x00\x00\x00\x00\xf0\x3f",        // 5: 1.0
                       3 + 11 + 4 + 2 + 5 + 9);
  EXPECT_EQ(message.encoded(), expected);
}

TEST(EventFile, Histogram) {
  std::vector<float> values;
  for (int i = 0; i <= 60; ++i)
    values.push_back(float(i));
  std::vector<double> rows = train::histogramBuckets(values);
  ASSERT_EQ(rows.size(), 90u);
  EXPECT_THAT(std::vector<double>(rows.begin(), rows.begin() + 3), ElementsAre(0, 2, 2));
  EXPECT_THAT(std::vector<double>(rows.end() - 3, rows.end()), ElementsAre(58, 60, 3));
  rows = train::histogramBuckets(std::vector<float>{2, 2, NAN, INFINITY});
  EXPECT_THAT(std::vector<double>(rows.begin(), rows.begin() + 3), ElementsAre(2, 2, 0));
  EXPECT_THAT(std::vector<double>(rows.end() - 3, rows.end()), ElementsAre(2, 2, 2));
  EXPECT_TRUE(train::histogramBuckets(std::vector<float>{NAN}).empty());
}

TEST(EventFile, Framing) {
  Folder folder;
  {
    train::EventFile file(folder / "run");
    file.scalar("epoch_loss", 0.5, 3);
  }
  ASSERT_EQ(folder.files().size(), 1u);
  EXPECT_THAT(folder.files()[0], testing::StartsWith("run/events.out.tfevents."));
  std::string bytes = contents(folder / folder.files()[0]);
  std::vector<std::string> records;
  for (size_t at = 0; at < bytes.size();) {
    uint64_t size;
    ASSERT_LE(at + 12, bytes.size());
    std::memcpy(&size, &bytes[at], 8);
    ASSERT_LE(at + 16 + size, bytes.size());
    auto check = [&](size_t from, size_t count) {
      uint32_t crc = train::crc32c(std::string_view(bytes).substr(from, count)), stored;
      std::memcpy(&stored, &bytes[from + count], 4);
      EXPECT_EQ(stored, uint32_t((crc >> 15 | crc << 17) + 0xA282EAD8u));
    };
    check(at, 8);
    check(at + 12, size);
    records.push_back(bytes.substr(at + 12, size));
    at += 16 + size;
  }
  ASSERT_EQ(records.size(), 2u);
  EXPECT_THAT(records[0], HasSubstr("brain.Event:2"));
  EXPECT_THAT(records[1], HasSubstr("epoch_loss"));
  EXPECT_THAT(records[1], HasSubstr("scalars"));
}

TEST(EventFile, AFullDiskIsToldOnceAndDoesNotEndTraining) {
  Folder folder;
  train::EventFile file(folder / "run");
  std::string path = folder / folder.files().at(0);
  file.flush();
  std::string err;
  {
    Caught caught(std::cerr);
    FullDisk full;
    for (int step = 0; step < 3; ++step) {
      file.scalar("loss", 1, step);
      file.flush();
    }
    err = caught.text();
  }
  EXPECT_EQ(err, "warning: TensorBoard: '" + path + "' is not whole: File too large\n");
}

} // namespace
} // namespace cornet::test
