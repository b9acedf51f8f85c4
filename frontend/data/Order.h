// SPDX-License-Identifier: Apache-2.0
// The order in which a pass goes through shuffled samples. It follows from the seed and the number
// of the pass alone, on every machine, so that a training that is resumed sees the same one.
#pragma once

#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

namespace cornet::data {

/// The numbers 0 to rows - 1, shuffled (Fisher and Yates).
inline std::vector<int64_t> shuffledOrder(int64_t rows, uint64_t seed, uint64_t pass) {
  std::vector<int64_t> order(static_cast<size_t>(rows));
  std::iota(order.begin(), order.end(), 0);
  std::mt19937_64 bits(seed * 0x9E3779B97F4A7C15u + pass + 1);
  for (size_t i = order.size(); i > 1; --i)
    std::swap(order[i - 1], order[size_t((__uint128_t(bits()) * i) >> 64)]);
  return order;
}

} // namespace cornet::data
