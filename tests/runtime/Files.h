// SPDX-License-Identifier: Apache-2.0
//
// Artifacts as bytes, bent out of shape and opened again.
#pragma once

#include "cornet_runtime.h"

#include "runtime/schema/Header.h"
#include "runtime/schema/Sha256.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace cornet::test {

inline std::string goldenPath() { return CORNET_SOURCE_DIR "/tests/runtime/golden/digits.cornet"; }

inline std::vector<uint8_t> bytesOf(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Makes the program's hash right again, as an attacker would, so that what lies behind it is reached.
inline void rehash(std::vector<uint8_t> &bytes) {
  artifact::Header header;
  if (bytes.size() < sizeof header)
    return;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.programOffset > bytes.size() || header.programSize > bytes.size() - header.programOffset)
    return;
  auto hash = artifact::Sha256::of(bytes.data() + header.programOffset, header.programSize);
  std::memcpy(bytes.data() + offsetof(artifact::Header, programSha256), hash.data(), 32);
}

/// Opens the bytes and, when that works, makes a session and reads every description. Never invokes.
/// Returns the status's sentence, "" when all went well.
inline std::string tryOpen(const std::vector<uint8_t> &bytes) {
  int file = memfd_create("artifact", MFD_CLOEXEC);
  if (file < 0 || write(file, bytes.data(), bytes.size()) != ssize_t(bytes.size()))
    return "no memory file";
  cornet_program *program = nullptr;
  cornet_session *session = nullptr;
  cornet_status *status = cornet_program_open(("/proc/self/fd/" + std::to_string(file)).c_str(), &program);
  if (!status) {
    status = cornet_session_create(program, nullptr, &session);
    for (size_t e = 0; e < cornet_program_entry_count(program); ++e)
      for (size_t p = 0; p < cornet_program_plan_count(program, e); ++p)
        for (size_t s = 0; s < cornet_program_step_count(program, e, p); ++s) {
          cornet_step_spec spec;
          cornet_status_destroy(cornet_program_step(program, e, p, s, &spec));
        }
  }
  std::string message = cornet_status_message(status);
  cornet_status_destroy(status);
  cornet_session_destroy(session);
  cornet_program_destroy(program);
  close(file);
  return message;
}

} // namespace cornet::test
