// SPDX-License-Identifier: Apache-2.0
//
// What the two ends of a remote runtime say to each other over two pipes: numbers, strings and
// blocks of bytes, in the order both know. Both ends are little-endian. A broken pipe leaves
// `good` false and every number read afterwards 0.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string>
#include <unistd.h>
#include <vector>

namespace cornet::remote {

enum class Call : uint32_t { open, close, create, destroy, invoke, selfTest, variable };

class Channel {
public:
  Channel(int in, int out) : in(in), out(out) {}

  Channel &put(uint64_t number) { return putRaw(&number, sizeof number); }
  Channel &put(Call call) { return put(uint64_t(call)); }
  Channel &put(const std::string &text) {
    return put(text.size()).putRaw(text.data(), text.size());
  }
  Channel &putRaw(const void *bytes, size_t size) {
    auto *from = static_cast<const char *>(bytes);
    waiting.insert(waiting.end(), from, from + size);
    return *this;
  }
  /// Sends what was put.
  void flush() {
    move(waiting.data(), waiting.size(), [this](char *at, size_t n) { return write(out, at, n); });
    waiting.clear();
  }

  uint64_t get() {
    uint64_t number = 0;
    getRaw(&number, sizeof number);
    return good ? number : 0;
  }
  std::string getString() {
    std::string text(get(), ' ');
    getRaw(text.data(), text.size());
    return text;
  }
  void getRaw(void *bytes, size_t size) {
    move(static_cast<char *>(bytes), size, [this](char *at, size_t n) { return read(in, at, n); });
  }

  bool good = true;

private:
  template <class Body> void move(char *at, size_t size, Body body) {
    while (good && size) {
      ssize_t done = body(at, size);
      if (done < 0 && errno == EINTR)
        continue;
      good = done > 0;
      at += good ? done : 0, size -= good ? size_t(done) : 0;
    }
  }

  int in, out;
  std::vector<char> waiting;
};

} // namespace cornet::remote
