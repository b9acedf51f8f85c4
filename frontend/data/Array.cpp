// SPDX-License-Identifier: Apache-2.0
// Element types and conversions of host arrays. One table names every type; `visit` reaches the C++
// type behind one. 16-bit floats convert through float, rounding to nearest even.
#include <cornet/data/array.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <limits>

namespace cornet::data {
namespace {

struct Half {
  uint16_t bits;
};
struct BFloat {
  uint16_t bits;
};

double decode(Half half) {
  int exponent = (half.bits >> 10) & 31, fraction = half.bits & 1023;
  double magnitude = exponent == 31  ? (fraction ? NAN : INFINITY)
                     : exponent == 0 ? std::ldexp(fraction, -24)
                                     : std::ldexp(1024 + fraction, exponent - 25);
  return half.bits & 0x8000 ? -magnitude : magnitude;
}

double decode(BFloat value) { return std::bit_cast<float>(uint32_t(value.bits) << 16); }

Half encodeHalf(double value) {
  uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  double magnitude = std::fabs(value);
  if (std::isnan(value))
    return {uint16_t(sign | 0x7e00)};
  if (magnitude >= 65520)
    return {uint16_t(sign | 0x7c00)};
  int exponent = magnitude < std::ldexp(1, -14) ? -14 : std::ilogb(magnitude);
  auto fraction = uint16_t(std::nearbyint(std::ldexp(magnitude, 10 - exponent)));
  // A fraction that rounds up to 2048 carries into the exponent by itself.
  return {uint16_t(sign | (((exponent + 14) << 10) + fraction))};
}

BFloat encodeBFloat(double value) {
  auto bits = std::bit_cast<uint32_t>(float(value));
  if (std::isnan(value))
    return {uint16_t((bits >> 16) | 0x40)};
  return {uint16_t((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};
}

template <typename T> double toDouble(T value) {
  if constexpr (std::is_same_v<T, Half> || std::is_same_v<T, BFloat>)
    return decode(value);
  else
    return double(value);
}

template <typename T> T fromDouble(double value) {
  if constexpr (std::is_same_v<T, Half>) {
    return encodeHalf(value);
  } else if constexpr (std::is_same_v<T, BFloat>) {
    return encodeBFloat(value);
  } else if constexpr (std::is_same_v<T, bool>) {
    return value != 0;
  } else if constexpr (std::is_integral_v<T>) {
    using Limits = std::numeric_limits<T>;
    if (std::isnan(value))
      return 0;
    double rounded = std::nearbyint(value);
    if (rounded <= double(Limits::min()))
      return Limits::min();
    return rounded >= double(Limits::max()) ? Limits::max() : T(rounded);
  } else {
    return T(value);
  }
}

/// Calls `body` with a value of the C++ type behind `type`.
template <typename Body> auto visit(DType type, Body body) {
  switch (type) {
  case DType::F32:
    return body(float());
  case DType::F64:
    return body(double());
  case DType::F16:
    return body(Half());
  case DType::BF16:
    return body(BFloat());
  case DType::Bool:
    return body(bool());
  case DType::I8:
    return body(int8_t());
  case DType::U8:
    return body(uint8_t());
  case DType::I16:
    return body(int16_t());
  case DType::U16:
    return body(uint16_t());
  case DType::I32:
    return body(int32_t());
  case DType::U32:
    return body(uint32_t());
  case DType::I64:
    return body(int64_t());
  case DType::U64:
    return body(uint64_t());
  }
  throw std::logic_error("an element type outside its enumeration");
}

struct TypeName {
  DType type;
  std::string_view name;
};
constexpr TypeName typeNames[] = {
    {DType::F32, "f32"},   {DType::F64, "f64"}, {DType::F16, "f16"}, {DType::BF16, "bf16"},
    {DType::Bool, "bool"}, {DType::I8, "i8"},   {DType::U8, "u8"},   {DType::I16, "i16"},
    {DType::U16, "u16"},   {DType::I32, "i32"}, {DType::U32, "u32"}, {DType::I64, "i64"},
    {DType::U64, "u64"},   {DType::Bool, "i1"}, {DType::U8, "ui8"},
};

} // namespace

size_t sizeOf(DType type) {
  return visit(type, [](auto value) { return sizeof(value); });
}

std::string_view nameOf(DType type) {
  for (const TypeName &entry : typeNames)
    if (entry.type == type)
      return entry.name;
  return "?";
}

std::optional<DType> typeNamed(std::string_view name) {
  for (const TypeName &entry : typeNames)
    if (entry.name == name)
      return entry.type;
  return std::nullopt;
}

bool isFloat(DType type) {
  return type == DType::F32 || type == DType::F64 || type == DType::F16 || type == DType::BF16;
}

int64_t byteCount(DType type, const std::vector<int64_t> &shape) {
  constexpr int64_t most = int64_t(1) << 46;
  // An extent of 0 must not hide that the others are too large together.
  int64_t total = int64_t(sizeOf(type));
  bool none = false;
  for (int64_t extent : shape) {
    none |= extent == 0;
    if (extent < 0 || __builtin_mul_overflow(total, extent == 0 ? 1 : extent, &total) ||
        total > most)
      throw Error(fmt::format("an array of shape {} is impossible", shapeText(shape)));
  }
  return none ? 0 : total;
}

Array::Array(DType type, std::vector<int64_t> shape) : type(type), shape(std::move(shape)) {
  bytes.resize(size_t(byteCount(type, this->shape)));
}

Array Array::text(std::string_view text) {
  Array array(DType::U8, {int64_t(text.size())});
  std::memcpy(array.bytes.data(), text.data(), text.size());
  return array;
}

std::string_view Array::text() const {
  demand(DType::U8);
  return {reinterpret_cast<const char *>(bytes.data()), bytes.size()};
}

void Array::demand(DType asked) const {
  if (type != asked)
    throw Error(fmt::format("the array holds {}, not {}; convert it with as()", nameOf(type),
                            nameOf(asked)));
}

int64_t Array::count() const { return int64_t(bytes.size() / sizeOf(type)); }

int64_t Array::rows() const {
  if (shape.empty())
    throw Error(absent() ? "there is no array, so it has no rows" : "a scalar has no rows");
  return shape[0];
}

double Array::at(int64_t index) const {
  return visit(type, [&](auto value) {
    std::memcpy(&value, bytes.data() + size_t(index) * sizeof(value), sizeof(value));
    return toDouble(value);
  });
}

void Array::set(int64_t index, double number) {
  visit(type, [&](auto value) {
    value = fromDouble<decltype(value)>(number);
    std::memcpy(bytes.data() + size_t(index) * sizeof(value), &value, sizeof(value));
  });
}

Array Array::as(DType other) const {
  if (other == type)
    return *this;
  Array result(other, shape);
  visit(type, [&](auto from) {
    visit(other, [&](auto to) {
      for (size_t i = 0, end = size_t(count()); i < end; ++i) {
        std::memcpy(&from, bytes.data() + i * sizeof(from), sizeof(from));
        to = fromDouble<decltype(to)>(toDouble(from));
        std::memcpy(result.bytes.data() + i * sizeof(to), &to, sizeof(to));
      }
    });
  });
  return result;
}

Array Array::slice(int64_t begin, int64_t end) const {
  if (begin < 0 || end < begin || end > rows())
    throw Error(fmt::format("rows {} to {} of an array with {}", begin, end, rows()));
  size_t row = shape[0] == 0 ? 0 : bytes.size() / size_t(shape[0]);
  Array result;
  result.type = type, result.shape = shape;
  result.shape[0] = end - begin;
  result.bytes.assign(bytes.begin() + int64_t(row) * begin, bytes.begin() + int64_t(row) * end);
  return result;
}

Array Array::gather(const std::vector<int64_t> &indices) const {
  size_t row = rows() == 0 ? 0 : bytes.size() / size_t(rows());
  std::vector<int64_t> outer = shape;
  outer[0] = int64_t(indices.size());
  Array result(type, outer);
  for (size_t i = 0; i < indices.size(); ++i) {
    if (indices[i] < 0 || indices[i] >= shape[0])
      throw Error(fmt::format("row {} of an array with {}", indices[i], shape[0]));
    if (row != 0)
      std::memcpy(result.bytes.data() + i * row, bytes.data() + size_t(indices[i]) * row, row);
  }
  return result;
}

Array Array::reshaped(std::vector<int64_t> other) const {
  if (byteCount(type, other) != int64_t(bytes.size()))
    throw Error(fmt::format("an array of shape {} cannot have shape {}", shapeText(shape),
                            shapeText(other)));
  Array result = *this;
  result.shape = std::move(other);
  return result;
}

Array stack(const std::vector<Array> &parts) {
  if (parts.empty())
    throw Error("no arrays to stack");
  std::vector<int64_t> shape = parts[0].shape;
  shape.insert(shape.begin(), int64_t(parts.size()));
  Array all(parts[0].type, shape);
  size_t at = 0;
  for (const Array &part : parts) {
    if (part.type != parts[0].type || part.shape != parts[0].shape)
      throw Error(fmt::format("cannot stack {} of shape {} on {} of shape {}", nameOf(part.type),
                              shapeText(part.shape), nameOf(parts[0].type),
                              shapeText(parts[0].shape)));
    if (!part.bytes.empty())
      std::memcpy(all.bytes.data() + at, part.bytes.data(), part.bytes.size());
    at += part.bytes.size();
  }
  return all;
}

Array concatenate(const std::vector<Array> &parts) {
  if (parts.empty())
    throw Error("no arrays to concatenate");
  std::vector<int64_t> shape = parts[0].shape;
  int64_t rows = 0;
  for (const Array &part : parts) {
    rows += part.rows();
    if (part.type != parts[0].type || part.shape.size() != shape.size() ||
        !std::equal(shape.begin() + 1, shape.end(), part.shape.begin() + 1))
      throw Error(fmt::format("cannot put {} of shape {} behind {} of shape {}", nameOf(part.type),
                              shapeText(part.shape), nameOf(parts[0].type),
                              shapeText(parts[0].shape)));
  }
  shape[0] = rows;
  Array all(parts[0].type, shape);
  size_t at = 0;
  for (const Array &part : parts) {
    if (!part.bytes.empty())
      std::memcpy(all.bytes.data() + at, part.bytes.data(), part.bytes.size());
    at += part.bytes.size();
  }
  return all;
}

std::string shapeText(const std::vector<int64_t> &shape) {
  return fmt::format("({})", fmt::join(shape, ", "));
}

} // namespace cornet::data
