// RUN: cornet-opt %s -split-input-file -verify-diagnostics

func.func @matmul_c1(%a: tensor<4xf32>, %b: tensor<4x2xf32>) {
  // expected-error @below {{matmul_c1: operands need at least two dimensions, got (4) and (4, 2)}}
  %0 = cornet.matmul %a, %b {transpose_lhs = false, transpose_rhs = false} : (tensor<4xf32>, tensor<4x2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @matmul_c2(%a: tensor<3x4xf32>, %b: tensor<4x2xf64>) {
  // expected-error @below {{matmul_c2: operands differ in element type}}
  %0 = cornet.matmul %a, %b {transpose_lhs = false, transpose_rhs = false} : (tensor<3x4xf32>, tensor<4x2xf64>) -> tensor<3x2xf32>
  return
}

// -----

func.func @matmul_c3(%a: tensor<?x4xf32>, %b: tensor<4x2xf32>) {
  // expected-error @below {{matmul_c3: (?, 4) x (2, 4) contracts 4 with 2}}
  %0 = cornet.matmul %a, %b {transpose_lhs = false, transpose_rhs = true} : (tensor<?x4xf32>, tensor<4x2xf32>) -> tensor<?x4xf32>
  return
}

// -----

func.func @matmul_c4(%a: tensor<2x3x4xf32>, %b: tensor<5x4x2xf32>) {
  // expected-error @below {{matmul_c4: batch dimensions: broadcast_c2}}
  %0 = cornet.matmul %a, %b {transpose_lhs = false, transpose_rhs = false} : (tensor<2x3x4xf32>, tensor<5x4x2xf32>) -> tensor<2x3x2xf32>
  return
}

// -----

func.func @gather_c1(%t: tensor<?x4xf32>, %i: tensor<2xi32>) {
  // expected-error @below {{gather_c1: the table needs a static first dimension, got (?, 4)}}
  %0 = cornet.gather %t, %i : (tensor<?x4xf32>, tensor<2xi32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @gather_c2(%t: tensor<9x4xf32>, %i: tensor<2xi64>) {
  // expected-error @below {{gather_c2: indices must be i32}}
  %0 = cornet.gather %t, %i : (tensor<9x4xf32>, tensor<2xi64>) -> tensor<2x4xf32>
  return
}
