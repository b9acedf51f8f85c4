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

// -----

func.func @grid_sample_c1(%x: tensor<?x8x4xf32>, %at: tensor<?x5x6x2xf32>) {
  // expected-error @below {{grid_sample_c1: (N, H, W, C) and coordinates (N, H, W, 2) are needed, got (?, 8, 4) and (?, 5, 6, 2)}}
  %0 = cornet.grid_sample %x, %at {interpolation = "bilinear", fill_mode = "wrap", fill_value = 0.0 : f64} : (tensor<?x8x4xf32>, tensor<?x5x6x2xf32>) -> tensor<?x5x6x4xf32>
  return
}

// -----

func.func @grid_sample_c1_pairs(%x: tensor<?x8x8x4xf32>, %at: tensor<?x5x6x3xf32>) {
  // expected-error @below {{grid_sample_c1}}
  %0 = cornet.grid_sample %x, %at {interpolation = "bilinear", fill_mode = "wrap", fill_value = 0.0 : f64} : (tensor<?x8x8x4xf32>, tensor<?x5x6x3xf32>) -> tensor<?x5x6x4xf32>
  return
}

// -----

func.func @grid_sample_c2(%x: tensor<3x8x8x4xf32>, %at: tensor<2x5x6x2xf32>) {
  // expected-error @below {{grid_sample_c2: (3, 8, 8, 4) and (2, 5, 6, 2) differ in their batch}}
  %0 = cornet.grid_sample %x, %at {interpolation = "bilinear", fill_mode = "wrap", fill_value = 0.0 : f64} : (tensor<3x8x8x4xf32>, tensor<2x5x6x2xf32>) -> tensor<3x5x6x4xf32>
  return
}

// -----

func.func @grid_sample_c3(%x: tensor<?x8x8x4xf32>, %at: tensor<?x5x6x2xf32>) {
  // expected-error @below {{grid_sample_c3: interpolation must be nearest or bilinear and fill_mode constant, nearest, wrap or reflect, got 'cubic' and 'wrap'}}
  %0 = cornet.grid_sample %x, %at {interpolation = "cubic", fill_mode = "wrap", fill_value = 0.0 : f64} : (tensor<?x8x8x4xf32>, tensor<?x5x6x2xf32>) -> tensor<?x5x6x4xf32>
  return
}

// -----

func.func @grid_sample_c3_mode(%x: tensor<?x8x8x4xf32>, %at: tensor<?x5x6x2xf32>) {
  // expected-error @below {{grid_sample_c3}}
  %0 = cornet.grid_sample %x, %at {interpolation = "bilinear", fill_mode = "mirror", fill_value = 0.0 : f64} : (tensor<?x8x8x4xf32>, tensor<?x5x6x2xf32>) -> tensor<?x5x6x4xf32>
  return
}

// -----

func.func @grid_sample_c4(%x: tensor<?x8x8x4xf32>, %at: tensor<?x5x6x2xi32>) {
  // expected-error @below {{grid_sample_c4: input and coordinates must be of one real element type}}
  %0 = cornet.grid_sample %x, %at {interpolation = "bilinear", fill_mode = "wrap", fill_value = 0.0 : f64} : (tensor<?x8x8x4xf32>, tensor<?x5x6x2xi32>) -> tensor<?x5x6x4xf32>
  return
}
