// SPDX-License-Identifier: Apache-2.0
// Global flags and answering, shared by all verbs.
#include "Context.h"

#include <fmt/format.h>

namespace cornet::cli {

void Context::answer(const Json &document, const std::string &text) const {
  if (json)
    fmt::print("{}\n", document.dump(2, ' ', false, Json::error_handler_t::replace));
  else
    fmt::print("{}", text);
}

CLI::App *addVerb(CLI::App &app, Context &context, const std::string &name,
                  const std::string &description, std::function<void()> run,
                  const std::string &footer) {
  CLI::App *verb = app.add_subcommand(name, description);
  verb->add_flag("--json", context.json, "Answer with one JSON document on standard output");
  verb->add_flag("--quiet", context.quiet, "Show no progress");
  if (!footer.empty())
    verb->footer(footer);
  verb->callback(std::move(run));
  return verb;
}

} // namespace cornet::cli
