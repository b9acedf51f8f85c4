// SPDX-License-Identifier: Apache-2.0
//
// Keras 3's callbacks: what watches a training and may stop it, save it or change its learning
// rate. Names, options, defaults and decisions are Keras 3.15's. fit() calls them through a
// CallbackList and offers itself as a TrainingControl; callbacks know nothing else of it. One
// thread calls all.
//
//   fit(x, y, {.callbacks = {EarlyStopping({.patience = 3}), TensorBoard({.log_dir = "logs"})}})
//
// Options that make no sense throw std::invalid_argument when the callback is made; what fails
// while training (a disk that is full, a metric that is not there where it must be) throws
// std::runtime_error. Both say which callback, what, and what to do.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace cornet {

/// Named values in the order they were set, as Keras's `logs`.
class Logs {
public:
  using Entry = std::pair<std::string, double>;
  Logs() = default;
  Logs(std::initializer_list<Entry> entries) : entries(entries) {}

  /// The value, or null when there is none of that name.
  const double *find(std::string_view name) const;
  /// The value; throws std::out_of_range naming the available ones when there is none.
  double at(std::string_view name) const;
  /// Changes the value where there is one, else adds it at the end.
  void set(std::string_view name, double value);
  /// The same, by name.
  Logs sorted() const;
  /// "accuracy, loss".
  std::string names() const;

  bool empty() const { return entries.empty(); }
  size_t size() const { return entries.size(); }
  auto begin() const { return entries.begin(); }
  auto end() const { return entries.end(); }

private:
  std::vector<Entry> entries;
};

/// What fit() returns: the epochs that ran, and each log's value in every one of them.
struct History {
  std::vector<int> epoch;
  std::map<std::string, std::vector<double>> history;
};

/// What a callback may do to the training it watches.
class TrainingControl {
public:
  virtual ~TrainingControl();

  struct NamedWeights {
    std::string name; ///< "dense/kernel"
    std::vector<int64_t> shape;
    std::vector<float> values; ///< row-major
  };
  /// A node of the graph that TensorBoard draws; "/" in a name makes boxes in boxes.
  struct GraphNode {
    std::string name, op;
    std::vector<std::string> inputs; ///< names of nodes
    std::vector<int64_t> shape;      ///< of its result; the batch is -1
  };

  bool stop_training = false; ///< set: training ends after this batch or epoch
  /// Where training begins, set by what restores a state: the epoch, and the batches of it that are
  /// done already. Negative: as fit() was told.
  int initial_epoch = -1;
  int64_t initial_batch = 0;

  /// The rate of the next step. Throws std::runtime_error where it cannot be told because a
  /// schedule rules it.
  virtual double learningRate() = 0;
  /// Throws std::runtime_error when a schedule rules the rate.
  virtual void setLearningRate(double) = 0;
  /// Steps of the optimizer so far, those of earlier fits and of a restored state included.
  virtual int64_t iterations() = 0;
  virtual std::vector<NamedWeights> weights() = 0;
  virtual void setWeights(const std::vector<NamedWeights> &) = 0;
  virtual void save(const std::string &path) = 0;        ///< the model, as .keras
  virtual void saveWeights(const std::string &path) = 0; ///< its weights, as .weights.h5
  /// Everything that training goes on from, bit for bit.
  virtual void saveState(const std::string &path) = 0;
  /// False when there is no such file; throws when it is damaged or of another model.
  virtual bool loadState(const std::string &path) = 0;
  /// Exchanges the weights and their moving averages. The averages are what training ends with:
  /// fit() knows whether they are exchanged when it finishes.
  virtual void swapEmaWeights() = 0;
  /// Whether the metric (without "val_") is better "up" or "down"; "" when it does not say.
  virtual std::string metricDirection(const std::string &name) = 0;
  virtual std::vector<GraphNode> graph() = 0;
};

struct Params {
  int epochs = 1;
  int64_t steps = -1;    ///< batches of an epoch; -1: not known before its end
  int verbose = -1;      ///< 0 nothing, 1 a bar, 2 a line for each epoch; -1 ("auto"): a bar
  bool terminal = false; ///< standard output is one: else 1 and -1 write as 2 does
};
/// Whether standard output is a terminal, for Params::terminal.
bool outputIsTerminal();

/// Derive from this for a callback of your own; every hook does nothing by default. Epochs and
/// batches count from 0. What a hook sets in the epoch's logs, the callbacks after it see.
class Callback {
public:
  virtual ~Callback();
  Params params;
  TrainingControl *training = nullptr; ///< set before any hook is called; not owned

  virtual void on_train_begin(const Logs &) {}
  virtual void on_train_end(const Logs &) {} ///< not called when training ended by an exception
  virtual void on_epoch_begin(int epoch, Logs &) {}
  virtual void on_epoch_end(int epoch, Logs &) {}
  virtual void on_train_batch_begin(int64_t batch, const Logs &) {}
  virtual void on_train_batch_end(int64_t batch, const Logs &) {}
  virtual void on_test_begin(const Logs &) {}
  virtual void on_test_end(const Logs &) {}
  virtual void on_test_batch_begin(int64_t batch, const Logs &) {}
  virtual void on_test_batch_end(int64_t batch, const Logs &) {}
  virtual void on_predict_begin(const Logs &) {}
  virtual void on_predict_end(const Logs &) {}
  virtual void on_predict_batch_begin(int64_t batch, const Logs &) {}
  virtual void on_predict_batch_end(int64_t batch, const Logs &) {}

  /// Whether the batch that is running must end with its metrics read back. Asked between
  /// on_*_batch_begin and on_*_batch_end; when nobody wants them, the logs of that batch are empty.
  /// Return false in a callback that looks at epochs only: training then runs on undisturbed.
  virtual bool wantsBatchLogs() const { return true; }
};
using CallbackPtr = std::shared_ptr<Callback>;

/// Several callbacks as one, as fit() calls them: given, then the history, then the progress (when
/// verbose is not 0 and none of the given ones shows it). Logs reach them sorted by name, as in
/// Keras.
class CallbackList {
public:
  CallbackList(std::vector<CallbackPtr> callbacks, TrainingControl *training, Params params);

  /// Of this list's epochs; on_train_begin clears `epoch`, as in Keras.
  History history;
  /// Whether any of them wants the logs of the batch that is running.
  bool wantsBatchLogs() const;

  void on_train_begin(const Logs & = {});
  void on_train_end(const Logs & = {});
  void on_epoch_begin(int epoch, const Logs & = {});
  void on_epoch_end(int epoch, const Logs &);
  void on_train_batch_begin(int64_t batch, const Logs & = {});
  void on_train_batch_end(int64_t batch, const Logs & = {});
  void on_test_begin(const Logs & = {});
  void on_test_end(const Logs & = {});
  void on_test_batch_begin(int64_t batch, const Logs & = {});
  void on_test_batch_end(int64_t batch, const Logs & = {});
  void on_predict_begin(const Logs & = {});
  void on_predict_end(const Logs & = {});
  void on_predict_batch_begin(int64_t batch, const Logs & = {});
  void on_predict_batch_end(int64_t batch, const Logs & = {});

private:
  template <class Hook> void each(Hook hook);
  std::vector<CallbackPtr> callbacks;
  CallbackPtr progress; ///< ours, called last
};

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
