// SPDX-License-Identifier: Apache-2.0
//
// Keras's operations on tensors, which stand in a configuration beside the layers: x + y is a
// member of class Add of keras.src.ops.numpy. One table serves reading and writing.
#pragma once

#include <cornet/model.h>

#include <nlohmann/json.hpp>

#include <optional>

namespace cornet::import {

/// An op as Keras writes it.
struct Operation {
  std::string module, kind;
  nlohmann::ordered_json config = nlohmann::ordered_json::object(); ///< but for the name
  bool list = false;                                                ///< tensors are one list
  std::vector<nlohmann::ordered_json> more{};                       ///< arguments after the tensors
  size_t result = 0; ///< which of its results is the op's
};

/// The operation that `node` of `graph` is; none when Keras has none for it.
std::optional<Operation> exportOperation(const Graph &graph, const Node &node);

/// Whether a module holds operations, not layers.
bool isOperationModule(const std::string &module);

/// Records the operation `kind` with this configuration and gives its results. `arguments` are
/// Keras's, in which each tensor is replaced by its index in `tensors` as {"tensor": i}. Throws
/// ImportError.
std::vector<Tensor> importOperation(const std::string &kind, const nlohmann::json &config,
                                    const nlohmann::json &arguments,
                                    const std::vector<Tensor> &tensors);

} // namespace cornet::import
