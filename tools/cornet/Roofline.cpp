// SPDX-License-Identifier: Apache-2.0
#include "Roofline.h"

#include "Table.h"

#include <algorithm>
#include <fmt/format.h>
#include <sstream>

namespace cornet::cli {
namespace {

constexpr double kComputeGoal = 0.85, kMemoryGoal = 0.80;

/// The extents after the arrow of "conv + relu -> 1x56x56x64".
std::vector<int64_t> resultShape(const std::string &summary) {
  std::vector<int64_t> shape;
  size_t arrow = summary.rfind("-> ");
  if (arrow == std::string::npos)
    return shape;
  std::istringstream text(summary.substr(arrow + 3));
  for (std::string extent; std::getline(text, extent, 'x');)
    if (!extent.empty() && extent.find_first_not_of("0123456789") == std::string::npos)
      shape.push_back(std::stoll(extent));
  return shape;
}

/// The names before the arrow.
std::vector<std::string> operationsOf(const std::string &summary) {
  std::istringstream text(summary.substr(0, summary.rfind(" -> ")));
  std::vector<std::string> out;
  for (std::string word; text >> word;)
    if (word != "+")
      out.push_back(word);
  return out;
}

bool isContraction(const std::vector<std::string> &operations) {
  return std::any_of(operations.begin(), operations.end(), [](const std::string &op) {
    return op == "matmul" || op == "conv" || op == "conv_transpose" || op == "conv_filter_gradient";
  });
}

/// Functions that cost many instructions where the count of operations says one.
std::string functionsIn(const std::vector<std::string> &operations) {
  std::string out;
  for (const char *name : {"exp", "log", "tanh", "erf", "sigmoid", "silu", "softplus", "gelu",
                           "elu", "pow", "sin", "cos", "div", "sqrt", "rsqrt", "random"})
    if (std::find(operations.begin(), operations.end(), name) != operations.end())
      out += (out.empty() ? "" : ", ") + std::string(name);
  return out;
}

/// What in a contraction's shape keeps it from the peak.
void explainContraction(RoofedStep &s, unsigned lanes) {
  std::vector<int64_t> shape = resultShape(s.step.spec.summary);
  if (shape.empty())
    return;
  int64_t cells = 1, channels = shape.back(), vectors = (channels + lanes - 1) / lanes;
  for (int64_t extent : shape)
    cells *= extent;
  double filled = double(channels) / double(vectors * lanes);
  if (filled < 0.95)
    s.reasons.push_back(fmt::format("border vectors: {} channels fill {:.0f} % of {} vectors of {}",
                                    channels, 100 * filled, vectors, lanes));
  if (uint64_t k = cells ? s.step.work.flops / 2 / uint64_t(cells) : 0; k > 0 && k < 64)
    s.reasons.push_back(fmt::format("k too short: {} products to a sum", k));
  if (int64_t pixels = channels ? cells / channels : 0; pixels < 6)
    s.reasons.push_back(fmt::format("few rows: each weight serves {}", pixels));
  else if (shape.size() == 4 && shape[2] < 6)
    s.reasons.push_back(fmt::format("border tiles: lines of {} pixels", shape[2]));
}

void explain(RoofedStep &s, const Peaks &peaks, unsigned lanes) {
  double goal = s.boundByCompute() ? kComputeGoal : kMemoryGoal;
  if (s.share() >= goal)
    return;
  const StepTime &step = s.step;
  std::vector<std::string> operations = operationsOf(step.spec.summary);
  if (s.roof() < 1000 && s.lost() < 2000)
    s.reasons.push_back(fmt::format("launch overhead: the work is worth {}", humanTime(s.roof())));
  if (step.spec.tiles < 2 * peaks.threads && peaks.threads > 1)
    s.reasons.push_back(fmt::format("{} tile{} for {} threads", step.spec.tiles,
                                    step.spec.tiles == 1 ? "" : "s", peaks.threads));
  if (std::string(step.spec.implementation) == "element")
    s.reasons.push_back("cell by cell: no vector kernel takes it");
  if (isContraction(operations))
    explainContraction(s, lanes);
  else if (std::string functions = functionsIn(operations); !functions.empty())
    s.reasons.push_back(functions + ": counted as one operation, cost many");
  if (std::find(operations.begin(), operations.end(), "depthwise_conv") != operations.end() ||
      std::any_of(operations.begin(), operations.end(),
                  [](const std::string &op) { return op.find("_pool") != std::string::npos; }))
    s.reasons.push_back("window: each input is loaded again for its neighbours");
  if (step.work.weight_bytes > 0 && s.memory > 0.5 * s.roof() &&
      double(step.work.weight_bytes) / s.weightsLevel->read > 0.5 * s.memory)
    s.reasons.push_back("weights in " + s.weightsLevel->name);
  if (s.level != &peaks.levels.front() && s.memory > 0.3 * s.compute)
    s.reasons.push_back("working set in " + s.level->name);
  if (s.reasons.empty())
    s.reasons.push_back(fmt::format("none known: look at `{}`", step.spec.implementation));
}

std::string rate(double amount, double nanoseconds) {
  return nanoseconds > 0 ? fmt::format("{:.1f}", amount / nanoseconds) : "-";
}

double bytesOf(const StepTime &step) {
  return double(step.work.bytes_read) + double(step.work.bytes_written);
}

std::string boundOf(const RoofedStep &s) {
  if (s.boundByCompute())
    return s.bf16 ? "bf16" : "f32";
  bool weights = double(s.step.work.weight_bytes) / s.weightsLevel->read > 0.5 * s.memory;
  return weights ? s.weightsLevel->name : s.level->name;
}

struct Totals {
  double time = 0, roof = 0, flops = 0, bytes = 0;
};

Totals totalsOf(const std::vector<RoofedStep> &steps) {
  Totals t;
  for (const RoofedStep &s : steps) {
    t.time += s.step.nanoseconds, t.roof += s.roof();
    t.flops += double(s.step.work.flops), t.bytes += bytesOf(s.step);
  }
  return t;
}

std::string joined(const std::vector<std::string> &parts) {
  std::string out;
  for (const std::string &part : parts)
    out += (out.empty() ? "" : "; ") + part;
  return out;
}

} // namespace

std::vector<RoofedStep> roofsOf(const std::vector<StepTime> &steps, const Peaks &peaks,
                                uint64_t arena, unsigned lanes) {
  uint64_t whole = arena;
  for (const StepTime &step : steps)
    whole += step.work.weight_bytes;
  std::vector<RoofedStep> out;
  for (const StepTime &step : steps) {
    RoofedStep s;
    s.step = step;
    std::string does = std::string(step.spec.summary) + " " + step.spec.implementation;
    s.bf16 = peaks.bf16 > 0 && does.find("bf16") != std::string::npos;
    s.compute = double(step.work.flops) / (s.bf16 ? peaks.bf16 : peaks.f32);
    uint64_t others = step.work.bytes_read - step.work.weight_bytes + step.work.bytes_written;
    s.level = &peaks.levelOf(others), s.weightsLevel = &peaks.levelOf(whole);
    bool writes = 3 * step.work.bytes_written > others;
    s.memory = double(others) / (writes ? s.level->copy : s.level->read) +
               double(step.work.weight_bytes) / s.weightsLevel->read;
    explain(s, peaks, lanes);
    out.push_back(std::move(s));
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const RoofedStep &a, const RoofedStep &b) { return a.lost() > b.lost(); });
  return out;
}

std::string rooflineText(const std::vector<RoofedStep> &steps, const Peaks &peaks) {
  std::string head = fmt::format("{} thread{}, {}: {:.0f} GFLOP/s f32", peaks.threads,
                                 peaks.threads == 1 ? "" : "s", peaks.vectors, peaks.f32);
  if (peaks.bf16 > 0)
    head += fmt::format(", {:.0f} bf16", peaks.bf16);
  head += "; GB/s read (copied):";
  for (const MemoryLevel &level : peaks.levels)
    head += fmt::format(" {} {:.0f} ({:.0f})", level.name, level.read, level.copy);
  Table table({">lost", ">time", ">GFLOP/s", ">GB/s", ">of roof", "bound", "layer",
               "implementation", "operations", "why"});
  for (const RoofedStep &s : steps)
    table.add({humanTime(s.lost()), humanTime(s.step.nanoseconds),
               rate(double(s.step.work.flops), s.step.nanoseconds),
               rate(bytesOf(s.step), s.step.nanoseconds), fmt::format("{:.0f} %", 100 * s.share()),
               boundOf(s), s.step.spec.layer, s.step.spec.implementation, s.step.spec.summary,
               joined(s.reasons)});
  Totals t = totalsOf(steps);
  return fmt::format("{}\n{}{} in {} steps: {:.3f} GFLOP at {} GFLOP/s, {} at {} GB/s; "
                     "the roofs add up to {}, {:.0f} % of the time\n",
                     head, table.text(), humanTime(t.time), steps.size(), t.flops / 1e9,
                     rate(t.flops, t.time), humanBytes(uint64_t(t.bytes)), rate(t.bytes, t.time),
                     humanTime(t.roof), t.time > 0 ? 100 * t.roof / t.time : 0);
}

Json rooflineJson(const std::vector<RoofedStep> &steps, const Peaks &peaks) {
  Json levels = Json::array(), list = Json::array();
  for (const MemoryLevel &level : peaks.levels)
    levels.push_back({{"name", level.name},
                      {"bytes", &level == &peaks.levels.back() ? Json() : Json(level.size)},
                      {"readGBps", level.read},
                      {"copyGBps", level.copy}});
  for (const RoofedStep &s : steps)
    list.push_back({{"layer", s.step.spec.layer},
                    {"implementation", s.step.spec.implementation},
                    {"operations", s.step.spec.summary},
                    {"tiles", s.step.spec.tiles},
                    {"nanoseconds", s.step.nanoseconds},
                    {"flops", s.step.work.flops},
                    {"bytesRead", s.step.work.bytes_read},
                    {"bytesWritten", s.step.work.bytes_written},
                    {"weightBytes", s.step.work.weight_bytes},
                    {"roofNanoseconds", s.roof()},
                    {"lostNanoseconds", s.lost()},
                    {"ofRoof", s.share()},
                    {"bound", boundOf(s)},
                    {"reasons", s.reasons}});
  Totals t = totalsOf(steps);
  return {{"peaks",
           {{"threads", peaks.threads},
            {"vectors", peaks.vectors},
            {"f32GFLOPs", peaks.f32},
            {"bf16GFLOPs", peaks.bf16 > 0 ? Json(peaks.bf16) : Json()},
            {"levels", levels}}},
          {"steps", list},
          {"totals",
           {{"nanoseconds", t.time},
            {"flops", t.flops},
            {"bytes", t.bytes},
            {"roofNanoseconds", t.roof},
            {"ofRoof", t.time > 0 ? t.roof / t.time : 0}}}};
}

} // namespace cornet::cli
