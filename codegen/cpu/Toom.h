// SPDX-License-Identifier: Apache-2.0
//
// Short correlations with few products, by Toom and Cook's polynomials (Winograd's convolutions):
// m outputs of a filter of r taps are A^T [(G w) * (B^T d)] with m + r - 1 products instead of m r.
// The matrices follow from as many points, one of them at infinity, at which polynomials are
// evaluated; points come as pairs a, -a, whose rows share their even and odd halves.
//
// Rounding errors grow with the size of the tile: the tests tabulate them.
#pragma once

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/SmallVector.h"

#include <cassert>
#include <cmath>
#include <cstdint>
#include <vector>

namespace cornet::cpu {

using Matrix = std::vector<std::vector<double>>;

struct Toom {
  /// The most products per axis; more lose more digits than they save time.
  static constexpr int64_t kMostProducts = 8;

  /// m outputs, r taps; m + r - 1 <= kMostProducts. One tap or one output needs no transform.
  Toom(int64_t m, int64_t r);

  int64_t m, r, alpha; ///< outputs, taps, products
  Matrix input;        ///< B^T, alpha x alpha
  Matrix weights;      ///< G, alpha x r
  Matrix output;       ///< A^T, m x alpha
};

/// `matrix` times the vector `x`, sharing what pairs of rows or of columns have in common. `ops`
/// has add, sub, mul(double, V) and fma(double, V, V). Null entries of x are zeros.
template <class V, class Ops>
llvm::SmallVector<V> multiply(const Matrix &matrix, llvm::ArrayRef<V> x, Ops &ops) {
  using Terms = llvm::SmallVector<std::pair<double, V>>;
  // The sum of the terms and a factor that is left to be multiplied with it.
  auto sum = [&](Terms terms) -> std::pair<double, V> {
    llvm::erase_if(terms, [](const auto &term) { return term.first == 0; });
    assert(!terms.empty() && "a row of zeros");
    if (auto one = llvm::find_if(terms, [](const auto &term) { return term.first == 1; });
        one != terms.end())
      std::swap(*one, terms.front()); // nothing is left to be multiplied
    double factor = terms.front().first;
    V acc = terms.front().second;
    for (auto &[c, v] : llvm::drop_begin(terms)) {
      double part = c / factor;
      acc = part == 1 ? ops.add(acc, v) : part == -1 ? ops.sub(acc, v) : ops.fma(part, v, acc);
    }
    return {factor, acc};
  };
  auto finish = [&](std::pair<double, V> value) {
    return value.first == 1 ? value.second : ops.mul(value.first, value.second);
  };
  size_t rows = matrix.size(), columns = x.size();
  // Columns i, i + 1 that differ in the signs of odd rows: their sum and difference do.
  llvm::SmallVector<V> sums(columns), differences(columns);
  std::vector<bool> paired(columns);
  for (size_t i = 1; i + 1 < columns && rows > 1; ++i) {
    bool pair = !paired[i];
    for (size_t j = 0; j < rows; ++j)
      pair &= matrix[j][i] != 0 && matrix[j][i + 1] == (j % 2 ? -1 : 1) * matrix[j][i];
    if (pair) {
      sums[i] = ops.add(x[i], x[i + 1]), differences[i] = ops.sub(x[i], x[i + 1]);
      paired[i] = paired[i + 1] = true;
      ++i;
    }
  }
  llvm::SmallVector<V> out(rows);
  for (size_t j = 0; j < rows; ++j) {
    Terms even, odd, all;
    bool mirrored = j + 1 < rows;
    for (size_t i = 0; i < columns; ++i) {
      if (mirrored)
        mirrored = matrix[j + 1][i] == (i % 2 ? -1 : 1) * matrix[j][i] && !paired[i];
      if (paired[i]) {
        if (sums[i])
          all.emplace_back(matrix[j][i], j % 2 ? differences[i] : sums[i]);
      } else {
        all.emplace_back(matrix[j][i], x[i]);
        (i % 2 ? odd : even).emplace_back(matrix[j][i], x[i]);
      }
    }
    auto zero = [](const auto &term) { return term.first == 0; };
    if (!mirrored || llvm::all_of(even, zero) || llvm::all_of(odd, zero)) {
      out[j] = finish(sum(all));
      continue;
    }
    auto e = sum(even), o = sum(odd);
    V base = finish(e);
    out[j] = o.first == 1 ? ops.add(base, o.second) : ops.fma(o.first, o.second, base);
    out[j + 1] = o.first == 1 ? ops.sub(base, o.second) : ops.fma(-o.first, o.second, base);
    ++j;
  }
  return out;
}

} // namespace cornet::cpu
