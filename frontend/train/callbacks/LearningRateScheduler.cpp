// SPDX-License-Identifier: Apache-2.0
//
// Keras's LearningRateScheduler.
#include "frontend/train/callbacks/Text.h"

#include <stdexcept>

namespace cornet {
namespace {

class LearningRateSchedulerCallback : public Callback {
public:
  LearningRateSchedulerCallback(std::function<double(int, double)> schedule,
                                LearningRateSchedulerOptions options)
      : schedule(std::move(schedule)), options(options) {
    if (!this->schedule)
      throw std::invalid_argument("LearningRateScheduler: there is no schedule; give a function of "
                                  "the epoch and the rate");
  }

  bool wantsBatchLogs() const override { return false; }

  void on_epoch_begin(int epoch, Logs &) override {
    double rate = schedule(epoch, training->learningRate());
    training->setLearningRate(rate);
    if (options.verbose > 0)
      train::tell("\nEpoch " + std::to_string(epoch + 1) +
                  ": LearningRateScheduler setting learning rate to " + train::pythonFloat(rate) +
                  ".");
  }
  void on_epoch_end(int, Logs &logs) override {
    logs.set("learning_rate", training->learningRate());
  }

private:
  std::function<double(int, double)> schedule;
  LearningRateSchedulerOptions options;
};

} // namespace

CallbackPtr LearningRateScheduler(std::function<double(int, double)> schedule,
                                  LearningRateSchedulerOptions options) {
  return std::make_shared<LearningRateSchedulerCallback>(std::move(schedule), options);
}

} // namespace cornet
