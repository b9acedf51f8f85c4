// SPDX-License-Identifier: Apache-2.0
#include "ir/Reference/Loops.h"

namespace cornet::reference {

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

} // namespace cornet::reference
