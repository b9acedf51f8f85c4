// SPDX-License-Identifier: Apache-2.0
//
// What the estimates of contractions are made of, in the time in which one vector multiply-add can
// start after another. `choices_bench --fit` fits them to measurements; what the choices lose where
// that was done: codegen/README.md.
#pragma once

namespace cornet::cpu {

/// By default those of AMD Zen 4, whose cores start few multiply-adds for what they load and store.
struct Costs {
  // Direct sums.
  double weights = 0; ///< a vector of weights from the second cache, where panels outgrow
  double firstBytes = 32 << 10;
  double inputs = 0; ///< a vector of inputs that the next panel reads again

  // Patches.
  double products = 0.93; ///< multiply-adds of products in the time of one of direct sums
  double single = 0; ///< more of a row of products where one vector of outputs is a tile's width
  double store = 2;  ///< a vector stored
  double far = 1;    ///< more of that for each doubling of transformed weights past
  double nearBytes = 96 << 10;
  double fetch = 0; ///< a vector of transformed inputs, where they outgrow half of a second cache
  double halfBytes = 512 << 10;
};

/// Of Intel cores that start two multiply-adds of AVX-512 at a time: fitted to the zoo's
/// contractions on an Emerald Rapids, f32, one thread.
inline constexpr Costs kWideIntelCosts = {
    .weights = 2.5, .inputs = 15, .products = 1.15, .single = 0.1, .store = 4, .fetch = 8};

} // namespace cornet::cpu
