// SPDX-License-Identifier: Apache-2.0
// `cornet profile`: where the time of a call goes, step by step, as a table or as a trace for
// chrome://tracing and Perfetto. Times are medians over the calls, on made-up data.
#include "Feed.h"
#include "Model.h"
#include "StepTimes.h"
#include "Table.h"
#include "Verbs.h"

#include <fmt/format.h>
#include <memory>

namespace cornet::cli {
namespace {

struct Options {
  std::string model, entry = "predict", trace;
  int64_t batch = 0, calls = 20;
  unsigned threads = 1;
};

std::string tableOf(const std::vector<StepTime> &steps) {
  Table table({">time", ">share", "layer", "implementation", "operations"});
  double total = totalOf(steps);
  for (const StepTime &step : steps)
    table.add({humanTime(step.nanoseconds),
               fmt::format("{:.1f} %", total > 0 ? 100 * step.nanoseconds / total : 0),
               step.spec.layer, step.spec.implementation, step.spec.summary});
  return table.text() + fmt::format("{} in {} steps\n", humanTime(total), steps.size());
}

/// The trace event format: complete events, microseconds.
Json traceOf(const std::vector<StepTime> &steps) {
  Json events = Json::array();
  double at = 0;
  for (const StepTime &step : steps) {
    events.push_back({{"name", step.spec.layer},
                      {"cat", step.spec.implementation},
                      {"ph", "X"},
                      {"ts", at / 1e3},
                      {"dur", step.nanoseconds / 1e3},
                      {"pid", 1},
                      {"tid", 1},
                      {"args", {{"operations", step.spec.summary}, {"tiles", step.spec.tiles}}}});
    at += step.nanoseconds;
  }
  return {{"traceEvents", events}, {"displayTimeUnit", "ns"}};
}

void profile(const Options &options, const Context &context) {
  std::vector<int64_t> batches;
  if (options.batch > 0)
    batches.push_back(options.batch);
  Artifact artifact = resolveArtifact(options.model, batches, context);
  Runner runner(artifact.path, options.entry, options.threads);
  size_t plan = planFor(runner.program(), runner.entry(), options.batch);
  int64_t rows = int64_t(cornet_program_plan_batch(&runner.program(), runner.entry(), plan));
  runner.bind(sampleInputs(runner.inputs(), rows));
  std::vector<StepTime> steps = timeSteps(runner, plan, options.calls);
  if (!options.trace.empty())
    writeFile(options.trace, traceOf(steps).dump(1, ' ', false, Json::error_handler_t::replace));
  Json list = Json::array();
  for (const StepTime &step : steps)
    list.push_back({{"layer", step.spec.layer},
                    {"implementation", step.spec.implementation},
                    {"operations", step.spec.summary},
                    {"tiles", step.spec.tiles},
                    {"nanoseconds", step.nanoseconds}});
  context.answer({{"batch", rows},
                  {"threads", options.threads},
                  {"calls", options.calls},
                  {"nanoseconds", totalOf(steps)},
                  {"steps", list}},
                 tableOf(steps));
}

} // namespace

void addProfile(CLI::App &app, Context &context) {
  auto options = std::make_shared<Options>();
  auto run = [=, &context] { profile(*options, context); };
  CLI::App *verb = addVerb(
      app, context, "profile", "Tell where the time of a call goes", run,
      "Example:  cornet profile r50.cornet --trace trace.json   (open it in ui.perfetto.dev)");
  verb->add_option("model", options->model, "An artifact or any model")->required();
  verb->add_option("--trace", options->trace, "Also write a Chrome trace to this file");
  verb->add_option("--batch", options->batch, "The batch whose plan to run; default: the smallest")
      ->check(CLI::Range(1, 1 << 20));
  verb->add_option("--calls", options->calls, "Calls to take the median over")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  verb->add_option("--threads", options->threads, "Threads to run on")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();
  verb->add_option("--entry", options->entry, "The entry point to call")->capture_default_str();
}

} // namespace cornet::cli
