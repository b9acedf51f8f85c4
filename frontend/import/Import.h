// SPDX-License-Identifier: Apache-2.0
//
// Keras files as models of the DSL: .keras (Keras 3) and .h5 (legacy), Sequential and functional,
// with nesting and shared layers, configuration and weights.
#pragma once

#include <cornet/model.h>

#include <string>

namespace cornet::import {

struct Imported {
  Model model;
  std::string
      error; ///< empty on success; else every problem, a line each, with layer and attribute
};

/// Reads the model at `path`. Never throws.
Imported importModel(const std::string &path);

/// Whether the .h5 file at `path` holds weights without a model. False where it cannot be read.
/// Never throws.
bool holdsWeightsOnly(const std::string &path);

/// Reads a model from its configuration, as Keras's to_json() writes it, with `weights` in the
/// order of get_weights(). Never throws.
Imported importConfiguration(const std::string &json,
                             const std::vector<std::vector<float>> &weights);

} // namespace cornet::import
