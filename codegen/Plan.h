// SPDX-License-Identifier: Apache-2.0
//
// Plan formation: from dispatches to the plan dialect, with the weights and kernels that plans
// share.
#pragma once

#include "codegen/Compile.h"
#include "codegen/cpu/Implementation.h"
#include "codegen/cpu/Lower.h"
#include "ir/Plan/Plan.h"

#include <set>

namespace cornet {

/// The constants of an artifact, each distinct value once, at multiples of 64 bytes.
class Weights {
public:
  uint64_t place(mlir::ElementsAttr value);
  uint64_t size() const { return end; }
  /// Constants in order of their offsets.
  llvm::ArrayRef<std::pair<mlir::ElementsAttr, uint64_t>> all() const { return values; }

private:
  std::vector<std::pair<mlir::ElementsAttr, uint64_t>> values;
  llvm::DenseMap<mlir::Attribute, uint64_t> offsets;
  uint64_t end = 0;
};

/// The kernels of one ISA level, each distinct one once.
class Kernels {
public:
  explicit Kernels(const cpu::Isa &isa) : isa(isa) {}
  /// The name of the kernel of `dispatch` by `implementation`, emitted when it is new.
  std::string get(DispatchOp dispatch, const cpu::Implementation &implementation);
  /// The name of the kernel that packs input `index` of `dispatch` for `implementation`.
  std::string getPack(DispatchOp dispatch, const cpu::Implementation &implementation,
                      unsigned index);
  std::vector<cpu::KernelSource> sources;
  const cpu::Isa &isa;

private:
  std::set<std::string> known;
};

/// Plans `entry`, which holds only dispatches, reshapes, constants and its return, at the end of
/// `plans`.
plan::EntryOp planEntry(mlir::func::FuncOp entry, Kernels &kernels, Weights &weights,
                        CompileReport &report, mlir::ModuleOp plans);

} // namespace cornet
