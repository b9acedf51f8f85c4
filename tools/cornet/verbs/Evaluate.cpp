// SPDX-License-Identifier: Apache-2.0
// `cornet evaluate`: top-1 and top-5 accuracy of a classifier on labelled data.
#include "Errors.h"
#include "Feed.h"
#include "Model.h"
#include "Verbs.h"

#include <cmath>
#include <fmt/format.h>
#include <memory>

namespace cornet::cli {
namespace {

struct Options {
  std::string model, labels, state, entry = "predict";
  std::vector<std::string> inputs;
  unsigned threads = 1;
};

/// How many classes score higher than the true one; an equal score counts when its index is lower,
/// so that rank 0 is exactly "argmax is right".
int64_t rankOf(const Array &scores, int64_t row, int64_t classes, int64_t label) {
  double own = scores.at(row * classes + label);
  if (std::isnan(own))
    return classes;
  int64_t rank = 0;
  for (int64_t c = 0; c < classes; ++c) {
    double other = scores.at(row * classes + c);
    rank += other > own || (other == own && c < label) || std::isnan(other);
  }
  return rank;
}

/// Labels as class numbers: a column of integers, or one-hot rows.
std::vector<int64_t> classNumbers(const Array &labels, int64_t rows, int64_t classes,
                                  const std::string &path) {
  bool oneHot = labels.shape.size() == 2 && labels.shape[1] == classes && classes > 1;
  if (labels.shape.empty() || labels.shape[0] != rows || (!oneHot && labels.count() != rows))
    throw UserError(fmt::format(
        "{}: labels of shape {} for {} samples of {} classes; expected ({}) or ({}, {})", path,
        shapeText(labels.shape), rows, classes, rows, rows, classes));
  std::vector<int64_t> numbers;
  for (int64_t row = 0; row < rows; ++row) {
    double label = oneHot ? 0 : labels.at(row);
    for (int64_t c = 1; oneHot && c < classes; ++c)
      if (labels.at(row * classes + c) > labels.at(row * classes + int64_t(label)))
        label = double(c);
    if (!(label >= 0 && label < double(classes)) || label != std::floor(label))
      throw UserError(fmt::format("{}: label {} of sample {} is not a class number from 0 to {}",
                                  path, label, row, classes - 1));
    numbers.push_back(int64_t(label));
  }
  return numbers;
}

void evaluate(const Options &options, const Context &context) {
  Artifact artifact = resolveArtifact(options.model, {}, context);
  Runner runner(artifact.path, options.entry, options.threads);
  if (!options.state.empty())
    runner.loadState(options.state);
  runner.bind(feed(runner.inputs(), options.inputs, {}));
  runner.invoke();
  const Array &scores = runner.results()[0];
  if (scores.shape.size() != 2 || scores.shape[1] < 2)
    throw UserError(fmt::format("{}: its first output has shape {}; accuracy needs (rows, classes)",
                                options.model, shapeText(scores.shape)));
  int64_t rows = scores.shape[0], classes = scores.shape[1], top1 = 0, top5 = 0;
  Array labels =
      extensionOf(options.labels) == ".npy" ? readNpy(options.labels) : readCsv(options.labels);
  std::vector<int64_t> numbers = classNumbers(labels, rows, classes, options.labels);
  for (int64_t row = 0; row < rows; ++row) {
    int64_t rank = rankOf(scores, row, classes, numbers[size_t(row)]);
    top1 += rank < 1;
    top5 += rank < 5;
  }
  double accuracy = rows ? double(top1) / double(rows) : 0,
         accuracy5 = rows ? double(top5) / double(rows) : 0;
  context.answer(
      {{"samples", rows}, {"correct", top1}, {"accuracy", accuracy}, {"top5Accuracy", accuracy5}},
      fmt::format("accuracy {:.2f} % ({} of {}), top-5 {:.2f} %\n", 100 * accuracy, top1, rows,
                  100 * accuracy5));
}

} // namespace

void addEvaluate(CLI::App &app, Context &context) {
  auto options = std::make_shared<Options>();
  auto run = [=, &context] { evaluate(*options, context); };
  CLI::App *verb = addVerb(app, context, "evaluate", "Accuracy of a classifier on labelled data",
                           run, "Example:  cornet evaluate digits.cornet x.npy --labels y.npy");
  verb->add_option("model", options->model, "An artifact or any model")->required();
  verb->add_option("inputs", options->inputs, "FILE, or NAME=FILE when there are several inputs")
      ->required();
  verb->add_option("--labels", options->labels, "Class numbers or one-hot rows (.npy, .csv)")
      ->required();
  verb->add_option("--entry", options->entry, "The entry point to call")->capture_default_str();
  verb->add_option("--state", options->state,
                   "Use the weights that `cornet train` wrote to this file");
  verb->add_option("--threads", options->threads, "Threads to run on")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
}

} // namespace cornet::cli
