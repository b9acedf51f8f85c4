// SPDX-License-Identifier: Apache-2.0
//
// Recordings as a module of the cornet dialect.
#pragma once

#include "frontend/emit/Program.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace cornet {

/// The module of a program. Entry points are pure: variables are arguments and, where they are
/// assigned, results tagged `cornet.variable`. Requires graphs without mistakes. Each op's location
/// is its layer and the user's line.
mlir::OwningOpRef<mlir::ModuleOp> emitProgram(mlir::MLIRContext &context,
                                              const ProgramDescription &program);

/// The module with one entry point, @predict, whose arguments are the inputs and then the
/// variables.
mlir::OwningOpRef<mlir::ModuleOp> emitModel(mlir::MLIRContext &context, const Model &model);

} // namespace cornet
