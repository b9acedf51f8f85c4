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

/// Collects why a step is below its goal: with the time that a reason may cost, where it can be
/// told.
class Reasons {
public:
  Reasons(RoofedStep &step, double goal) : s(step), missing(s.step.nanoseconds - s.roof() / goal) {}
  void add(std::string what) { s.reasons.push_back(std::move(what)), accounted += missing; }
  void add(std::string what, double nanoseconds) {
    if (nanoseconds < 0.1 * missing)
      return;
    s.reasons.push_back(fmt::format("{} (up to {})", what, humanTime(nanoseconds)));
    accounted += nanoseconds;
  }
  /// Says so when the reasons do not make up for half of what is missing.
  void finish() {
    if (accounted < 0.5 * missing)
      s.reasons.push_back(fmt::format("{} unexplained: look at `{}`",
                                      humanTime(missing - accounted), s.step.spec.implementation));
  }

private:
  RoofedStep &s;
  double missing, accounted = 0;
};

/// What in a contraction's shape keeps it from the peak.
void explainContraction(const RoofedStep &s, unsigned lanes, Reasons &reasons) {
  std::vector<int64_t> shape = resultShape(s.step.spec.summary);
  if (shape.empty())
    return;
  int64_t cells = 1, channels = shape.back(), vectors = (channels + lanes - 1) / lanes;
  for (int64_t extent : shape)
    cells *= extent;
  int64_t pixels = channels ? cells / channels : 0;
  double filled = double(channels) / double(vectors * lanes);
  if (filled < 0.95)
    reasons.add(fmt::format("border vectors: {} channels fill {:.0f} % of {} vectors of {}",
                            channels, 100 * filled, vectors, lanes),
                s.compute * (1 / filled - 1));
  if (pixels < 6)
    return reasons.add(fmt::format("few rows: each weight serves {}", pixels));
  if (shape.size() == 4 && shape[2] < 6)
    reasons.add(fmt::format("border tiles: lines of {} pixels", shape[2]));
  if (std::string(s.step.spec.implementation) == "winograd")
    return reasons.add(fmt::format("patches: a transformed weight serves {} pixels", pixels));
  // What a sum begins and ends with, an addition, a clamp, a load, a store, costs about as much as
  // so many of its products.
  constexpr double kEnds = 8;
  double k = cells ? double(s.step.work.flops) / 2 / double(cells) : 0;
  if (k > 0)
    reasons.add(fmt::format("ends of sums: {:.0f} products to each", k), s.compute * kEnds / k);
  reasons.add(fmt::format("{} in {} beside the sums",
                          humanBytes(s.step.work.bytes_read + s.step.work.bytes_written),
                          s.level->name),
              s.memory);
}

void explain(RoofedStep &s, const Peaks &peaks, unsigned lanes) {
  double goal = s.boundByCompute() ? kComputeGoal : kMemoryGoal;
  if (s.share() >= goal)
    return;
  const StepTime &step = s.step;
  Reasons reasons(s, goal);
  std::vector<std::string> operations = operationsOf(step.spec.summary);
  if (s.roof() < 1000 && s.lost() < 2000)
    reasons.add(fmt::format("launch overhead: the work is worth {}", humanTime(s.roof())));
  if (uint64_t tiles = step.spec.tiles; peaks.threads > 1 && tiles < 8 * peaks.threads) {
    double most = double((tiles + peaks.threads - 1) / peaks.threads);
    reasons.add(
        fmt::format("{} tile{} for {} threads", tiles, tiles == 1 ? "" : "s", peaks.threads),
        step.nanoseconds * (1 - double(tiles) / peaks.threads / most));
  }
  if (std::string(step.spec.implementation) == "element")
    reasons.add("cell by cell: no vector kernel takes it");
  if (isContraction(operations))
    explainContraction(s, lanes, reasons);
  else if (std::string functions = functionsIn(operations); !functions.empty())
    reasons.add(functions + ": counted as one operation, cost many");
  if (std::find(operations.begin(), operations.end(), "depthwise_conv") != operations.end() ||
      std::any_of(operations.begin(), operations.end(),
                  [](const std::string &op) { return op.find("_pool") != std::string::npos; }))
    reasons.add("window: each input is loaded again for its neighbours");
  if (!s.boundByCompute() && step.work.weight_bytes > 0 &&
      double(step.work.weight_bytes) / s.weightsLevel->read > 0.5 * s.memory)
    reasons.add("weights in " + s.weightsLevel->name);
  else if (!s.boundByCompute() && s.level != &peaks.levels.front())
    reasons.add("working set in " + s.level->name);
  reasons.finish();
}

std::string rate(double amount, double nanoseconds) {
  return nanoseconds > 0 ? fmt::format("{:.1f}", amount / nanoseconds) : "-";
}

double bytesOf(const StepTime &step) {
  return double(step.work.bytes_read) + double(step.work.bytes_written);
}

std::string boundOf(const RoofedStep &s) {
  if (s.boundByCompute())
    return s.dots.empty() ? "f32" : s.dots;
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
  uint64_t before = 0; // bytes that the step before passed through the caches
  for (const StepTime &step : steps) {
    RoofedStep s;
    s.step = step;
    std::string does = std::string(step.spec.summary) + " " + step.spec.implementation;
    double most = peaks.f32;
    if (peaks.bytes > 0 && does.find(" ui8 i8") != std::string::npos)
      s.dots = "i8", most = peaks.bytes;
    else if (peaks.bf16 > 0 && does.find("bf16") != std::string::npos)
      s.dots = "bf16", most = peaks.bf16;
    s.compute = double(step.work.flops) / most;
    uint64_t others = step.work.bytes_read - step.work.weight_bytes + step.work.bytes_written;
    s.level = &peaks.levelOf(others + before), s.weightsLevel = &peaks.levelOf(whole);
    bool writes = 3 * step.work.bytes_written > others;
    s.memory = double(others) / (writes ? s.level->copy : s.level->read) +
               double(step.work.weight_bytes) / s.weightsLevel->read;
    before = step.work.bytes_read + step.work.bytes_written;
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
  if (peaks.bytes > 0)
    head += fmt::format(", {:.0f} i8", peaks.bytes);
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
            {"i8GFLOPs", peaks.bytes > 0 ? Json(peaks.bytes) : Json()},
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
