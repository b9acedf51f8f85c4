// SPDX-License-Identifier: Apache-2.0
//
// Every pass over the cornet dialect. What a pass requires and guarantees stands at the top of its .cpp.
include "mlir/Pass/PassBase.td"

def BindBatch : Pass<"cornet-bind-batch", "::mlir::ModuleOp"> {
  let summary = "Clone each entry point once for each batch size, with static shapes";
  let options = [ListOption<"sizes", "sizes", "int64_t", "the batch sizes, in rows">];
}

def FreezeVariables : Pass<"cornet-freeze-variables", "::mlir::ModuleOp"> {
  let summary = "Turn the variables' arguments of entry points into constants";
}

def DecomposeComposites : Pass<"cornet-decompose-composites"> {
  let summary = "Write composite ops in simpler ones";
  let options = [ListOption<"keep", "keep", "std::string", "names of ops to leave whole, without the dialect">];
}

def FoldConstants : Pass<"cornet-fold-constants"> {
  let summary = "Compute ops of constants at compile time, by the reference interpreter";
  let options = [Option<"maxElements", "max-elements", "int64_t", "67108864", "largest result, in elements">];
}

def FoldBatchNorm : Pass<"cornet-fold-batch-norm"> {
  let summary = "Fold a scale and a shift by channel into the constant weights of the op before them";
}

def FoldPadding : Pass<"cornet-fold-padding"> {
  let summary = "Move a pad of zeros into the padding of the windowed op after it";
}

def FoldBroadcasts : Pass<"cornet-fold-broadcasts"> {
  let summary = "Let pointwise ops stretch their operands themselves";
}

def SplitReductions : Pass<"cornet-split-reductions"> {
  let summary = "Cut long reductions over the first dimensions in two steps";
}

def FormDispatches : Pass<"cornet-form-dispatches"> {
  let summary = "Group ops into dispatches, each of which becomes one kernel";
}

def LowerPrecision : Pass<"cornet-lower-precision"> {
  let summary = "Multiply and store tensors between dispatches in 16 bits, sensitive ones aside";
  let options = [Option<"type", "type", "std::string", "\"bf16\"", "bf16, f16, or marked: as cornet-compute-wide has marked ops">,
                 Option<"what", "what", "std::string", "\"all\"", "all, weights or activations">];
}

def ComputeWide : Pass<"cornet-compute-wide"> {
  let summary = "Compute 16-bit tensors in f32 and mark what is stored narrow";
  let options = [Option<"mark", "mark", "bool", "true", "whether marks are left">];
}

def Gradient : Pass<"cornet-gradient"> {
  let summary = "Write gradients in vector-Jacobian products";
}
