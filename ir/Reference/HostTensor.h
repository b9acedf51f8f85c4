// SPDX-License-Identifier: Apache-2.0
//
// A tensor value in host memory, as the reference interpreter computes with it: every element a
// double, row-major. Results of f32 ops are rounded to f32 when an op is done, sums are not.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace cornet {

struct HostTensor {
  std::vector<int64_t> shape;
  std::vector<double> data;

  int64_t size() const {
    int64_t count = 1;
    for (int64_t extent : shape)
      count *= extent;
    return count;
  }
  /// Elements between neighbours of each dimension.
  std::vector<int64_t> strides() const {
    std::vector<int64_t> out(shape.size(), 1);
    for (size_t i = shape.size(); i-- > 1;)
      out[i - 1] = out[i] * shape[i];
    return out;
  }
};

} // namespace cornet
