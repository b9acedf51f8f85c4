// SPDX-License-Identifier: Apache-2.0
//
// Measured choices as reviewable text: a line for each key, sorted,
//
//     computation | isa | threads | cpu | variant: microseconds us | variant: microseconds us
//
// where the first variant is the fastest one measured and the second what the cost model chooses.
// Empty lines and lines that begin with # are comments.
#pragma once

#include "codegen/tune/Key.h"

#include "llvm/Support/Error.h"

#include <map>

namespace cornet::tune {

/// A variant with its time.
struct Timed {
  std::string variant;
  double microseconds = 0;
};

struct Entry {
  Timed best, model;
};

/// What a lookup found: the entry, and whether it was measured on the machine asked for.
struct Found {
  const Entry *entry = nullptr;
  int distance = 0; ///< 0 for the same machine; larger the less alike they are
};

class Database {
public:
  /// Adds the lines of `text`, which came from `file`. A line that is not understood is an error
  /// with its place, and what to do.
  llvm::Error parse(llvm::StringRef text, llvm::StringRef file);
  /// The file's lines; a file that does not exist is an empty database where `mayLack`.
  static llvm::Expected<Database> read(const std::string &file, bool mayLack = true);

  void add(const Key &key, const Entry &entry) { entries[key.text()] = {key, entry}; }
  const Entry *find(const Key &key) const;
  /// The best entry for the computation on `machine` at its level: measured on the same CPU, else
  /// on one of the same kind, as LLVM names it; with as many threads, else the most below that,
  /// else the fewest above. What patches save beside direct sums differs too much between kinds of
  /// CPUs to take another's.
  Found nearest(const std::string &computation, const Machine &machine) const;

  /// Every line in order, after a head that says what this is.
  std::string text() const;
  size_t size() const { return entries.size(); }
  const std::map<std::string, std::pair<Key, Entry>> &all() const { return entries; }

  /// Puts this database's entries into `file`, whose other lines stay: under a temporary name, then
  /// renamed, one process at a time.
  llvm::Error mergeInto(const std::string &file) const;

private:
  std::map<std::string, std::pair<Key, Entry>> entries; ///< by the key's text
};

/// What comes with Cornet: codegen/tuning/*.txt.
const Database &shipped();

} // namespace cornet::tune
