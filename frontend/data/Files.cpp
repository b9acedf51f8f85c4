// SPDX-License-Identifier: Apache-2.0
// Whole files in and out. Writing goes to a temporary name in the same folder first, so that
// readers see the old file or the new one and a failed write leaves neither a part nor a stray
// file.
#include "frontend/data/Files.h"

#include <atomic>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <unistd.h>

namespace cornet::data {

std::string extensionOf(const std::string &path) {
  std::string extension = std::filesystem::path(path).extension().string();
  for (char &c : extension)
    c = char(std::tolower(static_cast<unsigned char>(c)));
  return extension;
}

std::string readFile(const std::string &path) {
  std::error_code error;
  if (std::filesystem::is_directory(path, error))
    throw Error(fmt::format("{}: is a folder; a file is expected", path));
  std::ifstream file(path, std::ios::binary);
  if (!file)
    throw Error(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad())
    throw Error(fmt::format("{}: reading failed: {}", path, std::strerror(errno)));
  return bytes;
}

std::string temporaryName(const std::string &path) {
  static std::atomic<int> number; // threads write the same file too
  return fmt::format("{}.tmp{}-{}", path, getpid(), ++number);
}

void replaceFile(const std::string &path, const std::function<void(const std::string &)> &write) {
  std::string temporary = temporaryName(path);
  std::error_code error;
  try {
    write(temporary);
    std::filesystem::rename(temporary, path, error);
    if (error)
      throw Error(fmt::format("{}: cannot be written: {}", path, error.message()));
  } catch (...) {
    std::filesystem::remove(temporary, error);
    throw;
  }
}

void writeFile(const std::string &path, std::string_view bytes) {
  // Devices and pipes cannot be replaced, only written to.
  std::error_code error;
  bool special =
      std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error);
  auto write = [&](const std::string &name) {
    std::ofstream file(name, std::ios::binary);
    file.write(bytes.data(), std::streamsize(bytes.size()));
    file.close();
    if (!file)
      throw Error(fmt::format("{}: cannot be written: {}", path, std::strerror(errno)));
  };
  if (special)
    return write(path);
  replaceFile(path, write);
}

} // namespace cornet::data
