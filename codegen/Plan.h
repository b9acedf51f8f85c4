// SPDX-License-Identifier: Apache-2.0
//
// The execution plan of one entry point at one batch size: steps over buffers with static places.
#pragma once

#include "codegen/Compile.h"
#include "codegen/cpu/Implementation.h"
#include "codegen/cpu/Lower.h"

#include <map>

namespace cornet {

struct PlannedBuffer {
  enum Storage { Arena, Input, Output, Weights } storage;
  uint32_t index = 0;            ///< which input or output
  uint64_t offset = 0, size = 0; ///< bytes
  bool operator==(const PlannedBuffer &) const = default;
};

struct PlannedStep {
  std::string layer, summary, implementation;
  uint32_t kernel;
  std::vector<uint32_t> buffers;
  uint64_t tiles;
};

struct Plan {
  uint64_t batch, arenaSize = 0;
  std::vector<PlannedBuffer> buffers;
  std::vector<PlannedStep> steps;
};

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
  /// The kernel of `dispatch` by `implementation`, emitted when it is new.
  uint32_t get(DispatchOp dispatch, const cpu::Implementation &implementation);
  std::vector<cpu::KernelSource> sources;
  const cpu::Isa &isa;

private:
  std::map<std::string, uint32_t> known;
};

/// Plans `entry`, which holds only dispatches, reshapes, constants and its return.
Plan planEntry(mlir::func::FuncOp entry, Kernels &kernels, Weights &weights, CompileReport &report);

} // namespace cornet
