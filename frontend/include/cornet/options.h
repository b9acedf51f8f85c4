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

/// Calls `v` with the options of `o` about how weights start and are trained, of which each layer
/// has some; fields() lists its others.
template <class Options, class V> void trainingFields(Options &o, V &&v) {
#define CORNET_FIELD(NAME)                                                                         \
  if constexpr (requires { o.NAME; })                                                              \
  v(#NAME, o.NAME)
#define CORNET_WEIGHT_FIELDS(WEIGHT)                                                               \
  CORNET_FIELD(WEIGHT##_initializer);                                                              \
  CORNET_FIELD(WEIGHT##_regularizer);                                                              \
  CORNET_FIELD(WEIGHT##_constraint)
  CORNET_WEIGHT_FIELDS(kernel);
  CORNET_WEIGHT_FIELDS(recurrent);
  CORNET_WEIGHT_FIELDS(depthwise);
  CORNET_WEIGHT_FIELDS(pointwise);
  CORNET_WEIGHT_FIELDS(bias);
  CORNET_WEIGHT_FIELDS(embeddings);
  CORNET_WEIGHT_FIELDS(alpha);
  CORNET_WEIGHT_FIELDS(beta);
  CORNET_WEIGHT_FIELDS(gamma);
  CORNET_FIELD(moving_mean_initializer);
  CORNET_FIELD(moving_variance_initializer);
  CORNET_FIELD(activity_regularizer);
#undef CORNET_WEIGHT_FIELDS
#undef CORNET_FIELD
}

/// The class and options of a regularizer or constraint, as Keras writes them.
struct Described {
  std::string kind;
  std::vector<Option> options;
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
    else if constexpr (std::is_same_v<T, PerChannel>)
      field.size() == 1 ? options.push_back({name, field[0]})
                        : options.push_back({name, std::vector<double>(field)});
    else if constexpr (requires { field.lower, field.upper; }) // one number is to both sides of 0
      field.lower == -field.upper
          ? options.push_back({name, field.upper})
          : options.push_back({name, std::vector<double>{field.lower, field.upper}});
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
