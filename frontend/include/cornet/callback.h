// SPDX-License-Identifier: Apache-2.0
//
// What a callback is: hooks that fit() calls through a CallbackList, the logs it is shown, and what
// it may do to the training it watches, a TrainingControl, which is all it knows of fit(). One
// thread calls everything here. Keras's own callbacks are in callbacks.h.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
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
  /// Exchanges the weights and their moving averages; throws std::runtime_error when the optimizer
  /// keeps none (use_ema is false). Training ends with the averages as weights, whether or not they
  /// are exchanged then.
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
  virtual void on_epoch_begin(int /*epoch*/, Logs &) {}
  virtual void on_epoch_end(int /*epoch*/, Logs &) {}
  virtual void on_train_batch_begin(int64_t /*batch*/, const Logs &) {}
  virtual void on_train_batch_end(int64_t /*batch*/, const Logs &) {}
  virtual void on_test_begin(const Logs &) {}
  virtual void on_test_end(const Logs &) {}
  virtual void on_test_batch_begin(int64_t /*batch*/, const Logs &) {}
  virtual void on_test_batch_end(int64_t /*batch*/, const Logs &) {}
  virtual void on_predict_begin(const Logs &) {}
  virtual void on_predict_end(const Logs &) {}
  virtual void on_predict_batch_begin(int64_t /*batch*/, const Logs &) {}
  virtual void on_predict_batch_end(int64_t /*batch*/, const Logs &) {}

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

} // namespace cornet
