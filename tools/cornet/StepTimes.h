// SPDX-License-Identifier: Apache-2.0
// The steps of a plan with the time that each takes.
#pragma once

#include "Runner.h"

#include <vector>

namespace cornet::cli {

struct StepTime {
  cornet_step_spec spec; ///< strings live with the program
  cornet_step_work work;
  double nanoseconds; ///< of a call: the median, or what timeSteps() was asked for
};

/// The plan for `batch` rows, or the smallest for 0; throws UserError naming those there are.
size_t planFor(const cornet_program &program, size_t entry, int64_t batch);

/// Calls plan number `plan`, whose batch must be the bound number of rows, once to warm up and then
/// `calls` times. A step's time is that which so many of its calls, as a fraction, do not exceed.
std::vector<StepTime> timeSteps(Runner &runner, size_t plan, int64_t calls, double quantile = 0.5);

double totalOf(const std::vector<StepTime> &steps); ///< nanoseconds

} // namespace cornet::cli
