// SPDX-License-Identifier: Apache-2.0
// Model sources as models of the DSL. Nothing of MLIR.
#pragma once

#include "driver/Driver.h"

#include <cornet/model.h>

#include <optional>
#include <string>

namespace cornet::cli {

/// The DSL's model of a library or a Keras file; nullopt with every mistake in `error`, a line
/// each.
std::optional<Model> loadModel(const Source &source, std::string &error);

/// Gives the weights of the Keras file at `path` to `model`: those of a whole model by name when
/// both have the same names, else by place, as Keras does, else one by one in order; those of a
/// file without a model by place. What does not fit is said.
std::string takeWeights(const Model &model, const std::string &path);

/// The same for a .weights.h5.
std::string takePlacedWeights(const Model &model, const std::string &path);

} // namespace cornet::cli
