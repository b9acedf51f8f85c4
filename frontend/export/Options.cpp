// SPDX-License-Identifier: Apache-2.0
//
// Options structs write "not given" as a value that makes no sense otherwise (strides of 0, an
// empty list); here these become None. Everything else is written as it is.
#include "frontend/export/Options.h"

#include <set>

namespace cornet::saving {
namespace {

using Json = nlohmann::ordered_json;

Json pairJson(const Pair &pair) { return Json::array({pair.height, pair.width}); }

/// "glorot_uniform" is GlorotUniform.
std::string className(const std::string &snake) {
  std::string out;
  bool upper = true;
  for (char c : snake) {
    if (c != '_')
      out += upper ? char(std::toupper(static_cast<unsigned char>(c))) : c;
    upper = c == '_';
  }
  return out;
}

Json initializerJson(const Initializer &initializer) {
  Json config = Json::object();
  if (initializer.name == "constant")
    config["value"] = initializer.value;
  else if (initializer.seed)
    config["seed"] = initializer.seed;
  if (config.empty())
    return initializer.name;
  return {{"module", "keras.initializers"},
          {"class_name", className(initializer.name)},
          {"config", std::move(config)},
          {"registered_name", nullptr}};
}

struct ToJson {
  Json operator()(std::monostate) const { return nullptr; }
  Json operator()(const Pair &pair) const { return pairJson(pair); }
  Json operator()(const std::pair<Pair, Pair> &pairs) const {
    return Json::array({pairJson(pairs.first), pairJson(pairs.second)});
  }
  Json operator()(const Initializer &initializer) const { return initializerJson(initializer); }
  Json operator()(const std::shared_ptr<Regularizer> &) const { return nullptr; }
  Json operator()(const std::shared_ptr<Constraint> &) const { return nullptr; }
  template <class T> Json operator()(const T &value) const { return value; }
};

/// Options whose value, when it is this one or below, is None to Keras.
bool meansNone(const std::string &name, const Option::Value &value) {
  static const std::set<std::string> negative = {"max_value", "output_padding"},
                                     zero = {"strides", "seed"},
                                     empty = {"bias_axes", "shared_axes", "mean", "variance",
                                              "noise_shape"};
  if (auto *integer = std::get_if<int64_t>(&value))
    return (negative.contains(name) && *integer < 0) || (zero.contains(name) && *integer == 0);
  if (auto *real = std::get_if<double>(&value))
    return negative.contains(name) && *real < 0;
  if (auto *pair = std::get_if<Pair>(&value))
    return (negative.contains(name) && pair->height < 0) ||
           (zero.contains(name) && pair->height == 0);
  if (auto *text = std::get_if<std::string>(&value))
    return empty.contains(name) && text->empty();
  if (auto *list = std::get_if<Shape>(&value))
    return empty.contains(name) && list->empty();
  if (auto *list = std::get_if<std::vector<double>>(&value))
    return empty.contains(name) && list->empty();
  return false;
}

/// Classes with a data_format, which is always channels_last and must be said: a user's keras.json
/// may say otherwise.
bool hasDataFormat(const std::string &kind) {
  static const std::set<std::string> more = {
      "Flatten",       "UpSampling2D", "UpSampling3D", "ZeroPadding1D",    "ZeroPadding2D",
      "ZeroPadding3D", "Cropping2D",   "Cropping3D",   "SpatialDropout2D", "SpatialDropout3D"};
  return kind.find("Conv") != std::string::npos || kind.find("Pooling") != std::string::npos ||
         kind.starts_with("Random") || more.contains(kind);
}

} // namespace

void writeOptions(const std::string &kind, const std::vector<Option> &options, Json &config,
                  std::vector<std::string> &problems) {
  for (const Option &option : options) {
    Json value =
        meansNone(option.name, option.value) ? Json(nullptr) : std::visit(ToJson(), option.value);
    if (kind == "EinsumDense" && option.name == "output_shape")
      for (Json &extent : value) // of which the input decides some
        if (extent < 0)
          extent = nullptr;
    if (kind == "Dot" && option.name == "axes" && value.size() == 1)
      value = value[0]; // one axis for both inputs
    config[option.name] = std::move(value);
  }
  if (hasDataFormat(kind))
    config["data_format"] = "channels_last";
  if (kind.starts_with("SpatialDropout")) // whose constructor does not take it
    config.erase("trainable");
}

bool takesList(const std::string &kind) {
  static const std::set<std::string> kinds = {
      "Add",     "Subtract", "Multiply",    "Average",   "Maximum",
      "Minimum", "Dot",      "Concatenate", "Attention", "AdditiveAttention"};
  return kinds.contains(kind);
}

bool takesSeparate(const std::string &kind) {
  return kind == "MultiHeadAttention" || kind == "GroupedQueryAttention";
}

} // namespace cornet::saving
