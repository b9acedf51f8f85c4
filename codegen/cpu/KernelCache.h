// SPDX-License-Identifier: Apache-2.0
//
// Compiled kernels on disk, by what they were compiled from. An entry is an object file followed by
// its own SHA-256; one that is damaged is as good as none. Nothing here can fail a compilation.
//
// The folder is $CORNET_CACHE_DIR, else $XDG_CACHE_HOME/cornet, else ~/.cache/cornet; an empty
// CORNET_CACHE_DIR turns the cache off. Deleting the folder is always safe.
#pragma once

#include "llvm/ADT/SmallVector.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace cornet::cpu {

class KernelCache {
public:
  KernelCache();

  /// The folder's name; empty when the cache is off.
  static std::string folderName();

  /// The name under which the kernel with this text, compiled for this ISA level by this compiler,
  /// is kept.
  static std::string key(llvm::StringRef text, llvm::StringRef isa);

  /// Fills `object` with the entry of that name, or returns false.
  bool find(const std::string &key, llvm::SmallVectorImpl<char> &object) const;
  void store(const std::string &key, llvm::ArrayRef<char> object) const;

private:
  std::string folder; ///< empty: off
};

} // namespace cornet::cpu
