// SPDX-License-Identifier: Apache-2.0
//
// Runs cornet functions on the host through the Evaluate interface: the oracle of every test, the
// engine of constant folding and the source of an artifact's self-test.
#pragma once

#include "ir/Ops/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace cornet::reference {

/// The value of a constant, and back. Element types: f32, f64, i1, i32, i64.
HostTensor toHost(mlir::ElementsAttr value);
mlir::ElementsAttr toElements(const HostTensor &value, mlir::RankedTensorType type);

/// Evaluates one op on the values of its operands; f32 results are rounded to f32. Emits an error
/// for an op that cannot be evaluated.
mlir::FailureOr<HostTensor> evaluate(mlir::Operation *op,
                                     mlir::ArrayRef<const HostTensor *> inputs);

/// Runs `function`, whose types must be static, on `inputs` (one for each argument) and returns its
/// results. Dispatches run their region. Emits an error and fails on an op that cannot be
/// evaluated.
mlir::FailureOr<std::vector<HostTensor>> interpret(mlir::func::FuncOp function,
                                                   mlir::ArrayRef<HostTensor> inputs);

} // namespace cornet::reference
