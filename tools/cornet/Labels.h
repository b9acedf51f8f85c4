// SPDX-License-Identifier: Apache-2.0
// Labels from files, as the loss of an output wants them: class numbers for the sparse
// crossentropy, else numbers of the output's shape.
#pragma once

#include "Runner.h"

#include <string>
#include <vector>

namespace cornet::cli {

/// One array for each name, as the files hold them. A file is "name=path" or, for one name or an
/// .npz with all of them, just a path; several paths alone go by order.
std::vector<Array> readLabels(const std::vector<std::string> &files,
                              const std::vector<std::string> &names);

/// What a model gives and labels are compared with.
struct LabelledOutput {
  std::string name;
  std::vector<int64_t> shape; ///< the batch first
  std::string activation;     ///< "softmax", "sigmoid" or ""
};

/// Keras's name of the loss that suits: of a softmax, sparse_categorical_crossentropy for class
/// numbers and categorical_crossentropy for one-hot rows; of a sigmoid, binary_crossentropy; else
/// mean_squared_error.
std::string lossFor(const LabelledOutput &output, const Array &labels);

/// The labels as `loss` takes them, of `rows` samples: i32 class numbers in range, or f32 of the
/// output's shape. Throws UserError naming `where`, the sample and what is expected.
Array labelsFor(const Array &labels, const LabelledOutput &output, const std::string &loss,
                int64_t rows, const std::string &where);

} // namespace cornet::cli
