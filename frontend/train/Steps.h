// SPDX-License-Identifier: Apache-2.0
//
// What a trainer records: its entry points, the trackers of losses, the compiled arguments.
#pragma once

#include <cornet/training.h>

#include "frontend/emit/Program.h"

namespace cornet {

/// The running mean of a scalar over samples: what the logs call a loss.
class LossTracker {
public:
  explicit LossTracker(const std::string &name);
  /// Records the scalar for a batch of as many samples as `like` has rows.
  void update(const Tensor &scalar, const Tensor &like);
  Tensor result(const Tensor &like) const;
  std::string name;
  std::vector<VariablePtr> variables; ///< total, count
};

class Trainer::Steps {
public:
  Steps(Trainer &trainer, CompileArguments arguments);

  /// The element type and shape of a target, as the data has them.
  struct Target {
    std::string dtype;
    Shape shape; ///< without the batch
    bool operator==(const Target &) const = default;
  };
  /// Called with the first data, before anything is recorded. Throws when later data differ.
  void know(std::vector<Target> targets, bool weighted);
  bool known() const { return isKnown; }

  EntryPoint record(const std::string &entry);
  /// The variables that begin anew with each epoch.
  std::vector<VariablePtr> metricVariables() const;

  /// Named scalars that entry point "read_metrics" gives, in its order.
  const std::vector<std::string> &logNames() const { return names; }
  std::string direction(const std::string &log) const;

  Trainer &trainer;
  CompileArguments arguments;
  std::vector<LossPtr> losses;       ///< by output
  std::vector<LossTracker> trackers; ///< "loss", then one for each output if several
  std::vector<std::vector<MetricPtr>> plain, weighted; ///< by output; made when first recorded
  std::vector<Target> targets;
  bool hasWeights = false;
  std::vector<int64_t> classes; ///< by target: labels are below that; 0: they may be anything

  /// Cuts what the model recorded in [first, last) of a training graph into `segments` runs of
  /// layers that are computed again in the backward pass, all but the last.
  void cut(Graph &graph, size_t first, size_t last) const;
  size_t segments = 0; ///< 0: everything is kept

  void updateMetrics(const StepInputs &inputs, const std::vector<Tensor> &predictions);
  std::string outputName(size_t output) const;
  std::vector<std::pair<std::string, MetricPtr>> namedMetrics() const;

private:
  EntryPoint recordStep(bool training);
  EntryPoint recordPredict();
  EntryPoint recordMetrics();
  void makeMetrics(const StepInputs &inputs, const std::vector<Tensor> &predictions);
  VariablePtr logVariable(const std::string &name);

  bool isKnown = false;
  std::vector<std::string> names;
  std::vector<std::pair<std::string, VariablePtr>> logs; ///< results of steps of the user's own
};

} // namespace cornet
