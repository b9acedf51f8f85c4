// RUN: cornet-opt %s -split-input-file -verify-diagnostics

func.func @conv_filter_gradient_c1(%x: tensor<?x8xf32>, %g: tensor<?x6x6x5xf32>) {
  // expected-error @below {{conv_filter_gradient_c1: input (N, spatial..., C) and gradient (N, places..., O) must have equal rank 3 to 5, got (?, 8) and (?, 6, 6, 5)}}
  %0 = cornet.conv_filter_gradient %x, %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 3, 3>} : (tensor<?x8xf32>, tensor<?x6x6x5xf32>) -> tensor<3x3x4x5xf32>
  return
}

// -----

func.func @conv_filter_gradient_c2(%x: tensor<?x8x8x4xf32>, %g: tensor<?x6x6x5xf32>) {
  // expected-error @below {{conv_filter_gradient_c2}}
  %0 = cornet.conv_filter_gradient %x, %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 3>} : (tensor<?x8x8x4xf32>, tensor<?x6x6x5xf32>) -> tensor<3x3x4x5xf32>
  return
}

// -----

func.func @conv_filter_gradient_c3(%x: tensor<?x8x8x4xf32>, %g: tensor<?x6x6x5xf32>) {
  // expected-error @below {{conv_filter_gradient_c3}}
  %0 = cornet.conv_filter_gradient %x, %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 0, 3>} : (tensor<?x8x8x4xf32>, tensor<?x6x6x5xf32>) -> tensor<3x3x4x5xf32>
  return
}

// -----

func.func @conv_filter_gradient_c4(%x: tensor<?x8x8x4xf32>, %g: tensor<?x6x6x5xf32>) {
  // expected-error @below {{conv_filter_gradient_c4: a window of 9 does not fit 8 cells of dimension 1}}
  %0 = cornet.conv_filter_gradient %x, %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 9, 3>} : (tensor<?x8x8x4xf32>, tensor<?x6x6x5xf32>) -> tensor<3x3x4x5xf32>
  return
}

// -----

func.func @conv_filter_gradient_c5(%x: tensor<?x8x8x4xf32>, %g: tensor<?x6x6x5xf32>) {
  // expected-error @below {{conv_filter_gradient_c5: the gradient must be (?, 7, 6, 5), got (?, 6, 6, 5)}}
  %0 = cornet.conv_filter_gradient %x, %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 2, 3>} : (tensor<?x8x8x4xf32>, tensor<?x6x6x5xf32>) -> tensor<3x3x4x5xf32>
  return
}

// -----

func.func @conv_filter_gradient_c6(%x: tensor<?x8x8x4xf32>, %g: tensor<?x6x6x5xf16>) {
  // expected-error @below {{conv_filter_gradient_c6: input and gradient differ in element type}}
  %0 = cornet.conv_filter_gradient %x, %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 3, 3>} : (tensor<?x8x8x4xf32>, tensor<?x6x6x5xf16>) -> tensor<3x3x4x5xf32>
  return
}

// -----

func.func @max_pool_gradient_c1(%x: tensor<?x8xf32>, %g: tensor<?x6x6x4xf32>) {
  // expected-error @below {{max_pool_gradient_c1: the input must be (N, spatial..., C), got (?, 8)}}
  %0 = cornet.max_pool_gradient %x, %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 3, 3>} : (tensor<?x8xf32>, tensor<?x6x6x4xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @max_pool_gradient_c2(%x: tensor<?x8x8x4xf32>, %g: tensor<?x6x6x4xf32>) {
  // expected-error @below {{max_pool_gradient_c2}}
  %0 = cornet.max_pool_gradient %x, %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 3>} : (tensor<?x8x8x4xf32>, tensor<?x6x6x4xf32>) -> tensor<?x8x8x4xf32>
  return
}

// -----

func.func @max_pool_gradient_c3(%x: tensor<?x8x8x4xf32>, %g: tensor<?x6x6x4xf32>) {
  // expected-error @below {{max_pool_gradient_c3}}
  %0 = cornet.max_pool_gradient %x, %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 0, 3>} : (tensor<?x8x8x4xf32>, tensor<?x6x6x4xf32>) -> tensor<?x8x8x4xf32>
  return
}

// -----

func.func @max_pool_gradient_c4(%x: tensor<?x8x8x4xf32>, %g: tensor<?x6x6x4xf32>) {
  // expected-error @below {{max_pool_gradient_c4}}
  %0 = cornet.max_pool_gradient %x, %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 9, 3>} : (tensor<?x8x8x4xf32>, tensor<?x6x6x4xf32>) -> tensor<?x8x8x4xf32>
  return
}

// -----

func.func @max_pool_gradient_c5(%x: tensor<?x8x8x4xf32>, %g: tensor<?x6x6x4xf32>) {
  // expected-error @below {{max_pool_gradient_c5: the gradient must be (?, 7, 6, 4), got (?, 6, 6, 4)}}
  %0 = cornet.max_pool_gradient %x, %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 2, 3>} : (tensor<?x8x8x4xf32>, tensor<?x6x6x4xf32>) -> tensor<?x8x8x4xf32>
  return
}

// -----

func.func @max_pool_gradient_c6(%x: tensor<?x8x8x4xf32>, %g: tensor<?x6x6x4xf16>) {
  // expected-error @below {{max_pool_gradient_c6}}
  %0 = cornet.max_pool_gradient %x, %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 3, 3>} : (tensor<?x8x8x4xf32>, tensor<?x6x6x4xf16>) -> tensor<?x8x8x4xf32>
  return
}

// -----

func.func @avg_pool_gradient_c1(%g: tensor<?x6x6x4xf32>) {
  // expected-error @below {{avg_pool_gradient_c1: a gradient (N, spatial..., C) and a positive size are needed, got (?, 6, 6, 4) and (8)}}
  %0 = cornet.avg_pool_gradient %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 3, 3>, size = array<i64: 8>} : (tensor<?x6x6x4xf32>) -> tensor<?x8x8x4xf32>
  return
}

// -----

func.func @avg_pool_gradient_c2(%g: tensor<?x6x6x4xf32>) {
  // expected-error @below {{avg_pool_gradient_c2}}
  %0 = cornet.avg_pool_gradient %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 3>, size = array<i64: 8, 8>} : (tensor<?x6x6x4xf32>) -> tensor<?x8x8x4xf32>
  return
}

// -----

func.func @avg_pool_gradient_c3(%g: tensor<?x6x6x4xf32>) {
  // expected-error @below {{avg_pool_gradient_c3}}
  %0 = cornet.avg_pool_gradient %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 0, 3>, size = array<i64: 8, 8>} : (tensor<?x6x6x4xf32>) -> tensor<?x8x8x4xf32>
  return
}

// -----

func.func @avg_pool_gradient_c4(%g: tensor<?x6x6x4xf32>) {
  // expected-error @below {{avg_pool_gradient_c4}}
  %0 = cornet.avg_pool_gradient %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 9, 3>, size = array<i64: 8, 8>} : (tensor<?x6x6x4xf32>) -> tensor<?x8x8x4xf32>
  return
}

// -----

func.func @avg_pool_gradient_c5(%g: tensor<?x6x6x4xf32>) {
  // expected-error @below {{avg_pool_gradient_c5: the gradient must be (?, 7, 6, 4), got (?, 6, 6, 4)}}
  %0 = cornet.avg_pool_gradient %g {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 2, 3>, size = array<i64: 8, 8>} : (tensor<?x6x6x4xf32>) -> tensor<?x8x8x4xf32>
  return
}

// -----

func.func @resize_gradient_c1(%g: tensor<?x6x6x4xf32>) {
  // expected-error @below {{resize_gradient_c1: (N, H, W, C) and a positive size (H, W) are needed, got (?, 6, 6, 4) and (0, 2)}}
  %0 = cornet.resize_gradient %g {size = array<i64: 0, 2>} : (tensor<?x6x6x4xf32>) -> tensor<?x0x2x4xf32>
  return
}
