// SPDX-License-Identifier: Apache-2.0
// The `cornet` command: hands its arguments to the verbs and turns what they throw into a sentence
// and an exit code. Errors go to standard error, and with --json also to standard output as a
// document.
#include "Errors.h"
#include "Verbs.h"

#include <cstdio>
#include <fmt/format.h>

using namespace cornet::cli;

namespace {

constexpr const char *description =
    "Cornet compiles a model written in C++ or brought from Keras into one file, trains it and "
    "runs it.\n"
    "A MODEL is a zoo name (see `cornet models`), a DSL source (.cpp, or FILE.cpp:NAME where it\n"
    "defines several), a Keras file (.keras, .h5), a module (.mlir) or a compiled artifact "
    "(.cornet).";
constexpr const char *exitCodes =
    "Exit codes: 0 done; 1 something given was wrong or a check failed; "
    "2 wrong usage of the command line; 3 a bug in cornet.";

int complain(const Context &context, int code, const char *kind, const std::string &text) {
  fmt::print(stderr, "cornet: {}: {}\n", kind, text);
  if (context.json)
    fmt::print("{}\n", Json{{"error", text}, {"exitCode", code}}.dump(
                           2, ' ', false, Json::error_handler_t::replace));
  return code;
}

} // namespace

int main(int argc, char **argv) {
  Context context;
  CLI::App app(description, "cornet");
  app.footer(exitCodes);
  app.set_version_flag("--version", CORNET_VERSION);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  for (auto *add : {addCompile, addTrain, addRun, addEvaluate, addBench, addProfile, addInspect,
                    addImport, addModels, addDoctor, addCompletion})
    add(app, context);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0)
      return app.exit(error); // --help, --version
    return complain(context, UsageMistake, "usage error",
                    fmt::format("{}; see `cornet --help`", error.what()));
  } catch (const UserError &error) {
    return complain(context, UserMistake, "error", error.what());
  } catch (const std::bad_alloc &) {
    return complain(context, UserMistake, "error",
                    "out of memory: the model or its data is too large for this machine");
  } catch (const std::exception &error) {
    return complain(context, InternalError, "internal error, please report it", error.what());
  }
  return context.exitCode;
}
