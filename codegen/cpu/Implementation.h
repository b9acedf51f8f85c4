// SPDX-License-Identifier: Apache-2.0
//
// The ways a dispatch can become a kernel. implementations() lists them, best first; the first that
// does not refuse wins, and `element` at the end never refuses. One implementation is one file.
#pragma once

#include "codegen/cpu/Isa.h"
#include "codegen/cpu/Sweep.h"
#include "codegen/cpu/Variant.h"
#include "ir/Ops/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>

namespace cornet::cpu {

class Implementation {
public:
  virtual ~Implementation() = default;
  virtual llvm::StringRef name() const = 0;

  /// Why this implementation cannot serve `dispatch`, or nothing when it can.
  std::optional<std::string> refusal(DispatchOp dispatch, const Isa &isa) const;

  /// The same, but for what the next one says.
  virtual std::optional<std::string> refuse(DispatchOp dispatch, const Isa &isa) const = 0;
  /// Whether it can read and write integers of 8 bits.
  virtual bool knowsBytes() const { return false; }

  /// The ways this implementation can go about a dispatch that it does not refuse, of which the
  /// attribute `variant` asks for one; none where it has only one way.
  virtual std::vector<Way> ways(DispatchOp dispatch, const Isa &isa) const { return {}; }
  /// The way it goes now, with every size; empty where it has only one.
  virtual std::string variant(DispatchOp dispatch, const Isa &isa) const { return ""; }

  /// The layout in which the kernel wants input `index`, a constant; the plain one unless
  /// overridden.
  virtual mlir::RankedTensorType packedType(DispatchOp dispatch, unsigned index,
                                            const Isa &isa) const;
  virtual mlir::ElementsAttr pack(DispatchOp dispatch, unsigned index, mlir::ElementsAttr value,
                                  const Isa &isa) const {
    return value;
  }

  /// The same at run time, for an input that is no constant: how many tiles packing it splits into,
  /// and its kernel (plain input and packed one as memrefs, begin, end), filled as emit() does.
  /// Called only where packedType() differs from the input's type.
  virtual int64_t packTiles(DispatchOp dispatch, unsigned index, const Isa &isa) const { return 0; }
  virtual void emitPack(DispatchOp dispatch, unsigned index, const Isa &isa,
                        mlir::func::FuncOp kernel) const {}

  /// How many tiles the work splits into. Any split of [0, tiles) among threads gives the same
  /// bits.
  virtual int64_t tiles(DispatchOp dispatch, const Isa &isa) const = 0;

  /// How the tiles, in their order, walk down an image; nothing where they do not.
  virtual std::optional<Sweep> sweep(DispatchOp dispatch, const Isa &isa) const {
    return std::nullopt;
  }

  /// Whether rows of argument `argument`, an input or, after them, a result, may lie further apart
  /// than they are long: what the attribute `pitches` asks for.
  virtual bool takesPitch(DispatchOp dispatch, unsigned argument, const Isa &isa) const {
    return false;
  }

  /// Cells of f32 that a call needs to work in; the kernel has them as its last memref when there
  /// are any.
  virtual int64_t scratch(DispatchOp dispatch, const Isa &isa) const { return 0; }

  /// Fills `kernel`, an empty function (inputs, results and scratch as memrefs, begin, end) whose
  /// entry block exists and lacks its return; computes the tiles [begin, end).
  virtual void emit(DispatchOp dispatch, const Isa &isa, mlir::func::FuncOp kernel) const = 0;
};

llvm::ArrayRef<const Implementation *> implementations();

/// The first that does not refuse `dispatch`.
const Implementation &implementationOf(DispatchOp dispatch, const Isa &isa);

const Implementation &winogradImplementation();
const Implementation &amxImplementation();
const Implementation &contractImplementation();
const Implementation &filterGradientImplementation();
const Implementation &windowImplementation();
const Implementation &poolGradientImplementation();
const Implementation &transposeImplementation();
const Implementation &scatterImplementation();
const Implementation &resizeImplementation();
const Implementation &concatImplementation();
const Implementation &topKImplementation();
const Implementation &rowsImplementation();
const Implementation &rowImplementation();
const Implementation &elementImplementation();

} // namespace cornet::cpu
