// RUN: cornet-opt %s -split-input-file -verify-diagnostics

func.func @conv_c1(%x: tensor<?x8x4xf32>, %k: tensor<3x3x4x6xf32>) {
  // expected-error @below {{conv_c1: input (N, spatial..., C) and kernel (spatial..., in, out) must have equal rank 3 to 5, got (?, 8, 4) and (3, 3, 4, 6)}}
  %0 = cornet.conv %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x8x4xf32>, tensor<3x3x4x6xf32>) -> tensor<?x6x6x6xf32>
  return
}

// -----

func.func @conv_c2(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x4x6xf32>) {
  // expected-error @below {{conv_c2: window, strides, dilations and padding must match the 2 spatial dimensions of (?, 8, 8, 4)}}
  %0 = cornet.conv %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x8x8x4xf32>, tensor<3x3x4x6xf32>) -> tensor<?x6x6x6xf32>
  return
}

// -----

func.func @conv_c3(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x4x6xf32>) {
  // expected-error @below {{conv_c3: window, strides and dilations must be positive, padding not negative}}
  %0 = cornet.conv %x, %k {strides = array<i64: 1, 0>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x8x8x4xf32>, tensor<3x3x4x6xf32>) -> tensor<?x6x6x6xf32>
  return
}

// -----

func.func @conv_c3_padding(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x4x6xf32>) {
  // expected-error @below {{conv_c3}}
  %0 = cornet.conv %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, -1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x8x8x4xf32>, tensor<3x3x4x6xf32>) -> tensor<?x6x6x6xf32>
  return
}

// -----

func.func @conv_c4(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x4x6xf32>) {
  // expected-error @below {{conv_c4: a window of 9 does not fit 8 cells of dimension 2}}
  %0 = cornet.conv %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 4>, groups = 1 : i64} : (tensor<?x8x8x4xf32>, tensor<3x3x4x6xf32>) -> tensor<?x6x6x6xf32>
  return
}

// -----

func.func @conv_c5_kernel(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x4x6xf32>) {
  // expected-error @below {{conv_c5: 4 input and 6 output channels in 2 groups need a kernel with 2 input channels, got 4}}
  %0 = cornet.conv %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 2 : i64} : (tensor<?x8x8x4xf32>, tensor<3x3x4x6xf32>) -> tensor<?x6x6x6xf32>
  return
}

// -----

func.func @conv_c5_groups(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x4x6xf32>) {
  // expected-error @below {{conv_c5}}
  %0 = cornet.conv %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 0 : i64} : (tensor<?x8x8x4xf32>, tensor<3x3x4x6xf32>) -> tensor<?x6x6x6xf32>
  return
}

// -----

func.func @conv_c6(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x4x6xf16>) {
  // expected-error @below {{conv_c6: input and kernel differ in element type}}
  %0 = cornet.conv %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x8x8x4xf32>, tensor<3x3x4x6xf16>) -> tensor<?x6x6x6xf32>
  return
}

// -----

func.func @depthwise_conv_c1(%x: tensor<?x8x4xf32>, %k: tensor<3x3x4x2xf32>) {
  // expected-error @below {{depthwise_conv_c1: input (N, spatial..., C) and kernel (spatial..., in, out) must have equal rank 3 to 5, got (?, 8, 4) and (3, 3, 4, 2)}}
  %0 = cornet.depthwise_conv %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x4xf32>, tensor<3x3x4x2xf32>) -> tensor<?x6x6x8xf32>
  return
}

// -----

func.func @depthwise_conv_c2(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x4x2xf32>) {
  // expected-error @below {{depthwise_conv_c2: window, strides, dilations and padding must match the 2 spatial dimensions of (?, 8, 8, 4)}}
  %0 = cornet.depthwise_conv %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x8x4xf32>, tensor<3x3x4x2xf32>) -> tensor<?x6x6x8xf32>
  return
}

// -----

func.func @depthwise_conv_c3(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x4x2xf32>) {
  // expected-error @below {{depthwise_conv_c3: window, strides and dilations must be positive, padding not negative}}
  %0 = cornet.depthwise_conv %x, %k {strides = array<i64: 1, 0>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x8x4xf32>, tensor<3x3x4x2xf32>) -> tensor<?x6x6x8xf32>
  return
}

// -----

func.func @depthwise_conv_c3_padding(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x4x2xf32>) {
  // expected-error @below {{depthwise_conv_c3}}
  %0 = cornet.depthwise_conv %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, -1>, dilations = array<i64: 1, 1>} : (tensor<?x8x8x4xf32>, tensor<3x3x4x2xf32>) -> tensor<?x6x6x8xf32>
  return
}

// -----

func.func @depthwise_conv_c4(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x4x2xf32>) {
  // expected-error @below {{depthwise_conv_c4: a window of 9 does not fit 8 cells of dimension 2}}
  %0 = cornet.depthwise_conv %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 4>} : (tensor<?x8x8x4xf32>, tensor<3x3x4x2xf32>) -> tensor<?x6x6x8xf32>
  return
}

// -----

func.func @depthwise_conv_c5(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x3x2xf32>) {
  // expected-error @below {{depthwise_conv_c5: the kernel has 3 channels, the input 4}}
  %0 = cornet.depthwise_conv %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x8x4xf32>, tensor<3x3x3x2xf32>) -> tensor<?x6x6x8xf32>
  return
}

// -----

func.func @depthwise_conv_c6(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x4x2xf16>) {
  // expected-error @below {{depthwise_conv_c6: input and kernel differ in element type}}
  %0 = cornet.depthwise_conv %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x8x4xf32>, tensor<3x3x4x2xf16>) -> tensor<?x6x6x8xf32>
  return
}

// -----

func.func @conv_transpose_c1(%x: tensor<?x8x4xf32>, %k: tensor<3x3x6x4xf32>) {
  // expected-error @below {{conv_transpose_c1: input (N, spatial..., C) and kernel (spatial..., out, in) must have equal rank 3 to 5, got (?, 8, 4) and (3, 3, 6, 4)}}
  %0 = cornet.conv_transpose %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x4xf32>, tensor<3x3x6x4xf32>) -> tensor<?x10x10x6xf32>
  return
}

// -----

func.func @conv_transpose_c2(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x6x4xf32>) {
  // expected-error @below {{conv_transpose_c2: strides, dilations and padding must match the 2 spatial dimensions of (?, 8, 8, 4)}}
  %0 = cornet.conv_transpose %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1>} : (tensor<?x8x8x4xf32>, tensor<3x3x6x4xf32>) -> tensor<?x10x10x6xf32>
  return
}

// -----

func.func @conv_transpose_c3(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x4x6xf32>) {
  // expected-error @below {{conv_transpose_c3: the kernel has 6 input channels, the input 4}}
  %0 = cornet.conv_transpose %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x8x4xf32>, tensor<3x3x4x6xf32>) -> tensor<?x10x10x6xf32>
  return
}

// -----

func.func @conv_transpose_c4(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x6x4xf32>) {
  // expected-error @below {{conv_transpose_c4: strides and dilations must be positive and leave an output}}
  %0 = cornet.conv_transpose %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 5, 5, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x8x4xf32>, tensor<3x3x6x4xf32>) -> tensor<?x10x10x6xf32>
  return
}

// -----

func.func @conv_transpose_c5(%x: tensor<?x8x8x4xf32>, %k: tensor<3x3x6x4xf16>) {
  // expected-error @below {{conv_transpose_c5: input and kernel differ in element type}}
  %0 = cornet.conv_transpose %x, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x8x8x4xf32>, tensor<3x3x6x4xf16>) -> tensor<?x10x10x6xf32>
  return
}
