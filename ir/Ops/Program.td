// SPDX-License-Identifier: Apache-2.0
//
// The frame around the graph: constants, variables and dispatches.
include "ir/Ops/Dialect.td"

def Cornet_ConstantOp : Cornet_Op<"constant", [Pure, ConstantLike, AllTypesMatch<["value", "result"]>]> {
  let summary = "A value known at compile time";
  let arguments = (ins ElementsAttr:$value);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "attr-dict $value";
  let hasFolder = 1;
  let builders = [OpBuilder<(ins "::mlir::ElementsAttr":$value), "build($_builder, $_state, value.getType(), value);">];
}

def Cornet_VariableOp : Cornet_Op<"variable", [Symbol]> {
  let summary = "A named value that lives as long as the model: a weight, an optimizer slot, a statistic";
  let description = [{
    Entry points take variables as arguments tagged `cornet.variable = @name`; the functions stay pure.
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, ElementsAttr:$value, DefaultValuedAttr<BoolAttr, "true">:$trainable);
  let assemblyFormat = "$sym_name attr-dict `=` $value";
}

def Cornet_DispatchOp : Cornet_Op<"dispatch", [Pure, IsolatedFromAbove, SingleBlock]> {
  let summary = "The unit of work that becomes one kernel or one library call";
  let description = [{
    The region's arguments are the inputs; it computes with cornet ops and yields the results.
    Constraint dispatch_c1: arguments and yielded types match inputs and results.
  }];
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let hasVerifier = 1;
  let assemblyFormat = "`(` $inputs `)` attr-dict `:` functional-type($inputs, $results) $body";
}

def Cornet_YieldOp : Cornet_Op<"yield", [Pure, Terminator, HasParent<"DispatchOp">]> {
  let summary = "Ends a dispatch with its results";
  let arguments = (ins Variadic<AnyRankedTensor>:$values);
  let assemblyFormat = "attr-dict ($values^ `:` type($values))?";
}
