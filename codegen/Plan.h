// SPDX-License-Identifier: Apache-2.0
//
// Plan formation: from dispatches to the plan dialect, with the weights and kernels that plans
// share.
#pragma once

#include "codegen/Compile.h"
#include "codegen/cpu/Implementation.h"
#include "codegen/cpu/Lower.h"
#include "codegen/tune/Choices.h"
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

/// The variables that entry points are tagged with, in the module's order, at multiples of 64
/// bytes.
struct Variables {
  explicit Variables(mlir::ModuleOp module);
  std::vector<VariableOp> all;
  std::vector<uint64_t> offsets;
  uint64_t size = 0; ///< bytes of all
  /// The place of the variable that an argument or result is tagged with; nothing when it is none.
  std::optional<unsigned> find(mlir::DictionaryAttr attributes) const;

private:
  llvm::DenseMap<mlir::Attribute, unsigned> places; ///< by name
};

/// The kernels of one ISA level, each distinct one once.
class Kernels {
public:
  explicit Kernels(const cpu::Isa &isa, const tune::Choices *choices = nullptr)
      : isa(isa), choices(choices) {}
  /// The name of the kernel of `dispatch` by `implementation`, emitted when it is new.
  std::string get(DispatchOp dispatch, const cpu::Implementation &implementation);
  /// The name of the kernel that packs input `index` of `dispatch` for `implementation`.
  std::string getPack(DispatchOp dispatch, const cpu::Implementation &implementation,
                      unsigned index);
  std::vector<cpu::KernelSource> sources;
  const cpu::Isa &isa;
  const tune::Choices *choices; ///< who chose the dispatches' variants, or null

private:
  std::set<std::string> known;
};

/// Plans `entry`, which holds only dispatches, reshapes, constants and its return, at the end of
/// `plans`.
///
/// Arguments and results tagged with a variable are no inputs and outputs: they live in the
/// session. A variable's new value is written over the old one, by the step that computes it where
/// no later step reads the old one, else by a copy at the end.
plan::EntryOp planEntry(mlir::func::FuncOp entry, Kernels &kernels, Weights &weights,
                        const Variables &variables, CompileReport &report, mlir::ModuleOp plans);

} // namespace cornet
