// SPDX-License-Identifier: Apache-2.0
//
// Pointwise ops. Several operands broadcast as in NumPy: trailing alignment, 1 stretches. Constraints:
// broadcast_c1 one element type; broadcast_c2 shapes that broadcast; byte_c1, of every op but cast and those that move
// cells: no integers of 8 bits.
include "ir/Ops/Dialect.td"

class Cornet_Pointwise_Op<string mnemonic> : Cornet_InferredOp<mnemonic, [DeclareOpInterfaceMethods<Cornet_Pointwise>,
                          DeclareOpInterfaceMethods<Cornet_Differentiable>]>;

class Cornet_Unary<string mnemonic, string formula> : Cornet_Pointwise_Op<mnemonic> {
  let summary = formula;
  let arguments = (ins AnyRankedTensor:$input);
  let assemblyFormat = "$input attr-dict `:` functional-type(operands, results)";
}
class Cornet_Binary<string mnemonic, string formula> : Cornet_Pointwise_Op<mnemonic> {
  let summary = formula;
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs);
  let assemblyFormat = "$lhs `,` $rhs attr-dict `:` functional-type(operands, results)";
}

def Cornet_NegOp : Cornet_Unary<"neg", "-x">;
def Cornet_AbsOp : Cornet_Unary<"abs", "|x|">;
def Cornet_ExpOp : Cornet_Unary<"exp", "e^x">;
def Cornet_LogOp : Cornet_Unary<"log", "ln x">;
def Cornet_SqrtOp : Cornet_Unary<"sqrt", "square root">;
def Cornet_RsqrtOp : Cornet_Unary<"rsqrt", "1 / square root">;
def Cornet_TanhOp : Cornet_Unary<"tanh", "tanh x">;
def Cornet_SigmoidOp : Cornet_Unary<"sigmoid", "1 / (1 + e^-x)">;
def Cornet_ErfOp : Cornet_Unary<"erf", "the error function">;
def Cornet_FloorOp : Cornet_Unary<"floor", "largest integer not above x">;
def Cornet_CeilOp : Cornet_Unary<"ceil", "smallest integer not below x">;
def Cornet_RoundOp : Cornet_Unary<"round", "nearest integer, halves to even">;
def Cornet_SinOp : Cornet_Unary<"sin", "sin x">;
def Cornet_CosOp : Cornet_Unary<"cos", "cos x">;
def Cornet_StopGradientOp : Cornet_Unary<"stop_gradient", "x, constant to cornet.gradient">;
def Cornet_CastOp : Cornet_Unary<"cast", "x as the element type `to`; reals to integers towards zero, to i1 whether not 0, to i8 and ui8 the nearest end of the range where outside"> {
  let arguments = (ins AnyRankedTensor:$input, StrAttr:$to);
  let description = "Constraint: cast_c1 a known type.";
}
def Cornet_ReluOp : Cornet_Unary<"relu", "max(x, 0)">;
def Cornet_SiluOp : Cornet_Unary<"silu", "x sigmoid(x)">;
def Cornet_SoftplusOp : Cornet_Unary<"softplus", "ln(1 + e^x), computed as max(x, 0) + ln(1 + e^-|x|)">;
def Cornet_GeluOp : Cornet_Unary<"gelu", "x (1 + erf(x / sqrt 2)) / 2, or its tanh form when approximate"> {
  let arguments = (ins AnyRankedTensor:$input, BoolAttr:$approximate);
}
def Cornet_ClampOp : Cornet_Unary<"clamp", "min(max(x, min), max)"> {
  let arguments = (ins AnyRankedTensor:$input, F64Attr:$min, F64Attr:$max);
}
def Cornet_LeakyReluOp : Cornet_Unary<"leaky_relu", "x for x > 0, else negative_slope x"> {
  let arguments = (ins AnyRankedTensor:$input, F64Attr:$negative_slope);
}
def Cornet_EluOp : Cornet_Unary<"elu", "x for x > 0, else alpha (e^x - 1)"> {
  let arguments = (ins AnyRankedTensor:$input, F64Attr:$alpha);
}

def Cornet_AddOp : Cornet_Binary<"add", "a + b">;
def Cornet_SubOp : Cornet_Binary<"sub", "a - b">;
def Cornet_MulOp : Cornet_Binary<"mul", "a b">;
def Cornet_DivOp : Cornet_Binary<"div", "a / b">;
def Cornet_MaximumOp : Cornet_Binary<"maximum", "the larger of a and b">;
def Cornet_MinimumOp : Cornet_Binary<"minimum", "the smaller of a and b">;
def Cornet_PowOp : Cornet_Binary<"pow", "a^b">;
def Cornet_CompareOp : Cornet_Binary<"compare", "a ? b as i1"> {
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs, StrAttr:$predicate);
  let description = "`predicate` is one of eq ne lt le gt ge; comparisons with NaN are false but for ne. Constraint: compare_c1 a known predicate.";
}
def Cornet_SelectOp : Cornet_Pointwise_Op<"select"> {
  let summary = "on_true where the condition holds, else on_false";
  let description = "Constraint: select_c1 an i1 condition.";
  let arguments = (ins AnyRankedTensor:$condition, AnyRankedTensor:$on_true, AnyRankedTensor:$on_false);
  let assemblyFormat = "$condition `,` $on_true `,` $on_false attr-dict `:` functional-type(operands, results)";
}
