// SPDX-License-Identifier: Apache-2.0
//
// The table of composed layers: how the list of weights divides among the objects inside.
#include "frontend/import/Layout.h"

#include <algorithm>
#include <map>

namespace cornet::import {

std::string weightPlace(const std::string &kind, size_t index, size_t count) {
  static const std::map<std::string, std::vector<const char *>> composed = {
      {"SimpleRNN", {"cell"}},
      {"LSTM", {"cell"}},
      {"GRU", {"cell"}},
      {"Bidirectional", {"forward_layer/cell", "backward_layer/cell"}},
      {"TimeDistributed", {"layer"}},
      {"MultiHeadAttention", {"query_dense", "key_dense", "value_dense", "output_dense"}},
      {"GroupedQueryAttention", {"query_dense", "key_dense", "value_dense", "output_dense"}}};
  auto it = composed.find(kind);
  if (it == composed.end())
    return "vars/" + std::to_string(index);
  size_t each = std::max<size_t>(1, count / it->second.size());
  return std::string(it->second[std::min(index / each, it->second.size() - 1)]) + "/vars/" +
         std::to_string(index % each);
}

} // namespace cornet::import
