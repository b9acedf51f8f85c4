// SPDX-License-Identifier: Apache-2.0
#include "frontend/train/FitLoop.h"

#include <cornet/saving.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>

namespace cornet {
namespace {

using data::Array;

[[noreturn]] void fail(const std::string &why) { throw std::runtime_error(why); }

} // namespace

FitLoop::FitLoop(Trainer &trainer)
    : trainer(trainer), steps(*trainer.steps), engine(*trainer.engine) {}

FeedPlan FitLoop::plan(const ClassWeight &classes) const {
  FeedPlan out{{}, classes};
  for (const Tensor &input : trainer.model.inputs) {
    const Node &node = trainer.model.graph->nodes[size_t(input.node)];
    out.inputs.emplace_back(node.dtype, Shape(node.shape.begin() + 1, node.shape.end()));
  }
  return out;
}

void FitLoop::know(const FedArrays &sample) {
  std::vector<Trainer::Steps::Target> targets;
  for (auto &[dtype, shape] : sample.targetTypes())
    targets.push_back({dtype, shape});
  steps.know(std::move(targets), sample.weighted);
}

void FitLoop::prepare(Feed *training, Feed *evaluation) {
  // The training data say whether there are weights; other data may lack them.
  std::vector<std::pair<std::string, int64_t>> calls{{"read_metrics", 1}};
  if (training) {
    know(training->sample());
    for (int64_t rows : training->sizes())
      calls.emplace_back("train_step", rows);
  }
  if (evaluation) {
    know(evaluation->sample());
    for (int64_t rows : evaluation->sizes())
      calls.emplace_back("evaluate_step", rows);
  }
  // Recorded before what reads it: a step makes the metrics' variables.
  engine.entry(training ? "train_step" : "evaluate_step");
  engine.need(calls);
  if (training)
    fitMemory(calls);
}

void FitLoop::fitMemory(const std::vector<std::pair<std::string, int64_t>> &calls) {
  uint64_t limit = steps.arguments.max_memory, least = engine.arena("train_step");
  if (!limit || least <= limit)
    return;
  // Runs of about the square root of the layers keep least (Chen et al. 2016); others in turn.
  size_t layers = trainer.model.layers().size(), root = size_t(std::sqrt(double(layers)) + 0.5);
  for (size_t segments : {2 * root, root, layers, std::max<size_t>(root / 2, 2)}) {
    steps.segments = segments;
    engine.forget("train_step");
    engine.need(calls);
    least = std::min(least, engine.arena("train_step"));
    if (engine.arena("train_step") <= limit)
      return;
  }
  fail("a training step needs " + std::to_string(least) +
       " bytes even when what it can is computed "
       "again, max_memory allows " +
       std::to_string(limit) + "; use smaller batches");
}

Logs FitLoop::read(const std::string &prefix) {
  const std::vector<std::string> &names = steps.logNames();
  std::vector<float> values(names.size());
  std::vector<void *> outputs;
  for (float &value : values)
    outputs.push_back(&value);
  engine.call("read_metrics", 1, nullptr, outputs.data());
  Logs logs;
  for (size_t i = 0; i < names.size(); ++i)
    logs.set(prefix + names[i], double(values[i]));
  return logs;
}

void FitLoop::resetMetrics() { engine.call("reset_metrics", 1, nullptr, nullptr); }

/// A label that is no class would count for nothing, in silence.
void FitLoop::checkLabels(const FedBatch &batch) const {
  size_t inputs = trainer.model.inputs.size();
  for (size_t i = 0; i < steps.classes.size() && i < steps.targets.size(); ++i) {
    int64_t cells = batch.rows, classes = steps.classes[i];
    for (int64_t extent : steps.targets[i].shape)
      cells *= extent;
    const auto *labels = static_cast<const int32_t *>(batch.cells[inputs + i]);
    for (int64_t c = 0; classes && c < cells; ++c)
      if (labels[c] < 0 || labels[c] >= classes)
        throw data::Error("target " + std::to_string(i) + " has the label " +
                          std::to_string(labels[c]) + ", output '" + steps.outputName(i) +
                          "' has the classes 0 to " + std::to_string(classes - 1));
  }
}

/// The batch's cells, and ones where the step wants weights that the data lack.
void FitLoop::step(const char *entry, const FedBatch &batch) {
  std::vector<const void *> cells = batch.cells;
  std::vector<float> ones;
  if (cells.size() < engine.entry(entry).inputs.size()) {
    ones.assign(size_t(batch.rows), 1);
    cells.push_back(ones.data());
  }
  engine.need(entry, batch.rows);
  checkLabels(batch);
  engine.call(entry, batch.rows, cells.data(), nullptr);
}

History FitLoop::fit(Feed &feed, Feed *validation, const FitArguments &arguments) {
  if (arguments.epochs < 0 || arguments.initial_epoch < 0 || arguments.validation_freq < 1)
    fail("fit: epochs and initial_epoch must not be negative, validation_freq must be positive");
  if (arguments.steps_per_epoch < 0 || arguments.validation_steps < 0)
    fail("fit: steps_per_epoch and validation_steps must not be negative; 0 is all batches");
  prepare(&feed, validation);
  trainer.push();
  Params params;
  params.epochs = arguments.epochs, params.verbose = arguments.verbose;
  params.steps = arguments.steps_per_epoch ? arguments.steps_per_epoch : feed.batches();
  params.terminal = outputIsTerminal();
  CallbackList callbacks(arguments.callbacks, this, params);
  stop_training = false, initial_epoch = -1, initial_batch = 0;
  callbacks.on_train_begin();
  int64_t limit = arguments.steps_per_epoch, pass = 0;
  int epoch = initial_epoch >= 0 ? initial_epoch : arguments.initial_epoch;
  int64_t batch = initial_batch;
  // A limited epoch goes on where the last one stopped; data that end begin anew.
  if (limit)
    feed.begin(pass, epoch * limit + batch);
  FedBatch fed;
  for (; epoch < arguments.epochs && !stop_training; ++epoch, batch = 0) {
    if (batch == 0)
      resetMetrics();
    callbacks.on_epoch_begin(epoch);
    if (!limit)
      feed.begin(epoch, batch);
    for (; (!limit || batch < limit) && !stop_training; ++batch) {
      bool more = feed.next(fed);
      if (!more && limit)
        feed.begin(++pass, 0), more = feed.next(fed);
      if (!more)
        break;
      callbacks.on_train_batch_begin(batch);
      bool wants = callbacks.wantsBatchLogs();
      step("train_step", fed);
      callbacks.on_train_batch_end(batch, wants ? read() : Logs());
    }
    Logs logs = read();
    if (validation && (epoch + 1) % arguments.validation_freq == 0)
      for (const auto &[name, value] :
           evaluate(*validation, arguments.validation_steps, &callbacks))
        logs.set("val_" + name, value);
    callbacks.on_epoch_end(epoch, logs);
  }
  takeAverages();
  trainer.pull();
  callbacks.on_train_end();
  return callbacks.history;
}

Logs FitLoop::evaluate(Feed &feed, int64_t limit, CallbackList *callbacks) {
  resetMetrics();
  if (callbacks)
    callbacks->on_test_begin();
  feed.begin(0, 0);
  FedBatch fed;
  for (int64_t batch = 0; (!limit || batch < limit) && feed.next(fed); ++batch) {
    if (callbacks)
      callbacks->on_test_batch_begin(batch);
    bool wants = callbacks && callbacks->wantsBatchLogs();
    step("evaluate_step", fed);
    if (callbacks)
      callbacks->on_test_batch_end(batch, wants ? read() : Logs());
  }
  Logs logs = read();
  if (callbacks)
    callbacks->on_test_end(logs);
  return logs;
}

std::vector<Array> FitLoop::predict(const FedArrays &fed, int64_t batch) {
  engine.need("predict", std::min(batch, fed.rows));
  std::vector<const void *> inputs;
  for (size_t i = 0; i < fed.inputs; ++i)
    inputs.push_back(fed.arrays[i]->bytes.data());
  std::vector<Array> out;
  std::vector<void *> outputs;
  for (const Tensor &output : trainer.model.outputs) {
    Shape shape = output.shape();
    shape[0] = fed.rows;
    out.emplace_back(output.dtype() == "i32" ? data::DType::I32 : data::DType::F32, shape);
  }
  for (Array &array : out)
    outputs.push_back(array.bytes.data());
  engine.call("predict", fed.rows, inputs.data(), outputs.data());
  return out;
}

double FitLoop::learningRate() {
  VariablePtr rate = trainer.optimizer->learningRate();
  void *cell = rate ? engine.cells(*rate) : nullptr;
  if (!cell)
    fail("the learning rate of '" + trainer.optimizer->name + "' is a schedule's");
  return *static_cast<float *>(cell);
}

void FitLoop::setLearningRate(double value) {
  VariablePtr rate = trainer.optimizer->learningRate();
  void *cell = rate ? engine.cells(*rate) : nullptr;
  if (!cell)
    fail("the learning rate of '" + trainer.optimizer->name +
         "' is a schedule's; give the optimizer a number to change it");
  *static_cast<float *>(cell) = float(value);
}

int64_t FitLoop::iterations() {
  for (const VariablePtr &variable : trainer.optimizer->variables())
    if (variable->name.ends_with("/iterations"))
      if (void *cell = engine.cells(*variable))
        return *static_cast<int32_t *>(cell);
  return 0;
}

std::vector<TrainingControl::NamedWeights> FitLoop::weights() {
  trainer.pull();
  std::vector<NamedWeights> out;
  for (const VariablePtr &variable : trainer.model.variables())
    out.push_back({variable->name, variable->shape, variable->data});
  return out;
}

void FitLoop::setWeights(const std::vector<NamedWeights> &weights) {
  std::map<std::string, const NamedWeights *> byName;
  for (const NamedWeights &given : weights)
    byName[given.name] = &given;
  for (const VariablePtr &variable : trainer.model.variables())
    if (auto it = byName.find(variable->name); it != byName.end())
      variable->data = it->second->values;
  trainer.push();
}

void FitLoop::save(const std::string &path) {
  trainer.pull();
  cornet::save(trainer.model, path, {.optimizer = trainer.optimizer->variables()});
}

void FitLoop::saveWeights(const std::string &path) {
  trainer.pull();
  cornet::saveWeights(trainer.model, path, {.optimizer = trainer.optimizer->variables()});
}

void FitLoop::saveState(const std::string &path) { trainer.saveState(path); }
bool FitLoop::loadState(const std::string &path) { return trainer.loadState(path); }

void FitLoop::swapEmaWeights() {
  auto averages = trainer.optimizer->averages();
  if (averages.empty())
    fail("'" + trainer.optimizer->name + "' keeps no averages; give it use_ema = true");
  for (const auto &[weight, average] : averages) {
    size_t count = 0;
    auto *a = static_cast<float *>(engine.cells(*weight, &count));
    auto *b = static_cast<float *>(engine.cells(*average));
    if (a && b)
      std::swap_ranges(a, a + count, b);
  }
  swapped = !swapped;
}

void FitLoop::takeAverages() {
  if (swapped)
    swapEmaWeights();
  for (const auto &[weight, average] : trainer.optimizer->averages()) {
    size_t count = 0;
    auto *to = static_cast<float *>(engine.cells(*weight, &count));
    auto *from = static_cast<float *>(engine.cells(*average));
    if (to && from)
      std::copy_n(from, count, to);
  }
}

std::string FitLoop::metricDirection(const std::string &name) { return steps.direction(name); }

std::vector<TrainingControl::GraphNode> FitLoop::graph() {
  const Graph &graph = *trainer.model.graph;
  auto nameOf = [&](int index) {
    const Node &node = graph.nodes[size_t(index)];
    if (node.variable)
      return node.variable->name;
    std::string op = node.op.substr(node.op.rfind('.') + 1);
    return node.op == "input" ? node.layer : node.layer + "/" + op + "_" + std::to_string(index);
  };
  std::vector<GraphNode> out;
  for (int index : trainer.model.nodes()) {
    const Node &node = graph.nodes[size_t(index)];
    GraphNode given{nameOf(index), node.op, {}, node.shape};
    for (int operand : node.operands)
      given.inputs.push_back(nameOf(operand));
    out.push_back(std::move(given));
  }
  return out;
}

// The public calls.

namespace {

/// The first rows - n and the last n rows of every array.
std::pair<std::vector<Array>, std::vector<Array>> split(const std::vector<Array> &arrays,
                                                        int64_t first) {
  std::pair<std::vector<Array>, std::vector<Array>> out;
  for (const Array &array : arrays) {
    out.first.push_back(array.slice(0, first));
    out.second.push_back(array.slice(first, array.rows()));
  }
  return out;
}

} // namespace

History Trainer::fit(const std::vector<Array> &x, const std::vector<Array> &y,
                     FitArguments arguments) {
  if (!steps)
    fail("fit: call compile() first");
  if (arguments.batch_size < 1)
    fail("fit: batch_size must be positive, got " + std::to_string(arguments.batch_size));
  double part = arguments.validation_split;
  if (!(part >= 0 && part < 1))
    fail("fit: validation_split must be in [0, 1), got " + std::to_string(part));
  FitLoop loop(*this);
  std::vector<Array> firstX, firstY, testX, testY;
  Array firstWeight, testWeight;
  const std::vector<Array> *trainX = &x, *trainY = &y;
  const Array *trainWeight = &arguments.sample_weight;
  if (part > 0 && !x.empty()) {
    int64_t first = int64_t(double(x[0].rows()) * (1 - part));
    if (first < 1 || first == x[0].rows())
      fail("fit: validation_split leaves " + std::to_string(first) + " of " +
           std::to_string(x[0].rows()) + " samples for training; give it another fraction");
    std::tie(firstX, testX) = split(x, first), std::tie(firstY, testY) = split(y, first);
    trainX = &firstX, trainY = &firstY;
    if (!trainWeight->absent()) {
      firstWeight = trainWeight->slice(0, first);
      testWeight = trainWeight->slice(first, trainWeight->rows()), trainWeight = &firstWeight;
    }
  } else if (!arguments.validation_arrays.first.empty()) {
    std::tie(testX, testY) = arguments.validation_arrays;
  }
  std::unique_ptr<Feed> feed =
      feedArrays(prepare(loop.plan(arguments.class_weight), *trainX, *trainY, *trainWeight),
                 arguments.batch_size, arguments.shuffle, random_seed());
  std::unique_ptr<Feed> validation;
  int64_t batch =
      arguments.validation_batch_size ? arguments.validation_batch_size : arguments.batch_size;
  if (!testX.empty())
    validation = feedArrays(prepare(loop.plan(), testX, testY, testWeight), batch, false, 0);
  else if (arguments.validation_data)
    validation = feedDataset(loop.plan(), *arguments.validation_data);
  return loop.fit(*feed, validation.get(), arguments);
}

History Trainer::fit(const data::Dataset &batches, FitArguments arguments) {
  if (!steps)
    fail("fit: call compile() first");
  if (arguments.validation_split != 0)
    fail("fit: validation_split is for arrays; split the dataset and give validation_data");
  FitLoop loop(*this);
  std::unique_ptr<Feed> feed = feedDataset(loop.plan(arguments.class_weight), batches), validation;
  if (batches.cardinality() == data::Dataset::infinite && arguments.steps_per_epoch == 0)
    fail("fit: the dataset is endless; give steps_per_epoch");
  if (arguments.validation_data)
    validation = feedDataset(loop.plan(), *arguments.validation_data);
  else if (!arguments.validation_arrays.first.empty())
    validation = feedArrays(prepare(loop.plan(), arguments.validation_arrays.first,
                                    arguments.validation_arrays.second, {}),
                            arguments.batch_size, false, 0);
  return loop.fit(*feed, validation.get(), arguments);
}

static Logs evaluateFeed(FitLoop &loop, Trainer &trainer, Feed &feed,
                         const EvaluateArguments &arguments) {
  loop.prepare(nullptr, &feed);
  trainer.push();
  Params params;
  params.steps = arguments.steps ? arguments.steps : feed.batches();
  params.verbose = arguments.verbose, params.terminal = outputIsTerminal();
  CallbackList callbacks(arguments.callbacks, &loop, params);
  return loop.evaluate(feed, arguments.steps, &callbacks);
}

Logs Trainer::evaluate(const std::vector<Array> &x, const std::vector<Array> &y,
                       EvaluateArguments arguments) {
  if (!steps)
    fail("evaluate: call compile() first");
  FitLoop loop(*this);
  auto feed = feedArrays(prepare(loop.plan(), x, y, arguments.sample_weight), arguments.batch_size,
                         false, 0);
  return evaluateFeed(loop, *this, *feed, arguments);
}

Logs Trainer::evaluate(const data::Dataset &batches, EvaluateArguments arguments) {
  if (!steps)
    fail("evaluate: call compile() first");
  FitLoop loop(*this);
  auto feed = feedDataset(loop.plan(), batches);
  return evaluateFeed(loop, *this, *feed, arguments);
}

std::vector<Array> Trainer::predict(const std::vector<Array> &x, PredictArguments arguments) {
  if (!steps)
    compile({});
  FitLoop loop(*this);
  if (arguments.batch_size < 1)
    fail("predict: batch_size must be positive, got " + std::to_string(arguments.batch_size));
  FedArrays fed = prepare(loop.plan(), x, {}, {});
  bool fresh = !engine->started();
  CallbackList callbacks(arguments.callbacks, &loop, {.epochs = 1, .steps = 1, .verbose = 0});
  callbacks.on_predict_begin();
  engine->need("predict", std::min(arguments.batch_size, fed.rows));
  if (!fresh)
    push();
  std::vector<Array> out = loop.predict(fed, arguments.batch_size);
  callbacks.on_predict_end();
  return out;
}

Logs Trainer::train_on_batch(const data::Batch &batch, const ClassWeight &class_weight) {
  if (!steps)
    fail("train_on_batch: call compile() first");
  FitLoop loop(*this);
  auto feed = feedArrays(prepare(loop.plan(class_weight), batch.x, batch.y, batch.sample_weight),
                         std::max<int64_t>(batch.x.empty() ? 1 : batch.x[0].rows(), 1), false, 0);
  loop.prepare(feed.get(), nullptr);
  feed->begin(0, 0);
  FedBatch fed;
  feed->next(fed);
  loop.step("train_step", fed);
  return loop.read();
}

Logs Trainer::test_on_batch(const data::Batch &batch) {
  if (!steps)
    fail("test_on_batch: call compile() first");
  FitLoop loop(*this);
  auto feed = feedArrays(prepare(loop.plan(), batch.x, batch.y, batch.sample_weight),
                         std::max<int64_t>(batch.x.empty() ? 1 : batch.x[0].rows(), 1), false, 0);
  loop.prepare(nullptr, feed.get());
  feed->begin(0, 0);
  FedBatch fed;
  feed->next(fed);
  loop.step("evaluate_step", fed);
  return loop.read();
}

std::vector<Array> Trainer::predict_on_batch(const std::vector<Array> &x) {
  if (!steps)
    compile({});
  FitLoop loop(*this);
  FedArrays fed = prepare(loop.plan(), x, {}, {});
  return loop.predict(fed, fed.rows);
}

void Trainer::reset_metrics() {
  if (engine && engine->started())
    FitLoop(*this).resetMetrics();
}

} // namespace cornet
