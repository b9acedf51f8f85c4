// SPDX-License-Identifier: Apache-2.0
//
// Training as Keras has it: compile, fit, evaluate, predict. Link cornet_train.
//
//     Trainer trainer(model);
//     trainer.compile({.optimizer = Adam(), .loss = "sparse_categorical_crossentropy",
//                      .metrics = {"accuracy"}});
//     History history = trainer.fit(x, y, {.batch_size = 32, .epochs = 5, .validation_split =
//     0.1}); Logs logs = trainer.evaluate(test_x, test_y); std::vector<data::Array> scores =
//     trainer.predict(test_x);
//
// The whole step (forward, loss, backward, optimizer, metrics) is compiled once for each batch size
// and called; the weights live in the compiled program's session and come back to the model's
// variables when a call returns. A training step of your own overrides train_step().
//
// Errors are std::runtime_error (mistakes of the model at their own lines, all at once) and
// data::Error.
#pragma once

#include <cornet/callbacks.h>
#include <cornet/constraints.h>
#include <cornet/data.h>
#include <cornet/metrics.h>
#include <cornet/model.h>
#include <cornet/optimizers.h>
#include <cornet/regularizers.h>

#include <concepts>
#include <optional>

namespace cornet {

/// A loss, by name or made.
struct LossArgument {
  LossArgument(const char *name) : name(name) {}
  LossArgument(std::string name) : name(std::move(name)) {}
  template <std::derived_from<Loss> T>
  LossArgument(std::shared_ptr<T> loss) : loss(std::move(loss)) {}
  std::string name;
  LossPtr loss;
};
/// One loss for each output, in order; one alone serves a model of one output.
struct LossArguments : std::vector<LossArgument> {
  LossArguments() = default;
  LossArguments(const char *name) : vector{LossArgument(name)} {}
  LossArguments(std::string name) : vector{LossArgument(std::move(name))} {}
  template <std::derived_from<Loss> T>
  LossArguments(std::shared_ptr<T> loss) : vector{LossArgument(std::move(loss))} {}
  LossArguments(std::initializer_list<LossArgument> list) : vector(list) {}
};

struct MetricArgument {
  MetricArgument(const char *name) : name(name) {}
  MetricArgument(std::string name) : name(std::move(name)) {}
  template <std::derived_from<Metric> T>
  MetricArgument(std::shared_ptr<T> metric) : metric(std::move(metric)) {}
  std::string name;
  MetricPtr metric;
};
using MetricList = std::vector<MetricArgument>;
/// The metrics of each output; a plain list is that of the first.
struct MetricArguments : std::vector<MetricList> {
  MetricArguments() = default;
  MetricArguments(std::initializer_list<MetricArgument> list) : vector{MetricList(list)} {}
  MetricArguments(std::initializer_list<MetricList> lists) : vector(lists) {}
};

struct OptimizerArgument {
  OptimizerArgument(const char *name) : optimizer(cornet::optimizer(name)), name(name) {}
  template <class T>
  OptimizerArgument(std::shared_ptr<T> optimizer) : optimizer(std::move(optimizer)) {}
  OptimizerPtr optimizer; ///< null: no optimizer has that name
  std::string name{};
};

struct CompileArguments {
  OptimizerArgument optimizer = "rmsprop";
  LossArguments loss{};
  std::vector<double> loss_weights{}; ///< one for each output; empty: all 1
  MetricArguments metrics{}, weighted_metrics{};
  /// Wraps the optimizer in a LossScaleOptimizer where a layer has the policy mixed_float16.
  bool auto_scale_loss = true;
  unsigned threads = 0; ///< that compute; 0: as many as the machine has cores
  /// Bytes that a training step may use besides the variables, 0: any number. What does not fit is
  /// computed again in the backward pass; throws with the bytes needed when that is not enough.
  uint64_t max_memory = 0;
  /// What saveArtifact() compiles for, as `cornet compile --cpu`: "host", "x86-64-v3", ... Several
  /// share the file; the machine that loads it takes the best it has.
  std::vector<std::string> cpus{"host"};
};

using ClassWeight = std::map<int64_t, double>;
using ValidationArrays = std::pair<std::vector<data::Array>, std::vector<data::Array>>;

struct FitArguments {
  int64_t batch_size = 32; ///< of arrays; a Dataset is batched already
  int epochs = 1;
  int verbose = -1; ///< 0 nothing, 1 a bar, 2 a line for each epoch; -1: a bar on a terminal
  std::vector<CallbackPtr> callbacks{};
  double validation_split = 0; ///< the last part of the arrays, taken before any shuffling
  std::optional<data::Dataset> validation_data{}; ///< batches; or arrays:
  ValidationArrays validation_arrays{};
  bool shuffle = true; ///< of arrays, anew in every epoch, by the seed
  ClassWeight class_weight{};
  data::Array sample_weight{};
  int initial_epoch = 0;
  int64_t steps_per_epoch = 0;       ///< 0: all batches
  int64_t validation_steps = 0;      ///< 0: all batches
  int64_t validation_batch_size = 0; ///< 0: batch_size
  int validation_freq = 1;
};

struct EvaluateArguments {
  int64_t batch_size = 32;
  int verbose = 0;
  data::Array sample_weight{};
  int64_t steps = 0;
  std::vector<CallbackPtr> callbacks{};
};

struct PredictArguments {
  int64_t batch_size = 32;
  std::vector<CallbackPtr> callbacks{};
};

class Engine;
class Feed;

class Trainer {
public:
  explicit Trainer(Model model);
  virtual ~Trainer();
  Trainer(const Trainer &) = delete;

  /// Throws std::runtime_error on an unknown loss, metric or optimizer.
  void compile(CompileArguments arguments);

  /// Arrays have one row for each sample; integers feed integer inputs and labels.
  History fit(const std::vector<data::Array> &x, const std::vector<data::Array> &y,
              FitArguments arguments = {});
  /// `y` may be {}: a step of one's own may have no targets.
  History fit(const data::Array &x, const data::Array &y, FitArguments arguments = {}) {
    return fit(std::vector{x}, targets(y), std::move(arguments));
  }
  /// Batches from a pipeline.
  History fit(const data::Dataset &batches, FitArguments arguments = {});

  /// Loss and metrics, by Keras's names, "loss" first.
  Logs evaluate(const std::vector<data::Array> &x, const std::vector<data::Array> &y,
                EvaluateArguments arguments = {});
  Logs evaluate(const data::Array &x, const data::Array &y, EvaluateArguments arguments = {}) {
    return evaluate(std::vector{x}, targets(y), std::move(arguments));
  }
  Logs evaluate(const data::Dataset &batches, EvaluateArguments arguments = {});

  /// One array for each output.
  std::vector<data::Array> predict(const std::vector<data::Array> &x,
                                   PredictArguments arguments = {});
  std::vector<data::Array> predict(const data::Array &x, PredictArguments arguments = {}) {
    return predict(std::vector{x}, std::move(arguments));
  }

  /// One step on one batch; the logs are those since reset_metrics(), as in Keras.
  Logs train_on_batch(const data::Batch &batch, const ClassWeight &class_weight = {});
  Logs test_on_batch(const data::Batch &batch);
  std::vector<data::Array> predict_on_batch(const std::vector<data::Array> &x);
  void reset_metrics();

  /// Tells the targets' element types ("f32", "i32") and shapes without the batch, and whether
  /// samples have weights, where there are no data yet: saveArtifact() then works before any step.
  /// Throws std::runtime_error when the step is recorded for others already.
  void expect(const std::vector<std::pair<std::string, Shape>> &targets, bool weighted = false);

  /// Writes the whole program: train_step, evaluate_step, predict, initialize over one set of
  /// variables, which start as they are now. Trains and runs with the runtime alone.
  /// `batches`: the sizes to compile for.
  void saveArtifact(const std::string &path, const std::vector<int64_t> &batches);

  /// Everything training goes on from, bit for bit; written atomically.
  void saveState(const std::string &path);
  /// False when there is no such file; throws when it is damaged or of another program. Needs to
  /// know the data's types: call it after the first step, or through BackupAndRestore.
  bool loadState(const std::string &path);

  /// Copies the session's weights to the model's variables, and back. Calls do so by themselves;
  /// train_on_batch() leaves the variables behind until this is called.
  void pull();
  void push();

  Model model;
  OptimizerPtr optimizer; ///< of compile()

protected:
  /// A batch while a step is recorded.
  struct StepInputs {
    std::vector<Tensor> x, y;
    Tensor sample_weight{}; ///< no tensor where none is given
  };
  /// Named scalars of a step; the logs show the last batch's.
  using StepResults = std::vector<std::pair<std::string, Tensor>>;

  /// Records one training step. Override it for one of your own: call models on tensors, and
  /// optimizers' minimize() on losses. The default computes the compiled losses, updates the
  /// metrics, and minimizes.
  virtual StepResults train_step(const StepInputs &inputs);
  /// Records one evaluation step.
  virtual StepResults test_step(const StepInputs &inputs);
  /// The metrics that are set to zero before each epoch and shown in the logs.
  virtual std::vector<MetricPtr> metrics() const;
  /// The variables that pull() and push() move besides the model's: of other models of the step.
  virtual std::vector<VariablePtr> extra_variables() const { return {}; }

  /// The compiled losses on predictions, weighted and summed, with the penalties on weights;
  /// updates the trackers of losses.
  Tensor compute_loss(const StepInputs &inputs, const std::vector<Tensor> &predictions);
  void update_metrics(const StepInputs &inputs, const std::vector<Tensor> &predictions);

private:
  static std::vector<data::Array> targets(const data::Array &y) {
    return y.absent() ? std::vector<data::Array>{} : std::vector{y};
  }

  friend class FitLoop;
  class Steps;
  std::unique_ptr<Steps> steps;
  std::unique_ptr<Engine> engine;
};

} // namespace cornet
