// RUN: cornet-opt %s --pass-pipeline='builtin.module(func.func(cornet-fold-padding))' | FileCheck %s

// What a convolution pads itself is added to.
// CHECK-LABEL: func.func @conv(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x8x2xf32>
// CHECK-NEXT:    cornet.conv %[[X]], {{.*}} padding = array<i64: 1, 3>{{.*}} : (tensor<?x8x2xf32>, tensor<3x2x3xf32>) -> tensor<?x10x3xf32>
func.func @conv(%x: tensor<?x8x2xf32>, %k: tensor<3x2x3xf32>) -> tensor<?x10x3xf32> {
  %p = cornet.pad %x {low = array<i64: 0, 1, 0>, high = array<i64: 0, 2, 0>, value = 0.0 : f64} : (tensor<?x8x2xf32>) -> tensor<?x11x2xf32>
  %0 = cornet.conv %p, %k {strides = array<i64: 1>, padding = array<i64: 0, 1>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<?x11x2xf32>, tensor<3x2x3xf32>) -> tensor<?x10x3xf32>
  return %0 : tensor<?x10x3xf32>
}

// Each dimension has its own; two pads in a row both move.
// CHECK-LABEL: func.func @depthwise(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<?x8x8x2xf32>
// CHECK-NEXT:    cornet.depthwise_conv %[[X]], {{.*}} padding = array<i64: 2, 2, 0, 3>
func.func @depthwise(%x: tensor<?x8x8x2xf32>, %k: tensor<3x3x2x1xf32>) -> tensor<?x10x9x2xf32> {
  %q = cornet.pad %x {low = array<i64: 0, 1, 0, 0>, high = array<i64: 0, 0, 3, 0>, value = 0.0 : f64} : (tensor<?x8x8x2xf32>) -> tensor<?x9x11x2xf32>
  %p = cornet.pad %q {low = array<i64: 0, 1, 0, 0>, high = array<i64: 0, 2, 0, 0>, value = 0.0 : f64} : (tensor<?x9x11x2xf32>) -> tensor<?x12x11x2xf32>
  %0 = cornet.depthwise_conv %p, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x12x11x2xf32>, tensor<3x3x2x1xf32>) -> tensor<?x10x9x2xf32>
  return %0 : tensor<?x10x9x2xf32>
}

// A max pool takes the zeros around what is never below 0.
// CHECK-LABEL: func.func @max_pool_relu(
// CHECK-NEXT:    %[[R:.*]] = cornet.relu
// CHECK-NEXT:    cornet.max_pool %[[R]] {{.*}} padding = array<i64: 1, 1>
func.func @max_pool_relu(%x: tensor<?x8x2xf32>) -> tensor<?x8x2xf32> {
  %r = cornet.relu %x : (tensor<?x8x2xf32>) -> tensor<?x8x2xf32>
  %p = cornet.pad %r {low = array<i64: 0, 1, 0>, high = array<i64: 0, 1, 0>, value = 0.0 : f64} : (tensor<?x8x2xf32>) -> tensor<?x10x2xf32>
  %0 = cornet.max_pool %p {window = array<i64: 3>, strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1>} : (tensor<?x10x2xf32>) -> tensor<?x8x2xf32>
  return %0 : tensor<?x8x2xf32>
}

// CHECK-LABEL: func.func @max_pool_sigmoid(
// CHECK-NEXT:    %[[R:.*]] = cornet.sigmoid
// CHECK-NEXT:    cornet.max_pool %[[R]] {{.*}} padding = array<i64: 1, 1>
func.func @max_pool_sigmoid(%x: tensor<?x8x2xf32>) -> tensor<?x8x2xf32> {
  %r = cornet.sigmoid %x : (tensor<?x8x2xf32>) -> tensor<?x8x2xf32>
  %p = cornet.pad %r {low = array<i64: 0, 1, 0>, high = array<i64: 0, 1, 0>, value = 0.0 : f64} : (tensor<?x8x2xf32>) -> tensor<?x10x2xf32>
  %0 = cornet.max_pool %p {window = array<i64: 3>, strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1>} : (tensor<?x10x2xf32>) -> tensor<?x8x2xf32>
  return %0 : tensor<?x8x2xf32>
}

// CHECK-LABEL: func.func @max_pool_clamp(
// CHECK-NEXT:    %[[R:.*]] = cornet.clamp
// CHECK-NEXT:    cornet.max_pool %[[R]] {{.*}} padding = array<i64: 1, 1>
func.func @max_pool_clamp(%x: tensor<?x8x2xf32>) -> tensor<?x8x2xf32> {
  %r = cornet.clamp %x {min = 0.0 : f64, max = 6.0 : f64} : (tensor<?x8x2xf32>) -> tensor<?x8x2xf32>
  %p = cornet.pad %r {low = array<i64: 0, 1, 0>, high = array<i64: 0, 1, 0>, value = 0.0 : f64} : (tensor<?x8x2xf32>) -> tensor<?x10x2xf32>
  %0 = cornet.max_pool %p {window = array<i64: 3>, strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1>} : (tensor<?x10x2xf32>) -> tensor<?x8x2xf32>
  return %0 : tensor<?x8x2xf32>
}

// It leaves them where a cell may be below 0 ...
// CHECK-LABEL: func.func @max_pool_of_anything(
// CHECK:         %[[P:.*]] = cornet.pad
// CHECK-NEXT:    cornet.max_pool %[[P]]
func.func @max_pool_of_anything(%x: tensor<?x8x2xf32>) -> tensor<?x8x2xf32> {
  %p = cornet.pad %x {low = array<i64: 0, 1, 0>, high = array<i64: 0, 1, 0>, value = 0.0 : f64} : (tensor<?x8x2xf32>) -> tensor<?x10x2xf32>
  %0 = cornet.max_pool %p {window = array<i64: 3>, strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1>} : (tensor<?x10x2xf32>) -> tensor<?x8x2xf32>
  return %0 : tensor<?x8x2xf32>
}

// CHECK-LABEL: func.func @max_pool_clamp_below(
// CHECK:         %[[P:.*]] = cornet.pad
// CHECK-NEXT:    cornet.max_pool %[[P]]
func.func @max_pool_clamp_below(%x: tensor<?x8x2xf32>) -> tensor<?x8x2xf32> {
  %r = cornet.clamp %x {min = -1.0 : f64, max = 6.0 : f64} : (tensor<?x8x2xf32>) -> tensor<?x8x2xf32>
  %p = cornet.pad %r {low = array<i64: 0, 1, 0>, high = array<i64: 0, 1, 0>, value = 0.0 : f64} : (tensor<?x8x2xf32>) -> tensor<?x10x2xf32>
  %0 = cornet.max_pool %p {window = array<i64: 3>, strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1>} : (tensor<?x10x2xf32>) -> tensor<?x8x2xf32>
  return %0 : tensor<?x8x2xf32>
}

// CHECK-LABEL: func.func @max_pool_clamp_crossed(
// CHECK:         %[[P:.*]] = cornet.pad
// CHECK-NEXT:    cornet.max_pool %[[P]]
func.func @max_pool_clamp_crossed(%x: tensor<?x8x2xf32>) -> tensor<?x8x2xf32> {
  %r = cornet.clamp %x {min = 0.0 : f64, max = -1.0 : f64} : (tensor<?x8x2xf32>) -> tensor<?x8x2xf32>
  %p = cornet.pad %r {low = array<i64: 0, 1, 0>, high = array<i64: 0, 1, 0>, value = 0.0 : f64} : (tensor<?x8x2xf32>) -> tensor<?x10x2xf32>
  %0 = cornet.max_pool %p {window = array<i64: 3>, strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1>} : (tensor<?x10x2xf32>) -> tensor<?x8x2xf32>
  return %0 : tensor<?x8x2xf32>
}

// ... and where a window would have no real cell left: beside the input, or astride it.
// CHECK-LABEL: func.func @max_pool_empty_window(
// CHECK:         %[[P:.*]] = cornet.pad
// CHECK-NEXT:    cornet.max_pool %[[P]]
func.func @max_pool_empty_window(%x: tensor<?x8x2xf32>) -> tensor<?x9x2xf32> {
  %r = cornet.relu %x : (tensor<?x8x2xf32>) -> tensor<?x8x2xf32>
  %p = cornet.pad %r {low = array<i64: 0, 2, 0>, high = array<i64: 0, 0, 0>, value = 0.0 : f64} : (tensor<?x8x2xf32>) -> tensor<?x10x2xf32>
  %0 = cornet.max_pool %p {window = array<i64: 2>, strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1>} : (tensor<?x10x2xf32>) -> tensor<?x9x2xf32>
  return %0 : tensor<?x9x2xf32>
}

// CHECK-LABEL: func.func @max_pool_wide_taps(
// CHECK:         %[[P:.*]] = cornet.pad
// CHECK-NEXT:    cornet.max_pool %[[P]]
func.func @max_pool_wide_taps(%x: tensor<?x2x2xf32>) -> tensor<?x2x2xf32> {
  %r = cornet.relu %x : (tensor<?x2x2xf32>) -> tensor<?x2x2xf32>
  %p = cornet.pad %r {low = array<i64: 0, 2, 0>, high = array<i64: 0, 2, 0>, value = 0.0 : f64} : (tensor<?x2x2xf32>) -> tensor<?x6x2xf32>
  %0 = cornet.max_pool %p {window = array<i64: 2>, strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 4>} : (tensor<?x6x2xf32>) -> tensor<?x2x2xf32>
  return %0 : tensor<?x2x2xf32>
}

// An average pool would not count the zeros.
// CHECK-LABEL: func.func @avg_pool(
// CHECK:         %[[P:.*]] = cornet.pad
// CHECK-NEXT:    cornet.avg_pool %[[P]]
func.func @avg_pool(%x: tensor<?x8x2xf32>) -> tensor<?x8x2xf32> {
  %r = cornet.relu %x : (tensor<?x8x2xf32>) -> tensor<?x8x2xf32>
  %p = cornet.pad %r {low = array<i64: 0, 1, 0>, high = array<i64: 0, 1, 0>, value = 0.0 : f64} : (tensor<?x8x2xf32>) -> tensor<?x10x2xf32>
  %0 = cornet.avg_pool %p {window = array<i64: 3>, strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1>} : (tensor<?x10x2xf32>) -> tensor<?x8x2xf32>
  return %0 : tensor<?x8x2xf32>
}

// Another value than 0 stays ...
// CHECK-LABEL: func.func @value(
// CHECK:         %[[P:.*]] = cornet.pad
// CHECK-NEXT:    cornet.conv %[[P]]
func.func @value(%x: tensor<?x8x2xf32>, %k: tensor<3x2x3xf32>) -> tensor<?x8x3xf32> {
  %p = cornet.pad %x {low = array<i64: 0, 1, 0>, high = array<i64: 0, 1, 0>, value = 1.0 : f64} : (tensor<?x8x2xf32>) -> tensor<?x10x2xf32>
  %0 = cornet.conv %p, %k {strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<?x10x2xf32>, tensor<3x2x3xf32>) -> tensor<?x8x3xf32>
  return %0 : tensor<?x8x3xf32>
}

// ... as do padded channels, a padded batch ...
// CHECK-LABEL: func.func @channels(
// CHECK:         %[[P:.*]] = cornet.pad
// CHECK-NEXT:    cornet.conv %[[P]]
func.func @channels(%x: tensor<?x8x1xf32>, %k: tensor<3x2x3xf32>) -> tensor<?x8x3xf32> {
  %p = cornet.pad %x {low = array<i64: 0, 1, 0>, high = array<i64: 0, 1, 1>, value = 0.0 : f64} : (tensor<?x8x1xf32>) -> tensor<?x10x2xf32>
  %0 = cornet.conv %p, %k {strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<?x10x2xf32>, tensor<3x2x3xf32>) -> tensor<?x8x3xf32>
  return %0 : tensor<?x8x3xf32>
}

// CHECK-LABEL: func.func @batch(
// CHECK:         %[[P:.*]] = cornet.pad
// CHECK-NEXT:    cornet.conv %[[P]]
func.func @batch(%x: tensor<4x8x2xf32>, %k: tensor<3x2x3xf32>) -> tensor<5x8x3xf32> {
  %p = cornet.pad %x {low = array<i64: 1, 1, 0>, high = array<i64: 0, 1, 0>, value = 0.0 : f64} : (tensor<4x8x2xf32>) -> tensor<5x10x2xf32>
  %0 = cornet.conv %p, %k {strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<5x10x2xf32>, tensor<3x2x3xf32>) -> tensor<5x8x3xf32>
  return %0 : tensor<5x8x3xf32>
}

// ... a pad that somebody else reads ...
// CHECK-LABEL: func.func @two_users(
// CHECK:         %[[P:.*]] = cornet.pad
// CHECK-NEXT:    cornet.conv %[[P]]
func.func @two_users(%x: tensor<?x8x2xf32>, %k: tensor<3x2x3xf32>) -> (tensor<?x8x3xf32>, tensor<?x10x2xf32>) {
  %p = cornet.pad %x {low = array<i64: 0, 1, 0>, high = array<i64: 0, 1, 0>, value = 0.0 : f64} : (tensor<?x8x2xf32>) -> tensor<?x10x2xf32>
  %0 = cornet.conv %p, %k {strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<?x10x2xf32>, tensor<3x2x3xf32>) -> tensor<?x8x3xf32>
  return %0, %p : tensor<?x8x3xf32>, tensor<?x10x2xf32>
}

// ... and the pad of a kernel.
// CHECK-LABEL: func.func @kernel(
// CHECK:         %[[P:.*]] = cornet.pad
// CHECK-NEXT:    cornet.conv %{{.*}}, %[[P]]
func.func @kernel(%x: tensor<?x8x2xf32>, %k: tensor<1x2x3xf32>) -> tensor<?x6x3xf32> {
  %p = cornet.pad %k {low = array<i64: 0, 0, 0>, high = array<i64: 2, 0, 0>, value = 0.0 : f64} : (tensor<1x2x3xf32>) -> tensor<3x2x3xf32>
  %0 = cornet.conv %x, %p {strides = array<i64: 1>, padding = array<i64: 0, 0>, dilations = array<i64: 1>, groups = 1 : i64} : (tensor<?x8x2xf32>, tensor<3x2x3xf32>) -> tensor<?x6x3xf32>
  return %0 : tensor<?x6x3xf32>
}
