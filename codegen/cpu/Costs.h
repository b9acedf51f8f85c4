// SPDX-License-Identifier: Apache-2.0
//
// What the estimates of contractions are made of. `choices_bench --fit` fits them to measurements;
// where they were fitted, and what the model's choices lose with them: codegen/README.md.
#pragma once

namespace cornet::cpu {

/// In the time in which one vector multiply-add can start after another.
struct Costs {
  // Direct sums.
  double direct = 0.93; ///< multiply-adds that start, of those that could
  double weights = 0;   ///< a vector of weights from the second cache, where panels outgrow
  double firstBytes = 32 << 10;
  double inputs = 0; ///< a vector of inputs that the next panel reads again

  // Patches.
  double products = 0.93; ///< multiply-adds that start, of those that could
  double store = 2;       ///< a vector stored
  double far = 1;         ///< more of that for each doubling of transformed weights past
  double nearBytes = 96 << 10;
  double fetch = 0; ///< a vector of transformed inputs, where they outgrow the second cache
  double secondBytes = 1 << 20;
};

} // namespace cornet::cpu
