// RUN: cornet-opt %s -split-input-file -verify-diagnostics

func.func @reduce_c1_outside(%x: tensor<?x4xf32>) {
  // expected-error @below {{reduce_c1: axes must be distinct and lie in (?, 4)}}
  %0 = cornet.reduce %x {axes = array<i64: 2>, kind = "sum", keepdims = false} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @reduce_c1_twice(%x: tensor<?x4xf32>) {
  // expected-error @below {{reduce_c1}}
  %0 = cornet.reduce %x {axes = array<i64: 1, -1>, kind = "sum", keepdims = false} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @reduce_c1_scalar(%x: tensor<f32>) {
  // expected-error @below {{reduce_c1: axes must be distinct and lie in ()}}
  %0 = cornet.reduce %x {axes = array<i64: 0>, kind = "sum", keepdims = false} : (tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @reduce_c2(%x: tensor<?x4xf32>) {
  // expected-error @below {{reduce_c2: kind must be sum, mean, max or min, got 'prod'}}
  %0 = cornet.reduce %x {axes = array<i64: 1>, kind = "prod", keepdims = false} : (tensor<?x4xf32>) -> tensor<?xf32>
  return
}

// -----

func.func @axis_c1(%x: tensor<?x4xf32>) {
  // expected-error @below {{axis_c1: axis 2 is not a dimension of (?, 4)}}
  %0 = cornet.softmax %x {axis = 2 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @axis_c1_batch_norm(%x: tensor<?x4xf32>, %p: tensor<4xf32>) {
  // expected-error @below {{axis_c1: axis -3 is not a dimension of (?, 4)}}
  %0 = cornet.batch_norm %x, %p, %p, %p, %p {axis = -3 : i64, epsilon = 1.0e-3 : f64} : (tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @batch_norm_c1(%x: tensor<?x4xf32>, %p: tensor<4xf32>, %q: tensor<3xf32>) {
  // expected-error @below {{batch_norm_c1: parameters must have the shape of dimension 1 of (?, 4), got (3)}}
  %0 = cornet.batch_norm %x, %p, %p, %p, %q {axis = 1 : i64, epsilon = 1.0e-3 : f64} : (tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<3xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @batch_norm_c2(%x: tensor<?x4xf32>, %p: tensor<4xf32>, %q: tensor<4xf64>) {
  // expected-error @below {{batch_norm_c2: parameters must have the input's element type}}
  %0 = cornet.batch_norm %x, %p, %p, %p, %q {axis = 1 : i64, epsilon = 1.0e-3 : f64} : (tensor<?x4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf32>, tensor<4xf64>) -> tensor<?x4xf32>
  return
}
