// SPDX-License-Identifier: Apache-2.0
// `cornet completion`: a bash completion script made from the application itself, so that it never
// knows fewer verbs or flags than the command.
#include "Verbs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace cornet::cli {
namespace {

std::vector<std::string> flagsOf(const CLI::App &verb) {
  std::vector<std::string> flags;
  for (const CLI::Option *option : verb.get_options())
    for (const std::string &name : option->get_lnames())
      flags.push_back("--" + name);
  return flags;
}

std::string script(const CLI::App &app) {
  std::vector<std::string> verbs;
  std::string cases;
  for (const CLI::App *verb : app.get_subcommands([](const CLI::App *) { return true; })) {
    verbs.push_back(verb->get_name());
    cases +=
        fmt::format("    {}) words=\"{}\" ;;\n", verb->get_name(), fmt::join(flagsOf(*verb), " "));
  }
  return fmt::format(R"BASH(# bash completion of cornet; enable it with: source <(cornet completion)
_cornet() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} words=
  if [ "$COMP_CWORD" = 1 ]; then
    COMPREPLY=($(compgen -W "{}" -- "$word"))
    return
  fi
  case ${{COMP_WORDS[1]}} in
{}  esac
  if [[ $word == -* ]]; then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
  else
    COMPREPLY=($(compgen -W "$(cornet models 2>/dev/null)" -- "$word") $(compgen -f -- "$word"))
  fi
}}
complete -o filenames -F _cornet cornet
)BASH",
                     fmt::join(verbs, " "), cases);
}

} // namespace

void addCompletion(CLI::App &app, Context &context) {
  auto run = [&] {
    std::string text = script(app);
    context.answer({{"bash", text}}, text);
  };
  addVerb(app, context, "completion", "Print a bash completion script", run,
          "Enable it in this shell:  source <(cornet completion)");
}

} // namespace cornet::cli
