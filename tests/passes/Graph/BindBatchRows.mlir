// RUN: cornet-opt %s --cornet-bind-batch=sizes=2 -split-input-file -verify-diagnostics | FileCheck %s

func.func @predict(%x: tensor<?x4xf32>) -> tensor<?x4xf32> attributes {cornet.entry} {
  // expected-error @below {{mixes the rows of a batch}}
  %0 = cornet.softmax %x {axis = 0 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}

// -----

func.func @predict(%x: tensor<?x4xf32>) -> tensor<?x4xf32> attributes {cornet.entry} {
  // expected-error @below {{mixes the rows of a batch}}
  %0 = cornet.reduce %x {kind = "mean", axes = array<i64: -2>, keepdims = true} : (tensor<?x4xf32>) -> tensor<1x4xf32>
  %1 = cornet.sub %x, %0 : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// -----

// An entry point that is called on whole batches may.
// CHECK-LABEL: func.func @train_step_b2
// CHECK: cornet.reduce {{.*}} -> tensor<4xf32>
func.func @train_step(%x: tensor<?x4xf32>) -> tensor<4xf32> attributes {cornet.entry, cornet.whole} {
  %0 = cornet.reduce %x {kind = "mean", axes = array<i64: 0>, keepdims = false} : (tensor<?x4xf32>) -> tensor<4xf32>
  return %0 : tensor<4xf32>
}
