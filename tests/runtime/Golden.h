// SPDX-License-Identifier: Apache-2.0
//
// What the runtime's tests share: the golden artifacts, owners of the C handles, seeded rows.
#pragma once

#include "cornet_runtime.h"
#include "runtime/schema/Header.h"
#include "runtime/schema/Sha256.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <unistd.h>
#include <vector>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CORNET_TEST_SANITIZED 1
#endif
#endif

namespace cornet::golden {

#if defined(__aarch64__)
inline const std::string kFolder = CORNET_SOURCE_DIR "/tests/runtime/golden/aarch64/";
inline const std::string kForeign = CORNET_SOURCE_DIR "/tests/runtime/golden/digits.cornet";
inline constexpr bool kCounts = true; ///< its compiler counted the work of each step
#else
inline constexpr bool kCounts = false;
inline const std::string kFolder = CORNET_SOURCE_DIR "/tests/runtime/golden/";
/// What this machine's kind of processor cannot run.
inline const std::string kForeign = CORNET_SOURCE_DIR "/tests/runtime/golden/aarch64/digits.cornet";
#endif
inline const std::string kDigits = kFolder + "digits.cornet";
/// The same model with a plan for 4 rows only.
inline const std::string kPadded = kFolder + "digits-batch4.cornet";
/// The same model with steps that work in scratch memory.
inline const std::string kScratch = kFolder + "digits-scratch.cornet";
/// Another model with inputs and outputs of the same shapes, whose steps take turns.
inline const std::string kBands = kFolder + "bands.cornet";
inline constexpr size_t kIn = 64, kOut = 10; ///< elements of a row

struct Destroy {
  void operator()(cornet_status *status) const { cornet_status_destroy(status); }
  void operator()(cornet_program *program) const { cornet_program_destroy(program); }
  void operator()(cornet_session *session) const { cornet_session_destroy(session); }
};
using Status = std::unique_ptr<cornet_status, Destroy>;
using Program = std::unique_ptr<cornet_program, Destroy>;
using Session = std::unique_ptr<cornet_session, Destroy>;

inline void expectOk(cornet_status *raw) {
  Status status(raw);
  EXPECT_EQ(cornet_status_code(status.get()), CORNET_OK) << cornet_status_message(status.get());
}

/// `raw` is a failure with `code` and a sentence that contains `words`.
inline void expectFailure(cornet_status *raw, cornet_code code, const std::string &words = "") {
  Status status(raw);
  std::string message = cornet_status_message(status.get());
  EXPECT_EQ(cornet_status_code(status.get()), code) << message;
  EXPECT_GT(message.size(), 8u);
  EXPECT_NE(message.find(words), std::string::npos) << message;
}

inline Program open(const std::string &path) {
  cornet_program *program = nullptr;
  expectOk(cornet_program_open(path.c_str(), &program));
  return Program(program);
}

inline Session createSession(const Program &program, unsigned threads = 1) {
  cornet_session_options options{sizeof options, threads};
  cornet_session *session = nullptr;
  expectOk(cornet_session_create(program.get(), &options, &session));
  return Session(session);
}

inline std::vector<float> randomRows(size_t rows, unsigned seed = 1) {
  std::mt19937 random(seed);
  std::vector<float> values(rows * kIn);
  for (float &value : values)
    value = float(random() >> 8) / float(1 << 24);
  return values;
}

inline std::vector<float> invoke(const Session &session, const std::vector<float> &rows) {
  std::vector<float> result(rows.size() / kIn * kOut, -1);
  const void *inputs[] = {rows.data()};
  void *outputs[] = {result.data()};
  expectOk(cornet_session_invoke(session.get(), 0, rows.size() / kIn, inputs, outputs));
  return result;
}

inline std::vector<uint8_t> readFile(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// A file in memory-backed storage that is rewritten many times and removed at the end.
class Scratch {
public:
  Scratch() {
    std::string name =
        access("/dev/shm", W_OK) == 0 ? "/dev/shm/cornet-XXXXXX" : "/tmp/cornet-XXXXXX";
    close(mkstemp(name.data()));
    path = name;
  }
  ~Scratch() { unlink(path.c_str()); }

  void write(const void *bytes, size_t size) {
    std::ofstream(path, std::ios::binary | std::ios::trunc)
        .write(static_cast<const char *>(bytes), std::streamsize(size));
  }

  std::string path;
};

/// Makes the header agree with a changed program, as an attacker would.
inline void sign(std::vector<uint8_t> &file) {
  artifact::Header header;
  std::memcpy(&header, file.data(), sizeof header);
  auto hash = artifact::Sha256::of(file.data() + header.programOffset, header.programSize);
  std::memcpy(header.programSha256, hash.data(), hash.size());
  std::memcpy(file.data(), &header, sizeof header);
}

} // namespace cornet::golden
