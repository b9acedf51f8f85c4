// SPDX-License-Identifier: Apache-2.0
// A file as a stream of bytes, gzipped or not, in a buffer of fixed size. It knows where it is, for
// messages. One thread at a time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cornet::data {

class Stream {
public:
  /// Throws when the file cannot be opened.
  explicit Stream(std::string path);
  ~Stream();
  Stream(const Stream &) = delete;
  Stream &operator=(const Stream &) = delete;

  /// The next byte, or -1 at the end. Throws when reading fails or a gzip stream is damaged or ends
  /// early.
  int get() { return at < filled || fill() ? static_cast<unsigned char>(buffer[at++]) : -1; }
  /// As get(), and the byte stays.
  int peek() { return at < filled || fill() ? static_cast<unsigned char>(buffer[at]) : -1; }
  /// Up to `count` bytes; fewer at the end.
  size_t read(char *to, size_t count);
  /// The rest of the line without its "\n" or "\r\n"; false at the end. Throws when it is longer
  /// than `most` bytes.
  bool line(std::string &text, size_t most);

  uint64_t offset() const { return begun + at; } ///< of the next byte, uncompressed
  const std::string &name() const { return path; }

private:
  bool fill();

  std::string path;
  void *file = nullptr;
  std::vector<char> buffer;
  size_t at = 0, filled = 0;
  uint64_t begun = 0, lines = 0;
};

} // namespace cornet::data
