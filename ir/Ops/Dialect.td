// SPDX-License-Identifier: Apache-2.0
//
// The cornet dialect: the graph. Values are ranked tensors, channels last; `?` only as the batch.
// Attributes are plain (integers, floats, strings, integer arrays), so that one generic adapter carries
// them to the shape rules of ir/Infer and the DSL's records carry over by name.
#ifndef CORNET_DIALECT_TD
#define CORNET_DIALECT_TD

include "mlir/IR/OpBase.td"
include "mlir/IR/OpAsmInterface.td"
include "mlir/IR/SymbolInterfaces.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "ir/Ops/Interfaces.td"

def Cornet_Dialect : Dialect {
  let name = "cornet";
  let cppNamespace = "::cornet";
  let summary = "A static computation graph of tensor operations with Keras 3's semantics.";
  let usePropertiesForAttributes = 0;
  let hasConstantMaterializer = 1;
}

class Cornet_Op<string mnemonic, list<Trait> traits = []> : Op<Cornet_Dialect, mnemonic, traits>;

// An op whose result type follows from operands and attributes by the rule of its name in ir/Infer,
// which is also its verifier: its labelled constraints are the rule's. All of them share shape_c1: only
// the first dimension of an operand or a result may be unknown; shape_c2: extents are positive.
class Cornet_InferredOp<string mnemonic, list<Trait> traits = []>
    : Cornet_Op<mnemonic, traits # [Pure, DeclareOpInterfaceMethods<Cornet_Evaluate>]> {
  let results = (outs AnyRankedTensor:$result);
  let hasVerifier = 1;
  let extraClassDefinition = [{
    ::llvm::LogicalResult $cppClass::verify() { return ::cornet::verifyInferred(getOperation()); }
  }];
}

#endif
