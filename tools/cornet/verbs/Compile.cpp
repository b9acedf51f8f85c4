// SPDX-License-Identifier: Apache-2.0
// `cornet compile`: a model becomes one artifact. Also prints, instead of compiling, the pipeline's
// text or the module before any pass, and afterwards who implements each step and why the others
// did not.
#include "Errors.h"
#include "KernelTimer.h"
#include "Model.h"
#include "Progress.h"
#include "Table.h"
#include "Verbs.h"

#include <charconv>
#include <csignal>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <memory>

namespace cornet::cli {
namespace {

struct Options {
  std::string model, weights, output, pipeline, precision;
  std::vector<int64_t> batches{1};
  std::vector<std::string> cpus{"host"}, plugins;
  unsigned threads = 2;
  bool explain = false, printPipeline = false, printModule = false, printPlan = false,
       noSelfTest = false, noTuning = false;
  std::string tune, tuning, tuneLog; ///< seconds as text: CLI11's own errors name no cure
  unsigned runThreads = 1;
};

constexpr const char *kDefaultSeconds = "60";

constexpr const char *examples = R"(Examples:
  cornet compile digits                                     writes digits.cornet for this machine
  cornet compile resnet50 -o r50.cornet --batch 1,8 --explain
  cornet compile digits --weights models/digits/digits.keras
  cornet compile model.keras --cpu x86-64-v3,x86-64-v4      one file for two generations of CPUs
  cornet compile digits --cpu armv8-a                       for 64-bit Arm; `cornet run` refuses it on x86
  cornet compile resnet50 --precision bf16                  faster and less exact
  cornet compile resnet50 --precision fp16-weights          half the size, on any machine
  cornet compile resnet50 --tune=300 --run-threads 2        measure kernels for 300 s first
  cornet compile digits --print-pipeline                    the text that cornet-opt takes)";

volatile std::sig_atomic_t interrupted = 0;

/// The first Ctrl-C ends tuning, which keeps what it has found; the next one ends the command.
class TuningSignal {
public:
  explicit TuningSignal(bool on) : on(on) {
    if (on)
      before = std::signal(SIGINT, [](int) {
        interrupted = 1;
        std::signal(SIGINT, SIG_DFL);
      });
  }
  ~TuningSignal() {
    if (on)
      std::signal(SIGINT, before);
  }
  TuningSignal(const TuningSignal &) = delete;
  TuningSignal &operator=(const TuningSignal &) = delete;

private:
  bool on;
  void (*before)(int) = SIG_DFL;
};

TuneRequest tuningFor(const Options &options) {
  TuneRequest tuning;
  tuning.use = !options.noTuning;
  tuning.file = options.tuning, tuning.log = options.tuneLog;
  tuning.runThreads = options.runThreads;
  if (options.tune.empty()) {
    if (!options.tuneLog.empty())
      throw UserError("--tune-log: there is nothing to log without --tune");
    return tuning;
  }
  const char *end = options.tune.data() + options.tune.size();
  auto [rest, error] = std::from_chars(options.tune.data(), end, tuning.seconds);
  if (error != std::errc() || rest != end || !(tuning.seconds > 0 && tuning.seconds <= 1e6))
    throw UserError(fmt::format("--tune={}: give the seconds that tuning may take, a number above "
                                "0, as in --tune=120; --tune alone takes {}",
                                options.tune, kDefaultSeconds));
  if (options.noTuning)
    throw UserError("--tune and --no-tuning exclude each other; leave one out");
  tuning.measure = timeKernels;
  tuning.stop = [] { return interrupted != 0; };
  return tuning;
}

CompileRequest requestFor(const Options &options, const ModelFile &model) {
  CompileRequest request;
  request.source = *model.source;
  request.output = options.output.empty() ? model.name + ".cornet" : options.output;
  request.weights = options.weights;
  request.batches = options.batches;
  request.cpus = options.cpus;
  request.pipeline = options.pipeline;
  request.precision = options.precision;
  request.plugins = options.plugins;
  request.threads = options.threads;
  request.selfTest = !options.noSelfTest;
  request.tuning = tuningFor(options);
  return request;
}

void printText(std::pair<std::string, std::string> result, const char *key,
               const Context &context) {
  if (!result.second.empty())
    throw UserError(result.second);
  if (!result.first.ends_with('\n'))
    result.first += '\n';
  context.answer({{key, result.first}}, result.first);
}

std::string explanation(const CompileReply &reply) {
  Table table(
      {"entry", "isa", "layer", "operation", "implementation", "chosen by", ">bands", "refused"});
  for (const StepReport &step : reply.steps) {
    std::vector<std::string> refused;
    for (const auto &[name, reason] : step.refusals)
      refused.push_back(name + ": " + reason);
    table.add({step.entry, step.isa, step.layer, step.operation,
               step.variant.empty() ? step.winner : step.variant, step.source,
               step.bands ? fmt::to_string(step.bands) : "",
               fmt::to_string(fmt::join(refused, "; "))});
  }
  return table.text();
}

Json document(const CompileRequest &request, const CompileReply &reply) {
  Json steps = Json::array(), seconds = Json::object(), tuned = Json::array();
  for (const TuneReply &each : reply.tuned)
    tuned.push_back({{"isa", each.isa},
                     {"computations", each.computations},
                     {"tuned", each.tuned},
                     {"better", each.better},
                     {"modelMicroseconds", each.model},
                     {"bestMicroseconds", each.best}});
  for (const StepReport &step : reply.steps) {
    Json refusals = Json::object();
    for (const auto &[name, reason] : step.refusals)
      refusals[name] = reason;
    steps.push_back({{"entry", step.entry},
                     {"isa", step.isa},
                     {"layer", step.layer},
                     {"operation", step.operation},
                     {"implementation", step.winner},
                     {"variant", step.variant},
                     {"chosenBy", step.source},
                     {"computation", step.computation},
                     {"bands", step.bands},
                     {"ringBytes", step.ringBytes},
                     {"refusals", refusals}});
  }
  for (const auto &[stage, time] : reply.seconds)
    seconds[stage] = time;
  Json error = nullptr;
  if (auto &d = reply.distance)
    error = {{"relative", d->relative},
             {"cosine", d->cosine},
             {"agreed", d->agreed},
             {"rows", d->rows},
             {"notFinite", d->notFinite}};
  return {{"artifact", request.output},
          {"precision", reply.precision},
          {"error", error},
          {"fileBytes", reply.fileBytes},
          {"weightBytes", reply.weightBytes},
          {"codeBytes", reply.codeBytes},
          {"arenaBytes", reply.arenaBytes},
          {"batches", reply.batches},
          {"kernels", reply.kernels},
          {"cachedKernels", reply.cachedKernels},
          {"seconds", seconds},
          {"tuned", tuned},
          {"steps", steps}};
}

/// The largest of `batches` that `rows` are a multiple of, as the runtime takes it.
int64_t partOf(int64_t rows, const std::vector<int64_t> &batches) {
  int64_t part = 1;
  for (int64_t batch : batches)
    if (batch <= rows && rows % batch == 0)
      part = std::max(part, batch);
  return part;
}

/// What a narrowed program loses, on the inputs of its self-test.
std::string loss(const CompileReply &reply) {
  const auto &d = reply.distance;
  if (!d)
    return "";
  if (d->notFinite)
    return fmt::format("error against fp32: {} outputs overflow {}; keep fp32, or take bf16, which "
                       "has the range of fp32\n",
                       d->notFinite, reply.precision);
  return fmt::format(
      "error against fp32: {:.2g} of the largest output, cosine {:.6f}, {} of {} rows "
      "have the same largest cell\n",
      d->relative, d->cosine, d->agreed, d->rows);
}

std::string conclusion(const CompileRequest &request, const CompileReply &reply) {
  double total = 0;
  for (const auto &[stage, time] : reply.seconds)
    total += time;
  std::string parts;
  for (int64_t asked : request.batches)
    if (std::ranges::find(reply.batches, asked) == reply.batches.end())
      parts += fmt::format("batches of {} are served in parts of {}, whose activations stay in the "
                           "caches\n",
                           asked, partOf(asked, reply.batches));
  for (const TuneReply &each : reply.tuned)
    parts += fmt::format(
        "tuned {} of {} kinds of steps for {}: {} by the model's choices, {} by the best ({} are "
        "not the model's); {}\n",
        each.tuned, each.computations, each.isa, humanTime(each.model * 1e3),
        humanTime(each.best * 1e3), each.better,
        each.tuned < each.computations ? "run it again to go on" : "all are done");
  return fmt::format("{}: {}, {} (weights {}, code {}), peak activations {}, {} kernels ({} from "
                     "the cache), {:.1f} s\n{}",
                     request.output, reply.precision, humanBytes(reply.fileBytes),
                     humanBytes(reply.weightBytes), humanBytes(reply.codeBytes),
                     humanBytes(reply.arenaBytes), reply.kernels, reply.cachedKernels, total,
                     loss(reply) + parts);
}

void compile(const Options &options, const Context &context) {
  for (int64_t batch : options.batches)
    if (batch < 1)
      throw UserError(fmt::format("--batch {}: a batch has at least one row", batch));
  ModelFile model = resolveModel(options.model);
  if (!model.source)
    throw UserError(
        fmt::format("{}: is compiled already; give its source to compile it anew", options.model));
  CompileRequest request = requestFor(options, model);
  if (options.printPipeline)
    return printText(driver().pipelineText(request), "pipeline", context);
  if (options.printModule)
    return printText(driver().moduleText(request), "module", context);
  CompileReply reply;
  if (options.printPlan)
    request.output.clear();
  {
    Progress progress(context.quiet);
    TuningSignal signal(request.tuning.seconds > 0);
    request.progress = [&](const std::string &stage, double fraction) {
      progress.show(stage, fraction);
    };
    reply = driver().compile(request);
  }
  if (!reply.error.empty())
    throw UserError(reply.error);
  if (options.printPlan)
    return printText({reply.plan, ""}, "plan", context);
  context.answer(document(request, reply),
                 (options.explain ? explanation(reply) : "") + conclusion(request, reply));
}

} // namespace

void addCompile(CLI::App &app, Context &context) {
  auto options = std::make_shared<Options>();
  auto run = [=, &context] { compile(*options, context); };
  CLI::App *verb =
      addVerb(app, context, "compile", "Compile a model to one artifact", run, examples);
  verb->add_option("model", options->model, "A zoo name or a model file (.cpp, .keras, .h5, .mlir)")
      ->required();
  verb->add_option("-o,--output", options->output,
                   "The artifact to write; default: the model's name with .cornet, here");
  verb->add_option(
      "--weights", options->weights,
      "A Keras file (.keras, .h5) whose weights the model takes: by name, else in order");
  verb->add_option("--batch", options->batches,
                   "Batch sizes to specialize for; any number of rows is served from them")
      ->delimiter(',')
      ->capture_default_str();
  verb->add_option(
          "--cpu", options->cpus,
          "ISA levels to put in: host, x86-64-v3, x86-64-v4, x86-64-v4-vnni, x86-64-v4-bf16, "
          "x86-64-v4-amx, armv8-a (64-bit Arm); the loader chooses")
      ->delimiter(',')
      ->capture_default_str();
  verb->add_option(
      "--precision", options->precision,
      "What tensors are stored in: fp32, bf16, fp16 (sums stay fp32), or of the last two "
      "-weights or -activations alone; default: what the model's layers compute in");
  verb->add_option("--pipeline", options->pipeline, "A named pipeline or a pipeline's text");
  verb->add_option("--load-pass-plugin", options->plugins,
                   "A shared library that registers passes");
  verb->add_option("--threads", options->threads, "Threads to compile with")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  verb->add_option("--tune", options->tune,
                   "Measure ways to compute the steps for so many seconds and keep the fastest")
      ->expected(0, 1)
      ->default_str(kDefaultSeconds);
  verb->add_option("--tuning", options->tuning,
                   "The file of measured choices to read, and for --tune to write; default: "
                   "tuning.txt in the cache");
  verb->add_flag("--no-tuning", options->noTuning,
                 "Use no measured choices, neither yours nor those that come with Cornet");
  verb->add_option("--run-threads", options->runThreads,
                   "Threads the artifact will mostly run on: whose measured choices are taken, and "
                   "what --tune measures with")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  verb->add_option("--tune-log", options->tuneLog,
                   "A file to which --tune appends every measurement");
  verb->add_flag("--no-self-test", options->noSelfTest, "Store no self-test in the artifact");
  verb->add_flag("--explain", options->explain,
                 "Print who implements each step and why the others refused");
  verb->add_flag("--print-pipeline", options->printPipeline,
                 "Print the pipeline's text and compile nothing");
  verb->add_flag("--print-module", options->printModule,
                 "Print the module before any pass and compile nothing");
  verb->add_flag("--print-plan", options->printPlan,
                 "Print the plans in the plan dialect and write nothing");
}

} // namespace cornet::cli
