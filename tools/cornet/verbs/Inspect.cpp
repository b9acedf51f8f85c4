// SPDX-License-Identifier: Apache-2.0
// `cornet inspect`: what is in an artifact: its origin, entry points, plans, steps and sizes, and
// how much memory a call takes by the plan and, measured in a child process, in truth.
#include "Errors.h"
#include "Feed.h"
#include "Model.h"
#include "Table.h"
#include "Verbs.h"

#include <cstdio>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <map>
#include <memory>
#include <sys/wait.h>
#include <unistd.h>

namespace cornet::cli {
namespace {

struct Options {
  std::string model;
  bool steps = false, noMeasure = false;
};

/// A field of /proc/self/status, in bytes.
uint64_t memoryOf(const std::string &field) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(field + ":"))
      return std::stoull(line.substr(field.size() + 1)) * 1024;
  return 0;
}

/// What opening the artifact and calling its smallest plan of the entry adds to a process's peak.
uint64_t peakInThisProcess(const std::string &path, const std::string &entry) {
  uint64_t before = memoryOf("VmRSS");
  Runner runner(path, entry, 1);
  runner.bind(sampleInputs(
      runner.inputs(), int64_t(cornet_program_plan_batch(&runner.program(), runner.entry(), 0))));
  runner.invoke();
  runner.invoke();
  return std::max(memoryOf("VmHWM"), before) - before;
}

/// The same in a child, so that nothing this process did before counts; 0 when it cannot be told.
uint64_t measuredPeak(const std::string &path, const std::string &entry) {
  int ends[2];
  if (pipe(ends) != 0)
    return 0;
  std::fflush(nullptr);
  pid_t child = fork();
  if (child == 0) {
    uint64_t peak = 0;
    try {
      // The high-water mark starts at what the process has now.
      std::ofstream("/proc/self/clear_refs") << "5";
      peak = peakInThisProcess(path, entry);
    } catch (const std::exception &) {
    }
    ssize_t written = write(ends[1], &peak, sizeof(peak));
    _exit(written == sizeof(peak) ? 0 : 1);
  }
  close(ends[1]);
  uint64_t peak = 0;
  if (child < 0 || read(ends[0], &peak, sizeof(peak)) != sizeof(peak))
    peak = 0;
  close(ends[0]);
  if (child > 0)
    waitpid(child, nullptr, 0);
  return peak;
}

uint64_t rowBytes(const std::vector<Port> &ports) {
  uint64_t total = 0;
  for (const Port &port : ports) {
    uint64_t bytes = sizeOf(port.type);
    for (size_t i = port.batched(); i < port.shape.size(); ++i)
      bytes *= uint64_t(port.shape[i]);
    total += bytes;
  }
  return total;
}

Json stepsOf(const cornet_program &program, size_t entry, size_t plan) {
  Json steps = Json::array();
  for (size_t k = 0, end = cornet_program_step_count(&program, entry, plan); k < end; ++k) {
    cornet_step_spec spec;
    check(cornet_program_step(&program, entry, plan, k, &spec));
    steps.push_back({{"layer", spec.layer},
                     {"implementation", spec.implementation},
                     {"operations", spec.summary},
                     {"tiles", spec.tiles}});
  }
  return steps;
}

/// Of a narrowed plan: how many steps store 16 bits, and which are kept in f32 and why. A step's
/// operations end with "bf16" or "f16", or with "f32: softmax".
Json narrowingOf(const Json &steps) {
  size_t narrow = 0, number = 0;
  Json kept = Json::array();
  for (const Json &step : steps) {
    std::string operations = step["operations"];
    narrow += operations.ends_with(" bf16") || operations.ends_with(" f16");
    if (size_t at = operations.rfind(" f32: "); at != operations.npos)
      kept.push_back({{"step", number},
                      {"layer", step["layer"]},
                      {"operations", operations.substr(0, at)},
                      {"why", operations.substr(at + 6)}});
    ++number;
  }
  return {{"narrow", narrow}, {"kept", kept}};
}

Json planOf(const cornet_program &program, size_t entry, size_t plan,
            const std::vector<Port> &inputs, const std::vector<Port> &outputs) {
  uint64_t batch = cornet_program_plan_batch(&program, entry, plan),
           arena = cornet_program_plan_arena(&program, entry, plan);
  uint64_t ports = batch * (rowBytes(inputs) + rowBytes(outputs));
  uint64_t fixed = cornet_program_weights_size(&program) + cornet_program_code_size(&program);
  Json steps = stepsOf(program, entry, plan), narrowing = narrowingOf(steps);
  return {{"batch", batch},
          {"arenaBytes", arena},
          {"peakBytes", fixed + arena + ports},
          {"precision", std::move(narrowing)},
          {"steps", std::move(steps)}};
}

Json entryOf(const cornet_program &program, size_t entry) {
  auto [inputs, outputs] = portsOf(program, entry);
  Json result = {{"name", cornet_program_entry_name(&program, entry)},
                 {"whole", cornet_program_entry_whole(&program, entry) != 0},
                 {"inputs", Json::array()},
                 {"outputs", Json::array()},
                 {"plans", Json::array()}};
  for (const Port &port : inputs)
    result["inputs"].push_back({{"name", port.name},
                                {"dtype", nameOf(port.type)},
                                {"shape", port.shape},
                                {"text", portText(port)}});
  for (const Port &port : outputs)
    result["outputs"].push_back({{"name", port.name},
                                 {"dtype", nameOf(port.type)},
                                 {"shape", port.shape},
                                 {"text", portText(port)}});
  for (size_t plan = 0, end = cornet_program_plan_count(&program, entry); plan < end; ++plan)
    result["plans"].push_back(planOf(program, entry, plan, inputs, outputs));
  return result;
}

Json variablesOf(const cornet_program &program) {
  Json variables = Json::array();
  for (size_t i = 0, end = cornet_program_variable_count(&program); i < end; ++i) {
    cornet_variable_spec spec;
    check(cornet_program_variable(&program, i, &spec));
    variables.push_back({{"name", spec.name},
                         {"dtype", nameOf(typeOf(spec.dtype))},
                         {"shape", std::vector<int64_t>(spec.shape, spec.shape + spec.rank)},
                         {"bytes", spec.bytes},
                         {"trainable", spec.trainable != 0}});
  }
  return variables;
}

Json describe(const std::string &path, const Options &options) {
  ProgramHandle program = openProgram(path);
  check(cornet_program_verify(program.get()));
  Json result = {{"artifact", path},
                 {"model", cornet_program_model(program.get())},
                 {"isa", cornet_program_isa(program.get())},
                 {"fileBytes", cornet_program_file_size(program.get())},
                 {"weightBytes", cornet_program_weights_size(program.get())},
                 {"codeBytes", cornet_program_code_size(program.get())},
                 {"provenance", Json::object()},
                 {"variables", variablesOf(*program)},
                 {"entries", Json::array()}};
  const char *key = nullptr;
  for (size_t i = 0; const char *value = cornet_program_provenance(program.get(), i, &key); ++i)
    result["provenance"][key] = value;
  for (size_t entry = 0, end = cornet_program_entry_count(program.get()); entry < end; ++entry) {
    result["entries"].push_back(entryOf(*program, entry));
    if (!options.noMeasure)
      result["entries"].back()["measuredPeakBytes"] =
          measuredPeak(path, cornet_program_entry_name(program.get(), entry));
  }
  return result;
}

std::string implementationsOf(const Json &steps) {
  std::map<std::string, int> counts;
  for (const Json &step : steps)
    ++counts[step["implementation"].get<std::string>()];
  std::string text;
  for (const auto &[name, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, name);
  return text;
}

std::string narrowingText(const Json &plan) {
  const Json &narrowing = plan["precision"], &kept = narrowing["kept"];
  if (narrowing["narrow"] == 0)
    return "";
  // Programs that train have hundreds, of few kinds.
  std::map<std::string, int> counts;
  for (const Json &step : kept)
    ++counts[step["why"].get<std::string>()];
  std::string text = fmt::format("batch {}: {} of {} steps store 16 bits, {} are kept in f32",
                                 plan["batch"].get<uint64_t>(), narrowing["narrow"].get<size_t>(),
                                 plan["steps"].size(), kept.size());
  if (kept.size() > 40) {
    std::vector<std::string> parts;
    for (const auto &[why, count] : counts)
      parts.push_back(fmt::format("{} {}", count, why));
    return fmt::format("{}: {}\n", text, fmt::join(parts, ", "));
  }
  Table table({">step", "layer", "operations kept in f32", "why"});
  for (const Json &step : kept)
    table.add({fmt::to_string(step["step"].get<size_t>()), step["layer"].get<std::string>(),
               step["operations"].get<std::string>(), step["why"].get<std::string>()});
  return text + "\n" + table.text();
}

std::string stepTable(const Json &steps) {
  Table table({">step", "layer", "implementation", ">tiles", "operations"});
  size_t number = 0;
  for (const Json &step : steps)
    table.add({fmt::to_string(number++), step["layer"].get<std::string>(),
               step["implementation"].get<std::string>(),
               fmt::to_string(step["tiles"].get<uint64_t>()),
               step["operations"].get<std::string>()});
  return table.text();
}

std::string variablesText(const Json &variables, bool all) {
  if (variables.empty())
    return "";
  uint64_t total = 0, trainable = 0;
  Table table({"variable", "type", "shape", ">size", ""});
  for (const Json &variable : variables) {
    uint64_t bytes = variable["bytes"];
    total += bytes, trainable += variable["trainable"] ? bytes : 0;
    table.add({variable["name"].get<std::string>(), variable["dtype"].get<std::string>(),
               shapeText(variable["shape"].get<std::vector<int64_t>>()), humanBytes(bytes),
               variable["trainable"] ? "trainable" : ""});
  }
  return fmt::format("\n{} variables, {}, of them trainable {}\n{}", variables.size(),
                     humanBytes(total), humanBytes(trainable), all ? table.text() : "");
}

std::string textOf(const Json &document, bool withSteps) {
  auto bytes = [](const Json &value) { return humanBytes(value.get<uint64_t>()); };
  std::string text = fmt::format(
      "{}: model '{}', code for {}, all checksums match\nfile {}, weights {}, code {}\n",
      document["artifact"].get<std::string>(), document["model"].get<std::string>(),
      document["isa"].get<std::string>(), bytes(document["fileBytes"]),
      bytes(document["weightBytes"]), bytes(document["codeBytes"]));
  for (const auto &[key, value] : document["provenance"].items())
    text += fmt::format("{}: {}\n", key, value.get<std::string>());
  for (const Json &entry : document["entries"]) {
    text += fmt::format("\nentry point {}{}\n", entry["name"].get<std::string>(),
                        entry["whole"] ? ", takes whole batches" : "");
    for (const char *kind : {"inputs", "outputs"})
      for (const Json &port : entry[kind])
        text += fmt::format("  {} {}\n", kind[0] == 'i' ? "in " : "out",
                            port["text"].get<std::string>());
    Table plans({">batch", ">steps", ">activations", ">predicted peak", "implementations"});
    for (const Json &plan : entry["plans"])
      plans.add({fmt::to_string(plan["batch"].get<uint64_t>()),
                 fmt::to_string(plan["steps"].size()), bytes(plan["arenaBytes"]),
                 bytes(plan["peakBytes"]), implementationsOf(plan["steps"])});
    text += plans.text();
    for (const Json &plan : entry["plans"])
      text += narrowingText(plan);
    if (entry.contains("measuredPeakBytes") && entry["measuredPeakBytes"] != 0)
      text +=
          fmt::format("measured peak of the first plan: {}\n", bytes(entry["measuredPeakBytes"]));
    for (const Json &plan : entry["plans"])
      if (withSteps)
        text +=
            fmt::format("\nbatch {}\n{}", plan["batch"].get<uint64_t>(), stepTable(plan["steps"]));
  }
  return text +
         variablesText(document["variables"], withSteps || document["variables"].size() <= 40);
}

void inspect(const Options &options, const Context &context) {
  Artifact artifact = resolveArtifact(options.model, {}, context);
  Json document = describe(artifact.path, options);
  context.answer(document, textOf(document, options.steps));
}

} // namespace

void addInspect(CLI::App &app, Context &context) {
  auto options = std::make_shared<Options>();
  auto run = [=, &context] { inspect(*options, context); };
  CLI::App *verb =
      addVerb(app, context, "inspect",
              "Describe an artifact: entry points, steps, memory, implementations, sizes", run,
              "Example:  cornet inspect r50.cornet --steps\n"
              "The predicted peak counts weights, code, activations, inputs and outputs; the "
              "measured one is what a\n"
              "call adds to the resident memory of a fresh process.");
  verb->add_option("model", options->model, "An artifact or any model")->required();
  verb->add_flag("--steps", options->steps, "List every step of every plan, and every variable");
  verb->add_flag("--no-measure", options->noMeasure, "Do not run the model to measure its memory");
}

} // namespace cornet::cli
