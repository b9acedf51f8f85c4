// RUN: cornet-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(cornet-compute-wide))' | FileCheck %s
// RUN: cornet-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(cornet-compute-wide{mark=false}))' | FileCheck %s --check-prefix=BARE
// BARE-NOT: cornet.stored
// RUN: cornet-opt %s --split-input-file --pass-pipeline='builtin.module(func.func(cornet-compute-wide,cornet-form-dispatches,cornet-lower-precision{type=marked}))' | FileCheck %s --check-prefix=LOWER
// LOWER-NOT: cornet.stored

// Casts go, ops that were narrow are marked, constants keep what they were rounded to. Of the two
// contractions, the first is stored narrow.
// CHECK-LABEL: func.func @chain(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<1x4xf32>, %[[W:[a-z0-9]+]]: tensor<4x3xf32>, %[[V:[a-z0-9]+]]: tensor<3x3xf32>) -> tensor<1x3xf32>
// CHECK-NOT:     cornet.cast
// CHECK:         %[[H:.*]] = cornet.matmul %[[X]], %[[W]] {cornet.stored = "bf16", {{.*}}} : {{.*}} -> tensor<1x3xf32>
// CHECK:         %[[C:.*]] = cornet.constant dense<0.100097656> : tensor<f32>
// CHECK:         %[[S:.*]] = cornet.mul %[[H]], %[[C]] {cornet.stored = "bf16"}
// CHECK:         %[[Y:.*]] = cornet.matmul %[[S]], %[[V]] {cornet.stored = "bf16", {{.*}}} : {{.*}} -> tensor<1x3xf32>
// CHECK-NOT:     cornet.cast
// CHECK:         return %[[Y]]
// LOWER-LABEL: func.func @chain(
// LOWER:         cornet.dispatch({{.*}}) : (tensor<1x4xbf16>, tensor<4x3xbf16>) -> tensor<1x3xbf16>
// LOWER:         cornet.dispatch({{.*}}) {cornet.kept = "output"} : (tensor<1x3xbf16>, tensor<3x3xbf16>) -> tensor<1x3xf32>
func.func @chain(%x: tensor<1x4xf32>, %w: tensor<4x3xf32>, %v: tensor<3x3xf32>) -> tensor<1x3xf32> {
  %0 = cornet.cast %x {to = "bf16"} : (tensor<1x4xf32>) -> tensor<1x4xbf16>
  %1 = cornet.cast %w {to = "bf16"} : (tensor<4x3xf32>) -> tensor<4x3xbf16>
  %2 = cornet.matmul %0, %1 {transpose_lhs = false, transpose_rhs = false} : (tensor<1x4xbf16>, tensor<4x3xbf16>) -> tensor<1x3xbf16>
  %c = cornet.constant dense<0.1> : tensor<bf16>
  %3 = cornet.mul %2, %c : (tensor<1x3xbf16>, tensor<bf16>) -> tensor<1x3xbf16>
  %4 = cornet.cast %v {to = "bf16"} : (tensor<3x3xf32>) -> tensor<3x3xbf16>
  %5 = cornet.matmul %3, %4 {transpose_lhs = false, transpose_rhs = false} : (tensor<1x3xbf16>, tensor<3x3xbf16>) -> tensor<1x3xbf16>
  %6 = cornet.cast %5 {to = "f32"} : (tensor<1x3xbf16>) -> tensor<1x3xf32>
  return %6 : tensor<1x3xf32>
}

// -----

// What a cast alone reads is stored as the cast has it; what is read in f32, too, is not.
// CHECK-LABEL: func.func @marks(
// CHECK:         %[[E:.*]] = cornet.exp {{.*}} {cornet.stored = "bf16"}
// CHECK:         cornet.neg %[[E]] {cornet.stored = "bf16"}
// CHECK:         %[[L:.*]] = cornet.log %{{[a-z0-9]+}} : (tensor<4xf32>)
// CHECK:         cornet.neg %[[L]] {cornet.stored = "bf16"}
func.func @marks(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) {
  %0 = cornet.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = cornet.cast %0 {to = "bf16"} : (tensor<4xf32>) -> tensor<4xbf16>
  %2 = cornet.neg %1 : (tensor<4xbf16>) -> tensor<4xbf16>
  %3 = cornet.cast %2 {to = "f32"} : (tensor<4xbf16>) -> tensor<4xf32>
  %4 = cornet.log %x : (tensor<4xf32>) -> tensor<4xf32>
  %5 = cornet.cast %4 {to = "bf16"} : (tensor<4xf32>) -> tensor<4xbf16>
  %6 = cornet.neg %5 : (tensor<4xbf16>) -> tensor<4xbf16>
  %7 = cornet.cast %6 {to = "f32"} : (tensor<4xbf16>) -> tensor<4xf32>
  return %3, %7, %4 : tensor<4xf32>, tensor<4xf32>, tensor<4xf32>
}

// -----

// Sums of f16 that go on in f32 overflow as f16 does; of bf16, which has the range, they need not.
// CHECK-LABEL: func.func @half(
// CHECK:         %[[D:.*]] = cornet.matmul {{.*}} {cornet.stored = "f16"
// CHECK:         %[[N:.*]] = cornet.cast %[[D]] {to = "f16"} : (tensor<4x3xf32>) -> tensor<4x3xf16>
// CHECK:         %[[W:.*]] = cornet.cast %[[N]] {cornet.stored = "f16", to = "f32"}
// CHECK:         return %[[W]]
func.func @half(%x: tensor<8x4xf32>, %g: tensor<8x3xf32>) -> tensor<4x3xf32> {
  %0 = cornet.cast %x {to = "f16"} : (tensor<8x4xf32>) -> tensor<8x4xf16>
  %1 = cornet.cast %g {to = "f16"} : (tensor<8x3xf32>) -> tensor<8x3xf16>
  %2 = cornet.matmul %0, %1 {transpose_lhs = true, transpose_rhs = false} : (tensor<8x4xf16>, tensor<8x3xf16>) -> tensor<4x3xf16>
  %3 = cornet.cast %2 {to = "f32"} : (tensor<4x3xf16>) -> tensor<4x3xf32>
  return %3 : tensor<4x3xf32>
}

// -----

// Integers and the truth become f32 that is marked; f32 is left alone.
// CHECK-LABEL: func.func @others(
// CHECK:         cornet.cast %{{.*}} {cornet.stored = "bf16", to = "f32"} : (tensor<4xi32>) -> tensor<4xf32>
// CHECK:         cornet.relu %{{[a-z0-9]+}} : (tensor<4xf32>) -> tensor<4xf32>
func.func @others(%i: tensor<4xi32>, %x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = cornet.cast %i {to = "bf16"} : (tensor<4xi32>) -> tensor<4xbf16>
  %1 = cornet.cast %0 {to = "f32"} : (tensor<4xbf16>) -> tensor<4xf32>
  %2 = cornet.relu %x : (tensor<4xf32>) -> tensor<4xf32>
  return %1, %2 : tensor<4xf32>, tensor<4xf32>
}
