// SPDX-License-Identifier: Apache-2.0
//
// The loops the reference implementations of the ops are written with.
#pragma once

#include "ir/Reference/HostTensor.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/LogicalResult.h"

namespace cornet::reference {

/// Calls `body` with every index of `shape`, last dimension fastest.
void forEach(llvm::ArrayRef<int64_t> shape, llvm::function_ref<void(llvm::ArrayRef<int64_t>)> body);

/// Calls `body` with each operand's first cell, each operand's step and the number of cells, for
/// runs of cells that cover `shape` in order; operands are broadcast to it as in NumPy.
void forEachRow(llvm::ArrayRef<const HostTensor *> in, llvm::ArrayRef<int64_t> shape,
                llvm::function_ref<void(const double **, const int64_t *, int64_t)> body);

/// out[i] = f(the operands' elements at i), operands broadcast as in NumPy. Always succeeds.
template <class F>
llvm::LogicalResult map(llvm::ArrayRef<const HostTensor *> in, HostTensor &out, F &&f) {
  out.data.resize(out.size());
  double *to = out.data.data();
  size_t n = in.size();
  llvm::SmallVector<double, 4> values(n);
  forEachRow(in, out.shape, [&](const double **rows, const int64_t *steps, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      for (size_t k = 0; k < n; ++k)
        values[k] = rows[k][i * steps[k]];
      *to++ = f(values.data());
    }
  });
  return llvm::success();
}

/// to = from^T, of rows x columns cells.
void transpose(const double *from, int64_t rows, int64_t columns, double *to);

/// rows[r][j] += the sum over i < depth, in this order, of left[r][i] * right[i * pitch + j], for
/// every r and every j < columns. Products are rounded before they are added, on every machine.
void addProducts(llvm::ArrayRef<double *> rows, llvm::ArrayRef<const double *> left, int64_t depth,
                 const double *right, int64_t pitch, int64_t columns);

} // namespace cornet::reference
