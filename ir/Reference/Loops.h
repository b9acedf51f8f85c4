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

/// out[i] = f(the operands' elements at i), operands broadcast as in NumPy. Always succeeds.
template <class F>
llvm::LogicalResult map(llvm::ArrayRef<const HostTensor *> in, HostTensor &out, F &&f) {
  llvm::SmallVector<llvm::SmallVector<int64_t>> steps;
  for (const HostTensor *operand : in) {
    llvm::SmallVector<int64_t> step(out.shape.size(), 0);
    std::vector<int64_t> strides = operand->strides();
    for (size_t i = 0, shift = out.shape.size() - operand->shape.size(); i < strides.size(); ++i)
      step[i + shift] = operand->shape[i] == 1 ? 0 : strides[i];
    steps.push_back(std::move(step));
  }
  out.data.resize(out.size());
  int64_t at = 0;
  llvm::SmallVector<double, 4> values(in.size());
  forEach(out.shape, [&](llvm::ArrayRef<int64_t> index) {
    for (size_t k = 0; k < in.size(); ++k) {
      int64_t offset = 0;
      for (size_t d = 0; d < index.size(); ++d)
        offset += index[d] * steps[k][d];
      values[k] = in[k]->data[offset];
    }
    out.data[at++] = f(values.data());
  });
  return llvm::success();
}

} // namespace cornet::reference
