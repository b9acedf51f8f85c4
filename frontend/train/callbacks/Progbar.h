// SPDX-License-Identifier: Apache-2.0
//
// Keras's progress bar as text: what to print, given a step and its logs. It prints nothing itself
// and is told the time, so that tests can compare it letter by letter.
#pragma once

#include <cornet/callbacks.h>

namespace cornet::train {

class Progbar {
public:
  struct Options {
    int64_t target = -1;         ///< steps; -1: unknown
    bool bar = true;             ///< else a line at the end
    int columns = 0;             ///< of the terminal: a line that is redrawn ends there; 0: any
    std::function<double()> now; ///< seconds
    double interval = 0.05;      ///< between two drawings, in seconds
  };
  explicit Progbar(Options options);

  /// What to print after `current` steps; "" when the last drawing is younger than the interval.
  /// Values stay until there are new ones.
  std::string update(int64_t current, const Logs &logs, bool finalize);
  /// Whether an update would draw.
  bool due() const { return options.now() - drawn >= options.interval; }

  Options options;

private:
  double perStep(int64_t current, double now);
  std::string bar(int64_t current) const;

  Logs values;
  double start, drawn = -1e9;
  std::optional<double> afterFirst;
  size_t width = 0; ///< columns of what was drawn last
};

} // namespace cornet::train
