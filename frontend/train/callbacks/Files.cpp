// SPDX-License-Identifier: Apache-2.0
//
// The rename is atomic; fsync of the file before it and of the folder after it make it so across a
// loss of power, too.
#include "frontend/train/callbacks/Files.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <unistd.h>

namespace cornet::train {
namespace {

namespace fs = std::filesystem;

fs::path folderOf(const fs::path &file) {
  return file.has_parent_path() ? file.parent_path() : fs::path(".");
}

/// Waits until the file or folder is on the disk; false, with errno, when it cannot be.
bool bringToDisk(const fs::path &path) {
  int descriptor = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0)
    return false;
  bool done =
      fsync(descriptor) == 0 || errno == EINVAL; // some file systems have no fsync of folders
  int problem = errno;
  close(descriptor);
  errno = problem;
  return done;
}

} // namespace

void makeFolderOf(const fs::path &file) { fs::create_directories(folderOf(file)); }

void replaceFile(const std::string &owner, const fs::path &file,
                 const std::function<void(const std::string &)> &write) {
  fs::path beside = folderOf(file) / (".writing-" + file.filename().string());
  struct Remover {
    const fs::path &path;
    ~Remover() {
      std::error_code ignored;
      fs::remove(path, ignored); // gone already when it was renamed
    }
  } remover{beside};
  write(beside.string());
  if (!bringToDisk(beside) || rename(beside.c_str(), file.c_str()) != 0 ||
      !bringToDisk(folderOf(file)))
    throw std::runtime_error(owner + ": cannot write '" + file.string() +
                             "': " + std::strerror(errno));
}

} // namespace cornet::train
