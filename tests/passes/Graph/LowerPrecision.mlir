// RUN: cornet-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(cornet-form-dispatches,cornet-lower-precision{type=bf16}))' | FileCheck %s
// RUN: not cornet-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(cornet-form-dispatches,cornet-lower-precision{type=f8}))' 2>&1 | FileCheck %s --check-prefix=TYPE
// TYPE: type is 'f8', known: bf16, f16, marked

// The input is rounded once, weights when compiled; what lies between contractions is stored narrow,
// the output is not. A bias stays f32.
// CHECK-LABEL: func.func @chain(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<1x4xf32>, %[[B:[a-z0-9]+]]: tensor<3xf32>) -> tensor<1x2xf32>
// CHECK:         %[[N:.*]] = cornet.dispatch(%[[X]]) : (tensor<1x4xf32>) -> tensor<1x4xbf16>
// CHECK:           cornet.cast {{.*}} {to = "bf16"} : (tensor<1x4xf32>) -> tensor<1x4xbf16>
// CHECK:         %[[H:.*]] = cornet.dispatch(%[[N]], {{.*}}, %[[B]]) : (tensor<1x4xbf16>, tensor<4x3xbf16>, tensor<3xf32>) -> tensor<1x3xbf16>
// CHECK:           cornet.matmul {{.*}} -> tensor<1x3xf32>
// CHECK-NEXT:      cornet.add
// CHECK-NEXT:      cornet.relu
// CHECK-NEXT:      cornet.cast {{.*}} {to = "bf16"}
// CHECK-NEXT:      cornet.yield
// CHECK:         %[[Y:.*]] = cornet.dispatch(%[[H]]
// CHECK-SAME:        -> tensor<1x2xf32>
// CHECK:         return %[[Y]]
func.func @chain(%x: tensor<1x4xf32>, %b: tensor<3xf32>) -> tensor<1x2xf32> {
  %v = cornet.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<4x3xf32>
  %w = cornet.constant dense<[[1.0, 2.0], [4.0, 5.0], [1.0, 2.0]]> : tensor<3x2xf32>
  %0 = cornet.matmul %x, %v {transpose_lhs = false, transpose_rhs = false} : (tensor<1x4xf32>, tensor<4x3xf32>) -> tensor<1x3xf32>
  %1 = cornet.add %0, %b : (tensor<1x3xf32>, tensor<3xf32>) -> tensor<1x3xf32>
  %2 = cornet.relu %1 : (tensor<1x3xf32>) -> tensor<1x3xf32>
  %3 = cornet.matmul %2, %w {transpose_lhs = false, transpose_rhs = false} : (tensor<1x3xf32>, tensor<3x2xf32>) -> tensor<1x2xf32>
  return %3 : tensor<1x2xf32>
}

// -----

// Softmax is f32 from the logits on, though a contraction made them; what reads its result rounds it.
// CHECK-LABEL: func.func @attention(
// CHECK:         cornet.matmul
// CHECK-NOT:     cornet.cast {{.*}} {to = "bf16"}
// CHECK:         cornet.reduce {{.*}} kind = "max"
// CHECK-NOT:     cornet.cast {{.*}} {to = "bf16"}
// CHECK:         cornet.exp
// CHECK-NOT:     cornet.cast {{.*}} {to = "bf16"}
// CHECK:         cornet.reduce {{.*}} kind = "sum"
// CHECK:         cornet.div
// CHECK-NEXT:    cornet.yield
// CHECK:         cornet.cast {{.*}} {to = "bf16"}
// CHECK:         cornet.matmul
func.func @attention(%q: tensor<8x4xf32>, %k: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %0 = cornet.matmul %q, %k {transpose_lhs = false, transpose_rhs = true} : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x8xf32>
  %m = cornet.reduce %0 {kind = "max", axes = array<i64: 1>, keepdims = true} : (tensor<8x8xf32>) -> tensor<8x1xf32>
  %1 = cornet.sub %0, %m : (tensor<8x8xf32>, tensor<8x1xf32>) -> tensor<8x8xf32>
  %e = cornet.exp %1 : (tensor<8x8xf32>) -> tensor<8x8xf32>
  %s = cornet.reduce %e {kind = "sum", axes = array<i64: 1>, keepdims = true} : (tensor<8x8xf32>) -> tensor<8x1xf32>
  %p = cornet.div %e, %s : (tensor<8x8xf32>, tensor<8x1xf32>) -> tensor<8x8xf32>
  %y = cornet.matmul %p, %q {transpose_lhs = false, transpose_rhs = false} : (tensor<8x8xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  return %y : tensor<8x4xf32>
}

// -----

// Nothing multiplies: nothing is narrow.
// CHECK-LABEL: func.func @pointwise(
// CHECK-NOT:     bf16
// CHECK:         return
func.func @pointwise(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %0 = cornet.relu %x : (tensor<2x4xf32>) -> tensor<2x4xf32>
  %m = cornet.reduce %0 {kind = "mean", axes = array<i64: 0>, keepdims = false} : (tensor<2x4xf32>) -> tensor<4xf32>
  %1 = cornet.sub %0, %m : (tensor<2x4xf32>, tensor<4xf32>) -> tensor<2x4xf32>
  return %1 : tensor<2x4xf32>
}

// -----

// Reshapes between dispatches are narrow along; a residual reads what the contraction reads.
// CHECK-LABEL: func.func @reshaped(
// CHECK:         %[[R:.*]] = cornet.reshape %{{.*}} {{.*}} : (tensor<1x2x2x3xbf16>) -> tensor<1x12xbf16>
// CHECK:         cornet.dispatch(%[[R]],
func.func @reshaped(%x: tensor<1x2x2x4xf32>, %k: tensor<1x1x4x3xf32>, %w: tensor<12x12xf32>) -> tensor<1x12xf32> {
  %0 = cornet.conv %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<1x2x2x4xf32>, tensor<1x1x4x3xf32>) -> tensor<1x2x2x3xf32>
  %1 = cornet.reshape %0 {shape = array<i64: 1, 12>} : (tensor<1x2x2x3xf32>) -> tensor<1x12xf32>
  %2 = cornet.matmul %1, %w {transpose_lhs = false, transpose_rhs = false} : (tensor<1x12xf32>, tensor<12x12xf32>) -> tensor<1x12xf32>
  %3 = cornet.add %2, %1 : (tensor<1x12xf32>, tensor<1x12xf32>) -> tensor<1x12xf32>
  return %3 : tensor<1x12xf32>
}

// -----

// RUN: cornet-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(cornet-form-dispatches,cornet-lower-precision{type=f16 what=weights}))' | FileCheck %s --check-prefix=WEIGHTS
// RUN: cornet-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(cornet-form-dispatches,cornet-lower-precision{type=f16 what=activations}))' | FileCheck %s --check-prefix=BETWEEN
// RUN: not cornet-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(cornet-form-dispatches,cornet-lower-precision{what=biases}))' 2>&1 | FileCheck %s --check-prefix=WHAT
// WHAT: what is 'biases', known: all, weights, activations

// Weights alone, or all but them.
// WEIGHTS-LABEL: func.func @parts(
// WEIGHTS:         cornet.dispatch({{.*}}) : (tensor<1x3xf32>, tensor<3x3xf16>) -> tensor<1x3xf32>
// WEIGHTS:         cornet.dispatch({{.*}}) : (tensor<1x3xf32>, tensor<3x3xf16>) -> tensor<1x3xf32>
// BETWEEN-LABEL: func.func @parts(
// BETWEEN:         cornet.dispatch({{.*}}) : (tensor<1x3xf16>, tensor<3x3xf32>) -> tensor<1x3xf16>
// BETWEEN:         cornet.dispatch({{.*}}) {cornet.kept = "output"} : (tensor<1x3xf16>, tensor<3x3xf32>) -> tensor<1x3xf32>
func.func @parts(%x: tensor<1x3xf32>) -> tensor<1x3xf32> {
  %w = cornet.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [1.0, 2.0, 3.0]]> : tensor<3x3xf32>
  %0 = cornet.matmul %x, %w {transpose_lhs = false, transpose_rhs = false} : (tensor<1x3xf32>, tensor<3x3xf32>) -> tensor<1x3xf32>
  %1 = cornet.matmul %0, %w {transpose_lhs = false, transpose_rhs = false} : (tensor<1x3xf32>, tensor<3x3xf32>) -> tensor<1x3xf32>
  return %1 : tensor<1x3xf32>
}
