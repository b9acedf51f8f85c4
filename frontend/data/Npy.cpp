// SPDX-License-Identifier: Apache-2.0
// NumPy's .npy format, versions 1 to 3 (numpy.lib.format): a magic string, a header that is a
// Python dictionary literal with the keys descr, fortran_order and shape, and the elements.
#include "frontend/data/Files.h"

#include <cstring>
#include <fmt/format.h>
#include <regex>

namespace cornet::data {
namespace {

constexpr std::string_view magic("\x93NUMPY", 6);

struct Code {
  std::string_view code;
  DType type;
};
// '|' and '<' mean the same on single bytes; big-endian arrays are refused. bf16 has no code of its
// own: ml_dtypes writes it as two opaque bytes.
constexpr Code codes[] = {{"f4", DType::F32},  {"f8", DType::F64},  {"f2", DType::F16},
                          {"V2", DType::BF16}, {"b1", DType::Bool}, {"i1", DType::I8},
                          {"u1", DType::U8},   {"i2", DType::I16},  {"u2", DType::U16},
                          {"i4", DType::I32},  {"u4", DType::U32},  {"i8", DType::I64},
                          {"u8", DType::U64}};

/// The dictionary's text and where the elements begin.
std::pair<std::string, size_t> splitHeader(std::string_view bytes, const std::string &where) {
  if (bytes.size() < 10 || bytes.substr(0, 6) != magic)
    throw Error(fmt::format("{}: is not a .npy file (its first bytes are not \\x93NUMPY)", where));
  int version = static_cast<unsigned char>(bytes[6]);
  size_t lengthBytes = version == 1 ? 2 : 4, length = 0;
  if (version < 1 || version > 3 || bytes.size() < 8 + lengthBytes)
    throw Error(fmt::format("{}: .npy version {} is not known; 1 to 3 are", where, version));
  for (size_t i = 0; i < lengthBytes; ++i)
    length |= size_t(static_cast<unsigned char>(bytes[8 + i])) << (8 * i);
  size_t begin = 8 + lengthBytes;
  if (length > bytes.size() - begin || length > 65536)
    throw Error(
        fmt::format("{}: the header says it is {} bytes long, past the end", where, length));
  return {std::string(bytes.substr(begin, length)), begin + length};
}

std::string field(const std::string &header, const std::string &pattern, const char *name,
                  const std::string &where) {
  std::smatch match;
  if (!std::regex_search(header, match, std::regex(pattern)))
    throw Error(fmt::format("{}: the .npy header has no readable '{}': {}", where, name, header));
  return match[1];
}

DType elementType(const std::string &descr, const std::string &where) {
  for (const Code &entry : codes)
    if (descr.size() == 3 && descr.substr(1) == entry.code && (descr[0] == '<' || descr[0] == '|'))
      return entry.type;
  throw Error(fmt::format("{}: element type '{}' is not supported; save it as little-endian float, "
                          "integer or bool, e.g. with .astype('float32')",
                          where, descr));
}

std::vector<int64_t> shapeOf(const std::string &text, const std::string &where) {
  std::vector<int64_t> shape;
  static const std::regex number("[0-9]+");
  for (std::sregex_iterator it(text.begin(), text.end(), number), end; it != end; ++it) {
    if (it->length() > 15)
      throw Error(fmt::format("{}: impossible dimension {}", where, it->str()));
    shape.push_back(std::stoll(it->str()));
  }
  return shape;
}

} // namespace

Array parseNpy(std::string_view bytes, const std::string &where) {
  auto [header, begin] = splitHeader(bytes, where);
  DType type = elementType(field(header, "'descr'\\s*:\\s*'([^']*)'", "descr", where), where);
  if (field(header, "'fortran_order'\\s*:\\s*(True|False)", "fortran_order", where) == "True")
    throw Error(
        fmt::format("{}: is in Fortran order; save numpy.ascontiguousarray(x) instead", where));
  std::string shape = field(header, "'shape'\\s*:\\s*\\(([0-9, ]*)\\)", "shape", where);
  std::vector<int64_t> dimensions = shapeOf(shape, where);
  int64_t expected = int64_t(sizeOf(type));
  for (int64_t dimension : dimensions)
    if (__builtin_mul_overflow(expected, dimension, &expected))
      throw Error(fmt::format("{}: impossible shape {}", where, shapeText(dimensions)));
  if (uint64_t(expected) != bytes.size() - begin)
    throw Error(fmt::format("{}: holds {} bytes of elements, but shape {} of {} needs {}", where,
                            bytes.size() - begin, shapeText(dimensions), nameOf(type), expected));
  Array array(type, dimensions);
  if (expected != 0)
    std::memcpy(array.bytes.data(), bytes.data() + begin, size_t(expected));
  return array;
}

std::string formatNpy(const Array &array) {
  std::string_view code;
  for (const Code &entry : codes)
    if (entry.type == array.type)
      code = entry.code;
  std::string shape;
  for (int64_t dimension : array.shape)
    shape += fmt::format("{},", dimension);
  std::string header = fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': ({}), }}",
                                   sizeOf(array.type) == 1 ? '|' : '<', code, shape);
  header.append(64 - (10 + header.size() + 1) % 64, ' ');
  header += '\n';
  std::string bytes(magic);
  bytes += {1, 0, char(header.size() & 255), char(header.size() >> 8)};
  bytes += header;
  bytes.append(reinterpret_cast<const char *>(array.bytes.data()), array.bytes.size());
  return bytes;
}

Array readNpy(const std::string &path) { return parseNpy(readFile(path), path); }
void writeNpy(const std::string &path, const Array &array) { writeFile(path, formatNpy(array)); }

} // namespace cornet::data
