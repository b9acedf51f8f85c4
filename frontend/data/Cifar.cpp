// SPDX-License-Identifier: Apache-2.0
// CIFAR's binary version: records of a label (two in CIFAR-100, the coarse one first) and 32x32
// pixels, the red ones first, then the green, then the blue, row by row.
#include "frontend/data/Pipeline.h"
#include "frontend/data/Stream.h"

#include <cornet/data/files.h>

#include <filesystem>
#include <fmt/format.h>

namespace cornet::data {
namespace {

constexpr int64_t pixels = 32 * 32;

struct Walk {
  std::vector<std::string> files;
  CifarOptions options;
  size_t file = 0;
  std::unique_ptr<Stream> stream{};

  int64_t labels() const { return options.classes == 100 ? 2 : 1; }

  int64_t label(const std::vector<char> &record, uint64_t offset) const {
    int64_t which = options.classes == 100 && !options.coarse_labels ? 1 : 0;
    int64_t classes = options.coarse_labels ? 20 : options.classes;
    int64_t label = static_cast<unsigned char>(record[size_t(which)]);
    if (label >= classes)
      throw Error(fmt::format("{}: byte {}: label {} is not below {}", stream->name(),
                              offset + uint64_t(which), label, classes));
    return label;
  }

  bool operator()(Example &example) {
    std::vector<char> record(size_t(labels() + 3 * pixels));
    while (true) {
      if (!stream && file == files.size())
        return false;
      if (!stream)
        stream = std::make_unique<Stream>(files[file++]);
      uint64_t offset = stream->offset();
      size_t got = stream->read(record.data(), record.size());
      if (got == 0) {
        stream.reset();
        continue;
      }
      if (got != record.size())
        throw Error(fmt::format("{}: byte {}: the last record has {} bytes, not {}", stream->name(),
                                offset, got, record.size()));
      Array image(DType::U8, {32, 32, 3});
      const char *planes = record.data() + labels();
      for (int64_t i = 0; i < pixels; ++i)
        for (int64_t c = 0; c < 3; ++c)
          image.bytes[size_t(3 * i + c)] = std::byte(planes[c * pixels + i]);
      example = {};
      example.y.push_back(Array::scalar(uint8_t(label(record, offset))));
      example.x.push_back(std::move(image));
      return true;
    }
  }
};

} // namespace

Dataset cifarDataset(std::vector<std::string> files, CifarOptions options) {
  if (options.classes != 10 && options.classes != 100)
    throw Error(fmt::format("cifarDataset: classes is {}; CIFAR has 10 or 100", options.classes));
  if (options.coarse_labels && options.classes != 100)
    throw Error("cifarDataset: only CIFAR-100 has coarse_labels");
  uint64_t record = uint64_t(Walk{{}, options}.labels() + 3 * pixels);
  int64_t count = 0;
  for (const std::string &file : files) {
    std::error_code error;
    uint64_t size = std::filesystem::file_size(file, error);
    if (error)
      throw Error(fmt::format("{}: cannot be read: {}", file, error.message()));
    if (size % record != 0)
      throw Error(fmt::format("{}: byte {}: the last record has {} bytes, not {}; is it the binary "
                              "version of CIFAR-{}?",
                              file, size - size % record, size % record, record, options.classes));
    count += int64_t(size / record);
  }
  return streamedDataset(
      [files, options] {
        auto walk = std::make_shared<Walk>(Walk{files, options});
        return [walk](Example &example) { return (*walk)(example); };
      },
      count);
}

} // namespace cornet::data
