// SPDX-License-Identifier: Apache-2.0
//
// Saving: the configuration, the places of weights, and the file.
#include "frontend/export/Config.h"
#include "frontend/export/Files.h"
#include "frontend/export/Places.h"

#include <cornet/saving.h>

#include <algorithm>

namespace cornet {
namespace {

/// Every problem once, in the order of their finding.
void throwIfAny(const std::string &path, const std::vector<std::string> &problems) {
  std::string all;
  std::set<std::string> told;
  for (const std::string &problem : problems)
    if (told.insert(problem).second)
      all += (all.empty() ? "" : "\n") + problem;
  if (!all.empty())
    throw SavingError(path + ": the model cannot be saved:\n" + all);
}

void writeVariable(saving::Hdf5Image &image, const std::string &path, const Variable &variable) {
  std::vector<float> cells = variable.value();
  size_t count = 1;
  for (int64_t extent : variable.shape)
    count *= size_t(extent);
  if (cells.size() != count)
    throw SavingError("weight '" + variable.name + "' holds " + std::to_string(cells.size()) +
                      " cells, its shape has " + std::to_string(count));
  image.dataset(path, variable.shape, cells, variable.dtype);
}

std::vector<char> weightsFile(const Model &model, const SaveOptions &options,
                              std::vector<std::string> &problems) {
  saving::Hdf5Image image;
  std::set<std::string> groups;
  auto group = [&](const std::string &path, const std::string &name) {
    if (groups.insert(path).second)
      image.group(path, name);
  };
  auto below = [](const std::string &group, const std::string &name) {
    return group.empty() ? name : group + "/" + name;
  };
  for (const saving::Place &place : saving::places(model, problems)) {
    group(below(place.group, "vars"), place.name);
    for (const auto &[dataset, variable] : place.weights) {
      std::string at = below(place.group, dataset), parent = at.substr(0, at.rfind('/'));
      std::string owner = dataset.substr(0, dataset.rfind('/'));
      if (owner != "vars") // an object inside the layer
        owner = owner.substr(0, owner.rfind('/')),
        group(parent, owner.substr(owner.rfind('/') + 1));
      writeVariable(image, at, *variable);
    }
    if (!place.generator.empty()) {
      group(below(place.group, place.generator + "/vars"), "seed_generator");
      image.seed(below(place.group, place.generator + "/vars/0"), place.seed);
    }
  }
  if (!options.optimizer.empty()) {
    const std::string &first = options.optimizer[0]->name;
    image.group("optimizer/vars", first.substr(0, first.find('/')));
    for (size_t i = 0; i < options.optimizer.size(); ++i)
      writeVariable(image, "optimizer/vars/" + std::to_string(i), *options.optimizer[i]);
  }
  return image.bytes();
}

} // namespace

void save(const Model &model, const std::string &path, const SaveOptions &options) {
  if (!path.ends_with(".keras"))
    throw SavingError(path + ": models are saved to names that end in .keras; for the weights "
                             "alone there is saveWeights()");
  std::vector<std::string> problems;
  std::string config = saving::configuration(model, problems), metadata = saving::metadata();
  throwIfAny(path, problems);
  std::vector<char> weights = weightsFile(model, options, problems),
                    configBytes(config.begin(), config.end()),
                    metadataBytes(metadata.begin(), metadata.end());
  throwIfAny(path, problems);
  saving::writeAtomically(path, saving::zipArchive({{"metadata.json", &metadataBytes},
                                                    {"config.json", &configBytes},
                                                    {"model.weights.h5", &weights}}));
}

void saveWeights(const Model &model, const std::string &path, const SaveOptions &options) {
  if (!path.ends_with(".weights.h5"))
    throw SavingError(path + ": weights are saved to names that end in .weights.h5, by which "
                             "Keras knows them");
  std::vector<std::string> problems;
  std::vector<char> weights = weightsFile(model, options, problems);
  throwIfAny(path, problems);
  saving::writeAtomically(path, weights);
}

} // namespace cornet
