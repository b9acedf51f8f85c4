// SPDX-License-Identifier: Apache-2.0
// `cornet models`: the zoo, and Keras's summary of one of its models or of any model source.
#include "Errors.h"
#include "Model.h"
#include "Table.h"
#include "Verbs.h"

#include <fmt/format.h>
#include <memory>

namespace cornet::cli {
namespace {

void listZoo(const Context &context) {
  Json names = Json::array();
  std::string text;
  for (const ZooModel &model : zoo()) {
    names.push_back({{"name", model.name}, {"library", model.library}});
    text += model.name + "\n";
  }
  if (names.empty())
    throw UserError(fmt::format("no zoo models under {}; build the target 'all'",
                                (libraryFolder() / "models").string()));
  context.answer({{"models", names}}, text);
}

void summarize(const std::string &argument, const Context &context) {
  ModelFile model = resolveModel(argument);
  if (!model.source)
    throw UserError(
        fmt::format("{}: is compiled already; `cornet inspect` describes it", argument));
  auto [text, error] = driver().summary(*model.source);
  if (!error.empty())
    throw UserError(error);
  context.answer({{"model", model.name}, {"summary", text}}, text);
}

} // namespace

void addModels(CLI::App &app, Context &context) {
  auto model = std::make_shared<std::string>();
  auto run = [=, &context] { model->empty() ? listZoo(context) : summarize(*model, context); };
  CLI::App *verb = addVerb(app, context, "models",
                           "List the zoo's models, or print the summary of one model", run);
  verb->add_option("model", *model, "A zoo name or a model file");
}

} // namespace cornet::cli
