// SPDX-License-Identifier: Apache-2.0
//
// Loops.h: dimensions that lie in a row in every operand are one; products go through registers,
// kRows x kColumns sums at a time.
#include "ir/Reference/Loops.h"

#include <algorithm>

namespace cornet::reference {
namespace {

constexpr int64_t kRows = 4, kColumns = 16;

/// addProducts() for `r` rows and `columns` columns, at most kRows and kColumns; with constants as
/// arguments the compiler keeps the sums in registers.
[[gnu::always_inline]] inline void addBlock(double *const *rows, const double *const *left,
                                            int64_t depth, const double *right, int64_t pitch,
                                            int64_t r, int64_t columns) {
#pragma clang fp contract(off)
  double sums[kRows][kColumns];
  for (int64_t i = 0; i < r; ++i)
    for (int64_t j = 0; j < columns; ++j)
      sums[i][j] = rows[i][j];
  for (int64_t k = 0; k < depth; ++k, right += pitch)
    for (int64_t i = 0; i < r; ++i)
      for (int64_t j = 0; j < columns; ++j)
        sums[i][j] += left[i][k] * right[j];
  for (int64_t i = 0; i < r; ++i)
    for (int64_t j = 0; j < columns; ++j)
      rows[i][j] = sums[i][j];
}

[[gnu::always_inline]] inline void addPanel(double *const *rows, const double *const *left,
                                            int64_t count, int64_t depth, const double *right,
                                            int64_t pitch, int64_t columns) {
  while (count > 0) {
    int64_t r = count >= kRows ? kRows : 1;
    if (columns < kColumns)
      addBlock(rows, left, depth, right, pitch, r, columns);
    else if (r == kRows)
      addBlock(rows, left, depth, right, pitch, kRows, kColumns);
    else
      addBlock(rows, left, depth, right, pitch, 1, kColumns);
    count -= r, rows += r, left += r;
  }
}

using Panel = void(double *const *, const double *const *, int64_t, int64_t, const double *,
                   int64_t, int64_t);

void addPanelAnywhere(double *const *rows, const double *const *left, int64_t count, int64_t depth,
                      const double *right, int64_t pitch, int64_t columns) {
  addPanel(rows, left, count, depth, right, pitch, columns);
}

#ifdef __x86_64__
[[gnu::target("avx512f")]] void addPanelAvx512(double *const *rows, const double *const *left,
                                               int64_t count, int64_t depth, const double *right,
                                               int64_t pitch, int64_t columns) {
  addPanel(rows, left, count, depth, right, pitch, columns);
}
[[gnu::target("avx2")]] void addPanelAvx2(double *const *rows, const double *const *left,
                                          int64_t count, int64_t depth, const double *right,
                                          int64_t pitch, int64_t columns) {
  addPanel(rows, left, count, depth, right, pitch, columns);
}
#endif

Panel *panelHere() {
#ifdef __x86_64__
  if (__builtin_cpu_supports("avx512f"))
    return addPanelAvx512;
  if (__builtin_cpu_supports("avx2"))
    return addPanelAvx2;
#endif
  return addPanelAnywhere;
}

} // namespace

void forEach(llvm::ArrayRef<int64_t> shape,
             llvm::function_ref<void(llvm::ArrayRef<int64_t>)> body) {
  for (int64_t extent : shape)
    if (extent == 0)
      return;
  llvm::SmallVector<int64_t> index(shape.size(), 0);
  for (;;) {
    body(index);
    size_t d = shape.size();
    while (d > 0 && ++index[d - 1] == shape[d - 1])
      index[--d] = 0;
    if (d == 0)
      return;
  }
}

void forEachRow(llvm::ArrayRef<const HostTensor *> in, llvm::ArrayRef<int64_t> shape,
                llvm::function_ref<void(const double **, const int64_t *, int64_t)> body) {
  // extents[d] cells, steps[d * n + k] apart in operand k.
  size_t n = in.size();
  llvm::SmallVector<int64_t> extents, steps;
  for (size_t d = 0; d < shape.size(); ++d) {
    if (shape[d] == 1)
      continue;
    bool joins = !extents.empty();
    llvm::SmallVector<int64_t> step;
    for (const HostTensor *operand : in) {
      size_t shift = shape.size() - operand->shape.size();
      bool moves = d >= shift && operand->shape[d - shift] != 1;
      step.push_back(moves ? operand->strides()[d - shift] : 0);
      joins = joins && steps[steps.size() - n + step.size() - 1] == step.back() * shape[d];
    }
    if (joins) {
      extents.back() *= shape[d];
      llvm::copy(step, steps.end() - ptrdiff_t(n));
    } else {
      extents.push_back(shape[d]);
      steps.append(step.begin(), step.end());
    }
  }
  if (extents.empty())
    extents.push_back(1), steps.append(n, 0);
  llvm::SmallVector<const double *> rows(n);
  const int64_t *inner = steps.end() - ptrdiff_t(n);
  int64_t count = extents.pop_back_val();
  if (count == 0)
    return;
  forEach(extents, [&](llvm::ArrayRef<int64_t> index) {
    for (size_t k = 0; k < n; ++k) {
      rows[k] = in[k]->data.data();
      for (size_t d = 0; d < index.size(); ++d)
        rows[k] += index[d] * steps[d * n + k];
    }
    body(rows.data(), inner, count);
  });
}

void transpose(const double *from, int64_t rows, int64_t columns, double *to) {
  for (int64_t j = 0; j < columns; ++j)
    for (int64_t i = 0; i < rows; ++i)
      *to++ = from[i * columns + j];
}

void addProducts(llvm::ArrayRef<double *> rows, llvm::ArrayRef<const double *> left, int64_t depth,
                 const double *right, int64_t pitch, int64_t columns) {
  static Panel *const panel = panelHere();
  for (int64_t j = 0; j < columns; j += kColumns) {
    llvm::SmallVector<double *> parts;
    for (double *row : rows)
      parts.push_back(row + j);
    panel(parts.data(), left.data(), int64_t(rows.size()), depth, right + j, pitch,
          std::min(kColumns, columns - j));
  }
}

} // namespace cornet::reference
