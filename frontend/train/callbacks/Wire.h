// SPDX-License-Identifier: Apache-2.0
//
// Writing of protobuf's wire format: a message is the bytes of its fields, each after its number.
// We only write, and a handful of fields; a generated library would be many times this size.
#pragma once

#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace cornet::train {

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie");

class Message {
public:
  Message &integer(int field, int64_t value) {
    varint(uint64_t(field) << 3 | 0);
    varint(uint64_t(value));
    return *this;
  }
  Message &bytes(int field, std::string_view value) {
    varint(uint64_t(field) << 3 | 2);
    varint(value.size());
    text += value;
    return *this;
  }
  Message &message(int field, const Message &value) { return bytes(field, value.text); }
  Message &float64(int field, double value) { return number(field, 1, value); }
  Message &float32(int field, float value) { return number(field, 5, value); }

  const std::string &encoded() const { return text; }

private:
  template <class Number> Message &number(int field, int kind, Number value) {
    varint(uint64_t(field) << 3 | uint64_t(kind));
    text.append(reinterpret_cast<const char *>(&value), sizeof value);
    return *this;
  }
  void varint(uint64_t value) {
    for (; value >= 0x80; value >>= 7)
      text += char(value | 0x80);
    text += char(value);
  }

  std::string text;
};

} // namespace cornet::train
