// RUN: cornet-opt %s -split-input-file -verify-diagnostics

func.func @reshape_c1(%x: tensor<?x4xf32>) {
  // expected-error @below {{reshape_c1: the batch must stay the first dimension, got (4, ?)}}
  %0 = cornet.reshape %x {shape = array<i64: 4, -1>} : (tensor<?x4xf32>) -> tensor<4x4xf32>
  return
}

// -----

func.func @reshape_c2(%x: tensor<?x4xf32>) {
  // expected-error @below {{reshape_c2: only one dimension may be -1, got (?, ?, ?)}}
  %0 = cornet.reshape %x {shape = array<i64: -1, -1, -1>} : (tensor<?x4xf32>) -> tensor<?x2x2xf32>
  return
}

// -----

func.func @reshape_c3(%x: tensor<?x4xf32>) {
  // expected-error @below {{reshape_c3: (?, 4) has 4 elements, (?, 3) has 3}}
  %0 = cornet.reshape %x {shape = array<i64: -1, 3>} : (tensor<?x4xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @reshape_to_negative(%x: tensor<4xf32>) {
  // expected-error @below {{shape_c1}}
  %0 = cornet.reshape %x {shape = array<i64: -2, -2>} : (tensor<4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @transpose_c1(%x: tensor<?x4xf32>) {
  // expected-error @below {{transpose_c1: the permutation must name each dimension of (?, 4) once}}
  %0 = cornet.transpose %x {permutation = array<i64: 0, 0>} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @transpose_c1_negative(%x: tensor<?x4xf32>) {
  // expected-error @below {{transpose_c1}}
  %0 = cornet.transpose %x {permutation = array<i64: 0, -1>} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @transpose_c2(%x: tensor<?x4xf32>) {
  // expected-error @below {{transpose_c2: the batch must stay the first dimension}}
  %0 = cornet.transpose %x {permutation = array<i64: 1, 0>} : (tensor<?x4xf32>) -> tensor<4x?xf32>
  return
}

// -----

func.func @pad_c1(%x: tensor<?x4xf32>) {
  // expected-error @below {{pad_c1: low and high need one entry for each dimension of (?, 4)}}
  %0 = cornet.pad %x {low = array<i64: 1>, high = array<i64: 0, 1>, value = 0.0 : f64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @pad_c2_negative(%x: tensor<?x4xf32>) {
  // expected-error @below {{pad_c2: padding must not be negative, nor touch the batch}}
  %0 = cornet.pad %x {low = array<i64: 0, -1>, high = array<i64: 0, 0>, value = 0.0 : f64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @pad_c2_batch(%x: tensor<?x4xf32>) {
  // expected-error @below {{pad_c2}}
  %0 = cornet.pad %x {low = array<i64: 1, 0>, high = array<i64: 0, 0>, value = 0.0 : f64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @concat_c1_axis(%x: tensor<?x4xf32>, %k: tensor<?x4xf32>) {
  // expected-error @below {{concat_c1: axis 2 is not a static dimension of (?, 4)}}
  %0 = cornet.concat %x, %k {axis = 2 : i64} : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @concat_c1_batch(%x: tensor<?x4xf32>, %k: tensor<?x4xf32>) {
  // expected-error @below {{concat_c1: axis 0 is not a static dimension of (?, 4)}}
  %0 = cornet.concat %x, %k {axis = 0 : i64} : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @concat_c2_shapes(%x: tensor<2x4xf32>, %k: tensor<3x5xf32>) {
  // expected-error @below {{concat_c2: (3, 5) and (2, 4) must agree outside axis 0}}
  %0 = cornet.concat %x, %k {axis = 0 : i64} : (tensor<2x4xf32>, tensor<3x5xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @concat_c2_batch(%x: tensor<2x4xf32>, %k: tensor<?x4xf32>) {
  // expected-error @below {{concat_c2}}
  %0 = cornet.concat %x, %k {axis = 0 : i64} : (tensor<2x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @slice_c1(%x: tensor<?x4xf32>) {
  // expected-error @below {{slice_c1: start and size need one entry for each dimension of (?, 4)}}
  %0 = cornet.slice %x {start = array<i64: 0>, size = array<i64: 1>} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @slice_c2(%x: tensor<?x4xf32>) {
  // expected-error @below {{slice_c2: 3 cells from 2 do not lie in dimension 1 of (?, 4)}}
  %0 = cornet.slice %x {start = array<i64: 0, 2>, size = array<i64: -1, 3>} : (tensor<?x4xf32>) -> tensor<?x3xf32>
  return
}

// -----

func.func @slice_c2_batch(%x: tensor<?x4xf32>) {
  // expected-error @below {{slice_c2: 1 cells from 0 do not lie in dimension 0 of (?, 4)}}
  %0 = cornet.slice %x {start = array<i64: 0, 0>, size = array<i64: 1, 4>} : (tensor<?x4xf32>) -> tensor<1x4xf32>
  return
}

// -----

func.func @broadcast_c3(%x: tensor<?x4xf32>) {
  // expected-error @below {{broadcast_c3: (?, 4) does not stretch to (?, 8)}}
  %0 = cornet.broadcast %x {shape = array<i64: -1, 8>} : (tensor<?x4xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @broadcast_c3_shrinks(%x: tensor<2x4xf32>) {
  // expected-error @below {{broadcast_c3: (2, 4) does not stretch to (4)}}
  %0 = cornet.broadcast %x {shape = array<i64: 4>} : (tensor<2x4xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @broadcast_to_negative(%x: tensor<1xf32>) {
  // expected-error @below {{shape_c1}}
  %0 = cornet.broadcast %x {shape = array<i64: -3>} : (tensor<1xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @scatter_c1(%u: tensor<3x2xf32>, %i: tensor<3xi32>) {
  // expected-error @below {{scatter_c1}}
  %0 = cornet.scatter %u, %i {rows = 0 : i64} : (tensor<3x2xf32>, tensor<3xi32>) -> tensor<1x2xf32>
  return
}

// -----

func.func @scatter_c2(%u: tensor<4x2xf32>, %i: tensor<3xi32>) {
  // expected-error @below {{scatter_c2: updates (4, 2) must begin with the shape of indices (3)}}
  %0 = cornet.scatter %u, %i {rows = 5 : i64} : (tensor<4x2xf32>, tensor<3xi32>) -> tensor<5x2xf32>
  return
}

// -----

func.func @take_along_axis_c1(%x: tensor<?x4xf32>, %i: tensor<?x2xi32>) {
  // expected-error @below {{take_along_axis_c1: axis 0 is not a static dimension of (?, 4)}}
  %0 = cornet.take_along_axis %x, %i {axis = 0 : i64} : (tensor<?x4xf32>, tensor<?x2xi32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @take_along_axis_c2(%x: tensor<?x4xf32>, %i: tensor<?x2xf32>) {
  // expected-error @below {{take_along_axis_c2: indices must be i32}}
  %0 = cornet.take_along_axis %x, %i {axis = 1 : i64} : (tensor<?x4xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  return
}

// -----

func.func @take_along_axis_c3(%x: tensor<3x4xf32>, %i: tensor<2x2xi32>) {
  // expected-error @below {{take_along_axis_c3: indices (2, 2) and input (3, 4) must agree outside axis -1}}
  %0 = cornet.take_along_axis %x, %i {axis = -1 : i64} : (tensor<3x4xf32>, tensor<2x2xi32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @top_k_c1(%x: tensor<?x4xf32>) {
  // expected-error @below {{top_k_c1: the last dimension must be static and have 5 cells, 1 at least; the input is (?, 4)}}
  %0 = cornet.top_k %x {k = 5 : i64} : (tensor<?x4xf32>) -> tensor<?x5xi32>
  return
}

// -----

func.func @top_k_c2(%x: tensor<?x4xi32>) {
  // expected-error @below {{top_k_c2: the cells must be reals}}
  %0 = cornet.top_k %x {k = 2 : i64} : (tensor<?x4xi32>) -> tensor<?x2xi32>
  return
}

// -----

func.func @random_c1(%s: tensor<i32>, %x: tensor<3xf32>) {
  // expected-error @below {{random_c1: distribution must be uniform or normal, got 'cauchy'}}
  %0 = cornet.random %s, %x {distribution = "cauchy", seed = 1 : i64} : (tensor<i32>, tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @random_c2(%s: tensor<1xi32>, %x: tensor<3xf32>) {
  // expected-error @below {{random_c2: the step must be an i32 scalar}}
  %0 = cornet.random %s, %x {distribution = "normal", seed = 1 : i64} : (tensor<1xi32>, tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @gradient_c1(%y: tensor<3xf32>, %x: tensor<3xi32>) {
  // expected-error @below {{gradient_c1: only real numbers have a gradient}}
  %0 = cornet.gradient %y, %x : (tensor<3xf32>, tensor<3xi32>) -> tensor<3xi32>
  return
}

// -----

func.func @circle_c1(%l: tensor<4xi32>, %e: tensor<4x2xf32>, %r: tensor<4x3xf32>) {
  // expected-error @below {{circle_c1: labels (B), embeddings (B, D), reference labels (R) and embeddings (R, D) are needed, got (4), (4, 2), (4) and (4, 3)}}
  %0 = cornet.circle %l, %e, %l, %r {gamma = 80.0 : f64, margin = 0.4 : f64, remove_diagonal = true} : (tensor<4xi32>, tensor<4x2xf32>, tensor<4xi32>, tensor<4x3xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @custom_gradient_c1(%y: tensor<3xf32>, %x: tensor<3xf32>, %g: tensor<4xf32>) {
  // expected-error @below {{custom_gradient_c1: each of the tensors}}
  %0 = cornet.custom_gradient %y, %x, %g : (tensor<3xf32>, tensor<3xf32>, tensor<4xf32>) -> tensor<3xf32>
  return
}
