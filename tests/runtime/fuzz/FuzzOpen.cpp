// SPDX-License-Identifier: Apache-2.0
//
// Opens files that libFuzzer invents; what opens is verified and given a session, not run. The
// first byte of an input says what the rest is: even, the start of a file (header and program);
// odd, a program for which the header is made, so that the hash does not stop it. The segments
// behind are the golden file's. Seeds are in corpus/.
#include "cornet_runtime.h"
#include "runtime/schema/Header.h"
#include "runtime/schema/Sha256.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <vector>

using namespace cornet::artifact;

namespace {

std::vector<uint8_t> readGolden() {
  std::ifstream file(CORNET_SOURCE_DIR "/tests/runtime/golden/digits.cornet", std::ios::binary);
  std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(file),
                             std::istreambuf_iterator<char>()};
  if (bytes.size() < sizeof(Header))
    std::fputs("fuzz_open: tests/runtime/golden/digits.cornet cannot be read\n", stderr),
        std::exit(1);
  return bytes;
}

/// One file that every input overwrites.
struct File {
  File() {
    descriptor = mkstemp(path.data());
    if (descriptor < 0)
      std::perror("fuzz_open: /dev/shm"), std::exit(1);
  }
  ~File() { unlink(path.c_str()); }

  bool write(const std::vector<uint8_t> &bytes) {
    return ftruncate(descriptor, off_t(bytes.size())) == 0 &&
           pwrite(descriptor, bytes.data(), bytes.size(), 0) == ssize_t(bytes.size());
  }

  std::string path = "/dev/shm/cornet-fuzz-XXXXXX";
  int descriptor;
};

std::vector<uint8_t> compose(const uint8_t *data, size_t size) {
  static const std::vector<uint8_t> golden = readGolden();
  std::vector<uint8_t> bytes = golden;
  bool made = size && data[0] % 2;
  if (size)
    ++data, --size;
  size_t start = made ? sizeof(Header) : 0;
  bytes.resize(std::max(bytes.size(), start + size));
  std::copy_n(data, size, bytes.data() + start);
  if (made) {
    Header header;
    std::memcpy(&header, golden.data(), sizeof header);
    header.fileSize = bytes.size(), header.programOffset = start, header.programSize = size;
    auto hash = Sha256::of(data, size);
    std::copy(hash.begin(), hash.end(), header.programSha256);
    std::memcpy(bytes.data(), &header, sizeof header);
  }
  return bytes;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static File file;
  if (!file.write(compose(data, size)))
    return 0;
  cornet_program *program = nullptr;
  if (cornet_status *status = cornet_program_open(file.path.c_str(), &program)) {
    cornet_status_destroy(status);
    return 0;
  }
  cornet_status_destroy(cornet_program_verify(program));
  cornet_session *session = nullptr;
  cornet_status_destroy(cornet_session_create(program, nullptr, &session));
  cornet_session_destroy(session);
  cornet_program_destroy(program);
  return 0;
}
