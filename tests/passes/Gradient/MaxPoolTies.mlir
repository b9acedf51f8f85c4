// RUN: cornet-opt --pass-pipeline='builtin.module(func.func(cornet-fold-constants))' %s | FileCheck %s

// Of equal cells the first of the window takes the gradient. The wanted values are jax.grad's through
// ops.max_pool of Keras 3.15 on JAX; gradients count 1, 2, 3... .
// CHECK-LABEL: func.func @apart(
// CHECK:         dense<[0.0{{[^,]*}}, 1.0{{[^,]*}}, 2.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 3.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 4.0{{[^,]*}}, 0.0{{[^,]*}}]> : tensor<16xf32>
func.func @apart() -> tensor<16xf32> {
  %x = cornet.constant dense<[[[[1.0], [2.0], [2.0], [0.0]], [[2.0], [1.0], [0.0], [2.0]], [[0.0], [0.0], [0.0], [0.0]], [[0.0], [0.0], [3.0], [3.0]]]]> : tensor<1x4x4x1xf32>
  %g = cornet.constant dense<[[[[1.0], [2.0]], [[3.0], [4.0]]]]> : tensor<1x2x2x1xf32>
  %0 = cornet.max_pool_gradient %x, %g {window = array<i64: 2, 2>, strides = array<i64: 2, 2>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x4x4x1xf32>, tensor<1x2x2x1xf32>) -> tensor<1x4x4x1xf32>
  %1 = cornet.reshape %0 {shape = array<i64: 16>} : (tensor<1x4x4x1xf32>) -> tensor<16xf32>
  return %1 : tensor<16xf32>
}

// CHECK-LABEL: func.func @padded(
// CHECK:         dense<[0.0{{[^,]*}}, 1.0{{[^,]*}}, 2.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 7.0{{[^,]*}}, 0.0{{[^,]*}}]> : tensor<16xf32>
func.func @padded() -> tensor<16xf32> {
  %x = cornet.constant dense<[[[[1.0], [2.0], [2.0], [0.0]], [[2.0], [1.0], [0.0], [2.0]], [[0.0], [0.0], [0.0], [0.0]], [[0.0], [0.0], [3.0], [3.0]]]]> : tensor<1x4x4x1xf32>
  %g = cornet.constant dense<[[[[1.0], [2.0]], [[3.0], [4.0]]]]> : tensor<1x2x2x1xf32>
  %0 = cornet.max_pool_gradient %x, %g {window = array<i64: 3, 3>, strides = array<i64: 2, 2>, padding = array<i64: 0, 1, 0, 1>, dilations = array<i64: 1, 1>} : (tensor<1x4x4x1xf32>, tensor<1x2x2x1xf32>) -> tensor<1x4x4x1xf32>
  %1 = cornet.reshape %0 {shape = array<i64: 16>} : (tensor<1x4x4x1xf32>) -> tensor<16xf32>
  return %1 : tensor<16xf32>
}

// CHECK-LABEL: func.func @overlapping(
// CHECK:         dense<[0.0{{[^,]*}}, 3.0{{[^,]*}}, 3.0{{[^,]*}}, 0.0{{[^,]*}}, 4.0{{[^,]*}}, 5.0{{[^,]*}}, 0.0{{[^,]*}}, 6.0{{[^,]*}}, 7.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 0.0{{[^,]*}}, 1.7{{[^,]*}}, 0.0{{[^,]*}}]> : tensor<16xf32>
func.func @overlapping() -> tensor<16xf32> {
  %x = cornet.constant dense<[[[[1.0], [2.0], [2.0], [0.0]], [[2.0], [1.0], [0.0], [2.0]], [[0.0], [0.0], [0.0], [0.0]], [[0.0], [0.0], [3.0], [3.0]]]]> : tensor<1x4x4x1xf32>
  %g = cornet.constant dense<[[[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]], [[7.0], [8.0], [9.0]]]]> : tensor<1x3x3x1xf32>
  %0 = cornet.max_pool_gradient %x, %g {window = array<i64: 2, 2>, strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<1x4x4x1xf32>, tensor<1x3x3x1xf32>) -> tensor<1x4x4x1xf32>
  %1 = cornet.reshape %0 {shape = array<i64: 16>} : (tensor<1x4x4x1xf32>) -> tensor<16xf32>
  return %1 : tensor<16xf32>
}
