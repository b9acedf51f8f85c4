// SPDX-License-Identifier: Apache-2.0
//
// Where each weight of a model lies in a Keras 3 weights file: layers/<class>_<n>/vars/<i>, classes
// in snake case and numbered in Keras's order of layers, models inside models likewise. Saving and
// loading go by this one list.
#pragma once

#include "frontend/export/Network.h"

namespace cornet::saving {

/// One object of the file.
struct Place {
  std::string layer; ///< "block/dense"; that of the model itself is empty
  std::string name;  ///< what the attribute says: "dense"
  std::string group; ///< "layers/functional/layers/dense", empty for the model itself
  std::vector<std::pair<std::string, VariablePtr>> weights; ///< by dataset below the group
  /// A layer that stands at another place, too, in a model inside this one. Keras's loader makes
  /// two layers of it, so that its weights are written at each place; they are read at the first.
  bool again = false;
  /// The object of the layer that draws in training, if there is one. Its state is its seed and 0.
  std::string generator{};
  uint32_t seed = 0;
};

/// All objects of `model` in Keras's order. What stands in the way is appended to
/// `problems`.
std::vector<Place> places(const Model &model, std::vector<std::string> &problems);

/// One of the model's own layers that has weights, or a model in it, as the legacy format has it:
/// all its weights, trainable ones first.
struct LegacyPlace {
  std::string layer;
  std::vector<VariablePtr> weights;
};
std::vector<LegacyPlace> legacyPlaces(const Model &model, std::vector<std::string> &problems);

} // namespace cornet::saving
