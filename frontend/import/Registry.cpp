// SPDX-License-Identifier: Apache-2.0
//
// One line per layer: its class name and the function that makes it. The attributes are those that
// the options struct lists in fields(); an attribute that is in the file but not in the list must
// be one that changes nothing at inference, or be off.
#include "frontend/import/Registry.h"

#include "frontend/import/Training.h"

#include <cornet/augmentation.h>
#include <cornet/options.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace cornet::import {
namespace {

using Json = nlohmann::json;

/// Reads the fields of an options struct from a configuration.
class Reader {
public:
  Reader(const Json &config, std::string where, std::vector<std::string> &problems)
      : config(config), where(std::move(where)), problems(problems) {}

  /// Keras writes a one-dimensional window as a list of one.
  void operator()(const char *name, int64_t &field) {
    read(name, [&](const Json &v) {
      const Json &one = v.is_array() && v.size() == 1 ? v[0] : v;
      return one.is_number_integer() && (field = one, true);
    });
  }
  void operator()(const char *name, bool &field) {
    read(name, [&](const Json &v) { return v.is_boolean() && (field = v, true); });
  }
  void operator()(const char *name, double &field) {
    read(name, [&](const Json &v) { return v.is_number() && (field = v, true); });
  }
  void operator()(const char *name, std::string &field) {
    read(name, [&](const Json &v) { return v.is_string() && (field = v, true); });
  }
  /// A list of extents; one number is a list of one, null in a list an extent that the input
  /// decides.
  void operator()(const char *name, Shape &field) {
    read(name, [&](const Json &v) {
      Json list = v.is_number_integer() ? Json::array({v}) : v;
      if (!list.is_array() || !std::all_of(list.begin(), list.end(), [](const Json &e) {
            return e.is_number_integer() || e.is_null();
          }))
        return false;
      field.clear();
      for (const Json &item : list)
        field.push_back(item.is_null() ? -1 : item.get<int64_t>());
      return true;
    });
  }
  void operator()(const char *name, std::vector<double> &field) {
    read(name, [&](const Json &v) { return field.clear(), numbers(v, field); });
  }
  void operator()(const char *name, Factor &field) {
    read(name, [&](const Json &v) { return factor(v, field); });
  }
  void operator()(const char *name, std::optional<Factor> &field) {
    read(name, [&](const Json &v) { return factor(v, field.emplace(0)); });
  }
  /// A name, or a class with a configuration. One that is not known here starts weights that the
  /// file has values for, so that it is no mistake.
  void operator()(const char *name, Initializer &field) {
    read(name, [&](const Json &v) {
      if (v.is_string() && checkInitializer(v).empty())
        field.name = v;
      if (v.is_object()) {
        std::string known = snakeCase(v.value("class_name", ""));
        if (checkInitializer(known).empty())
          field.name = known;
        const Json config = v.value("config", Json::object());
        for (auto [key, value] : config.items())
          if (key == "value" && value.is_number())
            field.value = value;
          else if (key == "seed" && value.is_number_unsigned())
            field.seed = value;
      }
      return true;
    });
  }
  void operator()(const char *name, std::shared_ptr<Regularizer> &field) {
    read(name, [&](const Json &v) {
      field = v.is_string() ? regularizer(v) : makeRegularizer(described(v), problems);
      return true;
    });
  }
  void operator()(const char *name, std::shared_ptr<Constraint> &field) {
    read(name, [&](const Json &v) {
      field = v.is_string() ? constraint(v) : makeConstraint(described(v), problems);
      return true;
    });
  }
  void operator()(const char *name, Pair &field) {
    read(name, [&](const Json &v) { return pair(v, field); });
  }
  void operator()(const char *name, Pair &first, Pair &second) {
    read(name, [&](const Json &v) {
      Pair both = 0;
      if (v.is_array() && v.size() == 2 && v[0].is_array())
        return pair(v[0], first) && pair(v[1], second);
      if (!pair(v, both))
        return false;
      first = Pair(both.height), second = Pair(both.width);
      return true;
    });
  }

  /// Reports what the file says and nobody read.
  void finish() {
    static const std::set<std::string> idle = {"name",
                                               "trainable",
                                               "dtype",
                                               "kernel_initializer",
                                               "bias_initializer",
                                               "depthwise_initializer",
                                               "beta_initializer",
                                               "gamma_initializer",
                                               "moving_mean_initializer",
                                               "moving_variance_initializer",
                                               "kernel_regularizer",
                                               "bias_regularizer",
                                               "activity_regularizer",
                                               "beta_regularizer",
                                               "gamma_regularizer",
                                               "depthwise_regularizer",
                                               "kernel_constraint",
                                               "bias_constraint",
                                               "depthwise_constraint",
                                               "beta_constraint",
                                               "gamma_constraint",
                                               "seed",
                                               "batch_input_shape",
                                               "embeddings_initializer",
                                               "embeddings_regularizer",
                                               "embeddings_constraint",
                                               "alpha_initializer",
                                               "alpha_regularizer",
                                               "alpha_constraint",
                                               "pointwise_initializer",
                                               "pointwise_regularizer",
                                               "pointwise_constraint",
                                               "renorm_momentum",
                                               "renorm_clipping"};
    for (const auto &[name, value] : config.items()) {
      bool off =
          value.is_null() || value == false || (name == "data_format" && value == "channels_last");
      if (!known.contains(name) && !idle.contains(name) && !off)
        problems.push_back(where + ": attribute '" + name + "' = " + value.dump() +
                           " is not supported");
    }
  }

private:
  static nlohmann::ordered_json described(const Json &v) {
    return nlohmann::ordered_json::parse(v.dump());
  }
  template <class F> void read(const char *name, F &&accept) {
    known.insert(name);
    auto it = config.find(name);
    if (it != config.end() && !it->is_null() && !accept(*it))
      problems.push_back(where + ": attribute '" + name + "' = " + it->dump() +
                         " is not understood");
  }
  static bool integers(const Json &v) {
    return v.is_array() &&
           std::all_of(v.begin(), v.end(), [](const Json &e) { return e.is_number_integer(); });
  }
  static bool numbers(const Json &v, std::vector<double> &out) {
    if (v.is_number())
      return out.push_back(v), true;
    return v.is_array() &&
           std::all_of(v.begin(), v.end(), [&](const Json &e) { return numbers(e, out); });
  }
  static bool factor(const Json &v, Factor &field) {
    std::vector<double> found;
    if (!numbers(v, found) || found.empty() || found.size() > 2)
      return false;
    field = found.size() == 1 ? Factor(found[0]) : Factor(found[0], found[1]);
    return true;
  }
  static bool pair(const Json &v, Pair &field) {
    if (v.is_number_integer())
      field = Pair(v.get<int64_t>());
    else if (integers(v) && v.size() == 2)
      field = Pair(v[0].get<int64_t>(), v[1].get<int64_t>());
    else
      return false;
    return true;
  }

  const Json &config;
  std::string where;
  std::vector<std::string> &problems;
  std::set<std::string> known;
};

/// Regularizers and constraints, which options have but do not list in fields(). They matter to
/// training alone, so that one that is not known stands in no model's way.
template <class Options> void readTerms(const Json &config, Options &options) {
  std::vector<std::string> unknown;
  auto read = [&](const char *name, auto &field, auto make) {
    if (auto it = config.find(name); it != config.end() && it->is_object())
      field = make(nlohmann::ordered_json(*it), unknown);
  };
#define CORNET_TERM(NAME)                                                                          \
  if constexpr (requires { options.NAME##_regularizer; })                                          \
    read(#NAME "_regularizer", options.NAME##_regularizer, makeRegularizer);                       \
  if constexpr (requires { options.NAME##_constraint; })                                           \
    read(#NAME "_constraint", options.NAME##_constraint, makeConstraint);
  CORNET_TERM(kernel)
  CORNET_TERM(bias)
  CORNET_TERM(activity)
  CORNET_TERM(depthwise)
  CORNET_TERM(pointwise)
  CORNET_TERM(embeddings)
  CORNET_TERM(alpha)
  CORNET_TERM(beta)
  CORNET_TERM(gamma)
#undef CORNET_TERM
}

using Maker = std::function<LayerPtr(const Json &, const std::string &where,
                                     std::vector<std::string> &problems)>;

template <class Options> Maker maker(Handle (*make)(Options, Where)) {
  return [make](const Json &config, const std::string &where, std::vector<std::string> &problems) {
    Options options{};
    Reader reader(config, where, problems);
    options.fields(reader), trainingFields(options, reader);
    reader.finish();
    readTerms(config, options);
    options.name = config.value("name", ""), options.dtype = policyOf(config);
    if (auto it = config.find("trainable"); it != config.end() && it->is_boolean())
      options.trainable = *it;
    return make(std::move(options), Where()).layer;
  };
}

const std::map<std::string, Maker> &makers() {
  static const std::map<std::string, Maker> table = {
      {"Dense", maker(Dense)},
      {"EinsumDense", maker(EinsumDense)},
      {"Embedding", maker(Embedding)},
      {"Activation", maker(Activation)},
      {"ReLU", maker(ReLU)},
      {"LeakyReLU", maker(LeakyReLU)},
      {"ELU", maker(ELU)},
      {"PReLU", maker(PReLU)},
      {"Softmax", maker(Softmax)},
      {"Conv1D", maker(Conv1D)},
      {"Conv2D", maker(Conv2D)},
      {"Conv2DTranspose", maker(Conv2DTranspose)},
      {"DepthwiseConv2D", maker(DepthwiseConv2D)},
      {"SeparableConv2D", maker(SeparableConv2D)},
      {"MaxPooling1D", maker(MaxPooling1D)},
      {"AveragePooling1D", maker(AveragePooling1D)},
      {"MaxPooling2D", maker(MaxPooling2D)},
      {"AveragePooling2D", maker(AveragePooling2D)},
      {"GlobalAveragePooling1D", maker(GlobalAveragePooling1D)},
      {"GlobalMaxPooling1D", maker(GlobalMaxPooling1D)},
      {"GlobalAveragePooling2D", maker(GlobalAveragePooling2D)},
      {"GlobalMaxPooling2D", maker(GlobalMaxPooling2D)},
      {"UpSampling2D", maker(UpSampling2D)},
      {"ZeroPadding1D", maker(ZeroPadding1D)},
      {"ZeroPadding2D", maker(ZeroPadding2D)},
      {"Cropping1D", maker(Cropping1D)},
      {"Cropping2D", maker(Cropping2D)},
      {"BatchNormalization", maker(BatchNormalization)},
      {"LayerNormalization", maker(LayerNormalization)},
      {"GroupNormalization", maker(GroupNormalization)},
      {"UnitNormalization", maker(UnitNormalization)},
      {"Normalization", maker(Normalization)},
      {"Rescaling", maker(Rescaling)},
      {"LayerScale", maker(LayerScale)},
      {"Dropout", maker(Dropout)},
      {"SpatialDropout1D", maker(SpatialDropout1D)},
      {"SpatialDropout2D", maker(SpatialDropout2D)},
      {"GaussianDropout", maker(GaussianDropout)},
      {"AlphaDropout", maker(AlphaDropout)},
      {"GaussianNoise", maker(GaussianNoise)},
      {"ActivityRegularization", maker(ActivityRegularization)},
      {"RandomFlip", maker(RandomFlip)},
      {"RandomRotation", maker(RandomRotation)},
      {"RandomTranslation", maker(RandomTranslation)},
      {"RandomZoom", maker(RandomZoom)},
      {"RandomShear", maker(RandomShear)},
      {"RandomCrop", maker(RandomCrop)},
      {"RandomContrast", maker(RandomContrast)},
      {"RandomBrightness", maker(RandomBrightness)},
      {"Flatten", maker(Flatten)},
      {"Reshape", maker(Reshape)},
      {"Permute", maker(Permute)},
      {"RepeatVector", maker(RepeatVector)},
      {"Add", maker(Add)},
      {"Subtract", maker(Subtract)},
      {"Multiply", maker(Multiply)},
      {"Average", maker(Average)},
      {"Maximum", maker(Maximum)},
      {"Minimum", maker(Minimum)},
      {"Concatenate", maker(Concatenate)},
      {"Dot", maker(Dot)},
  };
  return table;
}

} // namespace

std::string policyOf(const Json &config) {
  Json dtype = config.value("dtype", Json());
  if (dtype.is_object())
    dtype = dtype.value("config", Json::object()).value("name", Json());
  return dtype.is_string() ? dtype.get<std::string>() : "float32";
}

LayerPtr makeLayer(const std::string &kind, const Json &config,
                   std::vector<std::string> &problems) {
  std::string where = kind + " '" + config.value("name", "") + "'";
  auto it = makers().find(kind);
  if (it != makers().end())
    return it->second(config, where, problems);
  std::string known;
  for (const auto &[name, maker] : makers())
    known += (known.empty() ? "" : ", ") + name;
  problems.push_back(where + ": this layer is not supported; supported: " + known);
  return nullptr;
}

} // namespace cornet::import
