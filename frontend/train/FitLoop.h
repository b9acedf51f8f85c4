// SPDX-License-Identifier: Apache-2.0
//
// The loops of fit, evaluate and predict over a feed, and what callbacks may do meanwhile.
#pragma once

#include "frontend/train/Engine.h"
#include "frontend/train/Feed.h"

namespace cornet {

class FitLoop : public TrainingControl {
public:
  explicit FitLoop(Trainer &trainer);

  History fit(Feed &feed, Feed *validation, const FitArguments &arguments);
  Logs evaluate(Feed &feed, int64_t limit, CallbackList *callbacks);
  void step(const char *entry, const FedBatch &batch);
  std::vector<data::Array> predict(const FedArrays &arrays, int64_t batch);

  /// Compiles for what the feeds hold.
  void prepare(Feed *training, Feed *evaluation);
  FeedPlan plan(const ClassWeight &classes = {}) const;
  /// The latest loss and metrics, `prefix` before each name.
  Logs read(const std::string &prefix = "");
  void resetMetrics();

  // TrainingControl
  double learningRate() override;
  void setLearningRate(double rate) override;
  int64_t iterations() override;
  std::vector<NamedWeights> weights() override;
  void setWeights(const std::vector<NamedWeights> &weights) override;
  void save(const std::string &path) override;
  void saveWeights(const std::string &path) override;
  void saveState(const std::string &path) override;
  bool loadState(const std::string &path) override;
  void swapEmaWeights() override;
  std::string metricDirection(const std::string &name) override;
  std::vector<GraphNode> graph() override;

private:
  void know(const FedArrays &sample);
  void checkLabels(const FedBatch &batch) const;
  /// Records the step with fewer values kept until it fits CompileArguments::max_memory.
  void fitMemory(const std::vector<std::pair<std::string, int64_t>> &calls);
  void takeAverages();

  Trainer &trainer;
  Trainer::Steps &steps;
  Engine &engine;
  bool swapped = false; ///< weights and their averages
};

} // namespace cornet
