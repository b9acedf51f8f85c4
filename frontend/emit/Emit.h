// SPDX-License-Identifier: Apache-2.0
//
// A recorded model as a module of the cornet dialect.
#pragma once

#include <cornet/model.h>

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"

namespace cornet {

/// The module with one pure entry point @predict, whose arguments are the inputs and then the
/// variables. Requires that the model has no mistakes. Each op's location is its layer and the
/// user's line.
mlir::OwningOpRef<mlir::ModuleOp> emitModel(mlir::MLIRContext &context, const Model &model);

} // namespace cornet
