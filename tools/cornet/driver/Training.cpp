// SPDX-License-Identifier: Apache-2.0
// From a request to a Trainer with its callbacks, and from the trained model to files. This file
// alone of the driver is compiled with exceptions: that is how the trainer reports mistakes.
#include "driver/Training.h"
#include "driver/Models.h"

#include <cornet/saving.h>
#include <cornet/training.h>

#include <algorithm>
#include <filesystem>
#include <fnmatch.h>
#include <stdexcept>
#include <unistd.h>

namespace cornet::cli {
namespace {

namespace fs = std::filesystem;

[[noreturn]] void fail(const std::string &why) { throw std::runtime_error(why); }

std::vector<TensorFacts> inputsOf(const Model &model) {
  std::vector<TensorFacts> out;
  for (const Tensor &input : model.inputs) {
    const Node &node = model.graph->nodes[size_t(input.node)];
    out.push_back({node.layer, node.dtype, node.shape, ""});
  }
  return out;
}

std::vector<TensorFacts> outputsOf(const Model &model) {
  std::vector<TensorFacts> out;
  for (const Tensor &output : model.outputs) {
    const Node *node = &model.graph->nodes[size_t(output.node)];
    std::string name = node->layer.substr(0, node->layer.find('/'));
    while (node->op == "alias")
      node = &model.graph->nodes[size_t(node->operands[0])];
    std::string op = node->op.substr(node->op.rfind('.') + 1);
    out.push_back({name, node->dtype, node->shape, op == "softmax" || op == "sigmoid" ? op : ""});
  }
  return out;
}

void takeWeightsByName(const Model &model, const TrainRequest &request) {
  LoadReport report = loadWeights(model, request.weights, {.by_name = true, .skip_mismatch = true});
  if (report.loaded.empty())
    fail(request.weights + ": no layer of it has the name and shape of one of '" + model.name +
         "'");
  std::string left;
  for (const auto *list : {&report.missing, &report.mismatched})
    for (const std::string &layer : *list)
      left += (left.empty() ? "" : ", ") + layer;
  request.tell(request.weights + ": " + std::to_string(report.loaded.size()) +
               " layers take their weights from it" +
               (left.empty() ? "" : "; these begin anew: " + left));
}

void startWeights(const Model &model, const TrainRequest &request) {
  if (request.weights.empty())
    return;
  if (request.weightsByName)
    return takeWeightsByName(model, request);
  if (std::string problems = takeWeights(model, request.weights); !problems.empty())
    fail(problems);
}

/// Freezes the layers whose name or path matches; how many.
size_t freeze(const LayerPtr &layer, const std::string &pattern) {
  auto matches = [&](const std::string &text) {
    return fnmatch(pattern.c_str(), text.c_str(), 0) == 0;
  };
  if (matches(layer->name) || matches(layer->path)) {
    layer->setTrainable(false);
    return 1;
  }
  size_t count = 0;
  if (const Model *nested = layer->nested())
    for (const Handle &inside : nested->layers())
      count += freeze(inside.layer, pattern);
  for (const LayerPtr &part : layer->parts)
    count += freeze(part, pattern);
  return count;
}

void freezeLayers(const Model &model, const TrainRequest &request) {
  for (const std::string &pattern : request.freeze) {
    size_t count = 0;
    std::string names;
    for (const Handle &each : model.layers()) {
      count += freeze(each.layer, pattern);
      names += (names.empty() ? "" : ", ") + each.layer->name;
    }
    if (count == 0)
      fail("--freeze " + pattern + ": no layer has such a name; the model has: " + names);
    request.tell("--freeze " + pattern + ": " + std::to_string(count) + " layers stay as they are");
  }
  if (model.trainable_variables().empty())
    fail("the model has no weights left to train; freeze fewer layers");
}

void checkNames(const TrainRequest &request) {
  if (std::string wrong = checkOptimizer(request.optimizer); !wrong.empty())
    fail("--optimizer: " + wrong);
  for (const std::string &name : request.losses)
    if (std::string wrong = checkLoss(name); !wrong.empty())
      fail("--loss: " + wrong);
  for (const std::string &name : request.metrics)
    if (std::string wrong = checkMetric(name); !wrong.empty())
      fail("--metrics: " + wrong);
}

OptimizerPtr optimizerOf(const TrainRequest &request) {
  OptimizerPtr made = optimizer(request.optimizer);
  if (request.learningRate) {
    made->options.learning_rate = *request.learningRate;
    if (VariablePtr rate = made->learningRate())
      rate->initializer = Initializer("constant", *request.learningRate);
  }
  return made;
}

std::vector<CallbackPtr> callbacksOf(const TrainRequest &request, bool validates) {
  std::vector<CallbackPtr> out;
  bool resumes = !request.checkpoint.empty() && fs::exists(request.checkpoint) &&
                 !fs::is_empty(request.checkpoint);
  // First, so that the others see the epoch that training goes on from.
  if (!request.checkpoint.empty())
    out.push_back(BackupAndRestore({.backup_dir = request.checkpoint, .delete_checkpoint = false}));
  if (request.earlyStopping)
    out.push_back(EarlyStopping({.monitor = validates ? "val_loss" : "loss",
                                 .patience = *request.earlyStopping,
                                 .restore_best_weights = true}));
  if (!request.csvLog.empty())
    out.push_back(CSVLogger({.filename = request.csvLog, .append = resumes}));
  if (!request.tensorboard.empty())
    out.push_back(TensorBoard({.log_dir = request.tensorboard}));
  return out;
}

void writeOutputs(Trainer &trainer, const TrainRequest &request) {
  for (const std::string &path : request.outputs) {
    SaveOptions options{.optimizer = trainer.optimizer->variables()};
    if (path.ends_with(".keras"))
      save(trainer.model, path, options);
    else if (path.ends_with(".weights.h5"))
      saveWeights(trainer.model, path, options);
    else
      trainer.saveArtifact(path, request.batches);
  }
}

TrainReply train(const TrainRequest &request) {
  checkNames(request);
  for (const std::string &path : request.outputs) { // better now than after hours
    fs::path folder = fs::absolute(path).parent_path();
    if (access(folder.c_str(), W_OK) != 0)
      fail(path + ": cannot be written: " + folder.string() +
           " is no folder that may be written to");
  }
  set_random_seed(request.seed); // before the model is made: its weights follow from it
  std::string error;
  std::optional<Model> model = loadModel(request.source, error);
  if (!model)
    fail(error);
  startWeights(*model, request);
  freezeLayers(*model, request);
  TrainData data = request.data(inputsOf(*model), outputsOf(*model));
  CompileArguments arguments{.optimizer = optimizerOf(request),
                             .threads = request.threads,
                             .max_memory = request.maxMemory,
                             .cpus = request.cpus};
  for (const std::string &loss : data.losses)
    arguments.loss.push_back(loss);
  for (size_t i = 0; i < model->outputs.size() && !data.metrics.empty(); ++i)
    arguments.metrics.push_back(MetricList(data.metrics.begin(), data.metrics.end()));
  Trainer trainer(*model);
  trainer.compile(std::move(arguments));
  FitArguments fit{.batch_size = request.batchSize,
                   .epochs = request.epochs,
                   .verbose = request.showEpochs ? -1 : 0,
                   .validation_split = request.validationSplit,
                   .shuffle = request.shuffle,
                   .class_weight = request.classWeight};
  bool validates = request.validationSplit > 0 || !data.validationX.empty();
  fit.validation_arrays = {std::move(data.validationX), std::move(data.validationY)};
  fit.callbacks = callbacksOf(request, validates);
  History history = trainer.fit(data.x, data.y, std::move(fit));
  writeOutputs(trainer, request);
  return {"", history.epoch, history.history};
}

} // namespace

TrainReply trainModel(const TrainRequest &request) {
  TrainReply failed;
  try {
    return train(request);
  } catch (const std::runtime_error &problem) {
    failed.error = problem.what();
  } catch (const std::invalid_argument &problem) {
    failed.error = problem.what();
  }
  return failed;
}

std::string takePlacedWeights(const Model &model, const std::string &path) {
  try {
    loadWeights(model, path);
  } catch (const SavingError &problem) {
    return problem.what();
  }
  return "";
}

} // namespace cornet::cli
