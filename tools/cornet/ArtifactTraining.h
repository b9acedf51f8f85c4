// SPDX-License-Identifier: Apache-2.0
// Training with the runtime alone: loops over the entry points of an artifact that has a training
// step. No compiler, no loss by name: what the artifact computes was settled when it was made.
//
// Entry points: train_step and, if there, evaluate_step take the model's inputs, the targets and
// perhaps "sample_weight"; read_metrics gives scalars; reset_metrics zeroes them. A batch has as
// many rows as one of the step's plans.
#pragma once

#include "Runner.h"

#include <functional>
#include <map>
#include <optional>

namespace cornet::cli {

class ArtifactTraining {
public:
  using Metrics = std::vector<std::pair<std::string, double>>;

  /// Throws UserError when the artifact has no train_step.
  ArtifactTraining(const std::string &artifact, unsigned threads);

  const std::vector<Port> &inputs() const { return inputPorts; }
  const std::vector<Port> &targets() const { return targetPorts; }
  /// The shape of output `index` of predict; empty where it has no such output.
  std::vector<int64_t> outputShape(size_t index) const;
  bool evaluates() const { return evaluateStep.has_value(); }

  struct Samples {
    std::vector<Array> x, y; ///< as the ports want them
    int64_t rows() const { return x.empty() ? 0 : x[0].shape[0]; }
  };

  /// The rows of a batch: `wanted`, or the largest that is compiled and fits `rows`. Throws
  /// UserError when there is none.
  int64_t batchFor(int64_t wanted, int64_t rows) const;
  /// Rows of a pass that no plan takes.
  int64_t dropped(int64_t batch, int64_t rows) const;

  /// False when there is no such file. Throws UserError when it is damaged or of another program.
  bool loadState(const std::string &path);
  void saveState(const std::string &path) const;
  /// Throws UserError when a schedule rules the rate.
  void setLearningRate(double rate);
  /// The passes that the state has seen, by the optimizer's count of steps.
  int64_t passesDone(int64_t batch, int64_t rows) const;

  /// One pass over the samples. `classes` weighs samples by their labels, where the step takes
  /// weights. `progress` is told the fraction that is done.
  Metrics train(const Samples &samples, int64_t batch, std::optional<uint64_t> shuffleSeed,
                const std::map<int64_t, double> &classes,
                const std::function<void(double)> &progress);
  Metrics evaluate(const Samples &samples, int64_t batch);

private:
  Metrics pass(size_t entry, const Samples &samples, const std::vector<int64_t> &order,
               int64_t batch, const std::map<int64_t, double> &classes,
               const std::function<void(double)> &progress);
  bool serves(size_t entry, int64_t rows) const;
  Metrics read();
  void *cellsOf(std::string_view ending, cornet_dtype type) const;

  ProgramHandle program;
  SessionHandle session;
  size_t trainStep;
  std::optional<size_t> evaluateStep, readMetrics, resetMetrics;
  std::vector<Port> inputPorts, targetPorts;
  bool weighted = false;
};

} // namespace cornet::cli
