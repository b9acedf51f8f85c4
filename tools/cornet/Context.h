// SPDX-License-Identifier: Apache-2.0
// What every verb is given: the global flags and the one way to answer. A verb is one file of
// verbs/ with one function that adds its sub-command to the application; Verbs.h lists them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>

namespace cornet::cli {

using Json = nlohmann::ordered_json;

struct Context {
  bool json = false;  ///< answers are one JSON document on standard output
  bool quiet = false; ///< no progress line
  int exitCode = 0;

  /// Prints the answer: the document with --json, else the text.
  void answer(const Json &document, const std::string &text) const;
};

/// Adds a sub-command `name` with the global flags; `run` is called when it is chosen.
CLI::App *addVerb(CLI::App &app, Context &context, const std::string &name,
                  const std::string &description, std::function<void()> run,
                  const std::string &footer = {});

} // namespace cornet::cli
