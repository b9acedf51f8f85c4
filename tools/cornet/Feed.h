// SPDX-License-Identifier: Apache-2.0
// From files the user names to arrays that fit the inputs of an entry point.
#pragma once

#include "Runner.h"

#include <string>
#include <vector>

namespace cornet::cli {

struct FeedOptions {
  std::string pixels =
      "0..1"; ///< what a picture's 0..255 becomes for float inputs: "0..1", "-1..1", "0..255"
  bool resize =
      false; ///< scale pictures to the input's height and width (bilinear, half-pixel centres)
};

/// One array per port. A file is "name=path" or, for one input or an .npz with all names, just a
/// path; several pictures given to one input become its rows. Throws UserError naming file and
/// input.
std::vector<Array> feed(const std::vector<Port> &ports, const std::vector<std::string> &files,
                        const FeedOptions &options);

/// The array as the port wants it: rows added in front if it is a single one, flat rows folded to
/// the port's shape, numbers converted; an integer input takes only whole numbers in its range.
Array fit(Array array, const Port &port, const std::string &where);

/// Zeros-free sample data, for measurements and self-made inputs: uniform in [0, 1), small integers
/// for integer inputs; the same on every machine.
std::vector<Array> sampleInputs(const std::vector<Port> &ports, int64_t rows);

} // namespace cornet::cli
