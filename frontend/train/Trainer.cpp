// SPDX-License-Identifier: Apache-2.0
#include <cornet/training.h>

#include "frontend/train/Engine.h"
#include "frontend/train/Steps.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

namespace cornet {

using data::Array;

namespace {

/// Whether a layer of the model, or one inside another, has the policy mixed_float16.
bool usesHalf(const std::vector<LayerPtr> &layers) {
  return std::any_of(layers.begin(), layers.end(), [](const LayerPtr &layer) {
    return layer->dtype == "mixed_float16" || usesHalf(layer->parts);
  });
}
bool usesHalf(const Model &model) { return model.layer && usesHalf(model.layer->parts); }

} // namespace

Trainer::Trainer(Model given) : model(std::move(given)) {
  // Weights are drawn once, whatever is compiled when.
  for (const VariablePtr &variable : model.variables())
    variable->data = variable->value();
}

Trainer::~Trainer() = default;

void Trainer::compile(CompileArguments arguments) {
  if (!model.graph->mistakes.empty())
    throw std::runtime_error(text(model.graph->mistakes));
  if (engine)
    pull();
  engine.reset();
  // Gradients in f16 need a loss that is scaled.
  OptimizerPtr &given = arguments.optimizer.optimizer;
  if (given && arguments.auto_scale_loss && usesHalf(model) && !given->scalesLoss())
    given = LossScaleOptimizer({.inner_optimizer = given});
  unsigned threads = arguments.threads;
  steps = std::make_unique<Steps>(*this, std::move(arguments));
  optimizer = steps->arguments.optimizer.optimizer;
  std::vector<VariablePtr> first = model.variables(), extra = extra_variables();
  first.insert(first.end(), extra.begin(), extra.end());
  engine = std::make_unique<Engine>(
      model.name, threads, [this](const std::string &entry) { return steps->record(entry); },
      [this]() -> std::vector<std::pair<std::string, std::vector<VariablePtr>>> {
        return {{"reset_metrics", steps->metricVariables()}};
      },
      first);
}

void Trainer::pull() {
  auto move = [&](const std::vector<VariablePtr> &variables) {
    for (const VariablePtr &variable : variables) {
      size_t count = 0;
      void *cells = engine ? engine->cells(*variable, &count) : nullptr;
      if (!cells)
        continue;
      variable->data.resize(count);
      if (variable->dtype == "i32")
        std::copy_n(static_cast<int32_t *>(cells), count, variable->data.begin());
      else
        std::memcpy(variable->data.data(), cells, count * 4);
    }
  };
  move(model.variables()), move(extra_variables());
  if (optimizer)
    move(optimizer->variables());
}

void Trainer::push() {
  auto move = [&](const std::vector<VariablePtr> &variables) {
    for (const VariablePtr &variable : variables) {
      size_t count = 0;
      void *cells = engine ? engine->cells(*variable, &count) : nullptr;
      if (!cells || variable->data.size() != count)
        continue;
      if (variable->dtype == "i32")
        std::copy_n(variable->data.begin(), count, static_cast<int32_t *>(cells));
      else
        std::memcpy(cells, variable->data.data(), count * 4);
    }
  };
  move(model.variables()), move(extra_variables());
}

void Trainer::saveState(const std::string &path) {
  if (!engine || !engine->started())
    throw std::runtime_error(path + ": there is no state before the first step");
  rt::check(cornet_session_save(engine->handle(), path.c_str()));
}

bool Trainer::loadState(const std::string &path) {
  if (!std::filesystem::exists(path))
    return false;
  if (!engine || !engine->started())
    throw std::runtime_error(path + ": cannot be loaded before the step is compiled");
  rt::check(cornet_session_load(engine->handle(), path.c_str()));
  pull();
  return true;
}

void Trainer::expect(const std::vector<std::pair<std::string, Shape>> &targets, bool weighted) {
  if (!steps)
    throw std::runtime_error("expect: call compile() first");
  std::vector<Steps::Target> known;
  for (const auto &[dtype, shape] : targets) {
    if (dtype != "f32" && dtype != "i32")
      throw std::runtime_error("expect: targets are f32 or i32, not '" + dtype + "'");
    known.push_back({dtype, shape});
  }
  steps->know(std::move(known), weighted);
}

void Trainer::saveArtifact(const std::string &path, const std::vector<int64_t> &batches) {
  if (!steps)
    throw std::runtime_error("saveArtifact: call compile() first");
  if (batches.empty() ||
      std::any_of(batches.begin(), batches.end(), [](int64_t n) { return n < 1; }))
    throw std::runtime_error("saveArtifact: give the batch sizes to compile for, each at least 1");
  std::vector<std::string> names{"predict", "train_step", "evaluate_step", "read_metrics"};
  if (!steps->known())
    throw std::runtime_error("saveArtifact: the types of the targets are not known before the "
                             "first step; call expect(), or train_on_batch() or fit() once");
  engine->write(path, names, batches, steps->arguments.cpus, [this] {
    pull(); // variables start as they are now
  });
}

} // namespace cornet
