// SPDX-License-Identifier: Apache-2.0
//
// A folder per class: Keras's image_dataset_from_directory and text_dataset_from_directory.
//
//   DirectoryDataset train = image_dataset_from_directory("flowers", {.image_size = {180, 180},
//       .seed = 1, .validation_split = 0.2, .subset = "training"});
//
// The classes are the sorted names of the sub-folders; a class's files are taken from all folders
// below it, in sorted order. Names that begin with a dot are left out.
#pragma once

#include <cornet/data/dataset.h>

#include <array>
#include <string>
#include <vector>

namespace cornet::data {

struct DirectoryDataset {
  Dataset dataset;
  std::vector<std::string> class_names;
  std::vector<std::string> file_paths; ///< of this subset, before shuffling
  operator Dataset() const { return dataset; }
};

struct ImageDirectoryOptions {
  std::string labels = "inferred"; ///< or "none": no y; files may lie in the folder itself
  std::string label_mode = "int";  ///< i32 (); "categorical": f32 (classes); "binary": f32 (1)
  std::vector<std::string> class_names{}; ///< these sub-folders, in this order; else all, sorted
  std::string color_mode = "rgb";         ///< or "grayscale", "rgba"
  size_t batch_size = 32;                 ///< 0: single images
  std::array<int64_t, 2> image_size{256, 256}; ///< height, width; bilinear
  bool shuffle = true;                         ///< the order of files, anew in each pass
  uint64_t seed = 0;
  double validation_split = 0; ///< the share of files that is for validation
  std::string subset = "";     ///< "training" or "validation", with validation_split
  size_t parallel_calls = 4;   ///< threads that decode
};
/// x[0]: f32 (height, width, C) in 0..255, batched. Pictures are decoded in the background as they
/// are needed. A damaged one is an Error of next() that names the file; a folder without pictures,
/// or with kinds that cannot be read (.bmp, .gif, .webp, .tif), is an Error at once.
DirectoryDataset image_dataset_from_directory(const std::string &directory,
                                              ImageDirectoryOptions options = {});

struct TextDirectoryOptions {
  std::string labels = "inferred", label_mode = "int"; ///< as of images
  std::vector<std::string> class_names{};
  bool shuffle = true;
  uint64_t seed = 0;
  double validation_split = 0;
  std::string subset = "";
  int64_t max_length = 0; ///< bytes kept of each text; 0: all
};
/// The .txt files: x[0] is an Array::text. Not batched, for texts differ in length: map a
/// TextVectorization over it, then batch().
DirectoryDataset text_dataset_from_directory(const std::string &directory,
                                             TextDirectoryOptions options = {});

} // namespace cornet::data
