// SPDX-License-Identifier: Apache-2.0
#include "StepTimes.h"

#include "Errors.h"

#include <algorithm>
#include <fmt/format.h>

namespace cornet::cli {

size_t planFor(const cornet_program &program, size_t entry, int64_t batch) {
  std::string known;
  for (size_t i = 0, end = cornet_program_plan_count(&program, entry); i < end; ++i) {
    uint64_t rows = cornet_program_plan_batch(&program, entry, i);
    if (batch == 0 || rows == uint64_t(batch))
      return i;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", rows);
  }
  throw UserError(
      fmt::format("--batch {}: there is no plan for it, only for {}; others are served in parts",
                  batch, known));
}

std::vector<StepTime> timeSteps(Runner &runner, size_t plan, int64_t calls, double quantile) {
  std::vector<std::vector<uint64_t>> times;
  std::vector<uint64_t> once;
  runner.invoke();
  for (int64_t i = 0; i < calls; ++i) {
    runner.profile(plan, once);
    times.resize(once.size());
    for (size_t k = 0; k < once.size(); ++k)
      times[k].push_back(once[k]);
  }
  std::vector<StepTime> steps(times.size());
  for (size_t k = 0; k < times.size(); ++k) {
    check(cornet_program_step(&runner.program(), runner.entry(), plan, k, &steps[k].spec));
    check(cornet_program_step_work(&runner.program(), runner.entry(), plan, k, &steps[k].work));
    auto wanted = times[k].begin() + long(quantile * double(times[k].size()));
    std::nth_element(times[k].begin(), wanted, times[k].end());
    steps[k].nanoseconds = double(*wanted);
  }
  return steps;
}

double totalOf(const std::vector<StepTime> &steps) {
  double total = 0;
  for (const StepTime &step : steps)
    total += step.nanoseconds;
  return total;
}

} // namespace cornet::cli
