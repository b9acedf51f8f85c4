// SPDX-License-Identifier: Apache-2.0
//
// A log that a callback watches, and when it counts as better: less or more by the mode, or by what
// the metric itself says. Values are compared as float, as Keras's backends do.
#pragma once

#include <cornet/callbacks.h>

namespace cornet::train {

class Monitor {
public:
  /// An unknown mode is told once and taken as "auto".
  Monitor(std::string owner, std::string name, std::string mode, double minDelta = 0);

  const std::string owner, name;
  std::optional<double> best;

  /// Whether `value` is better than `reference` by more than the delta; anything is better than
  /// none. Throws std::runtime_error when the mode is "auto" and the metric does not say.
  bool improves(double value, const std::optional<double> &reference, TrainingControl &training);
  /// Its value; null when the logs have none, which is told once, with `what` cannot be done.
  const double *value(const Logs &logs, const std::string &what);

private:
  enum class Better { Unknown, Less, More } better = Better::Unknown;
  double delta;
  bool warned = false;
};

/// Counts batches, also where several end at once, up to a multiple of `every`.
class BatchCounter {
public:
  explicit BatchCounter(int64_t every) : every(every) {}
  /// Whether `batch`, which ended, is one to act at. Never when `every` is 0.
  bool due(int64_t batch);
  /// `batches` of this epoch are done already.
  void skip(int64_t batches) { last = batches - 1; }

  const int64_t every;

private:
  int64_t seen = 0, last = -1;
};

} // namespace cornet::train
