// RUN: cornet-opt %s --pass-pipeline='builtin.module(func.func(cornet-fold-batch-norm))' | FileCheck %s

// conv(x, W) * s  ->  conv(x, W * s)
// CHECK-LABEL: func.func @conv(
// CHECK-DAG:     %[[W:.*]] = cornet.constant dense<1.0{{.*}}> : tensor<1x1x2x3xf32>
// CHECK-DAG:     %[[S:.*]] = cornet.constant dense<[2.0{{.*}}]> : tensor<3xf32>
// CHECK:         %[[WS:.*]] = cornet.mul %[[W]], %[[S]] : (tensor<1x1x2x3xf32>, tensor<3xf32>)
// CHECK:         %[[Y:.*]] = cornet.conv %{{.*}}, %[[WS]]
// CHECK-NEXT:    return %[[Y]]
func.func @conv(%x: tensor<8x4x4x2xf32>) -> tensor<8x4x4x3xf32> {
  %w = cornet.constant dense<1.0> : tensor<1x1x2x3xf32>
  %s = cornet.constant dense<[2.0, 3.0, 4.0]> : tensor<3xf32>
  %0 = cornet.conv %x, %w {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<8x4x4x2xf32>, tensor<1x1x2x3xf32>) -> tensor<8x4x4x3xf32>
  %1 = cornet.mul %0, %s : (tensor<8x4x4x3xf32>, tensor<3xf32>) -> tensor<8x4x4x3xf32>
  return %1 : tensor<8x4x4x3xf32>
}

// A depthwise kernel (h, w, C, M) is scaled by C * M.
// CHECK-LABEL: func.func @depthwise(
// CHECK:         %[[S:.*]] = cornet.reshape {{.*}} : (tensor<4xf32>) -> tensor<2x2xf32>
// CHECK:         %[[WS:.*]] = cornet.mul %{{.*}}, %[[S]] : (tensor<1x1x2x2xf32>, tensor<2x2xf32>)
// CHECK:         %[[Y:.*]] = cornet.depthwise_conv %{{.*}}, %[[WS]]
// CHECK-NEXT:    return %[[Y]]
func.func @depthwise(%x: tensor<8x4x4x2xf32>) -> tensor<8x4x4x4xf32> {
  %w = cornet.constant dense<1.0> : tensor<1x1x2x2xf32>
  %s = cornet.constant dense<[2.0, 3.0, 4.0, 5.0]> : tensor<4xf32>
  %0 = cornet.depthwise_conv %x, %w {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<8x4x4x2xf32>, tensor<1x1x2x2xf32>) -> tensor<8x4x4x4xf32>
  %1 = cornet.mul %0, %s : (tensor<8x4x4x4xf32>, tensor<4xf32>) -> tensor<8x4x4x4xf32>
  return %1 : tensor<8x4x4x4xf32>
}

// Through the bias of a dense layer: (x W + b) * s  ->  x (W * s) + b * s
// CHECK-LABEL: func.func @dense_bias(
// CHECK-DAG:     %[[W:.*]] = cornet.constant {{.*}} : tensor<2x3xf32>
// CHECK-DAG:     %[[B:.*]] = cornet.constant dense<[5.0{{.*}}]> : tensor<3xf32>
// CHECK-DAG:     %[[S:.*]] = cornet.constant dense<[2.0{{.*}}]> : tensor<3xf32>
// CHECK-DAG:     %[[BS:.*]] = cornet.mul %[[B]], %[[S]]
// CHECK-DAG:     %[[WS:.*]] = cornet.mul %[[W]], %[[S]]
// CHECK:         %[[Y:.*]] = cornet.matmul %{{.*}}, %[[WS]]
// CHECK:         cornet.add %[[Y]], %[[BS]]
func.func @dense_bias(%x: tensor<8x2xf32>) -> tensor<8x3xf32> {
  %w = cornet.constant dense<1.0> : tensor<2x3xf32>
  %b = cornet.constant dense<[5.0, 6.0, 7.0]> : tensor<3xf32>
  %s = cornet.constant dense<[2.0, 3.0, 4.0]> : tensor<3xf32>
  %0 = cornet.matmul %x, %w {transpose_lhs = false, transpose_rhs = false} : (tensor<8x2xf32>, tensor<2x3xf32>) -> tensor<8x3xf32>
  %1 = cornet.add %0, %b : (tensor<8x3xf32>, tensor<3xf32>) -> tensor<8x3xf32>
  %2 = cornet.mul %1, %s : (tensor<8x3xf32>, tensor<3xf32>) -> tensor<8x3xf32>
  return %2 : tensor<8x3xf32>
}

// Not when somebody else reads the value before the scale ...
// CHECK-LABEL: func.func @two_users(
// CHECK:         %[[Y:.*]] = cornet.matmul
// CHECK:         cornet.mul %[[Y]], %{{.*}} : (tensor<8x3xf32>, tensor<3xf32>)
func.func @two_users(%x: tensor<8x2xf32>) -> (tensor<8x3xf32>, tensor<8x3xf32>) {
  %w = cornet.constant dense<1.0> : tensor<2x3xf32>
  %s = cornet.constant dense<[2.0, 3.0, 4.0]> : tensor<3xf32>
  %0 = cornet.matmul %x, %w {transpose_lhs = false, transpose_rhs = false} : (tensor<8x2xf32>, tensor<2x3xf32>) -> tensor<8x3xf32>
  %1 = cornet.mul %0, %s : (tensor<8x3xf32>, tensor<3xf32>) -> tensor<8x3xf32>
  return %0, %1 : tensor<8x3xf32>, tensor<8x3xf32>
}

// ... nor when the weights are not constant ...
// CHECK-LABEL: func.func @weights_not_constant(
// CHECK:         %[[Y:.*]] = cornet.matmul
// CHECK:         cornet.mul %[[Y]]
func.func @weights_not_constant(%x: tensor<8x2xf32>, %w: tensor<2x3xf32>) -> tensor<8x3xf32> {
  %s = cornet.constant dense<[2.0, 3.0, 4.0]> : tensor<3xf32>
  %0 = cornet.matmul %x, %w {transpose_lhs = false, transpose_rhs = false} : (tensor<8x2xf32>, tensor<2x3xf32>) -> tensor<8x3xf32>
  %1 = cornet.mul %0, %s : (tensor<8x3xf32>, tensor<3xf32>) -> tensor<8x3xf32>
  return %1 : tensor<8x3xf32>
}

// ... nor when their last dimension is not the output channel ...
// CHECK-LABEL: func.func @transposed(
// CHECK:         %[[Y:.*]] = cornet.matmul
// CHECK:         cornet.mul %[[Y]]
func.func @transposed(%x: tensor<8x3xf32>) -> tensor<8x3xf32> {
  %w = cornet.constant dense<1.0> : tensor<3x3xf32>
  %s = cornet.constant dense<[2.0, 3.0, 4.0]> : tensor<3xf32>
  %0 = cornet.matmul %x, %w {transpose_lhs = false, transpose_rhs = true} : (tensor<8x3xf32>, tensor<3x3xf32>) -> tensor<8x3xf32>
  %1 = cornet.mul %0, %s : (tensor<8x3xf32>, tensor<3xf32>) -> tensor<8x3xf32>
  return %1 : tensor<8x3xf32>
}

// ... nor when the scale is not by channel, or stretches the only channel to several.
// CHECK-LABEL: func.func @not_by_channel(
// CHECK:         %[[Y:.*]] = cornet.matmul
// CHECK:         cornet.mul %[[Y]], %{{.*}} : (tensor<8x1xf32>, tensor<8x1xf32>)
// CHECK:         %[[Z:.*]] = cornet.matmul
// CHECK:         cornet.mul %[[Z]], %{{.*}} : (tensor<8x1xf32>, tensor<3xf32>)
func.func @not_by_channel(%x: tensor<8x2xf32>) -> (tensor<8x1xf32>, tensor<8x3xf32>) {
  %w = cornet.constant dense<1.0> : tensor<2x1xf32>
  %rows = cornet.constant dense<2.0> : tensor<8x1xf32>
  %s = cornet.constant dense<[2.0, 3.0, 4.0]> : tensor<3xf32>
  %0 = cornet.matmul %x, %w {transpose_lhs = false, transpose_rhs = false} : (tensor<8x2xf32>, tensor<2x1xf32>) -> tensor<8x1xf32>
  %1 = cornet.mul %0, %rows : (tensor<8x1xf32>, tensor<8x1xf32>) -> tensor<8x1xf32>
  %2 = cornet.matmul %x, %w {transpose_lhs = false, transpose_rhs = false} : (tensor<8x2xf32>, tensor<2x1xf32>) -> tensor<8x1xf32>
  %3 = cornet.mul %2, %s : (tensor<8x1xf32>, tensor<3xf32>) -> tensor<8x3xf32>
  return %1, %3 : tensor<8x1xf32>, tensor<8x3xf32>
}
