// SPDX-License-Identifier: Apache-2.0
//
// The options of a layer as Keras's configuration writes them, and what Keras's signatures ask of
// each class.
#pragma once

#include <cornet/options.h>

#include <nlohmann/json.hpp>

namespace cornet::saving {

/// Adds `options` of a layer of class `kind` to its configuration. A value that no configuration
/// can hold is appended to `problems`.
void writeOptions(const std::string &kind, const std::vector<Option> &options,
                  nlohmann::ordered_json &config, std::vector<std::string> &problems);

/// Whether the class is called on one list of tensors, also when there is one tensor.
bool takesList(const std::string &kind);
/// Whether the class takes each of its tensors as an argument of its own.
bool takesSeparate(const std::string &kind);

} // namespace cornet::saving
