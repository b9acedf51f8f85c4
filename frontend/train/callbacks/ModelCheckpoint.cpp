// SPDX-License-Identifier: Apache-2.0
//
// Keras's ModelCheckpoint. Files are replaced whole, so that the best model so far survives a kill
// while a better one is being written.
#include "frontend/train/callbacks/Files.h"
#include "frontend/train/callbacks/Monitor.h"
#include "frontend/train/callbacks/Text.h"

#include <fmt/format.h>
#include <stdexcept>

namespace cornet {
namespace {

class ModelCheckpointCallback : public Callback {
public:
  explicit ModelCheckpointCallback(ModelCheckpointOptions options)
      : options(options), monitor("ModelCheckpoint", options.monitor, options.mode),
        counter(options.save_freq.batches("ModelCheckpoint: save_freq")) {
    monitor.best = options.initial_value_threshold;
    std::string_view ending = options.save_weights_only ? ".weights.h5" : ".keras";
    if (!options.filepath.ends_with(ending))
      throw std::invalid_argument(fmt::format(
          "ModelCheckpoint: filepath is '{}'; with save_weights_only = {} it must end in "
          "{}",
          options.filepath, options.save_weights_only, ending));
  }

  bool wantsBatchLogs() const override { return counter.every > 0; }

  void on_epoch_begin(int epoch, Logs &) override { this->epoch = epoch; }
  void on_epoch_end(int epoch, Logs &logs) override {
    if (!counter.every)
      save(epoch, -1, logs);
  }
  void on_train_batch_end(int64_t batch, const Logs &logs) override {
    if (counter.due(batch))
      save(epoch, batch, logs);
  }

private:
  void save(int epoch, int64_t batch, const Logs &logs) {
    std::string path = train::fillPath("ModelCheckpoint", options.filepath, epoch + 1,
                                       batch < 0 ? -1 : batch + 1, logs);
    if (!worthwhile(epoch, logs, path))
      return;
    train::makeFolderOf(path);
    train::replaceFile("ModelCheckpoint", path, [&](const std::string &beside) {
      options.save_weights_only ? training->saveWeights(beside) : training->save(beside);
    });
    say(epoch, "finished saving model to " + path);
  }

  /// Whether this is to be saved; says why.
  bool worthwhile(int epoch, const Logs &logs, const std::string &path) {
    if (!options.save_best_only) {
      say(epoch, "saving model to " + path);
      return true;
    }
    const double *current = monitor.value(logs, "every model is saved, not the best only");
    if (!current)
      return true;
    std::string best = monitor.best ? fmt::format("{:.5f}", *monitor.best) : "None";
    if (!monitor.improves(*current, monitor.best, *training)) {
      say(epoch, fmt::format("{} did not improve from {}", monitor.name, best));
      return false;
    }
    say(epoch, fmt::format("{} improved from {} to {:.5f}, saving model to {}", monitor.name, best,
                           *current, path));
    monitor.best = *current;
    return true;
  }

  void say(int epoch, const std::string &what) const {
    if (options.verbose > 0)
      train::tell(fmt::format("\nEpoch {}: {}", epoch + 1, what));
  }

  ModelCheckpointOptions options;
  train::Monitor monitor;
  train::BatchCounter counter;
  int epoch = 0;
};

} // namespace

CallbackPtr ModelCheckpoint(ModelCheckpointOptions options) {
  return std::make_shared<ModelCheckpointCallback>(std::move(options));
}

} // namespace cornet
