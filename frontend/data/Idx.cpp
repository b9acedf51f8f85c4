// SPDX-License-Identifier: Apache-2.0
// MNIST's IDX: two zero bytes, a type, the number of dimensions, extents as big-endian 32-bit
// numbers, elements big-endian. http://yann.lecun.com/exdb/mnist
#include "frontend/data/Stream.h"

#include <cornet/data/files.h>

#include <algorithm>
#include <fmt/format.h>

namespace cornet::data {
namespace {

DType idxType(int code, const std::string &path) {
  switch (code) {
  case 0x08:
    return DType::U8;
  case 0x09:
    return DType::I8;
  case 0x0B:
    return DType::I16;
  case 0x0C:
    return DType::I32;
  case 0x0D:
    return DType::F32;
  case 0x0E:
    return DType::F64;
  }
  throw Error(fmt::format("{}: byte 2: element type 0x{:02x} is not one of IDX", path, code));
}

int64_t extent(Stream &stream) {
  unsigned char bytes[4];
  if (stream.read(reinterpret_cast<char *>(bytes), 4) != 4)
    throw Error(fmt::format("{}: byte {}: the header ends early", stream.name(), stream.offset()));
  return int64_t(bytes[0]) << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
}

} // namespace

Array readIdx(const std::string &path) {
  Stream stream(path);
  char head[4];
  if (stream.read(head, 4) != 4 || head[0] != 0 || head[1] != 0)
    throw Error(fmt::format("{}: byte 0: is not an IDX file (it begins with two zero bytes, a type "
                            "and a number of dimensions)",
                            path));
  Array array;
  array.type = idxType(static_cast<unsigned char>(head[2]), path);
  for (int i = 0; i < static_cast<unsigned char>(head[3]); ++i)
    array.shape.push_back(extent(stream));
  uint64_t expected = 0, begin = stream.offset();
  try {
    expected = uint64_t(byteCount(array.type, array.shape));
  } catch (const Error &error) {
    throw Error(fmt::format("{}: byte 4: {}", path, error.what()));
  }
  // The header is believed only as far as bytes really arrive.
  while (array.bytes.size() < expected) {
    size_t before = array.bytes.size();
    size_t part = std::min<uint64_t>(expected - before, std::max<size_t>(1 << 20, before));
    array.bytes.resize(before + part);
    size_t got = stream.read(reinterpret_cast<char *>(array.bytes.data()) + before, part);
    if (got != part)
      throw Error(fmt::format("{}: byte {}: the file ends early: shape {} of {} needs {} bytes "
                              "behind the header, {} are there",
                              path, stream.offset(), shapeText(array.shape), nameOf(array.type),
                              expected, before + got));
  }
  if (stream.peek() >= 0)
    throw Error(fmt::format("{}: byte {}: there are bytes behind the {} that shape {} of {} needs",
                            path, begin + expected, expected, shapeText(array.shape),
                            nameOf(array.type)));
  if (size_t size = sizeOf(array.type); size > 1)
    for (size_t i = 0; i < array.bytes.size(); i += size)
      std::reverse(array.bytes.begin() + int64_t(i), array.bytes.begin() + int64_t(i + size));
  return array;
}

Dataset idxDataset(const std::string &images, const std::string &labels) {
  Array x = readIdx(images), y = readIdx(labels);
  if (x.shape.empty() || y.shape.size() != 1 || x.rows() != y.rows())
    throw Error(fmt::format("{}: has shape {}, which does not fit images of shape {} in {}", labels,
                            shapeText(y.shape), shapeText(x.shape), images));
  return Dataset::fromArrays({std::move(x)}, {std::move(y)});
}

} // namespace cornet::data
