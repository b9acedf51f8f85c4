// SPDX-License-Identifier: Apache-2.0
//
// Keras's EarlyStopping. The wait starts anew only when both the best value and the baseline are
// beaten; nothing stops in the very first epoch.
#include "frontend/train/callbacks/Monitor.h"
#include "frontend/train/callbacks/Text.h"

namespace cornet {
namespace {

class EarlyStoppingCallback : public Callback {
public:
  explicit EarlyStoppingCallback(EarlyStoppingOptions options)
      : options(options),
        monitor("EarlyStopping", options.monitor, options.mode, options.min_delta) {}

  bool wantsBatchLogs() const override { return false; }

  void on_train_begin(const Logs &) override {
    wait = stoppedEpoch = bestEpoch = 0;
    monitor.best.reset();
    bestWeights.reset();
  }

  void on_epoch_end(int epoch, Logs &logs) override {
    const double *current = monitor.value(logs, "training is not stopped early");
    if (!current || epoch < options.start_from_epoch)
      return;
    if (options.restore_best_weights && !bestWeights)
      remember(epoch); // also when no epoch beats the baseline
    ++wait;
    if (monitor.improves(*current, monitor.best, *training)) {
      monitor.best = *current;
      remember(epoch);
      if (!options.baseline || monitor.improves(*current, options.baseline, *training))
        wait = 0;
    } else if (wait >= options.patience && epoch > 0) {
      stoppedEpoch = epoch;
      training->stop_training = true;
    }
  }

  void on_train_end(const Logs &) override {
    if (stoppedEpoch > 0 && options.verbose > 0)
      train::tell("Epoch " + std::to_string(stoppedEpoch + 1) + ": early stopping");
    if (!bestWeights)
      return;
    if (options.verbose > 0)
      train::tell("Restoring model weights from the end of the best epoch: " +
                  std::to_string(bestEpoch + 1) + ".");
    training->setWeights(*bestWeights);
  }

private:
  void remember(int epoch) {
    bestEpoch = epoch;
    if (options.restore_best_weights)
      bestWeights = training->weights();
  }

  EarlyStoppingOptions options;
  train::Monitor monitor;
  int wait = 0, stoppedEpoch = 0, bestEpoch = 0;
  std::optional<std::vector<TrainingControl::NamedWeights>> bestWeights;
};

} // namespace

CallbackPtr EarlyStopping(EarlyStoppingOptions options) {
  return std::make_shared<EarlyStoppingCallback>(std::move(options));
}

} // namespace cornet
