// RUN: cornet-opt %s --pass-pipeline='builtin.module(func.func(cornet-split-reductions))' | FileCheck %s

// Images are reduced one by one, then with each other.
// CHECK-LABEL: func.func @images(
// CHECK-SAME:    %[[X:.*]]: tensor<32x8x16x5xf32>)
// CHECK-NEXT:    %[[PARTS:.*]] = cornet.reduce %[[X]] {axes = array<i64: 1, 2>, keepdims = false, kind = "mean"} : (tensor<32x8x16x5xf32>) -> tensor<32x5xf32>
// CHECK-NEXT:    %[[ALL:.*]] = cornet.reduce %[[PARTS]] {axes = array<i64: 0>, keepdims = false, kind = "mean"} : (tensor<32x5xf32>) -> tensor<5xf32>
// CHECK-NEXT:    %[[KEPT:.*]] = cornet.reshape %[[ALL]] {shape = array<i64: 1, 1, 1, 5>}
// CHECK-NEXT:    return %[[KEPT]]
func.func @images(%x: tensor<32x8x16x5xf32>) -> tensor<1x1x1x5xf32> {
  %0 = cornet.reduce %x {kind = "mean", axes = array<i64: 0, 1, -2>, keepdims = true} : (tensor<32x8x16x5xf32>) -> tensor<1x1x1x5xf32>
  return %0 : tensor<1x1x1x5xf32>
}

// As many dimensions as make sixteen parts are left to the second step.
// CHECK-LABEL: func.func @kernel(
// CHECK:         cornet.reduce %{{.*}} {axes = array<i64: 3>, {{.*}} -> tensor<3x3x64xf32>
// CHECK:         cornet.reduce %{{.*}} {axes = array<i64: 0, 1, 2>, {{.*}} -> tensor<f32>
func.func @kernel(%x: tensor<3x3x64x64xf32>) -> tensor<f32> {
  %0 = cornet.reduce %x {kind = "sum", axes = array<i64: 0, 1, 2, 3>, keepdims = false} : (tensor<3x3x64x64xf32>) -> tensor<f32>
  return %0 : tensor<f32>
}

// Short ones, one dimension and inner dimensions stay whole.
// CHECK-LABEL: func.func @whole(
// CHECK-NEXT:    cornet.reduce %{{.*}} {axes = array<i64: 0, 1>
// CHECK-NEXT:    cornet.reduce %{{.*}} {axes = array<i64: 0>
// CHECK-NEXT:    cornet.reduce %{{.*}} {axes = array<i64: 1, 2>
// CHECK-NEXT:    return
func.func @whole(%x: tensor<32x4x5xf32>, %y: tensor<4096x5xf32>, %z: tensor<32x64x64x5xf32>) -> (tensor<5xf32>, tensor<5xf32>, tensor<32x5xf32>) {
  %0 = cornet.reduce %x {kind = "sum", axes = array<i64: 0, 1>, keepdims = false} : (tensor<32x4x5xf32>) -> tensor<5xf32>
  %1 = cornet.reduce %y {kind = "sum", axes = array<i64: 0>, keepdims = false} : (tensor<4096x5xf32>) -> tensor<5xf32>
  %2 = cornet.reduce %z {kind = "sum", axes = array<i64: 1, 2>, keepdims = false} : (tensor<32x64x64x5xf32>) -> tensor<32x5xf32>
  return %0, %1, %2 : tensor<5xf32>, tensor<5xf32>, tensor<32x5xf32>
}
