// SPDX-License-Identifier: Apache-2.0
//
// dlopen takes a path only; /proc/self/fd gives a memory file one. A policy may forbid running
// memory files (vm.memfd_noexec, SELinux), hence the second way. Code comes to run only through
// dlopen's mmap of a file, for which the kernel makes data and instruction caches agree: nothing to
// flush here, on Arm neither.
#include "runtime/core/Code.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace cornet::runtime {
namespace {

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U // Linux 6.3
#endif

int memoryFile() {
  int file = memfd_create("cornet-kernels", MFD_CLOEXEC | MFD_EXEC);
  if (file < 0 && errno == EINVAL) // an older kernel: every memory file may run
    file = memfd_create("cornet-kernels", MFD_CLOEXEC);
  return file;
}

/// "" when all bytes were written, else why not.
std::string writeAll(int file, const uint8_t *bytes, size_t size) {
  for (size_t done = 0; done < size;) {
    ssize_t wrote = write(file, bytes + done, size - done);
    if (wrote < 0 && errno == EINTR)
      continue;
    if (wrote <= 0)
      return std::string("the code cannot be written: ") + std::strerror(errno);
    done += size_t(wrote);
  }
  return "";
}

void *openLibrary(const std::string &path, std::string &error) {
  void *handle = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    error = dlerror();
  return handle;
}

} // namespace

std::string Code::loadFromMemory(const uint8_t *bytes, size_t size) {
  file = memoryFile();
  if (file < 0)
    return std::string("no memory file: ") + std::strerror(errno);
  std::string error = writeAll(file, bytes, size);
  if (error.empty())
    handle = openLibrary("/proc/self/fd/" + std::to_string(file), error);
  return error;
}

std::string Code::loadFromDisk(const uint8_t *bytes, size_t size) {
  const char *folder = std::getenv("TMPDIR");
  std::string path = std::string(folder && *folder ? folder : "/tmp") + "/cornet-XXXXXX";
  int disk = mkostemp(path.data(), O_CLOEXEC);
  if (disk < 0)
    return path + ": " + std::strerror(errno);
  std::string error = writeAll(disk, bytes, size);
  close(disk);
  if (error.empty())
    handle = openLibrary(path, error);
  unlink(path.c_str());
  return error;
}

std::string Code::load(const uint8_t *bytes, size_t size) {
  std::string memory = loadFromMemory(bytes, size);
  if (memory.empty())
    return "";
  std::string disk = loadFromDisk(bytes, size);
  return disk.empty() ? ""
                      : "the code cannot be loaded from memory (" + memory + ") nor from a file (" +
                            disk + "); set TMPDIR to a folder whose files may run";
}

void *Code::find(const char *symbol) const { return dlsym(handle, symbol); }

Code::~Code() {
  if (handle)
    dlclose(handle);
  if (file >= 0)
    close(file);
}

} // namespace cornet::runtime
