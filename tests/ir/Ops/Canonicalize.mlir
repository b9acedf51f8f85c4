// RUN: cornet-opt --canonicalize %s | FileCheck %s

// CHECK-LABEL: func.func @depthwise(
// CHECK:         %[[KERNEL:.*]] = cornet.reshape %{{.*}} {shape = array<i64: 3, 3, 8, 1>}
// CHECK:         cornet.depthwise_conv %{{.*}}, %[[KERNEL]] {dilations = array<i64: 2, 1>, padding = array<i64: 1, 0, 2, 1>, strides = array<i64: 1, 2>}
func.func @depthwise(%x: tensor<?x9x9x8xf32>, %w: tensor<3x3x1x8xf32>) -> tensor<?x6x5x8xf32> {
  %0 = cornet.conv %x, %w {strides = array<i64: 1, 2>, padding = array<i64: 1, 0, 2, 1>, dilations = array<i64: 2, 1>, groups = 8 : i64} : (tensor<?x9x9x8xf32>, tensor<3x3x1x8xf32>) -> tensor<?x6x5x8xf32>
  return %0 : tensor<?x6x5x8xf32>
}

// Two filters to a group, two channels to a group, and one group stay.
// CHECK-LABEL: func.func @others(
// CHECK-COUNT-3: cornet.conv
func.func @others(%x: tensor<2x5x8xf32>, %two: tensor<3x1x16xf32>, %wide: tensor<3x2x4xf32>, %one: tensor<3x8x1xf32>) -> (tensor<2x3x16xf32>, tensor<2x3x4xf32>, tensor<2x3x1xf32>) {
  %0 = cornet.conv %x, %two {strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 8 : i64} : (tensor<2x5x8xf32>, tensor<3x1x16xf32>) -> tensor<2x3x16xf32>
  %1 = cornet.conv %x, %wide {strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 4 : i64} : (tensor<2x5x8xf32>, tensor<3x2x4xf32>) -> tensor<2x3x4xf32>
  %2 = cornet.conv %x, %one {strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<2x5x8xf32>, tensor<3x8x1xf32>) -> tensor<2x3x1xf32>
  return %0, %1, %2 : tensor<2x3x16xf32>, tensor<2x3x4xf32>, tensor<2x3x1xf32>
}
