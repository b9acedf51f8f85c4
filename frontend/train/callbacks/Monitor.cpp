// SPDX-License-Identifier: Apache-2.0
//
// The direction is asked for at the first comparison: metrics exist only once training has begun.
#include "frontend/train/callbacks/Monitor.h"

#include "frontend/train/callbacks/Text.h"

#include <cmath>
#include <stdexcept>

namespace cornet::train {

Monitor::Monitor(std::string owner, std::string name, std::string mode, double minDelta)
    : owner(std::move(owner)), name(std::move(name)), delta(std::abs(minDelta)) {
  if (mode == "min")
    better = Better::Less;
  else if (mode == "max")
    better = Better::More;
  else if (mode != "auto")
    warn(this->owner + ": mode '" + mode +
         R"(' is unknown; "auto" is taken. Use "min", "max" or "auto")");
}

bool Monitor::improves(double value, const std::optional<double> &reference,
                       TrainingControl &training) {
  if (better == Better::Unknown) {
    std::string metric = name.starts_with("val_") ? name.substr(4) : name;
    std::string direction = training.metricDirection(metric);
    if (direction.empty() && metric != "loss")
      throw std::runtime_error(
          owner + ": whether '" + name +
          R"(' is better high or low is not known; give .mode = "max" or "min")");
    better = direction == "up" ? Better::More : Better::Less;
  }
  if (!reference)
    return true;
  return better == Better::Less ? float(value + delta) < float(*reference)
                                : float(value - delta) > float(*reference);
}

const double *Monitor::value(const Logs &logs, const std::string &what) {
  const double *found = logs.find(name);
  if (!found && !warned)
    warn(owner + ": there is no '" + name + "', so " + what + ". Available: " + logs.names());
  warned |= !found;
  return found;
}

bool BatchCounter::due(int64_t batch) {
  if (!every)
    return false;
  seen += batch > last ? batch - last : batch + 1; // or the first of a new epoch
  last = batch;
  if (seen < every)
    return false;
  seen = 0;
  return true;
}

} // namespace cornet::train
