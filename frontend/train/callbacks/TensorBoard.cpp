// SPDX-License-Identifier: Apache-2.0
//
// Keras's TensorBoard, with its names and steps. One difference: batches are numbered by the
// optimizer's step, which is Keras's count in a first fit(), and goes on after a second or resumed
// one instead of drawing over itself.
#include "frontend/train/callbacks/EventFile.h"

#include <chrono>
#include <stdexcept>

namespace cornet {
namespace {

using Clock = std::chrono::steady_clock;
double since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

class TensorBoardCallback : public Callback {
public:
  explicit TensorBoardCallback(TensorBoardOptions options)
      : options(options), every(options.update_freq.batches("TensorBoard: update_freq")) {
    if (options.histogram_freq < 0)
      throw std::invalid_argument("TensorBoard: histogram_freq is " +
                                  std::to_string(options.histogram_freq) +
                                  "; use a number of epochs, or 0 for never");
  }

  bool wantsBatchLogs() const override { return inBatch && every && batch % every == 0; }

  void on_train_begin(const Logs &) override {
    if (!options.write_graph)
      return;
    if (auto nodes = training->graph(); !nodes.empty())
      train().graph(nodes);
  }

  void on_train_end(const Logs &) override {
    trainFile.reset();
    validationFile.reset();
  }

  void on_epoch_begin(int, Logs &) override {
    epochStart = Clock::now();
    epochFirst = training->iterations();
  }

  void on_train_batch_begin(int64_t, const Logs &) override {
    batch = training->iterations() + 1;
    inBatch = true;
    batchStart = Clock::now();
  }

  void on_train_batch_end(int64_t, const Logs &logs) override {
    bool due = wantsBatchLogs();
    inBatch = false;
    if (!due)
      return;
    if (options.write_steps_per_second)
      train().scalar("batch_steps_per_second", 1 / since(batchStart), batch);
    for (const auto &[name, value] : logs)
      train().scalar("batch_" + name, value, batch);
    if (since(flushed) > 10)
      flush();
  }

  void on_test_end(const Logs &logs) override {
    for (const auto &[name, value] : logs)
      validation().scalar("evaluation_" + name + "_vs_iterations", value, training->iterations());
    flush();
  }

  void on_epoch_end(int epoch, Logs &logs) override {
    for (const auto &[name, value] : logs)
      if (name.starts_with("val_"))
        validation().scalar("epoch_" + name.substr(4), value, epoch);
      else if (name != "learning_rate")
        train().scalar("epoch_" + name, value, epoch);
    if (!logs.empty())
      addEpoch(epoch);
    if (options.histogram_freq && epoch % options.histogram_freq == 0)
      for (const TrainingControl::NamedWeights &weights : training->weights())
        train().histogram(weights.name + "/histogram", weights.values, epoch);
    flush();
  }

private:
  void addEpoch(int epoch) {
    try {
      train().scalar("epoch_learning_rate", training->learningRate(), epoch);
    } catch (const std::runtime_error &) { // a schedule's, and not told
    }
    if (options.write_steps_per_second)
      train().scalar("epoch_steps_per_second",
                     double(training->iterations() - epochFirst) / since(epochStart), epoch);
  }

  train::EventFile &train() { return open(trainFile, "/train"); }
  train::EventFile &validation() { return open(validationFile, "/validation"); }
  train::EventFile &open(std::unique_ptr<train::EventFile> &file, const char *run) {
    if (!file)
      file = std::make_unique<train::EventFile>(options.log_dir + run);
    return *file;
  }

  void flush() {
    flushed = Clock::now();
    for (auto *file : {&trainFile, &validationFile})
      if (*file)
        (*file)->flush();
  }

  TensorBoardOptions options;
  int64_t every, batch = 0, epochFirst = 0;
  bool inBatch = false;
  Clock::time_point batchStart, epochStart, flushed = Clock::now();
  std::unique_ptr<train::EventFile> trainFile, validationFile; ///< made when first written to
};

} // namespace

CallbackPtr TensorBoard(TensorBoardOptions options) {
  return std::make_shared<TensorBoardCallback>(std::move(options));
}

} // namespace cornet
