// SPDX-License-Identifier: Apache-2.0
// The steps of a plan with the time that each takes.
#pragma once

#include "Runner.h"

#include <vector>

namespace cornet::cli {

struct StepTime {
  cornet_step_spec spec; ///< strings live with the program
  cornet_step_work work;
  double nanoseconds; ///< the median over the calls
};

/// The plan for `batch` rows, or the smallest for 0; throws UserError naming those there are.
size_t planFor(const cornet_program &program, size_t entry, int64_t batch);

/// Calls plan number `plan`, whose batch must be the bound number of rows, once to warm up and then
/// `calls` times.
std::vector<StepTime> timeSteps(Runner &runner, size_t plan, int64_t calls);

double totalOf(const std::vector<StepTime> &steps); ///< nanoseconds

} // namespace cornet::cli
