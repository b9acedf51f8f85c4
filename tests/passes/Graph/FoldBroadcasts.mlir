// RUN: cornet-opt %s --pass-pipeline='builtin.module(func.func(cornet-fold-broadcasts))' | FileCheck %s

// CHECK-LABEL: func.func @stretched(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<8x4xf32>, %[[Y:[a-z0-9]+]]: tensor<4xf32>, %[[Z:[a-z0-9]+]]: tensor<f32>)
// CHECK-NEXT:    %[[A:.*]] = cornet.mul %[[Y]], %[[X]] : (tensor<4xf32>, tensor<8x4xf32>)
// CHECK-NEXT:    %[[B:.*]] = cornet.add %[[A]], %[[Z]] : (tensor<8x4xf32>, tensor<f32>)
// CHECK-NEXT:    return %[[B]]
func.func @stretched(%x: tensor<8x4xf32>, %y: tensor<4xf32>, %z: tensor<f32>) -> tensor<8x4xf32> {
  %0 = cornet.broadcast %y {shape = array<i64: 8, 4>} : (tensor<4xf32>) -> tensor<8x4xf32>
  %1 = cornet.mul %0, %x : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  %2 = cornet.broadcast %z {shape = array<i64: 4>} : (tensor<f32>) -> tensor<4xf32>
  %3 = cornet.broadcast %2 {shape = array<i64: 8, 4>} : (tensor<4xf32>) -> tensor<8x4xf32>
  %4 = cornet.add %1, %3 : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  return %4 : tensor<8x4xf32>
}

// Where nothing else has the shape, and where others read it, it stays.
// CHECK-LABEL: func.func @kept(
// CHECK:         %[[WIDE:.*]] = cornet.broadcast
// CHECK-NEXT:    %[[N:.*]] = cornet.neg %[[WIDE]]
// CHECK-NEXT:    return %[[N]], %[[WIDE]]
func.func @kept(%y: tensor<4xf32>) -> (tensor<8x4xf32>, tensor<8x4xf32>) {
  %0 = cornet.broadcast %y {shape = array<i64: 8, 4>} : (tensor<4xf32>) -> tensor<8x4xf32>
  %1 = cornet.neg %0 : (tensor<8x4xf32>) -> tensor<8x4xf32>
  return %1, %0 : tensor<8x4xf32>, tensor<8x4xf32>
}
