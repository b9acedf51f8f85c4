// SPDX-License-Identifier: Apache-2.0
//
// What a program is made of, before it is IR.
#pragma once

#include <cornet/model.h>

namespace cornet {

/// A function of a program: what a graph computes from its inputs, and the new values of the
/// variables it assigns.
struct EntryPoint {
  std::string name;
  std::shared_ptr<Graph> graph;
  std::vector<Tensor> inputs;
  std::vector<std::pair<std::string, Tensor>> outputs; ///< and their names
  bool whole = false;             ///< called on whole batches, whose rows may be mixed
  std::vector<int64_t> batches{}; ///< rows to compile for; empty: as the compiler is told
};

/// A program over one set of variables: the entry points, `initialize`, which gives every variable
/// its first value, and for each of `resets` an entry point of that name that does so for some.
struct ProgramDescription {
  std::string name;
  std::vector<EntryPoint> entries;
  bool initialize = false;
  std::vector<std::pair<std::string, std::vector<VariablePtr>>> resets;
  /// What variables are called, where that is not their own name; all different.
  std::map<const Variable *, std::string> names{};
};

} // namespace cornet
