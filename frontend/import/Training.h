// SPDX-License-Identifier: Apache-2.0
//
// Optimizers, schedules, regularizers and constraints as Keras serializes them: {"class_name":
// "Adam", "config": {...}}. What is not understood is appended to `problems`, naming the class and
// the option; then the result may be null.
#pragma once

#include <cornet/constraints.h>
#include <cornet/optimizers.h>
#include <cornet/regularizers.h>

#include <nlohmann/json_fwd.hpp>

namespace cornet::import {

/// The order of an OptimizerMap's entries is that of its optimizers' variables: parse a file into
/// an ordered_json to keep it.
OptimizerPtr makeOptimizer(const nlohmann::ordered_json &object,
                           std::vector<std::string> &problems);
SchedulePtr makeSchedule(const nlohmann::ordered_json &object, std::vector<std::string> &problems);
RegularizerPtr makeRegularizer(const nlohmann::ordered_json &object,
                               std::vector<std::string> &problems);
ConstraintPtr makeConstraint(const nlohmann::ordered_json &object,
                             std::vector<std::string> &problems);

} // namespace cornet::import
