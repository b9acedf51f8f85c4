// SPDX-License-Identifier: Apache-2.0
// DSL libraries are opened and asked for their model, Keras files imported. A library stays open
// until the process ends: its layers' code is in it.
#include "driver/Models.h"

#include "frontend/import/Import.h"

#include "llvm/Object/ELFObjectFile.h"

#include <algorithm>
#include <dlfcn.h>
#include <map>
#include <memory>

namespace cornet::cli {
namespace {

/// What CORNET_MODEL puts before the name.
const std::string prefix = "cornet_model_";

/// The models that a library defines, by its symbols.
std::vector<std::string> modelsOf(const std::string &path) {
  std::vector<std::string> names;
  auto file = llvm::object::ObjectFile::createObjectFile(path);
  if (!file) {
    llvm::consumeError(file.takeError());
    return names;
  }
  auto *elf = llvm::dyn_cast<llvm::object::ELFObjectFileBase>(file->getBinary());
  if (!elf)
    return names;
  for (const llvm::object::ELFSymbolRef &symbol : elf->getDynamicSymbolIterators()) {
    llvm::Expected<llvm::StringRef> name = symbol.getName();
    if (!name)
      llvm::consumeError(name.takeError());
    else if (name->starts_with(prefix))
      names.push_back(name->substr(prefix.size()).str());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<Model> loadLibrary(const std::string &path, std::string name, std::string &error) {
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    error = path + ": cannot be loaded: " + dlerror();
    return std::nullopt;
  }
  std::vector<std::string> known = modelsOf(path);
  if (known.empty()) {
    error = path + ": defines no model; write CORNET_MODEL(name) { return ...; } in its source";
    return std::nullopt;
  }
  if (name.empty() && known.size() == 1)
    name = known[0];
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    std::string list;
    for (const std::string &one : known)
      list += (list.empty() ? "" : ", ") + one;
    error = path + ": defines " +
            (name.empty() ? "several models; name one of them after a colon, as in model.cpp:" +
                                known[0] + "; it has"
                          : "no model '" + name + "'; it has") +
            ": " + list;
    return std::nullopt;
  }
  auto *make = reinterpret_cast<Model *(*)()>(dlsym(library, (prefix + name).c_str()));
  return *std::unique_ptr<Model>(make());
}

std::string shapeText(const Shape &shape) {
  std::string out;
  for (int64_t extent : shape)
    out += (out.empty() ? "" : ", ") + std::to_string(extent);
  return "(" + out + ")";
}

} // namespace

std::string takeWeights(const Model &model, const std::string &path) {
  if (path.ends_with(".weights.h5") || import::holdsWeightsOnly(path))
    return takePlacedWeights(model, path);
  import::Imported imported = import::importModel(path);
  if (!imported.error.empty()) // perhaps by a layer that is not known here
    return takePlacedWeights(model, path).empty() ? "" : imported.error;
  std::vector<VariablePtr> to = model.variables(), from = imported.model.variables();
  if (to.size() != from.size())
    return path + ": has " + std::to_string(from.size()) + " weights, the model '" + model.name +
           "' has " + std::to_string(to.size()) + "; is it the same network?";
  std::map<std::string, VariablePtr> named;
  for (const VariablePtr &variable : from)
    named[variable->name] = variable;
  if (std::all_of(to.begin(), to.end(),
                  [&](const VariablePtr &variable) { return named.contains(variable->name); }))
    for (size_t i = 0; i < to.size(); ++i)
      from[i] = named[to[i]->name];
  else if (takePlacedWeights(model, path).empty())
    return "";
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

std::optional<Model> loadModel(const Source &source, std::string &error) {
  std::optional<Model> model;
  if (source.kind == Source::Library) {
    model = loadLibrary(source.path, source.model, error);
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

} // namespace cornet::cli
