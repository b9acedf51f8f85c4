// SPDX-License-Identifier: Apache-2.0
//
// A read-only view of an HDF5 file, in memory or on disk, as the Keras importers need it: groups,
// numeric datasets and string attributes. The parsing is libhdf5's. Every failure throws
// ImportError with the path inside the file; nothing is printed by the library.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace cornet::import {

/// What went wrong, where, and what to do about it. Caught by importModel(), never seen by users of
/// it.
struct ImportError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A dense float32 array as Keras stores it: row-major, `shape` in elements.
struct Array {
  std::vector<int64_t> shape;
  std::vector<float> data;
};

class Hdf5File {
public:
  /// Opens the file at `path`.
  static Hdf5File open(const std::string &path);
  /// Opens the HDF5 image in `bytes` (copied), as it lies inside a .keras archive. `name` is for
  /// messages.
  static Hdf5File fromMemory(const std::vector<char> &bytes, const std::string &name);
  ~Hdf5File();
  Hdf5File(Hdf5File &&other) noexcept;
  Hdf5File(const Hdf5File &) = delete;

  bool exists(const std::string &path) const;
  /// Names of the members of the group at `path`, sorted by name.
  std::vector<std::string> children(const std::string &path) const;
  /// The dataset at `path`, converted to float32. Refuses external storage and datasets over 4 GiB.
  Array read(const std::string &path) const;
  /// A string attribute, or "" where there is none.
  std::string attribute(const std::string &path, const std::string &name) const;
  /// An attribute that is a list of strings; Keras splits long ones into name0, name1, ...
  std::vector<std::string> attributeList(const std::string &path, const std::string &name) const;

private:
  Hdf5File(int64_t id, std::string name) : id(id), name(std::move(name)) {}
  [[noreturn]] void fail(const std::string &path, const std::string &why) const;
  int64_t id;
  std::string name;
};

} // namespace cornet::import
