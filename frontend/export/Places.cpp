// SPDX-License-Identifier: Apache-2.0
//
// The walk of Keras's saver over a model: the model itself, then its layers in order, each object
// at the first place where it is met.
#include "frontend/export/Places.h"

#include "frontend/import/Layout.h"

#include <cornet/options.h>

#include <algorithm>
#include <map>

namespace cornet::saving {
namespace {

/// The object that draws for a layer in training; "" for others. Keras makes none where the rate
/// is 0.
std::string generatorOf(const std::string &kind, const std::vector<Option> &options) {
  static const std::set<std::string> drawing = {
      "Dropout",         "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
      "GaussianDropout", "AlphaDropout",     "GaussianNoise"};
  if (kind.starts_with("Random"))
    return "generator";
  for (const Option &option : options)
    if (option.name == "rate" || option.name == "stddev")
      return drawing.contains(kind) && std::get<double>(option.value) > 0 ? "seed_generator" : "";
  return "";
}

uint32_t seedOf(const std::vector<Option> &options) {
  for (const Option &option : options)
    if (auto *seed = std::get_if<int64_t>(&option.value); seed && option.name == "seed")
      return uint32_t(*seed);
  return 0;
}

class Walker {
public:
  explicit Walker(std::vector<std::string> &problems) : problems(problems) {}
  std::vector<Place> out;

  void walk(const Model &model, bool sequential, const std::string &group, const std::string &layer,
            const std::string &name, bool again = false) {
    Network network = mapNetwork(
        model, sequential, [](const Node &node) { return node.op; }, problems);
    out.push_back({layer, name, group, {}, again});
    std::map<std::string, int> used;
    for (const Member &member : network.members) {
      bool counts =
          member.kind == Member::Layer || (member.kind == Member::Input && !network.sequential);
      if (!counts)
        continue;
      std::string base = member.layer ? groupName(*member.layer) : "input_layer";
      int n = used[base]++;
      std::string at = (group.empty() ? "" : group + "/") + "layers/" + base +
                       (n ? "_" + std::to_string(n) : "");
      std::string path = (layer.empty() ? "" : layer + "/") + member.name;
      if (!member.layer)
        out.push_back({path, member.name, at, {}, again});
      else
        place(*member.layer, at, path, member.name);
    }
  }

private:
  /// A model that is no chain of layers is functional, also when Sequential() made it.
  std::string groupName(const Layer &layer) {
    if (layer.kind != "Sequential" || !layer.nested())
      return snakeCase(layer.kind);
    std::vector<std::string> ignored;
    return mapNetwork(
               *layer.nested(), true, [](const Node &node) { return node.op; }, ignored)
                   .sequential
               ? "sequential"
               : "functional";
  }

  void place(const Layer &layer, const std::string &at, const std::string &path,
             const std::string &name) {
    bool again = !visited.insert(layer.number).second;
    if (layer.nested())
      return walk(*layer.nested(), madeSequential(&layer), at, path, name, again);
    Place place{path, name, at, {}, again};
    auto options = layer.config();
    if (options)
      place.generator = generatorOf(layer.kind, *options), place.seed = seedOf(*options);
    for (size_t i = 0; i < layer.weights.size(); ++i)
      place.weights.emplace_back(import::weightPlace(layer.kind, i, layer.weights.size()),
                                 layer.weights[i]);
    out.push_back(std::move(place));
    if (!options) // a class of the user's own: the layers inside by their names
      for (const LayerPtr &part : layer.parts)
        this->place(*part, at + "/" + part->name, path + "/" + part->name, part->name);
  }

  std::vector<std::string> &problems;
  std::set<uint64_t> visited;
};

} // namespace

std::vector<Place> places(const Model &model, std::vector<std::string> &problems) {
  Walker walker(problems);
  walker.walk(model, madeSequential(model.layer.get()), "", "", model.name);
  return std::move(walker.out);
}

std::vector<LegacyPlace> legacyPlaces(const Model &model, std::vector<std::string> &problems) {
  std::vector<LegacyPlace> out;
  for (const Place &place : places(model, problems)) {
    if (place.again)
      continue;
    std::string layer = place.layer.substr(0, place.layer.find('/'));
    auto it = std::find_if(out.begin(), out.end(),
                           [&](const LegacyPlace &known) { return known.layer == layer; });
    if (it == out.end() && !place.weights.empty())
      it = out.insert(out.end(), {layer, {}});
    for (const auto &[dataset, variable] : place.weights)
      it->weights.push_back(variable);
  }
  for (LegacyPlace &place : out) {
    std::vector<VariablePtr> sorted;
    for (bool trainable : {true, false})
      for (const VariablePtr &variable : place.weights)
        if (variable->trainable == trainable)
          sorted.push_back(variable);
    place.weights = std::move(sorted);
  }
  return out;
}

} // namespace cornet::saving
