// SPDX-License-Identifier: Apache-2.0
//
// A model's configuration as the config.json of a .keras file.
#pragma once

#include <cornet/model.h>

namespace cornet::saving {

/// The text of config.json. What Keras has no name for is appended to `problems`, a line each.
std::string configuration(const Model &model, std::vector<std::string> &problems);

/// The text of metadata.json.
std::string metadata();

} // namespace cornet::saving
