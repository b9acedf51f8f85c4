// SPDX-License-Identifier: Apache-2.0
//
// Keras files as models of the DSL: .keras (Keras 3) and .h5 (legacy), Sequential and functional, with
// nesting and shared layers, configuration and weights.
#pragma once

#include <cornet/model.h>

#include <string>

namespace cornet::import {

struct Imported {
  Model model;
  std::string error; ///< empty on success; else every problem, a line each, with layer and attribute
};

/// Reads the model at `path`. Never throws.
Imported importModel(const std::string &path);

} // namespace cornet::import
