// SPDX-License-Identifier: Apache-2.0
//
// What the rules of Infer.h are written with. A file of rules is a family of ops, and adds them to
// the table by name.
#pragma once

#include "ir/Infer/Infer.h"

namespace cornet::infer {

using Operands = std::span<const TensorType>;
using Ints = std::vector<int64_t>;
using Rule = Result (*)(Operands, const Attributes &);
struct Entry {
  Rule rule;
  size_t operands;    ///< 0: any number, at least one
  bool moves = false; ///< it moves cells and may have integers of 8 bits
};
using Table = std::map<std::string, Entry, std::less<>>;

/// Convolutions, pools, resizing, and their gradients.
void addWindows(Table &table);
/// Contractions, reductions, movements, and what chooses cells.
void addStructured(Table &table);

inline Result fail(std::string why) { return {{}, std::move(why)}; }

/// Thrown by attribute access inside a rule and turned into a Result by inferOp().
struct Missing {
  std::string why;
};

template <class T> const T &get(const Attributes &attributes, const char *name) {
  auto it = attributes.find(name);
  if (it == attributes.end())
    throw Missing{std::string("attribute '") + name + "' is missing"};
  if (const T *value = std::get_if<T>(&it->second))
    return *value;
  throw Missing{std::string("attribute '") + name + "' has the wrong kind"};
}

} // namespace cornet::infer
