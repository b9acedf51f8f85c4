// SPDX-License-Identifier: Apache-2.0
//
// Which batch size serves best. Rows of an inference do not depend on each other, so a batch may be
// computed in parts: small parts keep activations in the caches, large ones read the weights less
// often.
#pragma once

#include "mlir/IR/BuiltinOps.h"

#include <vector>

namespace cornet {

/// The sizes to compile for where `asked` are wanted: each of them, or the part of it in which it
/// moves the least bytes from and to memory. Sorted, each once. `module` is as it was emitted, with
/// batches unbound; entry points that take whole batches are not its concern.
std::vector<int64_t> batchesThatServe(mlir::ModuleOp module, llvm::ArrayRef<int64_t> asked);

} // namespace cornet
