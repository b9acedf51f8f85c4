// SPDX-License-Identifier: Apache-2.0
//
// Models that are saved, loaded and compared: every layer that has vectors of Keras, and graphs of
// each shape that a recording can have.
#pragma once

#include "tests/frontend/Road.h"

#include <fstream>

namespace cornet::test {

inline std::string readFile(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

struct Sample {
  std::string name;
  Model model;
  std::vector<Cells> inputs;
};

/// Inputs for `model`, the same each time, of a batch of 2.
std::vector<Cells> inputsFor(const Model &model);
/// Numbers for every weight, the same each time; variances stay positive.
void fillWeights(const Model &model);

/// The models of tests/keras/layers.json with their weights and inputs.
std::vector<Sample> layerSamples();
/// Shared layers, models in models, several inputs and outputs, operations on tensors.
std::vector<Sample> graphSamples();

} // namespace cornet::test
