// SPDX-License-Identifier: Apache-2.0
//
// The options of a layer as a list of names and values, which is how writers of configurations see
// them. Options structs list their fields in fields(); this collects that list.
#pragma once

#include <cornet/layers.h>

#include <type_traits>

namespace cornet {

/// One option under Keras's name.
struct Option {
  /// Nothing is Keras's None. A pair of pairs is ((top, bottom), (left, right)).
  using Value = std::variant<std::monostate, bool, int64_t, double, std::string, Shape,
                             std::vector<double>, Pair, std::pair<Pair, Pair>, Initializer,
                             std::shared_ptr<Regularizer>, std::shared_ptr<Constraint>>;
  std::string name;
  Value value;
};

/// What fields() is called with. A field of a type that Value lacks does not compile: add it there
/// and to the writers.
struct OptionList {
  std::vector<Option> options;

  template <class T> void operator()(const char *name, const T &field) {
    if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>)
      options.push_back({name, int64_t(field)});
    else if constexpr (std::is_floating_point_v<T>)
      options.push_back({name, double(field)});
    else if constexpr (requires { field.lower, field.upper; }) // a range
      options.push_back({name, std::vector<double>{field.lower, field.upper}});
    else
      options.push_back({name, field});
  }
  template <class T> void operator()(const char *name, const std::optional<T> &field) {
    if (field)
      (*this)(name, *field);
    else
      options.push_back({name, std::monostate()});
  }
  void operator()(const char *name, const Pair &first, const Pair &second) {
    options.push_back({name, std::pair(first, second)});
  }
};

} // namespace cornet
