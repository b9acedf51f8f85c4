// RUN: bash -c 'cornet-opt %s --pass-pipeline="$(cornet compile %s --batch 1,4 --print-pipeline)"' | FileCheck %s
//
// The printed text of inference-cpu is what cornet-opt takes. Padding, batch norm and relu end in the
// convolution's dispatch, the dense layer with its bias and relu in another; no variable is left.

// CHECK-NOT:   cornet.variable
// CHECK-LABEL: func.func @predict_b1(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<1x4x4x2xf32>
// CHECK-NOT:     cornet.pad
// CHECK-NOT:     cornet.batch_norm
// CHECK:         %[[C:.*]] = cornet.dispatch(%[[X]]
// CHECK:           %[[CONV:.*]] = cornet.conv {{.*}} padding = array<i64: 1, 1, 1, 1>
// CHECK-NEXT:      %[[BIASED:.*]] = cornet.add %[[CONV]]
// CHECK-NEXT:      %[[RELU:.*]] = cornet.relu %[[BIASED]]
// CHECK-NEXT:      cornet.yield %[[RELU]]
// CHECK:         %[[F:.*]] = cornet.reshape %[[C]]
// CHECK:         %[[D:.*]] = cornet.dispatch(%[[F]]
// CHECK:           cornet.matmul
// CHECK-NEXT:      cornet.add
// CHECK-NEXT:      cornet.relu
// CHECK-NEXT:      cornet.yield
// CHECK-NOT:     cornet.dispatch
// CHECK:         return %[[D]] : tensor<1x5xf32>
// CHECK-LABEL: func.func @predict_b4(
// CHECK:         return %{{.*}} : tensor<4x5xf32>
cornet.variable @kernel = dense<1.0> : tensor<3x3x2x3xf32>
cornet.variable @gamma = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
cornet.variable @beta = dense<[4.0, 5.0, 6.0]> : tensor<3xf32>
cornet.variable @mean = dense<[1.0, 1.5, 2.0]> : tensor<3xf32>
cornet.variable @variance = dense<[4.0, 9.0, 16.0]> : tensor<3xf32>
cornet.variable @dense = dense<2.0> : tensor<48x5xf32>
cornet.variable @bias = dense<[1.0, 2.0, 3.0, 4.0, 5.0]> : tensor<5xf32>
func.func @predict(%x: tensor<?x4x4x2xf32>, %k: tensor<3x3x2x3xf32> {cornet.variable = @kernel},
                   %g: tensor<3xf32> {cornet.variable = @gamma}, %b: tensor<3xf32> {cornet.variable = @beta},
                   %m: tensor<3xf32> {cornet.variable = @mean}, %v: tensor<3xf32> {cornet.variable = @variance},
                   %w: tensor<48x5xf32> {cornet.variable = @dense}, %c: tensor<5xf32> {cornet.variable = @bias})
    -> tensor<?x5xf32> attributes {cornet.entry} {
  %0 = cornet.pad %x {low = array<i64: 0, 1, 1, 0>, high = array<i64: 0, 1, 1, 0>, value = 0.0 : f64} : (tensor<?x4x4x2xf32>) -> tensor<?x6x6x2xf32>
  %1 = cornet.conv %0, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x6x6x2xf32>, tensor<3x3x2x3xf32>) -> tensor<?x4x4x3xf32>
  %2 = cornet.batch_norm %1, %g, %b, %m, %v {axis = -1 : i64, epsilon = 1.0e-3 : f64} : (tensor<?x4x4x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<?x4x4x3xf32>
  %3 = cornet.relu %2 : (tensor<?x4x4x3xf32>) -> tensor<?x4x4x3xf32>
  %4 = cornet.reshape %3 {shape = array<i64: -1, 48>} : (tensor<?x4x4x3xf32>) -> tensor<?x48xf32>
  %5 = cornet.matmul %4, %w {transpose_lhs = false, transpose_rhs = false} : (tensor<?x48xf32>, tensor<48x5xf32>) -> tensor<?x5xf32>
  %6 = cornet.add %5, %c : (tensor<?x5xf32>, tensor<5xf32>) -> tensor<?x5xf32>
  %7 = cornet.relu %6 : (tensor<?x5xf32>) -> tensor<?x5xf32>
  return %7 : tensor<?x5xf32>
}
