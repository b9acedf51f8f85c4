// SPDX-License-Identifier: Apache-2.0
//
// Files of arrays: NumPy's .npy and .npz, matrices of numbers as text, pictures, and the formats of
// two well-known collections, MNIST's IDX and CIFAR's records.
//
// Every reader checks what a file claims against the bytes that are there, in 64-bit arithmetic,
// before it allocates; an Error names the file and, inside it, the line or the byte. Writers write
// beside the target and rename: readers of the target see the old file or the new one.
#pragma once

#include <cornet/data/dataset.h>

#include <string>
#include <utility>
#include <vector>

namespace cornet::data {

using NamedArrays = std::vector<std::pair<std::string, Array>>;

/// NumPy's format, versions 1 to 3, C order, little-endian.
Array readNpy(const std::string &path);
void writeNpy(const std::string &path, const Array &array);

/// A zip of .npy files, in the archive's order. Equal arrays give equal files.
NamedArrays readNpz(const std::string &path);
void writeNpz(const std::string &path, const NamedArrays &arrays);

/// Rows of numbers, separated by commas, semicolons or blanks: f32 of shape (rows, columns). A
/// first line that is not numbers is a heading and is skipped. For tables with names, texts or
/// missing values there is make_csv_dataset().
Array readCsv(const std::string &path);
/// One line per row of dimension 0, the rest flattened.
void writeCsv(const std::string &path, const Array &array);

/// A PNG or JPEG as u8 of shape (height, width, channels). `channels` 0: 1 or 3, as the file has;
/// 1: grey, the Rec. 601 luminance; 3: colour; 4: colour and alpha. Otherwise alpha is dropped.
Array readImage(const std::string &path, int channels = 0);
/// Grey becomes three equal channels; colour becomes its Rec. 601 luminance, as f32.
Array withChannels(const Array &image, int64_t channels);
/// (h, w, C) to f32 (height, width, C), bilinear with half-pixel centres and repeated edges, as
/// tf.image.resize (no antialiasing).
Array resizeImage(const Array &image, int64_t height, int64_t width);

/// MNIST's format, gzipped or not: elements of the type and shape the file states, in the host's
/// byte order. Images are u8 (N, rows, columns), labels u8 (N).
Array readIdx(const std::string &path);
/// Image and label per example: x[0] u8 (rows, columns), y[0] u8 (). Throws when there are not as
/// many labels as images.
Dataset idxDataset(const std::string &images, const std::string &labels);

struct CifarOptions {
  int64_t classes = 10;       ///< 10 or 100: the format
  bool coarse_labels = false; ///< of CIFAR-100: its 20 superclasses instead of its 100 classes
};
/// The binary version of CIFAR-10 or CIFAR-100, file after file, streamed: x[0] u8 (32, 32, 3),
/// y[0] u8 (). https://www.cs.toronto.edu/~kriz/cifar.html
Dataset cifarDataset(std::vector<std::string> files, CifarOptions options = {});

/// The lines of text files, file after file, streamed, gzipped or not: x[0] is an Array::text of
/// the line without its end. An empty line is an element too. A line of more than 64 MiB is an
/// Error.
Dataset TextLineDataset(std::vector<std::string> files);

} // namespace cornet::data
