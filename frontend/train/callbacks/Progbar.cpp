// SPDX-License-Identifier: Apache-2.0
//
// The layout is Keras 3's: bold count, twenty cells, the time left (or, at the end, the time it
// took), the time of a step, the metrics. A redrawing line is cut at the terminal's edge: a line
// that wrapped could not be drawn over.
#include "frontend/train/callbacks/Progbar.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace cornet::train {
namespace {

constexpr int cells = 20;
constexpr std::string_view off = "\x1b[0m";

std::string repeated(int64_t count) {
  std::string out;
  for (int64_t i = 0; i < count; ++i)
    out += "━";
  return out;
}

std::string duration(double seconds) {
  auto whole = int64_t(seconds);
  if (seconds > 3600)
    return fmt::format("{}:{:02}:{:02}", whole / 3600, whole % 3600 / 60, whole % 60);
  if (seconds > 60)
    return fmt::format("{}:{:02}", whole / 60, whole % 60);
  return fmt::format("{}s", whole);
}

std::string stepTime(double seconds) {
  if (seconds >= 1 || seconds == 0)
    return fmt::format(" {:.0f}s/step", seconds);
  if (seconds >= 1e-3)
    return fmt::format(" {:.0f}ms/step", seconds * 1e3);
  return fmt::format(" {:.0f}us/step", seconds * 1e6);
}

std::string metrics(const Logs &values) {
  std::string out;
  for (const auto &[name, value] : values)
    out += std::abs(value) > 1e-3 ? fmt::format(" - {}: {:.4f}", name, value)
                                  : fmt::format(" - {}: {:.4e}", name, value);
  return out;
}

/// "7/10" with room for all of 10's digits.
std::string count(int64_t current, int64_t target) {
  std::string all = std::to_string(target);
  return fmt::format("{:{}}/{}", current, all.size(), all);
}

/// Columns that `text` takes, and where it may be cut to take at most `limit`. Escape sequences
/// take none.
std::pair<size_t, size_t> measure(std::string_view text, size_t limit) {
  size_t columns = 0, cut = text.size();
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\x1b') {
      i = std::min(text.find('m', i), text.size());
    } else if ((text[i] & 0xC0) != 0x80) { // not inside a character of several bytes
      if (columns == limit)
        cut = std::min(cut, i);
      ++columns;
    }
  }
  return {columns, cut};
}

} // namespace

Progbar::Progbar(Options given) : options(std::move(given)), start(options.now()) {}

/// The first step is left out of the estimate once there are others: it is seldom typical.
double Progbar::perStep(int64_t current, double now) {
  if (!current)
    return 0;
  double estimate = afterFirst && current > 1 ? (now - *afterFirst) / double(current - 1)
                                              : (now - start) / double(current);
  if (current == 1)
    afterFirst = now;
  return estimate;
}

std::string Progbar::bar(int64_t current) const {
  if (options.target <= 0)
    return fmt::format("{:7}/Unknown", current);
  auto done = std::min<int64_t>(cells, int64_t(cells * (double(current) / double(options.target))));
  std::string out = fmt::format("\x1b[1m{}{} ", count(current, options.target), off);
  if (done > 0)
    out += fmt::format("\x1b[32m{}{}", repeated(done), off);
  return out + fmt::format("\x1b[37m{}{}", repeated(cells - done), off);
}

std::string Progbar::update(int64_t current, const Logs &logs, bool finalize) {
  for (const auto &[name, value] : logs)
    values.set(name, value);
  double now = options.now(), step = perStep(current, now);
  std::string took = fmt::format("{:.0f}s", now - start);
  if (!options.bar) {
    if (!finalize || options.target <= 0)
      return "";
    return fmt::format("{} - {} -{}{}\n", count(current, options.target), took, stepTime(step),
                       metrics(values));
  }
  if (!finalize && now - drawn < options.interval)
    return "";
  bool known = options.target > 0 && !finalize;
  std::string line =
      bar(current) +
      fmt::format(" \x1b[1m{}{}", known ? duration(step * double(options.target - current)) : took,
                  off) +
      stepTime(step) + metrics(values);
  if (size_t limit = size_t(std::max(options.columns - 1, 0)); limit && !finalize)
    if (auto [columns, cut] = measure(line, limit); columns > limit)
      line = line.substr(0, cut) + std::string(off);
  size_t columns = measure(line, 0).first;
  std::string rest(width > columns ? width - columns : 0, ' ');
  width = columns;
  drawn = now;
  return "\r" + line + rest + (finalize ? "\n" : "");
}

} // namespace cornet::train
