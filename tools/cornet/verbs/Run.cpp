// SPDX-License-Identifier: Apache-2.0
// `cornet run`: inputs from files through a model to outputs in files or on the screen; or the
// artifact's own self-test.
#include "Errors.h"
#include "Feed.h"
#include "Model.h"
#include "Verbs.h"

#include <fmt/format.h>
#include <memory>

namespace cornet::cli {
namespace {

struct Options {
  std::string model, output, state, entry = "predict";
  std::vector<std::string> inputs;
  FeedOptions feed;
  unsigned threads = 1;
  bool selfTest = false;
};

constexpr const char *examples =
    R"(Inputs are .npy, .npz (arrays named as the inputs), .csv/.txt/.tsv, .png/.jpg, or .raw/.bin (bytes).
Outputs are .npy or .csv (one output), .npz (all), or text on standard output.

Examples:
  cornet run digits.cornet x.npy                        prints one row per sample
  cornet run r50.cornet cat.jpg dog.png --resize -o y.npy
  cornet run two.cornet left=a.npy right=b.npy -o out.npz
  cornet run r50.cornet --self-test)";

const Array &onlyOutput(const Runner &runner, const std::string &path) {
  if (runner.outputs().size() != 1)
    throw UserError(fmt::format("{}: the model has {} outputs; only an .npz holds more than one",
                                path, runner.outputs().size()));
  return runner.results()[0];
}

void writeOutputs(const Runner &runner, const std::string &path) {
  std::string extension = extensionOf(path);
  if (extension == ".npy")
    return writeNpy(path, onlyOutput(runner, path));
  if (extension == ".csv" || extension == ".txt")
    return writeCsv(path, onlyOutput(runner, path));
  NamedArrays arrays;
  for (size_t i = 0; i < runner.outputs().size(); ++i)
    arrays.emplace_back(runner.outputs()[i].name, runner.results()[i]);
  writeNpz(path, arrays);
}

/// Before any work: an output that cannot be written must not cost a run.
void checkOutput(const std::string &path) {
  std::string extension = extensionOf(path);
  for (const char *known : {"", ".npy", ".npz", ".csv", ".txt"})
    if (extension == known && (path.empty() || !extension.empty()))
      return;
  throw UserError(fmt::format("{}: outputs are written as .npy, .npz, .csv or .txt", path));
}

std::string text(const Runner &runner) {
  std::string out;
  for (size_t i = 0; i < runner.outputs().size(); ++i) {
    if (runner.outputs().size() > 1)
      out += fmt::format("# {}\n", portText(runner.outputs()[i]));
    out += formatCsv(runner.results()[i]);
  }
  return out;
}

Json document(const Runner &runner, const std::string &path) {
  Json outputs = Json::array();
  for (size_t i = 0; i < runner.outputs().size(); ++i) {
    const Array &array = runner.results()[i];
    Json entry = {
        {"name", runner.outputs()[i].name}, {"dtype", nameOf(array.type)}, {"shape", array.shape}};
    if (path.empty()) {
      Json &data = entry["data"] = Json::array();
      for (int64_t k = 0; k < array.count(); ++k)
        data.push_back(array.at(k));
    }
    outputs.push_back(std::move(entry));
  }
  Json result = {{"outputs", outputs}};
  if (!path.empty())
    result["file"] = path;
  return result;
}

void runSelfTest(Runner &runner, const Context &context) {
  double largest = runner.selfTest();
  context.answer({{"selfTest", "passed"}, {"largestDifference", largest}},
                 fmt::format("self-test passed: the largest difference is {:.3g}\n", largest));
}

void run(const Options &options, const Context &context) {
  checkOutput(options.output);
  Artifact artifact = resolveArtifact(options.model, {}, context);
  Runner runner(artifact.path, options.entry, options.threads);
  if (!options.state.empty())
    runner.loadState(options.state);
  if (options.selfTest)
    return runSelfTest(runner, context);
  if (options.inputs.empty() && !runner.inputs().empty())
    throw UserError(fmt::format("no data for input {}; give a file", portText(runner.inputs()[0])));
  runner.bind(feed(runner.inputs(), options.inputs, options.feed));
  runner.invoke();
  if (!options.output.empty())
    writeOutputs(runner, options.output);
  context.answer(document(runner, options.output), options.output.empty() ? text(runner) : "");
}

} // namespace

void addRun(CLI::App &app, Context &context) {
  auto options = std::make_shared<Options>();
  auto body = [=, &context] { run(*options, context); };
  CLI::App *verb = addVerb(app, context, "run", "Run a model on data", body, examples);
  verb->add_option("model", options->model, "An artifact or any model")->required();
  verb->add_option("inputs", options->inputs, "FILE, or NAME=FILE when there are several inputs");
  verb->add_option("-o,--output", options->output,
                   "Write the outputs to this file instead of the screen");
  verb->add_option("--entry", options->entry, "The entry point to call")->capture_default_str();
  verb->add_option("--state", options->state,
                   "Use the weights that `cornet train` wrote to this file");
  verb->add_option("--threads", options->threads, "Threads to run on")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb->add_option("--pixels", options->feed.pixels,
                   "What 0..255 of a picture becomes for float inputs")
      ->check(CLI::IsMember({"0..1", "-1..1", "0..255"}))
      ->capture_default_str();
  verb->add_flag("--resize", options->feed.resize, "Scale pictures to the input's size");
  verb->add_flag("--self-test", options->selfTest,
                 "Run the inputs stored in the artifact and compare with the stored outputs");
}

} // namespace cornet::cli
