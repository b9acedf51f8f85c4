// SPDX-License-Identifier: Apache-2.0
// DSL libraries are opened and asked for their model, Keras files imported, and modules parsed. A
// library stays open until the process ends: its layers' code is in it.
#include "driver/Sources.h"

#include "codegen/Compile.h"
#include "frontend/emit/Emit.h"
#include "frontend/import/Import.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

#include <dlfcn.h>
#include <map>

using namespace mlir;

namespace cornet::cli {
namespace {

std::optional<Model> loadLibrary(const std::string &path, std::string &error) {
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    error = path + ": cannot be loaded: " + dlerror();
    return std::nullopt;
  }
  auto *make = reinterpret_cast<Model *(*)()>(dlsym(library, "cornet_model"));
  if (!make) {
    error = path + ": defines no model; write CORNET_MODEL(name) { return ...; } in its source";
    return std::nullopt;
  }
  return *std::unique_ptr<Model>(make());
}

std::string shapeText(const Shape &shape) {
  std::string out;
  for (int64_t extent : shape)
    out += (out.empty() ? "" : ", ") + std::to_string(extent);
  return "(" + out + ")";
}

/// Gives the weights of the Keras model at `path` to `model`: by name when both have the same
/// names, else one by one in order. What does not fit is said.
std::string takeWeights(const Model &model, const std::string &path) {
  import::Imported imported = import::importModel(path);
  if (!imported.error.empty())
    return imported.error;
  std::vector<VariablePtr> to = model.variables(), from = imported.model.variables();
  if (to.size() != from.size())
    return path + ": has " + std::to_string(from.size()) + " weights, the model '" + model.name +
           "' has " + std::to_string(to.size()) + "; is it the same network?";
  std::map<std::string, VariablePtr> named;
  for (const VariablePtr &variable : from)
    named[variable->name] = variable;
  if (llvm::all_of(to, [&](const VariablePtr &variable) { return named.contains(variable->name); }))
    for (size_t i = 0; i < to.size(); ++i)
      from[i] = named[to[i]->name];
  std::string problems;
  size_t wrong = 0;
  for (size_t i = 0; i < to.size(); ++i) {
    if (to[i]->shape == from[i]->shape)
      to[i]->data = from[i]->value();
    else if (++wrong <= 5)
      problems += path + ": weight " + std::to_string(i) + " '" + from[i]->name + "' is " +
                  shapeText(from[i]->shape) + ", the model's '" + to[i]->name + "' is " +
                  shapeText(to[i]->shape) + "\n";
  }
  if (wrong > 5)
    problems += path + ": and " + std::to_string(wrong - 5) + " more; is it the same network?\n";
  return problems;
}

} // namespace

std::optional<Model> loadModel(const Source &source, std::string &error) {
  std::optional<Model> model;
  if (source.kind == Source::Library) {
    model = loadLibrary(source.path, error);
  } else if (source.kind == Source::Keras) {
    import::Imported imported = import::importModel(source.path);
    error = imported.error;
    if (error.empty())
      model = std::move(imported.model);
  } else {
    error = source.path + ": is a module, not a model with layers";
  }
  if (model && model->graph && !model->graph->mistakes.empty()) {
    error = cornet::text(model->graph->mistakes);
    return std::nullopt;
  }
  return model;
}

Workshop::Workshop() {
  DialectRegistry registry;
  registerCompilerDialects(registry);
  context = std::make_unique<MLIRContext>(registry);
  context->getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
      return success();
    llvm::raw_string_ostream stream(text);
    diagnostic.getLocation().print(stream);
    stream << ": " << diagnostic.str() << '\n';
    return success();
  });
}

Workshop::~Workshop() = default;

OwningOpRef<ModuleOp> Workshop::load(const Source &source, const std::string &weights) {
  if (source.kind == Source::Module) {
    if (!weights.empty()) {
      text = source.path + ": a module brings its own weights; --weights is for models with layers";
      return nullptr;
    }
    OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(source.path, context.get());
    if (!module)
      text = source.path + ": is not a valid module\n" + text;
    return module;
  }
  std::string error;
  std::optional<Model> model = loadModel(source, error);
  if (!model) {
    text += error;
    return nullptr;
  }
  if (!weights.empty())
    if (error = takeWeights(*model, weights); !error.empty()) {
      text += error;
      return nullptr;
    }
  OwningOpRef<ModuleOp> module = emitModel(*context, *model);
  if (module && failed(verify(*module))) {
    text = source.path + ": gives an invalid module, which is a bug of Cornet; please report it\n" +
           text;
    return nullptr;
  }
  return module;
}

} // namespace cornet::cli
