// SPDX-License-Identifier: Apache-2.0
//
// Layers by Keras's class name and configuration.
#pragma once

#include <cornet/layers.h>

#include <nlohmann/json_fwd.hpp>
#include <vector>

namespace cornet::import {

/// The layer that `config` describes. What is not understood is appended to `problems`, naming
/// `kind`, the layer and the attribute; then the result may be null.
LayerPtr makeLayer(const std::string &kind, const nlohmann::json &config,
                   std::vector<std::string> &problems);

/// The dtype policy of a configuration: a name, or a DTypePolicy (Policy in legacy files); float32
/// where there is none.
std::string policyOf(const nlohmann::json &config);

} // namespace cornet::import
