// SPDX-License-Identifier: Apache-2.0
//
// Recordings as a module of the cornet dialect.
#pragma once

#include <cornet/model.h>

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace cornet {

/// A function of a program: what a graph computes from its inputs, and the new values of the
/// variables it assigns.
struct EntryPoint {
  std::string name;
  std::shared_ptr<Graph> graph;
  std::vector<Tensor> inputs;
  std::vector<std::pair<std::string, Tensor>> outputs; ///< and their names
  bool whole = false; ///< called on whole batches, whose rows may be mixed
};

/// A program over one set of variables: the entry points, `initialize`, which gives every variable
/// its first value, and for each of `resets` an entry point of that name that does so for some.
struct ProgramDescription {
  std::string name;
  std::vector<EntryPoint> entries;
  bool initialize = false;
  std::vector<std::pair<std::string, std::vector<VariablePtr>>> resets;
};

/// The module of a program. Entry points are pure: variables are arguments and, where they are
/// assigned, results tagged `cornet.variable`. Requires graphs without mistakes. Each op's location
/// is its layer and the user's line.
mlir::OwningOpRef<mlir::ModuleOp> emitProgram(mlir::MLIRContext &context,
                                              const ProgramDescription &program);

/// The module with one entry point, @predict, whose arguments are the inputs and then the
/// variables.
mlir::OwningOpRef<mlir::ModuleOp> emitModel(mlir::MLIRContext &context, const Model &model);

} // namespace cornet
