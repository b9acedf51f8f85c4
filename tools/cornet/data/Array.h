// SPDX-License-Identifier: Apache-2.0
// A dense array on the host, as the readers and writers of data files exchange it: element type,
// shape and bytes in C order, little-endian. Owns its bytes. Plain value; no thread rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cornet::cli {

enum class DType { F32, F64, F16, BF16, Bool, I8, U8, I16, U16, I32, U32, I64, U64 };

size_t sizeOf(DType type);           ///< bytes of one element
std::string_view nameOf(DType type); ///< "f32", "i64", "u8", "bool"...
/// The type called `name` in the runtime's spelling (f32, i1, i8, ui8...), if there is one.
std::optional<DType> typeNamed(std::string_view name);

struct Array {
  DType type = DType::F32;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;

  Array() = default;
  /// Zeros. Throws UserError when a dimension is negative or the size exceeds the address space.
  Array(DType type, std::vector<int64_t> shape);

  int64_t count() const;                 ///< number of elements
  double at(int64_t index) const;        ///< element `index` in C order, as a double
  void set(int64_t index, double value); ///< rounds to nearest and saturates for integers

  /// The same numbers in another type; itself when the type is already that one.
  Array as(DType other) const;
};

/// "(2, 8, 8, 1)"
std::string shapeText(const std::vector<int64_t> &shape);

} // namespace cornet::cli
