// SPDX-License-Identifier: Apache-2.0
// `cornet profile`: where the time of a call goes, step by step, as a table or as a trace for
// chrome://tracing and Perfetto. Times are medians over the calls, on made-up data.
#include "Errors.h"
#include "Feed.h"
#include "Model.h"
#include "Table.h"
#include "Verbs.h"

#include <algorithm>
#include <fmt/format.h>
#include <memory>

namespace cornet::cli {
namespace {

struct Options {
  std::string model, entry = "predict", trace;
  int64_t batch = 0, calls = 20;
  unsigned threads = 1;
};

struct Step {
  cornet_step_spec spec;
  double nanoseconds;
};

/// The plan for `batch` rows, or the smallest for 0.
size_t planFor(const cornet_program &program, size_t entry, int64_t batch) {
  std::string known;
  for (size_t i = 0, end = cornet_program_plan_count(&program, entry); i < end; ++i) {
    uint64_t rows = cornet_program_plan_batch(&program, entry, i);
    if (batch == 0 || rows == uint64_t(batch))
      return i;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", rows);
  }
  throw UserError(
      fmt::format("--batch {}: there is no plan for it, only for {}, which serve it in parts; profile one of these", batch, known));
}

std::vector<Step> measure(Runner &runner, size_t plan, int64_t calls) {
  std::vector<std::vector<uint64_t>> times;
  std::vector<uint64_t> once;
  runner.invoke();
  for (int64_t i = 0; i < calls; ++i) {
    runner.profile(plan, once);
    times.resize(once.size());
    for (size_t k = 0; k < once.size(); ++k)
      times[k].push_back(once[k]);
  }
  std::vector<Step> steps(times.size());
  for (size_t k = 0; k < times.size(); ++k) {
    check(cornet_program_step(&runner.program(), runner.entry(), plan, k, &steps[k].spec));
    std::nth_element(times[k].begin(), times[k].begin() + long(times[k].size() / 2),
                     times[k].end());
    steps[k].nanoseconds = double(times[k][times[k].size() / 2]);
  }
  return steps;
}

double totalOf(const std::vector<Step> &steps) {
  double total = 0;
  for (const Step &step : steps)
    total += step.nanoseconds;
  return total;
}

std::string tableOf(const std::vector<Step> &steps) {
  Table table({">time", ">share", "layer", "implementation", "operations"});
  double total = totalOf(steps);
  for (const Step &step : steps)
    table.add({humanTime(step.nanoseconds),
               fmt::format("{:.1f} %", total > 0 ? 100 * step.nanoseconds / total : 0),
               step.spec.layer, step.spec.implementation, step.spec.summary});
  return table.text() + fmt::format("{} in {} steps\n", humanTime(total), steps.size());
}

/// The trace event format: complete events, microseconds.
Json traceOf(const std::vector<Step> &steps) {
  Json events = Json::array();
  double at = 0;
  for (const Step &step : steps) {
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
  std::vector<Step> steps = measure(runner, plan, options.calls);
  if (!options.trace.empty())
    writeFile(options.trace, traceOf(steps).dump(1, ' ', false, Json::error_handler_t::replace));
  Json list = Json::array();
  for (const Step &step : steps)
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
