// SPDX-License-Identifier: Apache-2.0
// `cornet import`: a Keras file read and emitted as a module of the cornet dialect, which `compile`
// and cornet-opt take. Everything the file has and Cornet lacks is told at once.
#include "Data.h"
#include "Errors.h"
#include "Model.h"
#include "Verbs.h"

#include <fmt/format.h>
#include <memory>

namespace cornet::cli {
namespace {

struct Options {
  std::string model, output;
};

void import(const Options &options, const Context &context) {
  ModelFile model = resolveModel(options.model);
  if (!model.source || model.source->kind != Source::Keras)
    throw UserError(fmt::format("{}: is not a Keras file (.keras or .h5)", options.model));
  CompileRequest request;
  request.source = *model.source;
  auto [text, error] = driver().moduleText(request);
  if (!error.empty())
    throw UserError(error);
  std::string output = options.output.empty() ? model.name + ".mlir" : options.output;
  writeFile(output, text);
  context.answer({{"module", output}, {"bytes", text.size()}},
                 fmt::format("{}: written\n", output));
}

} // namespace

void addImport(CLI::App &app, Context &context) {
  auto options = std::make_shared<Options>();
  auto run = [=, &context] { import(*options, context); };
  CLI::App *verb =
      addVerb(app, context, "import", "Read a Keras file into a module (.mlir)", run,
              "`cornet compile` takes Keras files directly; import shows what it sees.");
  verb->add_option("model", options->model, "A .keras or .h5 file")->required();
  verb->add_option("-o,--output", options->output,
                   "The module to write; default: the model's name with .mlir, here");
}

} // namespace cornet::cli
