// SPDX-License-Identifier: Apache-2.0
//
// What the estimates of contractions are made of: fitted by `choices_bench --fit` to the zoo's
// contractions on an Intel Emerald Rapids with AVX-512, f32, one thread. What they lose there:
// codegen/README.md.
#pragma once

namespace cornet::cpu {

/// In the time in which one vector multiply-add can start after another.
struct Costs {
  // Direct sums.
  double weights = 2.5; ///< a vector of weights from the second cache, where panels outgrow
  double firstBytes = 32 << 10;
  double inputs = 15; ///< a vector of inputs that the next panel reads again

  // Patches.
  double products = 1.15; ///< multiply-adds of products in the time of one of direct sums
  double store = 4;       ///< a vector stored
  double far = 1;         ///< more of that for each doubling of transformed weights past
  double nearBytes = 96 << 10;
  double fetch = 8; ///< a vector of transformed inputs, where they outgrow half of a second cache
  double halfBytes = 512 << 10;
};

} // namespace cornet::cpu
