// SPDX-License-Identifier: Apache-2.0
//
// From emitted kernels (scf, vector, memref, arith, math) to one shared object.
#pragma once

#include "codegen/cpu/Isa.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

#include <vector>

namespace cornet::cpu {

/// A kernel in its own module, as `func.func @symbol(memref..., %begin: index, %end: index)`.
/// Memrefs are static with the identity layout and do not alias.
struct KernelSource {
  std::string symbol;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// Lowers, optimizes and links the kernels for `isa`. The object exports, for each,
///     void symbol(void *const *buffers, int64_t begin, int64_t end)
/// and needs nothing but memcpy and memset. The same kernels give the same bytes, whatever
/// `threads`. Those found in the cache are counted in `fromCache`.
llvm::Expected<std::vector<char>> compileKernels(std::vector<KernelSource> kernels, const Isa &isa,
                                                 unsigned threads, size_t *fromCache = nullptr);

} // namespace cornet::cpu
