// SPDX-License-Identifier: Apache-2.0
//
// The variables of a session: looked at, saved, loaded. A file of them is: magic, its own size, the
// SHA-256 of what follows, then for each variable its name, element type, shape and cells. It is
// written beside its place, flushed to the disk and renamed, so that a reader finds the old file or
// the new one, whole, whenever the writer dies; a file is loaded whole or not at all.
#include "runtime/core/Session.h"
#include "runtime/schema/Sha256.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <optional>
#include <string>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

using namespace cornet;
using namespace cornet::runtime;

namespace {

constexpr char kMagic[8] = {'C', 'R', 'N', 'T', 'V', 'A', 'R', 1};
constexpr size_t kHead = 8 + 8 + 32;

std::string systemError(const std::string &path, const char *what) {
  return path + ": cannot be " + what + ": " + std::strerror(errno);
}

template <class T> void put(std::string &out, T value) {
  out.append(reinterpret_cast<const char *>(&value), sizeof value);
}

/// What precedes a variable's cells.
std::string head(const fb::Variable *variable) {
  std::string out;
  put(out, uint32_t(variable->name()->size()));
  out.append(variable->name()->data(), variable->name()->size());
  put(out, uint32_t(variable->dtype()));
  put(out, uint32_t(variable->shape()->size()));
  for (int64_t extent : *variable->shape())
    put(out, extent);
  return out;
}

/// Syncs the folder of `path`, so that a rename in it lasts.
void syncFolder(const std::string &path) {
  size_t slash = path.rfind('/');
  std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  int fd = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd >= 0)
    fsync(fd), close(fd);
}

bool writeAll(int fd, const std::string &bytes) {
  for (size_t done = 0; done < bytes.size();) {
    ssize_t n = write(fd, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno != EINTR)
      return false;
    done += n > 0 ? size_t(n) : 0;
  }
  return true;
}

cornet_status *save(const cornet_session &session, const std::string &path) {
  std::string body;
  for (unsigned i = 0; i < session.program.variableCount(); ++i) {
    const fb::Variable *variable = session.program.program->variables()->Get(i);
    body += head(variable);
    body.append(reinterpret_cast<const char *>(session.variable(i)), bytesOf(variable));
  }
  std::string bytes(kMagic, sizeof kMagic);
  put(bytes, uint64_t(kHead + body.size()));
  auto hash = artifact::Sha256::of(body.data(), body.size());
  bytes.append(reinterpret_cast<const char *>(hash.data()), hash.size());
  bytes += body;
  std::string temporary = path + ".tmp" + std::to_string(getpid());
  int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (fd < 0)
    return fail(CORNET_IO, systemError(temporary, "created"));
  bool good = writeAll(fd, bytes) && fsync(fd) == 0;
  good = close(fd) == 0 && good;
  if (!good || rename(temporary.c_str(), path.c_str()) != 0) {
    std::string why = systemError(path, "written");
    unlink(temporary.c_str());
    return fail(CORNET_IO, why);
  }
  syncFolder(path);
  return nullptr;
}

cornet_status *readFile(const std::string &path, std::string &bytes) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    std::string why = fd < 0 ? systemError(path, "opened") : path + ": is no regular file";
    if (fd >= 0)
      close(fd);
    return fail(CORNET_IO, why);
  }
  bytes.resize(size_t(info.st_size));
  size_t done = 0;
  for (ssize_t n = 1; done < bytes.size() && n > 0; done += n > 0 ? size_t(n) : 0)
    n = read(fd, bytes.data() + done, bytes.size() - done);
  close(fd);
  bytes.resize(done);
  return nullptr;
}

/// Where a variable's cells begin and end.
struct Record {
  size_t cells, end;
};

/// The variable whose head is at `at`; nothing when the bytes end before it does.
std::optional<Record> recordAt(const std::string &bytes, size_t at) {
  auto read = [&](auto &value) {
    if (bytes.size() - at < sizeof value)
      return false;
    std::memcpy(&value, bytes.data() + at, sizeof value);
    at += sizeof value;
    return true;
  };
  uint32_t length, dtype, rank;
  if (!read(length) || bytes.size() - at < length)
    return std::nullopt;
  at += length;
  if (!read(dtype) || !read(rank) || dtype > fb::DType_MAX || rank > 16)
    return std::nullopt;
  uint64_t size = sizeOf(fb::DType(dtype));
  for (uint32_t d = 0; d < rank; ++d) {
    int64_t extent;
    if (!read(extent) || extent < 0 || (extent && size > bytes.size() / uint64_t(extent)))
      return std::nullopt;
    size *= uint64_t(extent);
  }
  if (bytes.size() - at < size)
    return std::nullopt;
  return Record{at, at + size};
}

cornet_status *load(cornet_session &session, const std::string &path) {
  std::string bytes;
  if (cornet_status *status = readFile(path, bytes))
    return status;
  auto damaged = [&](const std::string &why) {
    return fail(CORNET_INVALID_FILE, path + ": " + why);
  };
  uint64_t size = 0;
  if (bytes.size() < kHead || std::memcmp(bytes.data(), kMagic, sizeof kMagic))
    return damaged("is no file of variables (its magic is wrong)");
  std::memcpy(&size, bytes.data() + 8, sizeof size);
  if (size != bytes.size())
    return damaged("says it has " + std::to_string(size) + " bytes, and has " +
                   std::to_string(bytes.size()));
  auto hash = artifact::Sha256::of(bytes.data() + kHead, bytes.size() - kHead);
  if (std::memcmp(hash.data(), bytes.data() + 16, hash.size()))
    return damaged("its SHA-256 is not that of its bytes");
  // Variables are found by name, in any order; all are found before the first is touched.
  std::map<std::string, size_t> cellsOf; // where they begin, by what precedes them
  for (size_t at = kHead; at < bytes.size();) {
    std::optional<Record> record = recordAt(bytes, at);
    if (!record)
      return damaged("the variable at byte " + std::to_string(at) + " is cut off");
    cellsOf[bytes.substr(at, record->cells - at)] = record->cells;
    at = record->end;
  }
  std::vector<size_t> from;
  for (unsigned i = 0; i < session.program.variableCount(); ++i) {
    const fb::Variable *variable = session.program.program->variables()->Get(i);
    auto it = cellsOf.find(head(variable));
    if (it == cellsOf.end())
      return damaged("has no variable '" + variable->name()->str() +
                     "' of the program's element type and shape; it belongs to another program");
    from.push_back(it->second);
  }
  for (unsigned i = 0; i < from.size(); ++i)
    std::memcpy(session.variable(i), bytes.data() + from[i],
                bytesOf(session.program.program->variables()->Get(i)));
  return nullptr;
}

} // namespace

extern "C" {

size_t cornet_program_variable_count(const cornet_program *program) {
  return program ? program->variableCount() : 0;
}

cornet_status *cornet_program_variable(const cornet_program *program, size_t index,
                                       cornet_variable_spec *spec) {
  return guarded([&]() -> cornet_status * {
    if (index >= cornet_program_variable_count(program) || !spec)
      return fail(CORNET_INVALID_ARGUMENT,
                  "variable " + std::to_string(index) + " does not exist, or spec is NULL");
    const fb::Variable *variable = program->program->variables()->Get(unsigned(index));
    spec->name = variable->name()->c_str();
    spec->dtype = cornet_dtype(variable->dtype());
    spec->rank = variable->shape()->size();
    spec->shape = variable->shape()->data();
    spec->trainable = variable->trainable();
    spec->bytes = bytesOf(variable);
    return nullptr;
  });
}

void *cornet_session_variable(cornet_session *session, size_t index) {
  return session && index < session->program.variableCount() ? session->variable(unsigned(index))
                                                             : nullptr;
}

cornet_status *cornet_session_save(const cornet_session *session, const char *path) {
  return guarded([&]() -> cornet_status * {
    return session && path ? save(*session, path)
                           : fail(CORNET_INVALID_ARGUMENT,
                                  "cornet_session_save: session and path must not be NULL");
  });
}

cornet_status *cornet_session_load(cornet_session *session, const char *path) {
  return guarded([&]() -> cornet_status * {
    return session && path ? load(*session, path)
                           : fail(CORNET_INVALID_ARGUMENT,
                                  "cornet_session_load: session and path must not be NULL");
  });
}
}
