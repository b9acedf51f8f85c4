// RUN: cornet-opt %s -split-input-file -verify-diagnostics

func.func @max_pool_c1(%x: tensor<?x8xf32>) {
  // expected-error @below {{pool_c1: the input must be (N, spatial..., C), got (?, 8)}}
  %0 = cornet.max_pool %x {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 2, 2>} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @max_pool_c2(%x: tensor<?x8x8x4xf32>) {
  // expected-error @below {{pool_c2: window, strides, dilations and padding must match the 2 spatial dimensions of (?, 8, 8, 4)}}
  %0 = cornet.max_pool %x {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 2>} : (tensor<?x8x8x4xf32>) -> tensor<?x7x7x4xf32>
  return
}

// -----

func.func @max_pool_c3(%x: tensor<?x8x8x4xf32>) {
  // expected-error @below {{pool_c3: window, strides and dilations must be positive, padding not negative}}
  %0 = cornet.max_pool %x {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 0, 2>} : (tensor<?x8x8x4xf32>) -> tensor<?x7x7x4xf32>
  return
}

// -----

func.func @max_pool_c4(%x: tensor<?x8x8x4xf32>) {
  // expected-error @below {{pool_c4: a window of 9 does not fit 8 cells of dimension 1}}
  %0 = cornet.max_pool %x {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 8, 1>, window = array<i64: 2, 2>} : (tensor<?x8x8x4xf32>) -> tensor<?x7x7x4xf32>
  return
}

// -----

func.func @avg_pool_c1(%x: tensor<?x8xf32>) {
  // expected-error @below {{pool_c1: the input must be (N, spatial..., C), got (?, 8)}}
  %0 = cornet.avg_pool %x {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 2, 2>} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return
}

// -----

func.func @avg_pool_c2(%x: tensor<?x8x8x4xf32>) {
  // expected-error @below {{pool_c2: window, strides, dilations and padding must match the 2 spatial dimensions of (?, 8, 8, 4)}}
  %0 = cornet.avg_pool %x {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 2>} : (tensor<?x8x8x4xf32>) -> tensor<?x7x7x4xf32>
  return
}

// -----

func.func @avg_pool_c3(%x: tensor<?x8x8x4xf32>) {
  // expected-error @below {{pool_c3: window, strides and dilations must be positive, padding not negative}}
  %0 = cornet.avg_pool %x {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 0, 2>} : (tensor<?x8x8x4xf32>) -> tensor<?x7x7x4xf32>
  return
}

// -----

func.func @avg_pool_c4(%x: tensor<?x8x8x4xf32>) {
  // expected-error @below {{pool_c4: a window of 9 does not fit 8 cells of dimension 1}}
  %0 = cornet.avg_pool %x {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 8, 1>, window = array<i64: 2, 2>} : (tensor<?x8x8x4xf32>) -> tensor<?x7x7x4xf32>
  return
}

// -----

func.func @resize_c1_rank(%x: tensor<?x8x4xf32>) {
  // expected-error @below {{resize_c1: (N, H, W, C) and a positive size (H, W) are needed, got (?, 8, 4) and (2, 2)}}
  %0 = cornet.resize %x {size = array<i64: 2, 2>} : (tensor<?x8x4xf32>) -> tensor<?x2x4xf32>
  return
}

// -----

func.func @resize_c1_size(%x: tensor<?x8x8x4xf32>) {
  // expected-error @below {{resize_c1}}
  %0 = cornet.resize %x {size = array<i64: 0, 2>} : (tensor<?x8x8x4xf32>) -> tensor<?x0x2x4xf32>
  return
}
