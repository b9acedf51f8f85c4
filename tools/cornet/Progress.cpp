// SPDX-License-Identifier: Apache-2.0
// Draws with a carriage return and "erase to the end of the line", which every terminal knows.
#include "Progress.h"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <string>
#include <unistd.h>

namespace cornet::cli {

Progress::Progress(bool quiet)
    : enabled(!quiet && isatty(STDERR_FILENO)), next(Clock::now() + std::chrono::seconds(1)) {}

Progress::~Progress() {
  if (drawn)
    fmt::print(stderr, "\r\x1b[K");
}

void Progress::show(std::string_view stage, double fraction) {
  if (!enabled || Clock::now() < next)
    return;
  constexpr int width = 24;
  int filled = int(std::clamp(fraction, 0.0, 1.0) * width);
  std::string bar = std::string(size_t(filled), '#') + std::string(size_t(width - filled), '.');
  std::string percent =
      fraction < 0 ? "" : fmt::format("[{}] {:3.0f} % ", bar, 100 * std::clamp(fraction, 0.0, 1.0));
  fmt::print(stderr, "\r\x1b[K{}{}", percent, stage);
  std::fflush(stderr);
  drawn = true;
  next = Clock::now() + std::chrono::milliseconds(100);
}

} // namespace cornet::cli
