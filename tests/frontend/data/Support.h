// SPDX-License-Identifier: Apache-2.0
// What the tests of data share: a folder of their own, the message of an error, small arrays.
#pragma once

#include "frontend/data/Files.h"

#include <cstdlib>
#include <filesystem>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

namespace datatest {
using namespace cornet::data;

inline std::string message(const std::function<void()> &body) {
  try {
    body();
  } catch (const Error &error) {
    return error.what();
  }
  return "(no error)";
}

/// A folder that goes with the test.
class Folder {
public:
  Folder() {
    std::string name = testing::TempDir() + "cornet-XXXXXX";
    if (!mkdtemp(name.data()))
      std::abort();
    where = name;
  }
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(where, ignored);
  }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;
  const std::filesystem::path &path() const { return where; }

private:
  std::filesystem::path where;
};

class Data : public testing::Test {
protected:
  std::string at(const std::string &name) const { return (folder.path() / name).string(); }
  std::string holding(const std::string &name, std::string_view bytes) const {
    std::filesystem::create_directories((folder.path() / name).parent_path());
    writeFile(at(name), bytes);
    return at(name);
  }
  Folder folder;
};

inline Array counting(DType type, std::vector<int64_t> shape) {
  Array array(type, std::move(shape));
  for (int64_t i = 0; i < array.count(); ++i)
    array.set(i, double(type == DType::Bool ? i % 2 : i));
  return array;
}

inline std::string fixture(const std::string &name) {
  return std::string(CORNET_SOURCE_DIR) + "/tests/frontend/data/fixtures/" + name;
}

/// A PNG whose pixels are all (255, 0, 0).
inline std::string redPng(uint32_t width, uint32_t height) {
  std::string pixels, bytes(1 << 16, 0);
  for (uint32_t i = 0; i < width * height; ++i)
    pixels += {char(255), 0, 0};
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width, image.height = height, image.format = PNG_FORMAT_RGB;
  png_alloc_size_t size = bytes.size();
  EXPECT_TRUE(png_image_write_to_memory(&image, bytes.data(), &size, 0, pixels.data(), 0, nullptr));
  bytes.resize(size);
  return bytes;
}

} // namespace datatest
