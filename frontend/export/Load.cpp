// SPDX-License-Identifier: Apache-2.0
//
// Loading: first every weight is read and compared, then, when nothing stands in the way, all are
// given to the model at once. Links of groups may run in a circle: walks stop at a certain depth.
#include "frontend/export/Places.h"
#include "frontend/import/Archive.h"
#include "frontend/import/Hdf5.h"

#include <cornet/saving.h>

#include "ir/Infer/Infer.h"

#include <algorithm>
#include <map>

namespace cornet {
namespace {

using import::Array;
using import::Hdf5File;
using import::ImportError;

/// Whether `name` is what `pattern` stands for: * is any text, ? any letter.
bool matches(const char *pattern, const char *name, const char *end) {
  if (*pattern == '*')
    return matches(pattern + 1, name, end) || (name != end && matches(pattern, name + 1, end));
  if (name == end)
    return !*pattern;
  return (*pattern == '?' || *pattern == *name) && matches(pattern + 1, name + 1, end);
}

/// A layer of the file.
struct Stored {
  std::string name;                  ///< "block/dense"
  std::string group;                 ///< where its datasets are
  std::vector<std::string> datasets; ///< of the legacy format: in order
  bool used = false;
};

constexpr int deepest = 32; ///< models in models, and objects in layers

std::string below(const std::string &group, const std::string &name) {
  return group.empty() ? name : group + "/" + name;
}

bool hasDatasets(const Hdf5File &file, const std::string &group) {
  return file.exists(group + "/vars") && !file.children(group + "/vars").empty();
}

/// The layers of a Keras 3 file by the names that their attributes say.
void listLayers(const Hdf5File &file, const std::string &group, const std::string &prefix,
                std::vector<Stored> &out, int depth = 0) {
  if (depth > deepest || !file.exists(below(group, "layers")))
    return;
  for (const std::string &child : file.children(below(group, "layers"))) {
    std::string at = below(group, "layers/" + child);
    std::string name =
        file.exists(at + "/vars") ? file.attribute(at + "/vars", "name") : std::string();
    name = prefix + (name.empty() ? child : name);
    bool inner = file.exists(at + "/layers");
    if (hasDatasets(file, at) || !inner)
      out.push_back({name, at, {}});
    listLayers(file, at, name + "/", out, depth + 1);
  }
}

/// The layers of a legacy file that have weights.
std::vector<Stored> listLegacy(const Hdf5File &file) {
  std::string root = file.exists("model_weights") ? "model_weights" : "/";
  std::vector<Stored> out;
  for (const std::string &layer : file.attributeList(root, "layer_names")) {
    std::string group = root == "/" ? layer : root + "/" + layer;
    Stored stored{layer, group, file.attributeList(group, "weight_names")};
    if (!stored.datasets.empty())
      out.push_back(std::move(stored));
  }
  return out;
}

/// The layer called `name`; else the only one whose last part is that of `name`.
Stored *find(std::vector<Stored> &layers, const std::string &name) {
  auto last = [](const std::string &path) { return path.substr(path.rfind('/') + 1); };
  Stored *found = nullptr;
  for (Stored &layer : layers)
    if (layer.name == name)
      return &layer;
  for (Stored &layer : layers)
    if (last(layer.name) == last(name)) {
      if (found)
        return nullptr;
      found = &layer;
    }
  return found;
}

class Loader {
public:
  Loader(const Model &model, const std::string &path, const LoadOptions &options)
      : model(model), path(path), options(options) {}

  LoadReport load() {
    Hdf5File file = open();
    std::vector<std::string> problems;
    bool legacy = !file.exists("layers") && !file.exists("vars");
    if (legacy)
      loadLegacy(file, problems);
    else
      loadPlaces(file, problems);
    for (size_t i = 0; i < options.optimizer.size(); ++i)
      take(file, "optimizer/vars/" + std::to_string(i), options.optimizer[i], "the optimizer");
    for (const Stored &layer : stored)
      if (!layer.used)
        report.unused.push_back(layer.name);
    finish(problems);
    return std::move(report);
  }

private:
  enum Outcome { Loaded, Missing, Mismatched };

  Hdf5File open() const {
    if (path.ends_with(".keras"))
      return Hdf5File::fromMemory(import::readArchiveMember(path, "model.weights.h5"), path);
    return Hdf5File::open(path);
  }

  /// Whether the options ask for `layer`: a pattern may name a model around it.
  bool wanted(const std::string &layer) const {
    if (options.only.empty())
      return true;
    for (const std::string &pattern : options.only)
      for (size_t at = layer.find('/');; at = layer.find('/', at + 1)) {
        size_t length = std::min(at, layer.size());
        if (matches(pattern.c_str(), layer.data(), layer.data() + length))
          return true;
        if (at == std::string::npos)
          break;
      }
    return false;
  }

  /// Reads one weight. What is wrong with it becomes a sentence, and stops the loading unless
  /// skip_mismatch.
  Outcome take(const Hdf5File &file, const std::string &dataset, const VariablePtr &variable,
               const std::string &layer) {
    if (!file.exists(dataset)) {
      errors.push_back("'" + dataset + "' is not in the file; " + layer + " wants it for '" +
                       variable->name + "' " + infer::text(variable->shape));
      return Missing;
    }
    Array array = file.read(dataset);
    if (array.shape != variable->shape) {
      errors.push_back("'" + dataset + "' is " + infer::text(array.shape) + ", but '" +
                       variable->name + "' of " + layer + " is " + infer::text(variable->shape));
      return Mismatched;
    }
    values.emplace_back(variable, std::move(array.data));
    return Loaded;
  }

  /// Loads the weights of one layer, all of them or none.
  void takeAll(const Hdf5File &file, const std::string &layer,
               const std::vector<std::pair<std::string, VariablePtr>> &weights) {
    size_t before = values.size();
    Outcome worst = Loaded;
    for (const auto &[dataset, variable] : weights)
      worst = std::max(worst, take(file, dataset, variable, "layer '" + layer + "'"));
    if (worst != Loaded)
      values.resize(before);
    (worst == Loaded    ? report.loaded
     : worst == Missing ? report.missing
                        : report.mismatched)
        .push_back(layer);
  }

  void loadPlaces(const Hdf5File &file, std::vector<std::string> &problems) {
    listLayers(file, "", "", stored);
    for (const saving::Place &place : saving::places(model, problems)) {
      if (place.weights.empty() || place.again)
        continue;
      Stored *source = nullptr;
      if (options.by_name) {
        source = find(stored, place.layer);
      } else {
        for (Stored &layer : stored)
          if (place.group == layer.group || place.group.starts_with(layer.group + "/"))
            source = &layer;
      }
      if (source)
        source->used = wanted(place.layer) || source->used;
      if (!wanted(place.layer))
        continue;
      if (!source && options.by_name) {
        report.missing.push_back(place.layer);
        continue;
      }
      std::string group = options.by_name ? source->group : place.group;
      std::vector<std::pair<std::string, VariablePtr>> weights;
      for (const auto &[dataset, variable] : place.weights)
        weights.emplace_back(below(group, dataset), variable);
      takeAll(file, place.layer, weights);
    }
    // Layers without weights have nothing to be used.
    std::erase_if(stored, [&](const Stored &layer) { return !holdsWeights(file, layer.group); });
  }

  /// Whether there are datasets in the group or in objects of the layer.
  bool holdsWeights(const Hdf5File &file, const std::string &group, int depth = 0) const {
    if (depth > deepest || hasDatasets(file, group))
      return depth <= deepest;
    for (const std::string &child : file.children(group))
      if (child != "vars" && child != "layers" && child != "seed_generator" &&
          child != "generator" && holdsWeights(file, group + "/" + child, depth + 1))
        return true;
    return false;
  }

  void loadLegacy(const Hdf5File &file, std::vector<std::string> &problems) {
    stored = listLegacy(file);
    if (stored.empty())
      throw ImportError(path + ": holds no weights of Keras: neither layers/... nor layer_names");
    std::vector<saving::LegacyPlace> places = saving::legacyPlaces(model, problems);
    if (!options.by_name && places.size() != stored.size()) {
      std::string sentence = path + ": has " + std::to_string(stored.size()) +
                             " layers with weights, the model '" + model.name + "' has " +
                             std::to_string(places.size()) + "; load by_name, or the same network";
      throw ImportError(sentence);
    }
    for (size_t i = 0; i < places.size(); ++i) {
      const saving::LegacyPlace &place = places[i];
      Stored *source = options.by_name ? find(stored, place.layer) : &stored[i];
      if (!wanted(place.layer))
        continue;
      if (!source) {
        report.missing.push_back(place.layer);
        continue;
      }
      source->used = true;
      std::vector<std::pair<std::string, VariablePtr>> weights;
      for (size_t w = 0; w < place.weights.size(); ++w)
        weights.emplace_back(w < source->datasets.size()
                                 ? source->group + "/" + source->datasets[w]
                                 : source->group + " (weight " + std::to_string(w) + ")",
                             place.weights[w]);
      takeAll(file, place.layer, weights);
    }
  }

  /// Throws what stands in the way, else gives the weights to the model.
  void finish(const std::vector<std::string> &problems) {
    std::string all;
    size_t told = 0;
    auto tell = [&](const std::string &sentence) {
      if (++told <= 10)
        all += (all.empty() ? "" : "\n") + path + ": " + sentence;
    };
    for (const std::string &problem : problems)
      tell(problem);
    if (!options.skip_mismatch)
      for (const std::string &error : errors)
        tell(error);
    if (told > 10)
      all += "\n" + path + ": and " + std::to_string(told - 10) + " more; is it the same network?";
    if (told)
      throw SavingError(all);
    for (auto &[variable, data] : values)
      variable->data = std::move(data);
  }

  const Model &model;
  const std::string &path;
  const LoadOptions &options;
  std::vector<Stored> stored;
  std::vector<std::pair<VariablePtr, std::vector<float>>> values;
  std::vector<std::string> errors;
  LoadReport report;
};

} // namespace

LoadReport loadWeights(const Model &model, const std::string &path, const LoadOptions &options) {
  try {
    return Loader(model, path, options).load();
  } catch (const ImportError &error) {
    std::string what = error.what();
    throw SavingError(what.starts_with(path) ? what : path + ": " + what);
  }
}

} // namespace cornet
