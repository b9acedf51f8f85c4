// SPDX-License-Identifier: Apache-2.0
//
// Measured choices become `variant` attributes, for the time in which one ISA level is planned.
#pragma once

#include "codegen/cpu/Implementation.h"
#include "codegen/tune/Database.h"

namespace cornet::tune {

/// Where a step's variant came from, as reports name it.
inline constexpr const char *kAsked = "attribute", *kTuned = "tuned", *kShipped = "shipped",
                            *kModel = "model";

/// Whether every `variant` in `module` is understood, before any pass.
llvm::Error checkVariants(mlir::ModuleOp module);

class Choices {
public:
  /// Either database may be null. They must outlive this.
  Choices(const Database *user, const Database *shipped, const Machine &machine,
          const cpu::Isa &isa)
      : user(user), shippedOnes(shipped), machine(machine), isa(isa) {}
  ~Choices() { clear(); }
  Choices(const Choices &) = delete;
  Choices &operator=(const Choices &) = delete;

  /// Gives the dispatches of `function` the variants of their entries. Functions come in ascending
  /// order of batch: all batches of an entry point share packed weights, so a later one that would
  /// pack them in another way takes the fastest way that does not. An asked variant that cannot
  /// serve its dispatch is an error.
  llvm::Error apply(mlir::func::FuncOp function);

  /// Where the choice for `dispatch` came from: "" where there is none to make.
  std::string source(DispatchOp dispatch) const;

private:
  /// How the weights of a dispatch are packed.
  struct Layout {
    llvm::StringRef implementation;
    mlir::Type packed;
    bool measured;
    bool operator==(const Layout &other) const {
      return implementation == other.implementation && packed == other.packed;
    }
  };
  llvm::Error checkAsked(DispatchOp dispatch);
  void choose(DispatchOp dispatch);
  void share(DispatchOp dispatch);
  Layout layoutOf(DispatchOp dispatch);
  bool set(DispatchOp dispatch, llvm::StringRef variant, const char *source);
  void clear();

  const Database *user, *shippedOnes;
  Machine machine;
  const cpu::Isa &isa;
  llvm::DenseMap<mlir::Attribute, Layout> layouts;         ///< by weights
  llvm::DenseMap<mlir::Operation *, const char *> sources; ///< of dispatches
};

} // namespace cornet::tune
