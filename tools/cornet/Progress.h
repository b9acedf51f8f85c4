// SPDX-License-Identifier: Apache-2.0
// One line on standard error that tells how far long work is. It appears only on a terminal and
// only after a second, is redrawn in place at most ten times a second, and is gone when the object
// is.
#pragma once

#include <chrono>
#include <string_view>

namespace cornet::cli {

class Progress {
public:
  explicit Progress(bool quiet);
  ~Progress();
  Progress(const Progress &) = delete;
  Progress &operator=(const Progress &) = delete;

  /// `fraction` is between 0 and 1 of the whole work; a negative one means unknown.
  void show(std::string_view stage, double fraction);

private:
  using Clock = std::chrono::steady_clock;
  bool enabled, drawn = false;
  Clock::time_point next;
};

} // namespace cornet::cli
