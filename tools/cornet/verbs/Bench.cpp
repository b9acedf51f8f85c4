// SPDX-License-Identifier: Apache-2.0
// `cornet bench`: latency of a model on made-up data. Calls are timed one by one after a warm-up;
// the median and the 10th and 90th percentile are told, because means lie about machines that are
// shared. `--roofline` measures the machine first and sets each step beside it.
#include "Errors.h"
#include "Feed.h"
#include "Model.h"
#include "Roofline.h"
#include "Table.h"
#include "Verbs.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <memory>

namespace cornet::cli {
namespace {

struct Options {
  std::string model, entry = "predict";
  unsigned threads = 1;
  int64_t batch = 1, warmup = 5, calls = 0;
  double seconds = 2;
  bool roofline = false;
};

using Clock = std::chrono::steady_clock;

double timeOf(Runner &runner) {
  auto start = Clock::now();
  runner.invoke();
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

/// The sorted times of `calls` calls, or of as many as `seconds` allow but at least ten.
std::vector<double> measure(Runner &runner, const Options &options) {
  for (int64_t i = 0; i < options.warmup; ++i)
    runner.invoke();
  std::vector<double> times;
  double total = 0;
  while (options.calls > 0
             ? int64_t(times.size()) < options.calls
             : times.size() < 10 || (total < options.seconds * 1e9 && times.size() < 1000000)) {
    times.push_back(timeOf(runner));
    total += times.back();
  }
  std::sort(times.begin(), times.end());
  return times;
}

double percentile(const std::vector<double> &sorted, double fraction) {
  return sorted[size_t(fraction * double(sorted.size() - 1) + 0.5)];
}

void roofline(const Options &options, const Artifact &artifact, const Context &context) {
  Runner runner(artifact.path, options.entry, options.threads);
  const cornet_program &program = runner.program();
  size_t plan = planFor(program, runner.entry(), options.batch);
  runner.bind(sampleInputs(runner.inputs(), options.batch));
  Peaks peaks = measurePeaks(options.threads);
  for (int64_t i = 1; i < options.warmup; ++i)
    runner.invoke();
  double once = timeOf(runner);
  int64_t calls = options.calls > 0
                      ? options.calls
                      : std::clamp<int64_t>(int64_t(options.seconds * 1e9 / once), 10, 1000);
  // Of the peaks the best samples count, so of the steps the fastest tenth; and a machine that is
  // not alone may be slow for a while.
  std::vector<StepTime> steps = timeSteps(runner, plan, calls, 0.1);
  peaks = betterOf(peaks, measurePeaks(options.threads));
  if (std::all_of(steps.begin(), steps.end(), [](const StepTime &step) {
        return step.work.bytes_read + step.work.bytes_written == 0;
      }))
    throw UserError(artifact.path + ": the compiler of this artifact did not count operations and "
                                    "bytes; compile the model anew");
  unsigned lanes = std::string(cornet_program_isa(&program)) == "x86-64-v4" ? 16 : 8;
  std::vector<RoofedStep> roofed =
      roofsOf(steps, peaks, cornet_program_plan_arena(&program, runner.entry(), plan), lanes);
  Json document = {{"model", artifact.name},
                   {"batch", options.batch},
                   {"threads", options.threads},
                   {"calls", calls}};
  document.update(rooflineJson(roofed, peaks));
  context.answer(document, rooflineText(roofed, peaks));
}

void bench(const Options &options, const Context &context) {
  Artifact artifact = resolveArtifact(options.model, {options.batch}, context);
  if (options.roofline)
    return roofline(options, artifact, context);
  auto loading = Clock::now();
  Runner runner(artifact.path, options.entry, options.threads);
  runner.bind(sampleInputs(runner.inputs(), options.batch));
  runner.invoke();
  double first = std::chrono::duration<double, std::nano>(Clock::now() - loading).count();
  std::vector<double> times = measure(runner, options);
  double median = percentile(times, 0.5), low = percentile(times, 0.1),
         high = percentile(times, 0.9);
  double rate = double(options.batch) * 1e9 / median;
  context.answer({{"model", artifact.name},
                  {"batch", options.batch},
                  {"threads", options.threads},
                  {"calls", times.size()},
                  {"medianNs", median},
                  {"p10Ns", low},
                  {"p90Ns", high},
                  {"minNs", times.front()},
                  {"rowsPerSecond", rate},
                  {"loadAndFirstCallNs", first}},
                 fmt::format("{}: batch {}, {} thread{}: median {} (p10 {}, p90 {}; {} calls), "
                             "{:.1f} rows/s, load and first "
                             "call {}\n",
                             artifact.name, options.batch, options.threads,
                             options.threads == 1 ? "" : "s", humanTime(median), humanTime(low),
                             humanTime(high), times.size(), rate, humanTime(first)));
}

} // namespace

void addBench(CLI::App &app, Context &context) {
  auto options = std::make_shared<Options>();
  auto run = [=, &context] { bench(*options, context); };
  CLI::App *verb = addVerb(app, context, "bench", "Measure a model's latency", run,
                           "Example:  cornet bench r50.cornet --threads 1 --batch 8");
  verb->add_option("model", options->model, "An artifact or any model")->required();
  verb->add_option("--threads", options->threads, "Threads to run on")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb->add_option("--batch", options->batch, "Rows per call")
      ->check(CLI::Range(1, 1 << 20))
      ->capture_default_str();
  verb->add_option("--warmup", options->warmup, "Calls before measuring")
      ->check(CLI::Range(0, 1 << 20))
      ->capture_default_str();
  verb->add_option("--calls", options->calls,
                   "Calls to measure; default: as many as --seconds allow, at least 10")
      ->check(CLI::Range(1, 1 << 24));
  verb->add_option("--seconds", options->seconds, "Time to measure for")
      ->check(CLI::Range(0.001, 3600.0))
      ->capture_default_str();
  verb->add_flag(
      "--roofline", options->roofline,
      "Measure the machine's peaks, then tell how near each step comes and why not nearer");
  verb->add_option("--entry", options->entry, "The entry point to call")->capture_default_str();
}

} // namespace cornet::cli
