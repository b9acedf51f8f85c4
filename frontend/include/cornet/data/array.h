// SPDX-License-Identifier: Apache-2.0
//
// A dense array on the host: element type, shape and bytes in C order, little-endian. It owns its
// bytes and is a plain value; several threads may read one, as with any value.
//
//   Array images = Array::of<float>({2, 3}, {1, 2, 3, 4, 5, 6});
//   std::span<const float> cells = images.data<float>();
//
// Everything under cornet::data throws Error, whose sentence names the file and the position.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace cornet::data {

/// What given data has wrong: a file, a record, an argument.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

enum class DType { F32, F64, F16, BF16, Bool, I8, U8, I16, U16, I32, U32, I64, U64 };

size_t sizeOf(DType type);           ///< bytes of one element
std::string_view nameOf(DType type); ///< "f32", "i64", "u8", "bool"...
bool isFloat(DType type);            ///< f32, f64, f16 or bf16
/// The type called `name` in the runtime's spelling (f32, i1, i8, ui8...), if there is one.
std::optional<DType> typeNamed(std::string_view name);
/// The type of a C++ number: float is F32, uint8_t is U8...
template <typename T> constexpr DType typeOf();

struct Array {
  DType type = DType::F32;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;

  /// No array at all: absent() is true. (A scalar has an empty shape too, but holds an element.)
  Array() = default;
  /// Zeros. Throws when an extent is negative or the size exceeds the address space.
  Array(DType type, std::vector<int64_t> shape);
  /// Throws when `cells` are not as many as the shape asks for.
  template <typename T>
  static Array of(std::vector<int64_t> shape, const std::vector<std::type_identity_t<T>> &cells);
  /// One number, of shape ().
  template <typename T> static Array scalar(T value) { return of<T>({}, {value}); }
  /// A text as u8 of shape (bytes): what text datasets are made of.
  static Array text(std::string_view text);

  bool absent() const { return shape.empty() && bytes.empty(); }
  int64_t count() const; ///< number of elements
  int64_t rows() const;  ///< extent of dimension 0; throws for a scalar
  /// The elements in C order. Throws when T is not the element type.
  template <typename T> std::span<const T> data() const;
  template <typename T> std::span<T> data();
  std::string_view text() const; ///< the bytes of a u8 array as text; throws for other types

  double at(int64_t index) const;        ///< element `index` in C order, as a double
  void set(int64_t index, double value); ///< rounds to nearest and saturates for integers

  /// The same numbers in another type; itself when the type is already that one.
  Array as(DType other) const;
  /// Rows begin <= i < end. Throws when they are not 0 <= begin <= end <= rows().
  Array slice(int64_t begin, int64_t end) const;
  /// The rows of those numbers, in that order.
  Array gather(const std::vector<int64_t> &indices) const;
  /// The same cells in another shape of as many.
  Array reshaped(std::vector<int64_t> other) const;
  bool operator==(const Array &other) const = default; ///< type, shape and bytes

private:
  void demand(DType asked) const;
};

/// "(2, 8, 8, 1)"
std::string shapeText(const std::vector<int64_t> &shape);
/// The bytes of an array, in checked 64-bit arithmetic. Throws for a negative extent and for more
/// than 2^46 bytes.
int64_t byteCount(DType type, const std::vector<int64_t> &shape);
/// Parts of equal type and shape, one under the other along a new dimension 0.
Array stack(const std::vector<Array> &parts);
/// Arrays of equal type and row shape, one after the other along dimension 0.
Array concatenate(const std::vector<Array> &parts);

template <typename T> constexpr DType typeOf() {
  if constexpr (std::is_same_v<T, float>)
    return DType::F32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::F64;
  else if constexpr (std::is_same_v<T, bool>)
    return DType::Bool;
  else {
    static_assert(std::is_integral_v<T>, "arrays hold float, double, bool and integers");
    constexpr bool isSigned = std::is_signed_v<T>;
    return sizeof(T) == 1   ? (isSigned ? DType::I8 : DType::U8)
           : sizeof(T) == 2 ? (isSigned ? DType::I16 : DType::U16)
           : sizeof(T) == 4 ? (isSigned ? DType::I32 : DType::U32)
                            : (isSigned ? DType::I64 : DType::U64);
  }
}

template <typename T> std::span<const T> Array::data() const {
  demand(typeOf<T>());
  return {reinterpret_cast<const T *>(bytes.data()), bytes.size() / sizeof(T)};
}

template <typename T> std::span<T> Array::data() {
  demand(typeOf<T>());
  return {reinterpret_cast<T *>(bytes.data()), bytes.size() / sizeof(T)};
}

template <typename T>
Array Array::of(std::vector<int64_t> shape, const std::vector<std::type_identity_t<T>> &cells) {
  Array array(typeOf<T>(), std::move(shape));
  if (size_t(array.count()) != cells.size())
    throw Error("an array of shape " + shapeText(array.shape) + " needs " +
                std::to_string(array.count()) + " cells, not " + std::to_string(cells.size()));
  std::span<T> to = array.data<T>();
  for (size_t i = 0; i < cells.size(); ++i)
    to[i] = cells[i];
  return array;
}

} // namespace cornet::data
