// SPDX-License-Identifier: Apache-2.0
//
// One line per class: its name and the function that makes it of its options, which are read by the
// lists that the options structs have.
#include "frontend/import/Training.h"

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

namespace cornet::import {
namespace {

using Json = nlohmann::ordered_json;
using Problems = std::vector<std::string>;

/// Reads the fields of an options struct from a configuration.
class Reader {
public:
  Reader(const Json &config, std::string kind, Problems &problems)
      : config(config), kind(std::move(kind)), problems(problems) {}

  /// Absent fields keep their defaults.
  template <class T> void operator()(const char *name, T &field) {
    seen.insert(name);
    if (auto it = config.find(name); it != config.end() && !read(*it, field))
      problems.push_back(kind + ": " + name + " is " + it->dump() + ", which is not understood");
  }
  /// Reports what the configuration says and nobody read.
  void finish() {
    for (const auto &[name, value] : config.items())
      if (!seen.contains(name) && !value.is_null() && name != "name")
        problems.push_back(kind + ": " + name + " = " + value.dump() + " is not supported");
  }

private:
  static bool read(const Json &v, bool &field) { return v.is_boolean() && (field = v, true); }
  static bool read(const Json &v, double &field) { return v.is_number() && (field = v, true); }
  static bool read(const Json &v, std::string &field) { return v.is_string() && (field = v, true); }
  /// Keras takes whole numbers written as reals.
  static bool read(const Json &v, int64_t &field) {
    if (!v.is_number() || double(v) != std::trunc(double(v)) || std::fabs(double(v)) > 1e15)
      return false;
    field = int64_t(double(v));
    return true;
  }
  template <class T> bool read(const Json &v, std::optional<T> &field) {
    T value{};
    if (!v.is_null() && !read(v, value))
      return false;
    field = v.is_null() ? std::nullopt : std::optional<T>(value);
    return true;
  }
  /// One number is a list of one.
  template <class T> bool read(const Json &v, std::vector<T> &field) {
    field.clear();
    for (const Json &item : v.is_array() ? v : Json::array({v}))
      if (T value{}; read(item, value))
        field.push_back(std::move(value));
      else
        return false;
    return true;
  }
  bool read(const Json &v, LearningRate &field) {
    if (v.is_number())
      field = double(v);
    else if (SchedulePtr schedule = makeSchedule(v, problems))
      field = schedule;
    return true; // or told by makeSchedule()
  }
  bool read(const Json &v, OptimizerPtr &field) {
    field = makeOptimizer(v, problems);
    return true;
  }
  bool read(const Json &v, OptimizerMap &field) {
    if (!v.is_object() || !v.contains("config"))
      return false;
    const Json &map = v["config"];
    if (!map.is_object() || !map.contains("default_optimizer") || !map.contains("optimizer_map") ||
        !map["optimizer_map"].is_object())
      return false;
    field.default_optimizer = makeOptimizer(map["default_optimizer"], problems);
    for (const auto &[pattern, optimizer] : map["optimizer_map"].items())
      field.optimizer_map.emplace_back(pattern, makeOptimizer(optimizer, problems));
    return true;
  }

  const Json &config;
  std::string kind;
  Problems &problems;
  std::set<std::string> seen;
};

template <class Result>
using Make = Result (*)(const Json &config, const std::string &kind, Problems &problems);

/// Options without the ones all optimizers share.
template <class Options, auto function>
auto plain(const Json &config, const std::string &kind, Problems &problems) {
  Options options;
  Reader reader(config, kind, problems);
  options.fields(reader);
  reader.finish();
  return function(options);
}

template <class Options, OptimizerPtr (*function)(Options, Where)>
OptimizerPtr wrapper(const Json &config, const std::string &kind, Problems &problems) {
  return plain<Options, +[](Options options) { return function(options, Where::current()); }>(
      config, kind, problems);
}

template <class Options, OptimizerPtr (*function)(Options, Where)>
OptimizerPtr trained(const Json &config, const std::string &kind, Problems &problems) {
  Options options;
  Reader reader(config, kind, problems);
  options.shared(reader), options.fields(reader);
  reader.finish();
  return function(options, Where::current());
}

/// Makes what `object` describes by the table, or says what it does not.
template <class Result>
Result make(const std::map<std::string, Make<Result>> &table, const char *what, const Json &object,
            Problems &problems) {
  if (!object.is_object() || !object.contains("class_name") || !object["class_name"].is_string()) {
    problems.push_back(std::string(what) + " " + object.dump() + " has no class_name");
    return nullptr;
  }
  std::string kind = object["class_name"];
  auto it = table.find(kind);
  if (it == table.end()) {
    std::string known;
    for (const auto &[name, entry] : table)
      known += (known.empty() ? "" : ", ") + name;
    problems.push_back(std::string(what) + " '" + kind + "' is unknown; known: " + known);
    return nullptr;
  }
  static const Json empty = Json::object();
  bool configured = object.contains("config") && object["config"].is_object();
  return it->second(configured ? object["config"] : empty, kind, problems);
}

} // namespace

OptimizerPtr makeOptimizer(const Json &object, Problems &problems) {
  static const std::map<std::string, Make<OptimizerPtr>> table = {
      {"SGD", trained<SGDOptions, SGD>},
      {"RMSprop", trained<RMSpropOptions, RMSprop>},
      {"Adagrad", trained<AdagradOptions, Adagrad>},
      {"Adadelta", trained<AdadeltaOptions, Adadelta>},
      {"Adam", trained<AdamOptions, Adam>},
      {"AdamW", trained<AdamWOptions, AdamW>},
      {"Adamax", trained<AdamaxOptions, Adamax>},
      {"Nadam", trained<NadamOptions, Nadam>},
      {"Ftrl", trained<FtrlOptions, Ftrl>},
      {"Lamb", trained<LambOptions, Lamb>},
      {"Lion", trained<LionOptions, Lion>},
      {"Adafactor", trained<AdafactorOptions, Adafactor>},
      {"Muon", trained<MuonOptions, Muon>},
      {"ScheduleFreeAdamW", trained<ScheduleFreeAdamWOptions, ScheduleFreeAdamW>},
      {"LossScaleOptimizer", wrapper<LossScaleOptimizerOptions, LossScaleOptimizer>},
      {"MultiOptimizer", wrapper<MultiOptimizerOptions, MultiOptimizer>},
  };
  return make(table, "optimizer", object, problems);
}

SchedulePtr makeSchedule(const Json &object, Problems &problems) {
  static const std::map<std::string, Make<SchedulePtr>> table = {
      {"ExponentialDecay", plain<ExponentialDecayOptions, ExponentialDecay>},
      {"InverseTimeDecay", plain<InverseTimeDecayOptions, InverseTimeDecay>},
      {"PiecewiseConstantDecay", plain<PiecewiseConstantDecayOptions, PiecewiseConstantDecay>},
      {"PolynomialDecay", plain<PolynomialDecayOptions, PolynomialDecay>},
      {"CosineDecay", plain<CosineDecayOptions, CosineDecay>},
      {"CosineDecayRestarts", plain<CosineDecayRestartsOptions, CosineDecayRestarts>},
  };
  return make(table, "schedule", object, problems);
}

RegularizerPtr makeRegularizer(const Json &object, Problems &problems) {
  static const std::map<std::string, Make<RegularizerPtr>> table = {
      {"L1", plain<L1Options, L1>},
      {"L2", plain<L2Options, L2>},
      {"L1L2", plain<L1L2Options, L1L2>},
      {"OrthogonalRegularizer", plain<OrthogonalRegularizerOptions, OrthogonalRegularizer>},
  };
  return make(table, "regularizer", object, problems);
}

ConstraintPtr makeConstraint(const Json &object, Problems &problems) {
  struct NonNegOptions {
    void fields(Reader &) {}
  };
  static const std::map<std::string, Make<ConstraintPtr>> table = {
      {"MaxNorm", plain<MaxNormOptions, MaxNorm>},
      {"NonNeg", plain<NonNegOptions, +[](NonNegOptions) { return NonNeg(); }>},
      {"UnitNorm", plain<UnitNormOptions, UnitNorm>},
      {"MinMaxNorm", plain<MinMaxNormOptions, MinMaxNorm>},
  };
  return make(table, "constraint", object, problems);
}

} // namespace cornet::import
