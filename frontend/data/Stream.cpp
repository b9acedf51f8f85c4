// SPDX-License-Identifier: Apache-2.0
// Streams through zlib's gzread, which passes on files that are not gzipped as they are.
#include "frontend/data/Stream.h"

#include <cornet/data/array.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fmt/format.h>
#include <zlib.h>

namespace cornet::data {

Stream::Stream(std::string path) : path(std::move(path)), buffer(1 << 16) {
  std::error_code error;
  if (std::filesystem::is_directory(this->path, error))
    throw Error(fmt::format("{}: is a folder; a file is expected", this->path));
  file = gzopen(this->path.c_str(), "rb");
  if (!file)
    throw Error(fmt::format("{}: cannot be read: {}", this->path, std::strerror(errno)));
}

Stream::~Stream() { gzclose(static_cast<gzFile>(file)); }

bool Stream::fill() {
  begun += filled;
  at = filled = 0;
  int got = gzread(static_cast<gzFile>(file), buffer.data(), unsigned(buffer.size()));
  if (got > 0) {
    filled = size_t(got);
    return true;
  }
  int code = Z_OK;
  const char *text = gzerror(static_cast<gzFile>(file), &code);
  if (got < 0 || code != Z_OK)
    throw Error(fmt::format("{}: byte {}: cannot be read: {}", path, begun,
                            code == Z_ERRNO       ? std::strerror(errno)
                            : code == Z_BUF_ERROR ? "the gzip stream ends early"
                                                  : text));
  return false;
}

size_t Stream::read(char *to, size_t count) {
  size_t done = 0;
  while (done < count && (at < filled || fill())) {
    size_t part = std::min(count - done, filled - at);
    std::memcpy(to + done, buffer.data() + at, part);
    done += part, at += part;
  }
  return done;
}

bool Stream::line(std::string &text, size_t most) {
  text.clear();
  if (peek() < 0)
    return false;
  ++lines;
  while (at < filled || fill()) {
    const char *begin = buffer.data() + at;
    const auto *end = static_cast<const char *>(std::memchr(begin, '\n', filled - at));
    size_t part = end ? size_t(end - begin) : filled - at;
    if (text.size() + part > most)
      throw Error(fmt::format("{}:{}: the line is longer than {} bytes", path, lines, most));
    text.append(begin, part);
    at += part;
    if (end) {
      ++at;
      break;
    }
  }
  if (text.ends_with('\r'))
    text.pop_back();
  return true;
}

} // namespace cornet::data
