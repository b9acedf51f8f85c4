// SPDX-License-Identifier: Apache-2.0
//
// Keras 3's callbacks, which stop, save or change a training. Names, options, defaults and
// decisions are Keras 3.15's; where one differs, it says so.
//
//   std::vector<CallbackPtr> callbacks = {EarlyStopping({.patience = 3}),
//                                         ModelCheckpoint({.filepath = "{epoch:02d}.keras"})};
//
// Options that make no sense throw std::invalid_argument when the callback is made; what fails
// while training (a file that cannot be written, a metric whose direction is not known) throws
// std::runtime_error. Both say which callback, what, and what to do. A metric that is not there is
// a warning on standard error, told once.
#pragma once

#include <cornet/callback.h>

#include <concepts>
#include <functional>
#include <optional>

namespace cornet {

/// "epoch", "batch" or a number of batches.
class Frequency {
public:
  Frequency(std::string word) : word(std::move(word)) {}
  Frequency(const char *word) : word(word) {}
  template <std::integral Number> Frequency(Number batches) : number(int64_t(batches)) {}
  /// The batches; 0 is each epoch. Throws std::invalid_argument, naming `owner`, on anything else.
  int64_t batches(const std::string &owner) const;

private:
  std::string word = "";
  int64_t number = 0;
};

// A `mode` is "min", "max" or "auto", which asks the metric. `verbose` 1 tells what is done.

/// Stops when `monitor` has not improved by more than `min_delta` for `patience` epochs, or on
/// `baseline` if one is given; may put the weights of the best epoch back.
struct EarlyStoppingOptions {
  std::string monitor = "val_loss";
  double min_delta = 0;
  int patience = 0, verbose = 0;
  std::string mode = "auto";
  std::optional<double> baseline{};
  bool restore_best_weights = false;
  int start_from_epoch = 0;
};
CallbackPtr EarlyStopping(EarlyStoppingOptions options = {});

/// Saves the model (.keras) or its weights (.weights.h5). In the path, {epoch}, {batch} (from 1)
/// and the names of logs are filled in, formatted as in Python: "{epoch:02d}-{val_loss:.2f}.keras".
/// A kill while saving leaves the file that was there before.
struct ModelCheckpointOptions {
  std::string filepath = "";
  std::string monitor = "val_loss";
  int verbose = 0;
  bool save_best_only = false, save_weights_only = false;
  std::string mode = "auto";
  Frequency save_freq = "epoch";
  std::optional<double> initial_value_threshold{}; ///< saves only what is better, from the start
};
CallbackPtr ModelCheckpoint(ModelCheckpointOptions options);

/// Saves the state of training, and goes on from it when training begins and there is one; unlike
/// Keras's, in the middle of an epoch, too. A kill at any moment leaves a state whose epoch and
/// batch belong to it. `double_checkpoint` keeps the one before as well, for when the last cannot
/// be read. The folder must be this callback's own.
struct BackupAndRestoreOptions {
  std::string backup_dir = "";
  Frequency save_freq = "epoch";
  bool double_checkpoint = false, delete_checkpoint = true;
};
CallbackPtr BackupAndRestore(BackupAndRestoreOptions options);

/// Multiplies the learning rate by `factor`, down to `min_lr`, when `monitor` has not improved for
/// `patience` epochs; then waits `cooldown` epochs. Adds "learning_rate" to the epoch's logs.
struct ReduceLROnPlateauOptions {
  std::string monitor = "val_loss";
  double factor = 0.1;
  int patience = 10, verbose = 0;
  std::string mode = "auto";
  double min_delta = 1e-4;
  int cooldown = 0;
  double min_lr = 0;
};
CallbackPtr ReduceLROnPlateau(ReduceLROnPlateauOptions options = {});

/// Before each epoch the learning rate becomes schedule(epoch, rate). Adds "learning_rate" to the
/// epoch's logs.
struct LearningRateSchedulerOptions {
  int verbose = 0;
};
CallbackPtr LearningRateScheduler(std::function<double(int epoch, double rate)> schedule,
                                  LearningRateSchedulerOptions options = {});

/// A line of a CSV file for each epoch: "epoch", then the logs of the first epoch by name. Where
/// that has none of validation, columns for them are made, too; what an epoch lacks is NA.
struct CSVLoggerOptions {
  std::string filename = "";
  std::string separator = ",";
  bool append = false;
};
CallbackPtr CSVLogger(CSVLoggerOptions options);

/// Stops, or with `raise_error` throws std::runtime_error, when a batch's loss is NaN or infinite.
struct TerminateOnNaNOptions {
  bool raise_error = false;
};
CallbackPtr TerminateOnNaN(TerminateOnNaNOptions options = {});

/// The progress on standard output: on a terminal a bar, redrawn at most every 50 ms, elsewhere a
/// line for each epoch. fit() adds one by itself.
CallbackPtr ProgbarLogger();

/// A callback of functions; those not given do nothing.
struct LambdaCallbackOptions {
  using Epoch = std::function<void(int, Logs &)>;
  using Batch = std::function<void(int64_t, const Logs &)>;
  using Whole = std::function<void(const Logs &)>;
  Epoch on_epoch_begin{}, on_epoch_end{};
  Whole on_train_begin{}, on_train_end{};
  Batch on_train_batch_begin{}, on_train_batch_end{};
  Whole on_test_begin{}, on_test_end{};
  Batch on_test_batch_begin{}, on_test_batch_end{};
  Whole on_predict_begin{}, on_predict_end{};
  Batch on_predict_batch_begin{}, on_predict_batch_end{};
};
CallbackPtr LambdaCallback(LambdaCallbackOptions options);

/// Evaluates and predicts with the moving averages of the weights (the optimizer's `use_ema`); with
/// `swap_on_epoch` the callbacks after this one see them at the end of an epoch, too.
struct SwapEMAWeightsOptions {
  bool swap_on_epoch = false;
};
CallbackPtr SwapEMAWeights(SwapEMAWeightsOptions options = {});

/// Event files for TensorBoard in log_dir/train and log_dir/validation: epoch_* by epoch, batch_*
/// by the optimizer's step every `update_freq` batches, evaluation_*_vs_iterations,
/// NAME/histogram every `histogram_freq` epochs (0: never), and the graph.
struct TensorBoardOptions {
  std::string log_dir = "logs";
  int histogram_freq = 0;
  bool write_graph = true;
  bool write_steps_per_second = false;
  Frequency update_freq = "epoch";
};
CallbackPtr TensorBoard(TensorBoardOptions options = {});

} // namespace cornet
