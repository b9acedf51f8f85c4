// SPDX-License-Identifier: Apache-2.0
#include "codegen/cpu/Toom.h"

namespace cornet::cpu {
namespace {

/// The coefficients of p(x) (x - a), lowest first.
std::vector<double> timesRoot(const std::vector<double> &p, double a) {
  std::vector<double> out(p.size() + 1, 0);
  for (size_t i = 0; i < p.size(); ++i)
    out[i + 1] += p[i], out[i] -= a * p[i];
  return out;
}

} // namespace

Toom::Toom(int64_t m, int64_t r) : m(m), r(r), alpha(m + r - 1) {
  assert(alpha <= kMostProducts);
  if (m == 1 || r == 1) { // products are the sum's own terms
    alpha = std::max(m, r);
    auto unit = [](size_t n) {
      Matrix one(n, std::vector<double>(n, 0));
      for (size_t i = 0; i < n; ++i)
        one[i][i] = 1;
      return one;
    };
    input = unit(size_t(alpha));
    weights = r == 1 ? Matrix(size_t(alpha), {1.0}) : unit(size_t(r));
    output = m == 1 ? Matrix(1, std::vector<double>(size_t(alpha), 1)) : unit(size_t(m));
    return;
  }
  // Of the three, weights are transformed for the fewest products each: they get the plain matrix,
  // the outputs the factors.
  static constexpr double kPoints[] = {0, 1, -1, 2, -2, 0.5, -0.5};
  size_t n = size_t(alpha), finite = n - 1;
  input.assign(n, std::vector<double>(n, 0));
  weights.assign(n, std::vector<double>(size_t(r), 0));
  output.assign(size_t(m), std::vector<double>(n, 0));
  std::vector<double> whole{1};
  for (size_t i = 0; i < finite; ++i) {
    double a = kPoints[i], scale = 1;
    std::vector<double> others{1};
    for (size_t j = 0; j < finite; ++j)
      if (j != i)
        others = timesRoot(others, kPoints[j]), scale *= a - kPoints[j];
    std::copy(others.begin(), others.end(), input[i].begin());
    for (size_t k = 0; k < size_t(r); ++k)
      weights[i][k] = std::pow(a, double(k));
    for (size_t j = 0; j < size_t(m); ++j)
      output[j][i] = std::pow(a, double(j)) / scale;
    whole = timesRoot(whole, a);
  }
  std::copy(whole.begin(), whole.end(), input[finite].begin());
  weights[finite][size_t(r) - 1] = 1;
  output[size_t(m) - 1][finite] = 1;
}

} // namespace cornet::cpu
