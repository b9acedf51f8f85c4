// SPDX-License-Identifier: Apache-2.0
//
// Keras's ReduceLROnPlateau.
#include "frontend/train/callbacks/Monitor.h"
#include "frontend/train/callbacks/Text.h"

#include <algorithm>
#include <stdexcept>

namespace cornet {
namespace {

class ReduceLROnPlateauCallback : public Callback {
public:
  explicit ReduceLROnPlateauCallback(ReduceLROnPlateauOptions options)
      : options(options),
        monitor("ReduceLROnPlateau", options.monitor, options.mode, options.min_delta) {
    if (!(options.factor < 1))
      throw std::invalid_argument("ReduceLROnPlateau: factor is " +
                                  train::pythonFloat(options.factor) + "; use one below 1");
  }

  bool wantsBatchLogs() const override { return false; }

  void on_train_begin(const Logs &) override {
    monitor.best.reset();
    cooldown = wait = 0;
  }

  void on_epoch_end(int epoch, Logs &logs) override {
    logs.set("learning_rate", training->learningRate());
    const double *current = monitor.value(logs, "the learning rate is not reduced");
    if (!current)
      return;
    if (cooldown > 0)
      --cooldown, wait = 0;
    if (monitor.improves(*current, monitor.best, *training)) {
      monitor.best = *current;
      wait = 0;
    } else if (cooldown == 0 && ++wait >= options.patience && reduce(epoch)) {
      cooldown = options.cooldown;
      wait = 0;
    }
  }

private:
  bool reduce(int epoch) {
    double old = training->learningRate();
    if (!(old > float(options.min_lr)))
      return false;
    double rate = std::max(old * options.factor, options.min_lr);
    training->setLearningRate(rate);
    if (options.verbose > 0)
      train::tell("\nEpoch " + std::to_string(epoch + 1) +
                  ": ReduceLROnPlateau reducing learning rate to " + train::pythonFloat(rate) +
                  ".");
    return true;
  }

  ReduceLROnPlateauOptions options;
  train::Monitor monitor;
  int cooldown = 0, wait = 0;
};

} // namespace

CallbackPtr ReduceLROnPlateau(ReduceLROnPlateauOptions options) {
  return std::make_shared<ReduceLROnPlateauCallback>(std::move(options));
}

} // namespace cornet
