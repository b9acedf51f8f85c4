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

std::string lastPart(const std::string &path) { return path.substr(path.rfind('/') + 1); }

/// The seed of a layer that draws in training, -1 of others. Keras makes no generator where the
/// rate is 0.
int64_t seedOf(const Layer &layer) {
  static const std::set<std::string> drawing = {
      "Dropout",         "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D",
      "GaussianDropout", "AlphaDropout",     "GaussianNoise"};
  auto options = layer.config();
  if (!drawing.contains(layer.kind) || !options)
    return -1;
  bool draws = false;
  int64_t seed = 0;
  for (const Option &option : *options)
    if (option.name == "rate" || option.name == "stddev")
      draws = std::get<double>(option.value) > 0;
    else if (auto *given = std::get_if<int64_t>(&option.value); option.name == "seed" && given)
      seed = *given;
  return draws ? std::max<int64_t>(seed, 0) : -1;
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
        place(*member.layer, *model.graph, at, path, member.name);
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

  void place(const Layer &layer, const Graph &graph, const std::string &at, const std::string &path,
             const std::string &name) {
    bool again = !visited.insert(layer.number).second;
    if (layer.nested())
      return walk(*layer.nested(), madeSequential(&layer), at, path, name, again);
    Place place{path, name, at, {}, again, seedOf(layer)};
    for (size_t i = 0; i < layer.weights.size(); ++i)
      place.weights.emplace_back(import::weightPlace(layer.kind, i, layer.weights.size()),
                                 layer.weights[i]);
    out.push_back(std::move(place));
    if (!layer.config())
      placeInner(layer, graph, at, path, again);
  }

  /// The weights of layers that a class of the user's own calls: by the names of those layers.
  void placeInner(const Layer &layer, const Graph &graph, const std::string &at,
                  const std::string &path, bool again) {
    std::set<const Variable *> seen;
    for (const VariablePtr &weight : layer.weights)
      seen.insert(weight.get());
    std::map<std::string, size_t> groups; // index into out
    for (const LayerCall &call : graph.calls)
      for (int node = call.first; call.layer == layer.number && node < call.last; ++node) {
        const VariablePtr &variable = graph.nodes[size_t(node)].variable;
        if (!variable || !seen.insert(variable.get()).second)
          continue;
        std::string inner = variable->name;
        if (inner.starts_with(layer.path + "/"))
          inner = inner.substr(layer.path.size() + 1);
        inner = inner.substr(0, inner.rfind('/'));
        auto [it, isNew] = groups.try_emplace(inner, out.size());
        if (isNew)
          out.push_back({path + "/" + inner, lastPart(inner), at + "/" + inner, {}, again});
        auto &weights = out[it->second].weights;
        weights.emplace_back("vars/" + std::to_string(weights.size()), variable);
      }
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
