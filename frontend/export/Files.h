// SPDX-License-Identifier: Apache-2.0
//
// Bytes and files: HDF5 images and zip archives made in memory, and a file that appears whole or
// not at all.
#pragma once

#include <cornet/tensor.h>

namespace cornet::saving {

/// An HDF5 file being made in memory. Groups on the way to a path are made as needed. Failures of
/// the library throw SavingError.
class Hdf5Image {
public:
  Hdf5Image();
  ~Hdf5Image();
  Hdf5Image(const Hdf5Image &) = delete;

  /// A group with a string attribute `name`, as h5py writes one.
  void group(const std::string &path, const std::string &name);
  /// A dataset of f32, or of i32 where `dtype` says so; `shape` may be empty for a scalar.
  void dataset(const std::string &path, const Shape &shape, const std::vector<float> &cells,
               const std::string &dtype = "f32");
  /// The state of a generator: two unsigned words.
  void seed(const std::string &path, uint32_t seed);
  /// The file's bytes. Nothing can be added after.
  std::vector<char> bytes();

private:
  int64_t file;
};

/// A zip archive of members that are stored, not deflated, as Keras writes it.
std::vector<char>
zipArchive(const std::vector<std::pair<std::string, const std::vector<char> *>> &members);

/// Writes `bytes` under a temporary name beside `path`, makes sure that they are on disk, and gives
/// them the name `path`: whoever looks sees the old file or the new one. Throws SavingError, and
/// then leaves nothing behind.
void writeAtomically(const std::string &path, const std::vector<char> &bytes);

} // namespace cornet::saving
