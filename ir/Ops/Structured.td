// SPDX-License-Identifier: Apache-2.0
//
// Contractions, windows, reductions, data movement, and the composites that decompose into them.
// Letters: N batch, H W spatial, C channels in, O channels out. Kernels are HWIO. Padding lists
// {before, after} for each spatial dimension.
include "ir/Ops/Dialect.td"

class Cornet_Structured<string mnemonic, list<Trait> traits = []> : Cornet_InferredOp<mnemonic, traits> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
}

def Cornet_MatmulOp : Cornet_Structured<"matmul", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "result[..., m, n] = sum over k of lhs[..., m, k] rhs[..., k, n]";
  let description = [{
    A rank-2 rhs serves every leading dimension of lhs; otherwise batch dimensions broadcast.
    Constraints: matmul_c1 rank at least 2; matmul_c2 one element type; matmul_c3 equal K;
    matmul_c4 batch dimensions broadcast.
  }];
  let arguments = (ins AnyRankedTensor:$lhs, AnyRankedTensor:$rhs, BoolAttr:$transpose_lhs, BoolAttr:$transpose_rhs);
}

def Cornet_ConvOp : Cornet_Structured<"conv", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "Cross-correlation of (N, spatial..., C) with a kernel (spatial..., C / groups, O)";
  let description = [{
    result[n, y, x, o] = sum over r, s, c of input[n, y sy + r dy - py, x sx + s dx - px, c] kernel[r, s, c, o];
    cells outside the input are 0. Constraints: conv_c1 ranks; conv_c2 attribute lengths; conv_c3 positive
    attributes; conv_c4 the window fits; conv_c5 channels and groups; conv_c6 one element type. Source: Keras 3 Conv1D/2D/3D.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$padding,
                       DenseI64ArrayAttr:$dilations, I64Attr:$groups);
  let hasCanonicalizeMethod = 1;
}

def Cornet_DepthwiseConvOp : Cornet_Structured<"depthwise_conv", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "result[n, y, x, c M + m] = sum over r, s of input[n, .., .., c] kernel[r, s, c, m]";
  let description = [{
    Constraints, as conv's: depthwise_conv_c1 ranks; depthwise_conv_c2 attribute lengths; depthwise_conv_c3 positive
    attributes; depthwise_conv_c4 the window fits; depthwise_conv_c5 channels; depthwise_conv_c6 one element type.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$padding,
                       DenseI64ArrayAttr:$dilations);
}

def Cornet_ConvFilterGradientOp : Cornet_Structured<"conv_filter_gradient", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "The derivative of conv by its kernel: result[k..., c, o] sums input[n, i s + k d - p, c] gradient[n, i, o]";
  let description = [{
    `input` (N, spatial..., C) is what conv reads, `gradient` (N, places..., O) has its result's shape; the result is
    (window..., C, O), one group. Constraints: conv_filter_gradient_c1 ranks; conv_filter_gradient_c2 attribute lengths;
    conv_filter_gradient_c3 positive attributes; conv_filter_gradient_c4 the window fits; conv_filter_gradient_c5 the
    gradient has a cell for each place; conv_filter_gradient_c6 one element type.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$gradient, DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$padding, DenseI64ArrayAttr:$dilations);
}

class Cornet_Pool<string mnemonic, string text> : Cornet_Structured<mnemonic, [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = text;
  let description = [{
    Constraints: pool_c1 rank; pool_c2 attribute lengths; pool_c3 positive attributes; pool_c4 the window fits.
  }];
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$padding,
                       DenseI64ArrayAttr:$dilations);
}
def Cornet_MaxPoolOp : Cornet_Pool<"max_pool", "The largest real cell of each window">;
def Cornet_AvgPoolOp : Cornet_Pool<"avg_pool", "The mean of each window's real cells, padding not counted">;

def Cornet_MaxPoolGradientOp : Cornet_Structured<"max_pool_gradient", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "The derivative of max_pool by its input: each gradient goes to the first largest cell of its window";
  let description = [{
    `input` is what max_pool reads, `gradient` has its result's shape; the result has the input's. First in row-major
    order of the window. Constraints: max_pool_gradient_c1 rank; max_pool_gradient_c2 attribute lengths;
    max_pool_gradient_c3 positive attributes; max_pool_gradient_c4 the window fits; max_pool_gradient_c5 the gradient has a
    cell for each place; max_pool_gradient_c6 one element type. Source: Keras 3 on JAX and TensorFlow.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$gradient, DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$padding, DenseI64ArrayAttr:$dilations);
}
def Cornet_AvgPoolGradientOp : Cornet_Structured<"avg_pool_gradient", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "The derivative of avg_pool by its input: the real cells of each window share its gradient";
  let description = [{
    `gradient` has avg_pool's result's shape, `size` the spatial extents of its input; the result is (N, size..., C).
    Constraints: avg_pool_gradient_c1 rank and a positive size; avg_pool_gradient_c2 attribute lengths;
    avg_pool_gradient_c3 positive attributes; avg_pool_gradient_c4 the window fits; avg_pool_gradient_c5 the gradient has a
    cell for each place.
  }];
  let arguments = (ins AnyRankedTensor:$gradient, DenseI64ArrayAttr:$size, DenseI64ArrayAttr:$window, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$padding, DenseI64ArrayAttr:$dilations);
}

def Cornet_ReduceOp : Cornet_Structured<"reduce", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "sum, mean, max or min over axes";
  let description = "Constraints: reduce_c1 axes distinct and in the input; reduce_c2 a known kind.";
  let arguments = (ins AnyRankedTensor:$input, StrAttr:$kind, DenseI64ArrayAttr:$axes, BoolAttr:$keepdims);
}

def Cornet_ReshapeOp : Cornet_Structured<"reshape", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "The same cells in row-major order under another shape; one extent may be -1";
  let description = [{
    A leading -1 beside another one stands for the batch. Constraints: reshape_c1 a symbolic batch stays first;
    reshape_c2 one -1; reshape_c3 as many cells.
  }];
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$shape);
  let hasFolder = 1;
}
def Cornet_TransposeOp : Cornet_Structured<"transpose", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "result dimension i is input dimension permutation[i]";
  let description = "Constraints: transpose_c1 a permutation; transpose_c2 a symbolic batch stays first.";
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$permutation);
  let hasFolder = 1;
}
def Cornet_PadOp : Cornet_Structured<"pad", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "low and high cells of `value` around each dimension";
  let description = "Constraints: pad_c1 attribute lengths; pad_c2 none negative, none on a symbolic batch.";
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$low, DenseI64ArrayAttr:$high, F64Attr:$value);
  let hasFolder = 1;
}
def Cornet_ConcatOp : Cornet_Structured<"concat", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "The inputs one after another along axis";
  let description = "Constraints: concat_c1 a static axis; concat_c2 inputs agree outside it.";
  let arguments = (ins Variadic<AnyRankedTensor>:$inputs, I64Attr:$axis);
}

def Cornet_SliceOp : Cornet_Structured<"slice", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "`size` cells from `start` in each dimension; the batch is taken whole (0, -1)";
  let description = "Constraints: slice_c1 attribute lengths; slice_c2 the cells lie in the input.";
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$start, DenseI64ArrayAttr:$size);
}
def Cornet_BroadcastOp : Cornet_Structured<"broadcast", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "The input stretched to `shape` as in NumPy";
  let description = "Constraint: broadcast_c3 the input stretches to the shape.";
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$shape);
}
def Cornet_GatherOp : Cornet_Structured<"gather", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "result[i..., e...] = table[indices[i...], e...]";
  let description = [{
    Indices outside the table read its nearest row. Constraints: gather_c1 a static table; gather_c2 i32 indices.
    Source: Keras 3 Embedding.
  }];
  let arguments = (ins AnyRankedTensor:$table, AnyRankedTensor:$indices);
}
def Cornet_ScatterOp : Cornet_Structured<"scatter", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "result[r, e...] = sum of updates[i..., e...] over the i with indices[i...] = r, of `rows` rows";
  let description = [{
    The transpose of gather: indices outside count for the nearest row. Constraints: scatter_c1 rows and i32
    indices; scatter_c2 updates begin with the shape of the indices.
  }];
  let arguments = (ins AnyRankedTensor:$updates, AnyRankedTensor:$indices, I64Attr:$rows);
}
def Cornet_TakeAlongAxisOp : Cornet_Structured<"take_along_axis", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "result[a..., j, b...] = input[a..., indices[a..., j, b...], b...], j along axis";
  let description = [{
    Indices outside the axis read its nearest cell. Constraints: take_along_axis_c1 a static axis; take_along_axis_c2 i32
    indices; take_along_axis_c3 the shapes agree outside it. Source: Keras 3 ops.take_along_axis.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$indices, I64Attr:$axis);
}
def Cornet_TopKOp : Cornet_Structured<"top_k", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "The indices, as i32, of the k largest cells along the last axis: (..., n) to (..., k)";
  let description = [{
    The largest first, and of equal ones (-0 equals 0) the first; what is no number is larger than all. take_along_axis
    reads the cells. Constraints: top_k_c1 a static last axis of k cells at least, k positive; top_k_c2 real cells.
    Source: Keras 3 ops.top_k, as with JAX.
  }];
  let arguments = (ins AnyRankedTensor:$input, I64Attr:$k);
}
def Cornet_RandomOp : Cornet_Structured<"random", [DeclareOpInterfaceMethods<Cornet_Decompose>, DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "Draws of the shape of `like`: uniform in [0, 1) or normal (0, 1)";
  let description = [{
    Philox4x32-10 with the counter (cell, 0, step, 0) and the key `seed`: the same bits whatever the threads. Uniform
    draws are the first word's high 24 bits; normal ones are Box and Muller's of the first two words.
    Decomposes into itself with a constant `like`. Constraints: random_c1 a known distribution; random_c2 an i32 scalar step.
  }];
  let arguments = (ins AnyRankedTensor:$step, AnyRankedTensor:$like, StrAttr:$distribution, I64Attr:$seed);
}
def Cornet_GradientOp : Cornet_Op<"gradient", [Pure]> {
  let summary = "The derivative of the sum of y's cells by x, of x's shape";
  let description = [{
    Written by cornet-gradient in vector-Jacobian products of the ops between; zeros where nothing flows.
    Constraint: gradient_c1 real element types.
  }];
  let arguments = (ins AnyRankedTensor:$y, AnyRankedTensor:$x);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Cornet_RecomputeOp : Cornet_Structured<"recompute", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "x, once `after` is there: what is computed from it is computed again and not kept since x was first used";
  let arguments = (ins AnyRankedTensor:$x, AnyRankedTensor:$after);
}
def Cornet_IncomingGradientOp : Cornet_Op<"incoming_gradient", [Pure]> {
  let summary = "The gradient that arrives at the custom_gradient of y; cornet-gradient puts it in";
  let arguments = (ins AnyRankedTensor:$y);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
}
def Cornet_CustomGradientOp : Cornet_Op<"custom_gradient", [Pure, DeclareOpInterfaceMethods<Cornet_Decompose>]> {
  let summary = "y, whose gradients by the x are those given, computed from incoming_gradient of y";
  let description = [{
    Operands: y, the x it is a function of, then as many gradients. Decomposes into y. Constraint:
    custom_gradient_c1 a gradient of its type for each x. Source: keras.ops.custom_gradient.
  }];
  let arguments = (ins AnyRankedTensor:$y, Variadic<AnyRankedTensor>:$rest);
  let results = (outs AnyRankedTensor:$result);
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results)";
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    ::mlir::OperandRange functionOf() { return getRest().take_front(getRest().size() / 2); }
    ::mlir::OperandRange gradients() { return getRest().drop_front(getRest().size() / 2); }
  }];
}
def Cornet_ResizeOp : Cornet_Structured<"resize", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "Bilinear interpolation of (N, H, W, C) to size (H, W), half-pixel centres, edges repeated";
  let description = "Constraint: resize_c1 rank 4 and a positive size.";
  let arguments = (ins AnyRankedTensor:$input, DenseI64ArrayAttr:$size);
}
def Cornet_ResizeGradientOp : Cornet_Structured<"resize_gradient", [DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "The derivative of resize by its input, whose extents (H, W) are `size`";
  let description = [{
    result[n, y, x, c] sums gradient[n, i, j, c] max(0, 1 - |p(i) - y|) max(0, 1 - |p(j) - x|), p the place in the input that
    resize reads. Constraint: resize_gradient_c1 rank 4 and a positive size.
  }];
  let arguments = (ins AnyRankedTensor:$gradient, DenseI64ArrayAttr:$size);
}
def Cornet_GridSampleOp : Cornet_Structured<"grid_sample"> {
  let summary = "result[n, i, j, c] = input[n, y, x, c] at the real place (y, x) = coordinates[n, i, j]";
  let description = [{
    Input (N, H, W, C), coordinates (N, Ho, Wo, 2) in cells, (0, 0) being the centre of the first. `interpolation` is
    nearest (halves away from 0) or bilinear, of the four cells around. `fill_mode` tells the cells outside: constant
    (`fill_value`), nearest (the edge's), wrap (abcd|abcd) or reflect (dcba|abcd|dcba). Coordinates are clamped to
    +-2^23; one that is no number is the lower end. Constraints: grid_sample_c1 shapes; grid_sample_c2 one batch;
    grid_sample_c3 known words; grid_sample_c4 one real element type. Source: Keras 3 ops.image.affine_transform,
    ops.image.map_coordinates, as with JAX.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$coordinates, StrAttr:$interpolation, StrAttr:$fill_mode,
                       F64Attr:$fill_value);
}
def Cornet_ConvTransposeOp : Cornet_Structured<"conv_transpose", [DeclareOpInterfaceMethods<Cornet_Decompose>, DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "The transpose of conv: result[i s + k d - p, o] sums input[i, c] kernel[k, o, c]";
  let description = [{
    Kernel (spatial..., O, C), as Keras stores it. `padding` is cut from the full result before and after each
    spatial dimension; a negative one adds zeros. Where kernels do not know it (3-D, strides above 4) and dilation is 1,
    it decomposes into one conv with a phase of the stride in each group of O channels, and a shuffle. Constraints: conv_transpose_c1 ranks;
    conv_transpose_c2 attribute lengths; conv_transpose_c3 channels; conv_transpose_c4 an output is left;
    conv_transpose_c5 one element type. Source: Keras 3 Conv2DTranspose.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$kernel, DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$padding,
                       DenseI64ArrayAttr:$dilations);
}

def Cornet_SoftmaxOp : Cornet_Structured<"softmax", [DeclareOpInterfaceMethods<Cornet_Decompose>, DeclareOpInterfaceMethods<Cornet_Differentiable>]> {
  let summary = "e^(x - max) / sum of e^(x - max) over axis";
  let description = "Constraint: axis_c1 the axis is in the input.";
  let arguments = (ins AnyRankedTensor:$input, I64Attr:$axis);
}
def Cornet_CircleOp : Cornet_Structured<"circle", [DeclareOpInterfaceMethods<Cornet_Decompose>]> {
  let summary = "Circle loss of each embedding against references: softplus(ln sum of positives + ln sum of negatives)";
  let description = [{
    labels (B), embeddings (B, D), reference labels (R) and embeddings (R, D) give (B). With the distance
    d = max(1 - cosine, 0), a reference of the same label adds exp(-gamma max(margin + d, 0) (margin - d)) to the
    positives, another exp(gamma max(1 + margin - d, 0) (1 - margin - d)) to the negatives; where there is no positive
    or no negative the result is 0. remove_diagonal leaves out the reference at the embedding's own place. An op
    because references may be the batch, so that their number is not known before it is bound; then it decomposes.
    Constraint: circle_c1 the shapes. Source: Sun et al. 2020, Keras 3 Circle.
  }];
  let arguments = (ins AnyRankedTensor:$labels, AnyRankedTensor:$embeddings, AnyRankedTensor:$reference_labels,
                       AnyRankedTensor:$reference_embeddings, F64Attr:$gamma, F64Attr:$margin, BoolAttr:$remove_diagonal);
}
def Cornet_BatchNormOp : Cornet_Structured<"batch_norm", [DeclareOpInterfaceMethods<Cornet_Decompose>]> {
  let summary = "gamma (x - mean) / sqrt(variance + epsilon) + beta along axis, with the moving statistics";
  let description = [{
    Constraints: axis_c1 the axis is in the input; batch_norm_c1 parameters have the axis's extent; batch_norm_c2
    parameters have the input's element type.
  }];
  let arguments = (ins AnyRankedTensor:$input, AnyRankedTensor:$gamma, AnyRankedTensor:$beta, AnyRankedTensor:$mean,
                       AnyRankedTensor:$variance, I64Attr:$axis, F64Attr:$epsilon);
}
