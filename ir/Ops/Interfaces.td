// SPDX-License-Identifier: Apache-2.0
//
// What an op can do, beyond being verified. Passes and emitters ask for these and never name an op.
#ifndef CORNET_INTERFACES_TD
#define CORNET_INTERFACES_TD

include "mlir/IR/OpBase.td"

def Cornet_Pointwise : OpInterface<"Pointwise"> {
  let cppNamespace = "::cornet";
  let description = "Computes each cell of its result from the cells of its operands at the same (broadcast) place.";
  let methods = [InterfaceMethod<
    [{Builds the op on `operands`, which are all scalars or all vectors of one shape, from arith and math ops.}],
    "::mlir::Value", "emitScalar", (ins "::mlir::OpBuilder &":$builder, "::mlir::Location":$loc, "::mlir::ValueRange":$operands)>];
}

def Cornet_Evaluate : OpInterface<"Evaluate"> {
  let cppNamespace = "::cornet";
  let description = "Runs on the host by plain loops with double accumulation: the reference every kernel is checked against.";
  let methods = [InterfaceMethod<
    [{Computes the result from `inputs`, which are the operands' values in order. `result` has its type and shape set.}],
    "::llvm::LogicalResult", "evaluate", (ins "::llvm::ArrayRef<const ::cornet::HostTensor *>":$inputs, "::cornet::HostTensor &":$result)>];
}

def Cornet_Decompose : OpInterface<"Decompose"> {
  let cppNamespace = "::cornet";
  let description = "A composite op that can be written in simpler cornet ops.";
  let methods = [InterfaceMethod<[{Builds the equivalent of this op before it and returns its value, or builds nothing and returns null where there is none.}],
    "::mlir::Value", "decompose", (ins "::mlir::OpBuilder &":$builder)>];
}

def Cornet_Differentiable : OpInterface<"Differentiable"> {
  let cppNamespace = "::cornet";
  let description = "Knows its vector-Jacobian product.";
  let methods = [InterfaceMethod<
    [{Builds the gradients of the operands from `gradient`, that of the result, out of cornet ops at `builder`. One value for
      each operand in order, null where nothing flows; a gradient may have the operand's broadcast shape. Fails, having told
      why, where this op's form has no gradient yet.}],
    "::llvm::LogicalResult", "differentiate",
    (ins "::mlir::OpBuilder &":$builder, "::mlir::Value":$gradient, "::llvm::SmallVectorImpl<::mlir::Value> &":$operands)>];
}

#endif
