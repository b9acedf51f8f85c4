// SPDX-License-Identifier: Apache-2.0
//
// Optimizers by Keras's names, and the patterns that options hold.
#include "frontend/lib/optimizers/Optimizers.h"

#include <algorithm>
#include <cctype>
#include <regex>

namespace cornet {
namespace {

using Make = OptimizerPtr (*)(Where);

#define CORNET_BY_NAME(NAME) [](Where where) { return NAME({}, where); }
const std::map<std::string, Make, std::less<>> &byName() {
  static const std::map<std::string, Make, std::less<>> table = {
      {"sgd", CORNET_BY_NAME(SGD)},
      {"rmsprop", CORNET_BY_NAME(RMSprop)},
      {"adagrad", CORNET_BY_NAME(Adagrad)},
      {"adadelta", CORNET_BY_NAME(Adadelta)},
      {"adam", CORNET_BY_NAME(Adam)},
      {"adamw", CORNET_BY_NAME(AdamW)},
      {"adamax", CORNET_BY_NAME(Adamax)},
      {"nadam", CORNET_BY_NAME(Nadam)},
      {"ftrl", CORNET_BY_NAME(Ftrl)},
      {"lamb", CORNET_BY_NAME(Lamb)},
      {"lion", CORNET_BY_NAME(Lion)},
      {"adafactor", CORNET_BY_NAME(Adafactor)},
      {"muon", CORNET_BY_NAME(Muon)},
      {"schedulefreeadamw", CORNET_BY_NAME(ScheduleFreeAdamW)},
  };
  return table;
}

std::string lower(std::string text) {
  for (char &letter : text)
    letter = char(std::tolower(static_cast<unsigned char>(letter)));
  return text;
}

} // namespace

OptimizerPtr optimizer(const std::string &name, Where where) {
  auto it = byName().find(lower(name));
  return it == byName().end() ? nullptr : it->second(where);
}

std::string checkOptimizer(const std::string &name) {
  if (byName().contains(lower(name)))
    return "";
  std::string known;
  for (const auto &[key, make] : byName())
    known += (known.empty() ? "" : ", ") + key;
  return "unknown optimizer '" + name + "'; known: " + known;
}

std::string checkPattern(const std::string &pattern) {
  try {
    std::regex compiled(pattern);
    return "";
  } catch (const std::regex_error &error) {
    return "'" + pattern + "' is no regular expression: " + error.what();
  }
}

bool found(const std::string &pattern, const std::string &text) {
  return checkPattern(pattern).empty() && std::regex_search(text, std::regex(pattern));
}

bool matches(const std::string &pattern, const std::string &text) {
  return checkPattern(pattern).empty() && std::regex_match(text, std::regex(pattern));
}

} // namespace cornet
