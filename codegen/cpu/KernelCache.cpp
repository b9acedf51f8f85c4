// SPDX-License-Identifier: Apache-2.0
#include "codegen/cpu/KernelCache.h"

#include "runtime/schema/Sha256.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Config/llvm-config.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"

using namespace llvm;

namespace cornet::cpu {

std::string KernelCache::folderName() {
  SmallString<128> path;
  if (auto chosen = sys::Process::GetEnv("CORNET_CACHE_DIR"))
    return *chosen;
  if (auto cache = sys::Process::GetEnv("XDG_CACHE_HOME"); cache && !cache->empty())
    path = *cache;
  else if (sys::path::home_directory(path))
    sys::path::append(path, ".cache");
  else
    return "";
  sys::path::append(path, "cornet");
  return path.str().str();
}

KernelCache::KernelCache() : folder(folderName()) {
  if (!folder.empty() && sys::fs::create_directories(folder))
    folder.clear();
}

std::string KernelCache::key(StringRef text, StringRef isa) {
  // CORNET_LOWERING is the hash of the code that lowers: a changed compiler finds nothing.
  StringRef compiler = "Cornet " CORNET_VERSION " LLVM " LLVM_VERSION_STRING " " CORNET_LOWERING;
  artifact::Sha256 hash;
  for (StringRef part : {compiler, isa, text})
    hash.update(part.data(), part.size() + 1); // the terminating zero parts them
  return toHex(hash.finish(), true);
}

bool KernelCache::find(const std::string &key, SmallVectorImpl<char> &object) const {
  if (folder.empty())
    return false;
  auto file = MemoryBuffer::getFile(folder + "/" + key + ".o", false, false);
  if (!file || (*file)->getBufferSize() < 32)
    return false;
  StringRef bytes = (*file)->getBuffer(), body = bytes.drop_back(32);
  auto hash = artifact::Sha256::of(body.data(), body.size());
  if (std::memcmp(hash.data(), body.end(), 32) != 0)
    return false;
  object.assign(body.begin(), body.end());
  return true;
}

void KernelCache::store(const std::string &key, ArrayRef<char> object) const {
  if (folder.empty())
    return;
  auto hash = artifact::Sha256::of(object.data(), object.size());
  if (Expected<sys::fs::TempFile> file =
          sys::fs::TempFile::create(folder + "/" + key + "-%%%%%%")) {
    raw_fd_ostream stream(file->FD, false);
    stream.write(object.data(), object.size());
    stream.write(reinterpret_cast<const char *>(hash.data()), hash.size());
    stream.flush();
    bool whole = !stream.has_error();
    stream.clear_error();
    consumeError(whole ? file->keep(folder + "/" + key + ".o") : file->discard());
  } else {
    consumeError(file.takeError());
  }
}

} // namespace cornet::cpu
