// SPDX-License-Identifier: Apache-2.0
// `cornet train`: a model with layers by the compiler behind the door, or an artifact that has a
// training step by the runtime alone.
#include "ArtifactTraining.h"
#include "Errors.h"
#include "Feed.h"
#include "Labels.h"
#include "Model.h"
#include "Progress.h"
#include "Verbs.h"

#include <chrono>
#include <cmath>
#include <cstdio>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>
#include <thread>

namespace cornet::cli {
namespace {

namespace fs = std::filesystem;

struct Options {
  std::string model, state, classWeight;
  std::vector<std::string> inputs, labels, losses, metrics, validationInputs, validationLabels;
  TrainRequest request;
  double learningRate = 0;
  int earlyStopping = 0;
  FeedOptions feed;
  bool noShuffle = false;
  const CLI::App *verb = nullptr;

  bool given(const char *option) const { return verb->get_option(option)->count() > 0; }
};

constexpr const char *examples =
    R"(Data are as `cornet run` takes them; labels are class numbers, one-hot rows or numbers (.npy, .npz, .csv).
Without --loss the model's last activation and the labels choose it.

Examples:
  cornet train digits x.npy --labels y.npy --epochs 20 --validation-split 0.1 -o digits.keras
  cornet train model.keras x.npy --labels y.npy --optimizer sgd --learning-rate 0.01 -o model.weights.h5
  cornet train net.cpp data.npz --labels data.npz --checkpoint backup -o net.cornet   goes on after a kill
  cornet train resnet50 x.npy --labels y.npy --weights r50.keras --weights-by-name --freeze 'conv*' -o mine.keras
On a device, with the runtime alone:
  cornet train net.cornet x.npy --labels y.npy --epochs 3 --state net.state
  cornet run net.cornet x.npy --state net.state)";

// Both ways.

std::map<int64_t, double> classWeights(const std::string &text) {
  std::map<int64_t, double> out;
  for (size_t at = 0; at < text.size();) {
    size_t end = std::min(text.find(',', at), text.size());
    std::string part = text.substr(at, end - at);
    long long label = 0;
    double weight = 0;
    int used = 0;
    if (std::sscanf(part.c_str(), "%lld=%lf%n", &label, &weight, &used) != 2 ||
        size_t(used) != part.size() || !(weight >= 0) || std::isinf(weight))
      throw UserError(fmt::format(
          "--class-weight: '{}' is not CLASS=WEIGHT with a weight of at least 0, as in 0=1,1=2.5",
          part));
    out[label] = weight;
    at = end + 1;
  }
  return out;
}

std::string joined(const std::vector<std::string> &files) {
  return fmt::to_string(fmt::join(files, ", "));
}

void checkFolder(const std::string &path) {
  fs::path folder = fs::path(path).parent_path();
  std::error_code error;
  if (!folder.empty() && !fs::is_directory(folder, error))
    throw UserError(fmt::format("{}: there is no folder {}; make it first", path, folder.string()));
}

void remark(const Context &context, const std::string &text) {
  if (!context.quiet)
    fmt::print(stderr, "cornet: {}\n", text);
}

// A model with layers.

std::vector<Port> portsOf(const std::vector<TensorFacts> &tensors) {
  std::vector<Port> out;
  for (const TensorFacts &tensor : tensors)
    out.push_back({tensor.name,
                   tensor.dtype == "f32"   ? DType::F32
                   : tensor.dtype == "i32" ? DType::I32
                                           : DType::Bool,
                   tensor.shape});
  return out;
}

std::vector<std::string> namesOf(const std::vector<TensorFacts> &tensors) {
  std::vector<std::string> out;
  for (const TensorFacts &tensor : tensors)
    out.push_back(tensor.name);
  return out;
}

/// What the user asked for, or what suits the outputs and the labels; the choice is told.
std::vector<std::string> lossesFor(const Options &options, const std::vector<TensorFacts> &outputs,
                                   const std::vector<Array> &labels, const Context &context) {
  if (!options.losses.empty()) {
    if (options.losses.size() != outputs.size())
      throw UserError(fmt::format("--loss: {} are given, the model has {} outputs: {}",
                                  options.losses.size(), outputs.size(), joined(namesOf(outputs))));
    return options.losses;
  }
  std::vector<std::string> out;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const TensorFacts &output = outputs[i];
    out.push_back(lossFor({output.name, output.shape, output.activation}, labels[i]));
    remark(context,
           fmt::format("the loss of '{}' is {}: it {}; --loss changes it", output.name, out.back(),
                       output.activation.empty() ? "ends in neither a softmax nor a sigmoid"
                                                 : "ends in a " + output.activation));
  }
  return out;
}

std::vector<std::string> metricsFor(const Options &options,
                                    const std::vector<std::string> &losses) {
  if (options.given("--metrics"))
    return options.metrics == std::vector<std::string>{"none"} ? std::vector<std::string>{}
                                                               : options.metrics;
  for (const std::string &loss : losses)
    if (loss.find("crossentropy") == loss.npos)
      return {};
  return {"accuracy"};
}

std::vector<Array> shapedLabels(const std::vector<Array> &labels,
                                const std::vector<TensorFacts> &outputs,
                                const std::vector<std::string> &losses, int64_t rows,
                                const std::string &where) {
  std::vector<Array> out;
  for (size_t i = 0; i < outputs.size(); ++i)
    out.push_back(labelsFor(labels[i], {outputs[i].name, outputs[i].shape, outputs[i].activation},
                            losses[i], rows, where));
  return out;
}

TrainData dataFor(const Options &options, const std::vector<TensorFacts> &inputs,
                  const std::vector<TensorFacts> &outputs, const Context &context) {
  TrainData data;
  data.x = feed(portsOf(inputs), options.inputs, options.feed);
  std::vector<Array> labels = readLabels(options.labels, namesOf(outputs));
  data.losses = lossesFor(options, outputs, labels, context);
  data.metrics = metricsFor(options, data.losses);
  data.y = shapedLabels(labels, outputs, data.losses, data.x.at(0).rows(), joined(options.labels));
  if (options.validationInputs.empty())
    return data;
  data.validationX = feed(portsOf(inputs), options.validationInputs, options.feed);
  data.validationY =
      shapedLabels(readLabels(options.validationLabels, namesOf(outputs)), outputs, data.losses,
                   data.validationX[0].rows(), joined(options.validationLabels));
  return data;
}

void checkOutputs(const TrainRequest &request, const Context &context) {
  for (const std::string &path : request.outputs) {
    if (!path.ends_with(".keras") && !path.ends_with(".weights.h5") && !path.ends_with(".cornet"))
      throw UserError(
          fmt::format("{}: outputs end in .keras (the model), .weights.h5 (its weights) "
                      "or .cornet (the whole training program)",
                      path));
    checkFolder(path);
  }
  for (int64_t batch : request.batches)
    if (batch < 1)
      throw UserError(fmt::format("--batch {}: a batch has at least one row", batch));
  if (request.outputs.empty() && request.checkpoint.empty())
    remark(context, "without -o or --checkpoint the trained weights are not kept");
}

Json historyOf(const std::vector<int> &epochs,
               const std::map<std::string, std::vector<double>> &history) {
  Json numbers = Json::array(), logs = Json::object();
  for (int epoch : epochs)
    numbers.push_back(epoch + 1);
  for (const auto &[name, values] : history)
    logs[name] = values;
  return {{"epochs", numbers}, {"history", logs}};
}

std::string conclusion(const std::vector<int> &epochs,
                       const std::map<std::string, std::vector<double>> &history) {
  if (epochs.empty())
    return "trained no epoch";
  std::string text = epochs.size() == 1
                         ? fmt::format("trained epoch {}", epochs[0] + 1)
                         : fmt::format("trained epochs {} to {}", epochs[0] + 1, epochs.back() + 1);
  for (const auto &[name, values] : history)
    if (!values.empty())
      text += fmt::format(", {} {:.4g}", name, values.back());
  return text;
}

void trainModel(Options &options, const ModelFile &model, const Context &context) {
  if (options.given("--state"))
    throw UserError("--state: is for artifacts; a model with layers goes on from --checkpoint DIR");
  TrainRequest &request = options.request;
  if (request.batches.empty())
    request.batches = {request.batchSize};
  checkOutputs(request, context);
  if (std::error_code error; !request.weights.empty() && !fs::exists(request.weights, error))
    throw UserError(fmt::format("{}: no such file", request.weights));
  request.source = *model.source;
  if (options.given("--learning-rate"))
    request.learningRate = options.learningRate;
  if (options.given("--early-stopping"))
    request.earlyStopping = options.earlyStopping;
  std::vector<std::string> losses, metrics;
  int64_t samples = 0;
  request.data = [&](const std::vector<TensorFacts> &inputs,
                     const std::vector<TensorFacts> &outputs) {
    TrainData data = dataFor(options, inputs, outputs, context);
    losses = data.losses, metrics = data.metrics, samples = data.x[0].rows();
    return data;
  };
  request.showEpochs = !context.json && !context.quiet;
  request.tell = [&](const std::string &text) { remark(context, text); };
  TrainReply reply = driver().train(request);
  if (!reply.error.empty())
    throw UserError(reply.error);
  std::string text = conclusion(reply.epochs, reply.history);
  if (reply.epochs.empty() && request.epochs > 0)
    text += fmt::format(": {} holds a training of as many; raise --epochs to go on",
                        request.checkpoint);
  for (const std::string &path : request.outputs)
    text += fmt::format("\nwrote {}", path);
  Json document = {{"model", model.name},
                   {"samples", samples},
                   {"loss", losses},
                   {"metrics", metrics},
                   {"outputs", request.outputs}};
  document.update(historyOf(reply.epochs, reply.history));
  context.answer(document, text + "\n");
}

// An artifact.

/// Class numbers are checked against the classes that the model tells apart, where it does.
ArtifactTraining::Samples samplesFor(const ArtifactTraining &training, const Options &options,
                                     const std::vector<std::string> &files,
                                     const std::vector<std::string> &labelFiles) {
  ArtifactTraining::Samples samples;
  samples.x = feed(training.inputs(), files, options.feed);
  std::vector<std::string> names;
  for (const Port &port : training.targets())
    names.push_back(port.name);
  std::vector<Array> labels = readLabels(labelFiles, names);
  for (size_t i = 0; i < labels.size(); ++i) {
    const Port &port = training.targets()[i];
    if (labels[i].shape[0] != samples.rows())
      throw UserError(fmt::format("{}: {} labels for {} samples", joined(labelFiles),
                                  labels[i].shape[0], samples.rows()));
    if (std::vector<int64_t> output = training.outputShape(i);
        port.type == DType::I32 && output.size() == port.shape.size() + 1)
      samples.y.push_back(labelsFor(labels[i], {port.name, output, ""}, "sparse", samples.rows(),
                                    joined(labelFiles)));
    else
      samples.y.push_back(fit(labels[i], port, joined(labelFiles)));
  }
  return samples;
}

void refuseModelOptions(const Options &options) {
  for (const char *option : {"--loss", "--optimizer", "--metrics", "--weights", "--weights-by-name",
                             "--freeze", "--early-stopping", "--checkpoint", "--csv-log",
                             "--tensorboard", "--output", "--batch", "--validation-split"})
    if (options.given(option))
      throw UserError(
          fmt::format("{}: is for models with layers; an artifact's training is settled "
                      "in it, and what it learns goes to --state FILE",
                      option));
  if (options.state.empty())
    throw UserError("an artifact is trained into a file beside it; give --state FILE");
  checkFolder(options.state);
}

std::string epochLine(int epoch, int epochs, double seconds,
                      const ArtifactTraining::Metrics &metrics) {
  std::string text = fmt::format("Epoch {}/{} - {:.1f} s", epoch, epochs, seconds);
  for (const auto &[name, value] : metrics)
    text += fmt::format(" - {}: {:.4f}", name, value);
  return text;
}

void trainArtifact(Options &options, const ModelFile &model, const Context &context) {
  refuseModelOptions(options);
  const TrainRequest &request = options.request;
  unsigned threads = request.threads ? request.threads : std::thread::hardware_concurrency();
  ArtifactTraining training(model.artifact, threads);
  bool resumed = training.loadState(options.state);
  if (options.given("--learning-rate"))
    training.setLearningRate(options.learningRate);
  ArtifactTraining::Samples samples = samplesFor(training, options, options.inputs, options.labels),
                            validation;
  if (!options.validationInputs.empty()) {
    if (!training.evaluates())
      throw UserError(
          fmt::format("{}: has no entry point evaluate_step for --validation-data", options.model));
    validation = samplesFor(training, options, options.validationInputs, options.validationLabels);
  }
  int64_t batch =
      training.batchFor(options.given("--batch-size") ? request.batchSize : 0, samples.rows());
  int64_t dropped = training.dropped(batch, samples.rows());
  if (dropped)
    remark(context, fmt::format("{} of {} samples are left out of each epoch: the step is compiled "
                                "for batches of {}",
                                dropped, samples.rows(), batch));
  if (int64_t left = validation.rows() ? training.dropped(batch, validation.rows()) : 0)
    remark(context,
           fmt::format("the last {} of {} samples are not evaluated", left, validation.rows()));
  int first = int(training.passesDone(batch, samples.rows()));
  if (resumed)
    remark(context, fmt::format("goes on from {}, after {} epochs", options.state, first));
  std::optional<uint64_t> seed;
  if (request.shuffle)
    seed = request.seed;
  std::vector<int> epochs;
  std::map<std::string, std::vector<double>> history;
  for (int epoch = first; epoch < first + request.epochs; ++epoch) {
    auto begin = std::chrono::steady_clock::now();
    ArtifactTraining::Metrics metrics;
    {
      Progress progress(context.quiet);
      metrics = training.train(samples, batch, seed, request.classWeight, [&](double fraction) {
        progress.show(fmt::format("epoch {}", epoch + 1), fraction);
      });
    }
    // Saved before the evaluation, which moves the metrics: a resumed training gives the same bits.
    training.saveState(options.state);
    if (validation.rows())
      for (const auto &[name, value] : training.evaluate(validation, batch))
        metrics.emplace_back("val_" + name, value);
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
    if (!context.json && !context.quiet)
      fmt::print("{}\n", epochLine(epoch + 1, first + request.epochs, seconds.count(), metrics)),
          std::fflush(stdout);
    epochs.push_back(epoch);
    for (const auto &[name, value] : metrics)
      history[name].push_back(value);
  }
  Json document = {{"model", model.name},
                   {"samples", samples.rows()},
                   {"batch", batch},
                   {"dropped", dropped},
                   {"state", options.state}};
  document.update(historyOf(epochs, history));
  context.answer(document,
                 fmt::format("{}\nwrote {}\n", conclusion(epochs, history), options.state));
}

void train(Options &options, const Context &context) {
  options.request.shuffle = !options.noShuffle;
  options.request.classWeight = classWeights(options.classWeight);
  if (options.validationInputs.empty() != options.validationLabels.empty())
    throw UserError("--validation-data and --validation-labels belong together; give both");
  ModelFile model = resolveModel(options.model);
  if (model.source)
    trainModel(options, model, context);
  else
    trainArtifact(options, model, context);
}

void addDataOptions(CLI::App &verb, Options &options) {
  verb.add_option(
          "model", options.model,
          "A zoo name, a model file (.cpp, .keras, .h5), or an artifact with a training step")
      ->required();
  verb.add_option("inputs", options.inputs, "FILE, or NAME=FILE when there are several inputs")
      ->required();
  verb.add_option("--labels", options.labels,
                  "FILE, or NAME=FILE when there are several outputs (.npy, .npz, .csv)")
      ->required();
  CLI::Option *split =
      verb.add_option("--validation-split", options.request.validationSplit,
                      "Evaluate on the last part of the samples instead of training on it")
          ->check(CLI::Range(0.0, 0.99));
  verb.add_option("--validation-data", options.validationInputs, "Samples to evaluate on")
      ->excludes(split);
  verb.add_option("--validation-labels", options.validationLabels, "Their labels");
  verb.add_option("--class-weight", options.classWeight,
                  "CLASS=WEIGHT,...: how much samples of a class count; else 1");
  verb.add_option("--pixels", options.feed.pixels,
                  "What 0..255 of a picture becomes for float inputs")
      ->check(CLI::IsMember({"0..1", "-1..1", "0..255"}))
      ->capture_default_str();
  verb.add_flag("--resize", options.feed.resize, "Scale pictures to the input's size");
}

void addTrainingOptions(CLI::App &verb, Options &options) {
  TrainRequest &request = options.request;
  verb.add_option("--loss", options.losses, "Keras's name of a loss; one for each output")
      ->delimiter(',');
  verb.add_option("--optimizer", request.optimizer, "Keras's name of an optimizer")
      ->capture_default_str();
  verb.add_option("--learning-rate", options.learningRate, "Default: the optimizer's")
      ->check(CLI::NonNegativeNumber);
  verb.add_option("--metrics", options.metrics,
                  "Keras's names of metrics, or none; default: accuracy for classifiers")
      ->delimiter(',');
  verb.add_option("--epochs", request.epochs, "Passes over the samples")
      ->check(CLI::Range(0, 1 << 30))
      ->capture_default_str();
  verb.add_option("--batch-size", request.batchSize,
                  "Samples of a step; for an artifact the largest it is compiled for")
      ->check(CLI::Range(1, 1 << 24))
      ->capture_default_str();
  verb.add_flag("--no-shuffle", options.noShuffle, "Keep the samples' order in every epoch");
  verb.add_option("--seed", request.seed, "Of first weights, shuffling and dropout")
      ->capture_default_str();
  verb.add_option("--threads", request.threads, "That compute; 0: as many as there are cores")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  verb.add_option("--weights", request.weights,
                  "A Keras file (.keras, .h5, .weights.h5) whose weights training starts from");
  verb.add_flag("--weights-by-name", request.weightsByName,
                "Layers take what fits by their names; the others begin anew")
      ->needs("--weights");
  verb.add_option("--freeze", request.freeze,
                  "Layers, by names with * and ?, that stay as they are")
      ->delimiter(',');
}

void addKeepingOptions(CLI::App &verb, Options &options) {
  TrainRequest &request = options.request;
  verb.add_option("--early-stopping", options.earlyStopping,
                  "Stop when val_loss (or loss) has not improved for so many epochs, and keep the "
                  "best weights")
      ->check(CLI::Range(0, 1 << 30));
  verb.add_option("--checkpoint", request.checkpoint,
                  "A folder for the state of every epoch; the same command goes on from it");
  verb.add_option("--csv-log", request.csvLog, "A line for each epoch to this file");
  verb.add_option("--tensorboard", request.tensorboard, "TensorBoard's event files to this folder");
  verb.add_option("-o,--output", request.outputs,
                  "Write .keras, .weights.h5 or .cornet; may be given several times");
  verb.add_option("--batch", request.batches,
                  "Batch sizes of a .cornet output; default: that of --batch-size")
      ->delimiter(',');
  verb.add_option("--state", options.state,
                  "Of an artifact: go on from this file if it is there, and write it");
}

} // namespace

void addTrain(CLI::App &app, Context &context) {
  auto options = std::make_shared<Options>();
  auto run = [=, &context] { train(*options, context); };
  CLI::App *verb = addVerb(app, context, "train",
                           "Train a model, or an artifact with a training step", run, examples);
  options->verb = verb;
  addDataOptions(*verb, *options);
  addTrainingOptions(*verb, *options);
  addKeepingOptions(*verb, *options);
}

} // namespace cornet::cli
