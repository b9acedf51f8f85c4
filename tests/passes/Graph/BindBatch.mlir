// RUN: cornet-opt %s -split-input-file -verify-diagnostics --cornet-bind-batch=sizes=1,8 | FileCheck %s

// One static clone for each size; the symbolic original is gone.
// CHECK-NOT:   func.func @predict(
// CHECK-LABEL: func.func @predict_b1(
// CHECK-SAME:    %{{.*}}: tensor<1x4xf32>, %{{.*}}: tensor<4x3xf32> {cornet.variable = @w}) -> tensor<1x3xf32>
// CHECK-SAME:    cornet.batch = 1 : i64, cornet.entry = "predict"
// CHECK-LABEL: func.func @predict_b8(
// CHECK-SAME:    tensor<8x4xf32>
// CHECK-SAME:    -> tensor<8x3xf32>
// CHECK-SAME:    cornet.batch = 8 : i64, cornet.entry = "predict"
// CHECK:         cornet.matmul {{.*}} -> tensor<8x3xf32>
// CHECK:         cornet.relu {{.*}} : (tensor<8x3xf32>) -> tensor<8x3xf32>
// CHECK:         return {{.*}} : tensor<8x3xf32>
func.func @predict(%x: tensor<?x4xf32>, %w: tensor<4x3xf32> {cornet.variable = @w}) -> tensor<?x3xf32>
    attributes {cornet.entry} {
  %0 = cornet.matmul %x, %w {transpose_lhs = false, transpose_rhs = false} : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  %1 = cornet.relu %0 : (tensor<?x3xf32>) -> tensor<?x3xf32>
  return %1 : tensor<?x3xf32>
}

// Neither a function that is no entry point nor one already bound is touched.
// CHECK-LABEL: func.func @helper(
// CHECK-SAME:    tensor<?x4xf32>
// CHECK-NOT:   @helper_b
func.func @helper(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  return %x : tensor<?x4xf32>
}
// CHECK-LABEL: func.func @bound_b2(
// CHECK-SAME:    cornet.batch = 2
// CHECK-NOT:   @bound_b2_b
func.func @bound_b2(%x: tensor<2x4xf32>) -> tensor<2x4xf32> attributes {cornet.entry = "bound", cornet.batch = 2 : i64} {
  return %x : tensor<2x4xf32>
}

// -----

// Shapes written with -1 for the batch stay true for every size.
// CHECK-LABEL: func.func @shapes_b8(
// CHECK:         cornet.reshape {{.*}} -> tensor<8x2x2xf32>
// CHECK:         cornet.slice {{.*}} -> tensor<8x1x2xf32>
// CHECK:         cornet.broadcast {{.*}} -> tensor<8x5x2xf32>
// CHECK:         cornet.reshape {{.*}} -> tensor<8x10xf32>
func.func @shapes(%x: tensor<?x4xf32>) -> tensor<?x10xf32> attributes {cornet.entry} {
  %0 = cornet.reshape %x {shape = array<i64: -1, 2, 2>} : (tensor<?x4xf32>) -> tensor<?x2x2xf32>
  %1 = cornet.slice %0 {start = array<i64: 0, 1, 0>, size = array<i64: -1, 1, 2>} : (tensor<?x2x2xf32>) -> tensor<?x1x2xf32>
  %2 = cornet.broadcast %1 {shape = array<i64: -1, 5, 2>} : (tensor<?x1x2xf32>) -> tensor<?x5x2xf32>
  %3 = cornet.reshape %2 {shape = array<i64: -1, -1>} : (tensor<?x5x2xf32>) -> tensor<?x10xf32>
  return %3 : tensor<?x10xf32>
}

// -----

// expected-error @below {{an entry point needs a body and tensor arguments}}
func.func private @declared(tensor<?x4xf32>) attributes {cornet.entry}

// -----

// expected-error @below {{an entry point needs a body and tensor arguments}}
func.func @scalar(%x: f32) attributes {cornet.entry} {
  return
}
