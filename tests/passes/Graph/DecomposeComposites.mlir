// RUN: cornet-opt %s --pass-pipeline='builtin.module(func.func(cornet-decompose-composites))' | FileCheck %s
// RUN: cornet-opt %s --pass-pipeline='builtin.module(func.func(cornet-decompose-composites{keep=softmax,batch_norm}))' \
// RUN:   | FileCheck %s --check-prefix=KEPT

// CHECK-LABEL: func.func @softmax(
// CHECK-NOT:     cornet.softmax
// CHECK:         %[[MAX:.*]] = cornet.reduce %[[X:.*]] {axes = array<i64: 1>, keepdims = true, kind = "max"}
// CHECK:         %[[SUB:.*]] = cornet.sub %[[X]], %[[MAX]]
// CHECK:         %[[EXP:.*]] = cornet.exp %[[SUB]]
// CHECK:         %[[SUM:.*]] = cornet.reduce %[[EXP]] {axes = array<i64: 1>, keepdims = true, kind = "sum"}
// CHECK:         cornet.div %[[EXP]], %[[SUM]]
// KEPT-LABEL:  func.func @softmax(
// KEPT-NEXT:     cornet.softmax
// KEPT-NEXT:     return
func.func @softmax(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = cornet.softmax %x {axis = -1 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// gamma / sqrt(variance + epsilon) scales, beta - mean scale shifts.
// CHECK-LABEL: func.func @batch_norm(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x2x2x3xf32>, %[[GAMMA:[a-z0-9]+]]: {{.*}}, %[[BETA:[a-z0-9]+]]: {{.*}}, %[[MEAN:[a-z0-9]+]]: {{.*}}, %[[VAR:[a-z0-9]+]]: tensor<3xf32>)
// CHECK:         cornet.constant dense<1.000000e-03> : tensor<f32>
// CHECK:         cornet.add %[[VAR]]
// CHECK:         %[[DEV:.*]] = cornet.sqrt
// CHECK:         %[[SCALE:.*]] = cornet.div %[[GAMMA]], %[[DEV]]
// CHECK:         %[[MOVED:.*]] = cornet.mul %[[MEAN]], %[[SCALE]]
// CHECK:         %[[SHIFT:.*]] = cornet.sub %[[BETA]], %[[MOVED]]
// CHECK:         %[[Y:.*]] = cornet.mul %[[X]], %[[SCALE]]
// CHECK:         cornet.add %[[Y]], %[[SHIFT]]
// KEPT-LABEL:  func.func @batch_norm(
// KEPT-NEXT:     cornet.batch_norm
// KEPT-NEXT:     return
func.func @batch_norm(%x: tensor<?x2x2x3xf32>, %g: tensor<3xf32>, %b: tensor<3xf32>, %m: tensor<3xf32>, %v: tensor<3xf32>) -> tensor<?x2x2x3xf32> {
  %0 = cornet.batch_norm %x, %g, %b, %m, %v {axis = -1 : i64, epsilon = 1.0e-3 : f64} : (tensor<?x2x2x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<?x2x2x3xf32>
  return %0 : tensor<?x2x2x3xf32>
}

// An axis that is not the last is aligned by trailing ones.
// CHECK-LABEL: func.func @channels_first(
// CHECK:         %[[SCALE:.*]] = cornet.reshape {{.*}} -> tensor<3x1x1xf32>
// CHECK:         cornet.mul %{{.*}}, %[[SCALE]]
func.func @channels_first(%x: tensor<?x3x2x2xf32>, %p: tensor<3xf32>) -> tensor<?x3x2x2xf32> {
  %0 = cornet.batch_norm %x, %p, %p, %p, %p {axis = 1 : i64, epsilon = 1.0e-3 : f64} : (tensor<?x3x2x2xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<?x3x2x2xf32>
  return %0 : tensor<?x3x2x2xf32>
}

// A core op is no composite.
// CHECK-LABEL: func.func @core(
// CHECK-NEXT:    cornet.sigmoid
// CHECK-NEXT:    return
func.func @core(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = cornet.sigmoid %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// The phases of a wide stride become output channels of one convolution, then pixels.
// CHECK-LABEL: func.func @transposed(
// CHECK:         cornet.conv %{{.*}} {dilations = array<i64: 1>, groups = 1 : i64, padding = array<i64: 0, 0>, strides = array<i64: 1>} : (tensor<1x3x2xf32>, tensor<1x2x20xf32>) -> tensor<1x3x20xf32>
// CHECK:         cornet.reshape %{{.*}} -> tensor<1x3x5x4xf32>
// CHECK:         cornet.reshape %{{.*}} -> tensor<1x15x4xf32>
// CHECK:         cornet.slice %{{.*}} {size = array<i64: 1, 13, 4>, start = array<i64: 0, 0, 0>}
// CHECK-NOT:     cornet.conv_transpose
func.func @transposed(%x: tensor<1x3x2xf32>, %k: tensor<3x4x2xf32>) -> tensor<1x13x4xf32> {
  %0 = cornet.conv_transpose %x, %k {strides = array<i64: 5>, padding = array<i64: 0, 0>, dilations = array<i64: 1>} : (tensor<1x3x2xf32>, tensor<3x4x2xf32>) -> tensor<1x13x4xf32>
  return %0 : tensor<1x13x4xf32>
}

// Small strides are left to kernels.
// CHECK-LABEL: func.func @small_stride(
// CHECK-NEXT:    cornet.conv_transpose
// CHECK-NEXT:    return
func.func @small_stride(%x: tensor<1x3x2xf32>, %k: tensor<3x4x2xf32>) -> tensor<1x7x4xf32> {
  %0 = cornet.conv_transpose %x, %k {strides = array<i64: 2>, padding = array<i64: 0, 0>, dilations = array<i64: 1>} : (tensor<1x3x2xf32>, tensor<3x4x2xf32>) -> tensor<1x7x4xf32>
  return %0 : tensor<1x7x4xf32>
}

// A dilated one has no such form, and stays.
// CHECK-LABEL: func.func @dilated(
// CHECK:         cornet.conv_transpose
func.func @dilated(%x: tensor<1x3x2xf32>, %k: tensor<3x4x2xf32>) -> tensor<1x9x4xf32> {
  %0 = cornet.conv_transpose %x, %k {strides = array<i64: 2>, padding = array<i64: 0, 0>, dilations = array<i64: 2>} : (tensor<1x3x2xf32>, tensor<3x4x2xf32>) -> tensor<1x9x4xf32>
  return %0 : tensor<1x9x4xf32>
}
