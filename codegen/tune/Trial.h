// SPDX-License-Identifier: Apache-2.0
//
// A kernel to be timed, in standard types alone: whoever compiles hands it to whoever can run it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace cornet::tune {

struct Trial {
  /// A buffer of the kernel, in the order of its arguments. Weights come from where a network finds
  /// them, other buffers from where the step before has just left them.
  struct Buffer {
    uint64_t bytes;
    bool weights;
  };
  std::shared_ptr<const std::vector<char>> code; ///< a shared object, perhaps several trials'
  std::string symbol; ///< void symbol(void *const *buffers, int64_t begin, int64_t end)
  int64_t tiles = 0;
  std::vector<Buffer> buffers;
  uint64_t scratch = 0; ///< bytes each thread works in, its last buffer; 0: none
};

/// Times kernels on `threads` threads, in turns for about `seconds`; their medians in microseconds.
/// What cannot be run gets a sentence in `error` and no times.
using Measure = std::function<std::vector<double>(
    const std::vector<Trial> &trials, unsigned threads, double seconds, std::string &error)>;

} // namespace cornet::tune
