// SPDX-License-Identifier: Apache-2.0
//
// Contractions, windows, reductions, data movement, and the composites that decompose into them.
// Letters: N batch, H W spatial, C channels in, O channels out. Kernels are HWIO. Padding lists
// {before, after} for each spatial dimension.
include "ir/Ops/Dialect.td"

class Cornet_Structured<string mnemonic, list<Trait> traits = []> : Cornet_InferredOp<mnemonic, traits> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def Cornet_MatmulOp : Cornet_Structured<"matmul"> {
  let summary = "result[..., m, n] = sum over k of lhs[..., m, k] rhs[..., k, n]";
  let description = [{
    A rank-2 rhs serves every leading dimension of lhs; otherwise batch dimensions broadcast.
    Constraints: matmul_c1 rank at least 2; matmul_c2 one element type; matmul_c3 equal K;
    matmul_c4 batch dimensions broadcast.
  }];
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs, BoolAttr:$transpose_lhs, BoolAttr:$transpose_rhs);
}

def Cornet_ConvOp : Cornet_Structured<"conv"> {
  let summary = "Cross-correlation of (N, spatial..., C) with a kernel (spatial..., C / groups, O)";
  let description = [{
    result[n, y, x, o] = sum over r, s, c of input[n, y sy + r dy - py, x sx + s dx - px, c] kernel[r, s, c, o];
    cells outside the input are 0. Constraints: conv_c1 ranks; conv_c2 attribute lengths; conv_c3 positive
    attributes; conv_c4 the window fits; conv_c5 channels and groups. Source: Keras 3 Conv1D/2D/3D.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$padding,
                       DenseI64ArrayAttr:$dilations, I64Attr:$groups);
}

def Cornet_DepthwiseConvOp : Cornet_Structured<"depthwise_conv"> {
  let summary = "result[n, y, x, c M + m] = sum over r, s of input[n, .., .., c] kernel[r, s, c, m]";
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$padding,
                       DenseI64ArrayAttr:$dilations);
}

class Cornet_Pool<string mnemonic, string text> : Cornet_Structured<mnemonic> {
  let summary = text;
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$padding,
                       DenseI64ArrayAttr:$dilations);
}
def Cornet_MaxPoolOp : Cornet_Pool<"max_pool", "The largest real cell of each window">;
def Cornet_AvgPoolOp : Cornet_Pool<"avg_pool", "The mean of each window's real cells, padding not counted">;

def Cornet_ReduceOp : Cornet_Structured<"reduce"> {
  let summary = "sum, mean, max or min over axes";
  let arguments = (ins AnyRankedTensor:$input, StrAttr:$kind, DenseI64ArrayAttr:$axes, BoolAttr:$keepdims);
}

def Cornet_ReshapeOp : Cornet_Structured<"reshape"> {
  let summary = "The same cells in row-major order under another shape; one extent may be -1";
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$shape);
  let hasFolder = 1;
}
def Cornet_TransposeOp : Cornet_Structured<"transpose"> {
  let summary = "result dimension i is input dimension permutation[i]";
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$permutation);
  let hasFolder = 1;
}
def Cornet_PadOp : Cornet_Structured<"pad"> {
  let summary = "low and high cells of `value` around each dimension";
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high, F64Attr:$value);
  let hasFolder = 1;
}
def Cornet_ConcatOp : Cornet_Structured<"concat"> {
  let summary = "The inputs one after another along axis";
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, I64Attr:$axis);
}

def Cornet_SliceOp : Cornet_Structured<"slice"> {
  let summary = "`size` cells from `start` in each dimension; the batch is taken whole (0, -1)";
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$start, DenseI64ArrayAttr:$size);
}
def Cornet_BroadcastOp : Cornet_Structured<"broadcast"> {
  let summary = "The input stretched to `shape` as in NumPy";
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$shape);
}
def Cornet_GatherOp : Cornet_Structured<"gather"> {
  let summary = "result[i..., e...] = table[indices[i...], e...]";
  let description = [{
    Indices outside the table read its nearest row. Constraints: gather_c1 a static table; gather_c2 i32 indices.
    Source: Keras 3 Embedding.
  }];
  let arguments = (ins AnyRankedTensor:$table, AnyRankedTensor:$indices);
}
def Cornet_ResizeOp : Cornet_Structured<"resize"> {
  let summary = "Bilinear interpolation of (N, H, W, C) to size (H, W), half-pixel centres, edges repeated";
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$size);
}
def Cornet_ConvTransposeOp : Cornet_Structured<"conv_transpose"> {
  let summary = "The transpose of conv: result[i s + k d - p, o] sums input[i, c] kernel[k, o, c]";
  let description = [{
    Kernel (spatial..., O, C), as Keras stores it. `padding` is cut from the full result before and after each
    spatial dimension; a negative one adds zeros. Constraints: conv_transpose_c1 ranks; c2 attribute lengths;
    c3 channels; c4 an output is left. Source: Keras 3 Conv2DTranspose.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$padding,
                       DenseI64ArrayAttr:$dilations);
}

def Cornet_SoftmaxOp : Cornet_Structured<"softmax", [DeclareOpInterfaceMethods<Cornet_Decompose>]> {
  let summary = "e^(x - max) / sum of e^(x - max) over axis";
  let arguments = (ins AnyRankedTensor:$input, I64Attr:$axis);
}
def Cornet_BatchNormOp : Cornet_Structured<"batch_norm", [DeclareOpInterfaceMethods<Cornet_Decompose>]> {
  let summary = "gamma (x - mean) / sqrt(variance + epsilon) + beta along axis, with the moving statistics";
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$gamma, AnyRankedTensor:$beta, AnyRankedTensor:$mean,
                       AnyRankedTensor:$variance, I64Attr:$axis, F64Attr:$epsilon);
}
