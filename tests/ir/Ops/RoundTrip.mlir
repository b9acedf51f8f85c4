// RUN: cornet-opt %s | FileCheck %s --check-prefixes=CHECK,TEXT
// RUN: cornet-opt %s | cornet-opt | FileCheck %s
// RUN: cornet-opt %s --mlir-print-op-generic | cornet-opt | FileCheck %s
// RUN: cornet-opt %s --emit-bytecode | cornet-opt | FileCheck %s
//
// Every op of the dialect, printed and parsed again from its own form, the generic one and bytecode.

// CHECK:       cornet.variable @w = dense<
// CHECK:       cornet.variable @moving {trainable = false} = dense<
cornet.variable @w = dense<1.0> : tensor<4xf32>
cornet.variable @moving {trainable = false} = dense<0.0> : tensor<4xf32>

// CHECK-LABEL: func.func @unary(
// CHECK:         cornet.neg %{{.*}} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.abs %{{.*}} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.exp %{{.*}} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.log %{{.*}} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.sqrt %{{.*}} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.rsqrt %{{.*}} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.tanh %{{.*}} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.sigmoid %{{.*}} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.erf %{{.*}} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.floor %{{.*}} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.ceil %{{.*}} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.round %{{.*}} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.relu %{{.*}} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.silu %{{.*}} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.softplus %{{.*}} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.gelu %{{.*}} {approximate = true} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.clamp %{{.*}} {max = 6.000000e+00 : f64, min = 0.000000e+00 : f64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.leaky_relu %{{.*}} {negative_slope = 2.000000e-01 : f64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.elu %{{.*}} {alpha = 1.000000e+00 : f64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
func.func @unary(%x: tensor<?x4xf32>) {
  %0 = cornet.neg %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %1 = cornet.abs %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %2 = cornet.exp %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %3 = cornet.log %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %4 = cornet.sqrt %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %5 = cornet.rsqrt %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %6 = cornet.tanh %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %7 = cornet.sigmoid %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %8 = cornet.erf %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %9 = cornet.floor %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %10 = cornet.ceil %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %11 = cornet.round %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %12 = cornet.relu %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %13 = cornet.silu %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %14 = cornet.softplus %x : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %15 = cornet.gelu %x {approximate = true} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %16 = cornet.clamp %x {max = 6.000000e+00 : f64, min = 0.000000e+00 : f64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %17 = cornet.leaky_relu %x {negative_slope = 2.000000e-01 : f64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %18 = cornet.elu %x {alpha = 1.000000e+00 : f64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return
}

// CHECK-LABEL: func.func @several_operands(
// CHECK:         cornet.add %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.sub %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.mul %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.div %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.maximum %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.minimum %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.pow %{{.*}}, %{{.*}} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
// CHECK:         cornet.compare %{{.*}}, %{{.*}} {predicate = "lt"} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xi1>
// CHECK:         cornet.select %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x4xi1>, tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
func.func @several_operands(%x: tensor<?x4xf32>, %y: tensor<4xf32>) {
  %0 = cornet.add %x, %y : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %1 = cornet.sub %x, %y : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %2 = cornet.mul %x, %y : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %3 = cornet.div %x, %y : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %4 = cornet.maximum %x, %y : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %5 = cornet.minimum %x, %y : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %6 = cornet.pow %x, %y : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %c = cornet.compare %x, %y {predicate = "lt"} : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xi1>
  %s = cornet.select %c, %x, %y : (tensor<?x4xi1>, tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return
}

// CHECK-LABEL: func.func @structured(
// CHECK:         cornet.matmul %{{.*}}, %{{.*}} {transpose_lhs = false, transpose_rhs = true} : (tensor<?x4x4x2xf32>, tensor<3x2xf32>) -> tensor<?x4x4x3xf32>
// CHECK:         cornet.conv %{{.*}}, %{{.*}} {dilations = array<i64: 1, 1>, groups = 1 : i64, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<?x4x4x2xf32>, tensor<1x1x2x3xf32>) -> tensor<?x4x4x3xf32>
// CHECK:         cornet.depthwise_conv %{{.*}}, %{{.*}} {dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<?x4x4x2xf32>, tensor<1x1x2x3xf32>) -> tensor<?x4x4x6xf32>
// CHECK:         cornet.conv_transpose %{{.*}}, %{{.*}} {dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<?x4x4x2xf32>, tensor<1x1x3x2xf32>) -> tensor<?x4x4x3xf32>
// CHECK:         cornet.max_pool %{{.*}} {dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>, window = array<i64: 2, 2>} : (tensor<?x4x4x2xf32>) -> tensor<?x3x3x2xf32>
// CHECK:         cornet.avg_pool %{{.*}} {dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>, window = array<i64: 2, 2>} : (tensor<?x4x4x2xf32>) -> tensor<?x3x3x2xf32>
// CHECK:         cornet.reduce %{{.*}} {axes = array<i64: 1, 2>, keepdims = false, kind = "mean"} : (tensor<?x4x4x2xf32>) -> tensor<?x2xf32>
// CHECK:         cornet.reshape %{{.*}} {shape = array<i64: -1, 32>} : (tensor<?x4x4x2xf32>) -> tensor<?x32xf32>
// CHECK:         cornet.transpose %{{.*}} {permutation = array<i64: 0, 3, 1, 2>} : (tensor<?x4x4x2xf32>) -> tensor<?x2x4x4xf32>
// CHECK:         cornet.pad %{{.*}} {high = array<i64: 0, 1, 1, 0>, low = array<i64: 0, 0, 0, 0>, value = 0.000000e+00 : f64} : (tensor<?x4x4x2xf32>) -> tensor<?x5x5x2xf32>
// CHECK:         cornet.concat %{{.*}}, %{{.*}} {axis = -1 : i64} : (tensor<?x4x4x2xf32>, tensor<?x4x4x2xf32>) -> tensor<?x4x4x4xf32>
// CHECK:         cornet.slice %{{.*}} {size = array<i64: -1, 1, 4, 2>, start = array<i64: 0, 3, 0, 0>} : (tensor<?x4x4x2xf32>) -> tensor<?x1x4x2xf32>
// CHECK:         cornet.broadcast %{{.*}} {shape = array<i64: 5, 3, 2>} : (tensor<3x2xf32>) -> tensor<5x3x2xf32>
// CHECK:         cornet.gather %{{.*}}, %{{.*}} : (tensor<3x2xf32>, tensor<?xi32>) -> tensor<?x2xf32>
// CHECK:         cornet.top_k %{{.*}} {k = 2 : i64} : (tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xi32>
// CHECK:         cornet.take_along_axis %{{.*}}, %{{.*}} {axis = -1 : i64} : (tensor<?x4x4x2xf32>, tensor<?x4x4x2xi32>) -> tensor<?x4x4x2xf32>
// CHECK:         cornet.resize %{{.*}} {size = array<i64: 8, 8>} : (tensor<?x4x4x2xf32>) -> tensor<?x8x8x2xf32>
// CHECK:         cornet.grid_sample %{{.*}}, %{{.*}} {fill_mode = "wrap", fill_value = 5.000000e-01 : f64, interpolation = "nearest"} : (tensor<?x4x4x2xf32>, tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xf32>
// CHECK:         cornet.softmax %{{.*}} {axis = -1 : i64} : (tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xf32>
// CHECK:         cornet.batch_norm %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {axis = 3 : i64, epsilon = 1.000000e-03 : f64} : (tensor<?x4x4x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<?x4x4x2xf32>
// CHECK:         cornet.conv_filter_gradient %{{.*}}, %{{.*}} {dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>, window = array<i64: 1, 1>} : (tensor<?x4x4x2xf32>, tensor<?x4x4x2xf32>) -> tensor<1x1x2x2xf32>
// CHECK:         cornet.max_pool_gradient %{{.*}}, %{{.*}} {dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>, window = array<i64: 1, 1>} : (tensor<?x4x4x2xf32>, tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xf32>
// CHECK:         cornet.avg_pool_gradient %{{.*}} {dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, size = array<i64: 5, 5>, strides = array<i64: 1, 1>, window = array<i64: 2, 2>} : (tensor<?x4x4x2xf32>) -> tensor<?x5x5x2xf32>
// CHECK:         cornet.resize_gradient %{{.*}} {size = array<i64: 2, 2>} : (tensor<?x4x4x2xf32>) -> tensor<?x2x2x2xf32>
func.func @structured(%x: tensor<?x4x4x2xf32>, %k: tensor<1x1x2x3xf32>, %t: tensor<1x1x3x2xf32>, %m: tensor<3x2xf32>, %j: tensor<3xi32>, %s: tensor<i32>,
                      %v: tensor<2xf32>, %i: tensor<?xi32>) {
  %0 = cornet.matmul %x, %m {transpose_lhs = false, transpose_rhs = true} : (tensor<?x4x4x2xf32>, tensor<3x2xf32>) -> tensor<?x4x4x3xf32>
  %1 = cornet.conv %x, %k {dilations = array<i64: 1, 1>, groups = 1 : i64, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<?x4x4x2xf32>, tensor<1x1x2x3xf32>) -> tensor<?x4x4x3xf32>
  %2 = cornet.depthwise_conv %x, %k {dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<?x4x4x2xf32>, tensor<1x1x2x3xf32>) -> tensor<?x4x4x6xf32>
  %3 = cornet.conv_transpose %x, %t {dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : (tensor<?x4x4x2xf32>, tensor<1x1x3x2xf32>) -> tensor<?x4x4x3xf32>
  %4 = cornet.max_pool %x {dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>, window = array<i64: 2, 2>} : (tensor<?x4x4x2xf32>) -> tensor<?x3x3x2xf32>
  %5 = cornet.avg_pool %x {dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>, window = array<i64: 2, 2>} : (tensor<?x4x4x2xf32>) -> tensor<?x3x3x2xf32>
  %6 = cornet.reduce %x {axes = array<i64: 1, 2>, keepdims = false, kind = "mean"} : (tensor<?x4x4x2xf32>) -> tensor<?x2xf32>
  %7 = cornet.reshape %x {shape = array<i64: -1, 32>} : (tensor<?x4x4x2xf32>) -> tensor<?x32xf32>
  %8 = cornet.transpose %x {permutation = array<i64: 0, 3, 1, 2>} : (tensor<?x4x4x2xf32>) -> tensor<?x2x4x4xf32>
  %9 = cornet.pad %x {high = array<i64: 0, 1, 1, 0>, low = array<i64: 0, 0, 0, 0>, value = 0.000000e+00 : f64} : (tensor<?x4x4x2xf32>) -> tensor<?x5x5x2xf32>
  %10 = cornet.concat %x, %x {axis = -1 : i64} : (tensor<?x4x4x2xf32>, tensor<?x4x4x2xf32>) -> tensor<?x4x4x4xf32>
  %11 = cornet.slice %x {size = array<i64: -1, 1, 4, 2>, start = array<i64: 0, 3, 0, 0>} : (tensor<?x4x4x2xf32>) -> tensor<?x1x4x2xf32>
  %12 = cornet.broadcast %m {shape = array<i64: 5, 3, 2>} : (tensor<3x2xf32>) -> tensor<5x3x2xf32>
  %13 = cornet.gather %m, %i : (tensor<3x2xf32>, tensor<?xi32>) -> tensor<?x2xf32>
  %50 = cornet.top_k %x {k = 2 : i64} : (tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xi32>
  %51 = cornet.take_along_axis %x, %50 {axis = -1 : i64} : (tensor<?x4x4x2xf32>, tensor<?x4x4x2xi32>) -> tensor<?x4x4x2xf32>
  %14 = cornet.resize %x {size = array<i64: 8, 8>} : (tensor<?x4x4x2xf32>) -> tensor<?x8x8x2xf32>
  %gs = cornet.grid_sample %x, %x {fill_mode = "wrap", fill_value = 5.0e-01 : f64, interpolation = "nearest"} : (tensor<?x4x4x2xf32>, tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xf32>
  %15 = cornet.softmax %x {axis = -1 : i64} : (tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xf32>
  %30 = cornet.scatter %m, %j {rows = 5 : i64} : (tensor<3x2xf32>, tensor<3xi32>) -> tensor<5x2xf32>
  %18 = cornet.random %s, %x {distribution = "normal", seed = 7 : i64} : (tensor<i32>, tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xf32>
  %19 = cornet.gradient %15, %x : (tensor<?x4x4x2xf32>, tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xf32>
  %40 = cornet.recompute %x, %15 : (tensor<?x4x4x2xf32>, tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xf32>
  %41 = cornet.incoming_gradient %15 : (tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xf32>
  %42 = cornet.custom_gradient %15, %x, %41 : (tensor<?x4x4x2xf32>, tensor<?x4x4x2xf32>, tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xf32>
  %20 = cornet.sin %x : (tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xf32>
  %21 = cornet.cos %x : (tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xf32>
  %22 = cornet.stop_gradient %x : (tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xf32>
  %23 = cornet.cast %x {to = "i32"} : (tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xi32>
  %60 = cornet.cast %x {to = "ui8"} : (tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xui8>
  %61 = cornet.reshape %60 {shape = array<i64: -1, 32>} : (tensor<?x4x4x2xui8>) -> tensor<?x32xui8>
  %16 = cornet.batch_norm %x, %v, %v, %v, %v {axis = 3 : i64, epsilon = 1.000000e-03 : f64} : (tensor<?x4x4x2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) -> tensor<?x4x4x2xf32>
  %31 = cornet.conv_filter_gradient %x, %x {dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>, window = array<i64: 1, 1>} : (tensor<?x4x4x2xf32>, tensor<?x4x4x2xf32>) -> tensor<1x1x2x2xf32>
  %32 = cornet.max_pool_gradient %x, %x {dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>, window = array<i64: 1, 1>} : (tensor<?x4x4x2xf32>, tensor<?x4x4x2xf32>) -> tensor<?x4x4x2xf32>
  %33 = cornet.avg_pool_gradient %x {dilations = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, size = array<i64: 5, 5>, strides = array<i64: 1, 1>, window = array<i64: 2, 2>} : (tensor<?x4x4x2xf32>) -> tensor<?x5x5x2xf32>
  %34 = cornet.resize_gradient %x {size = array<i64: 2, 2>} : (tensor<?x4x4x2xf32>) -> tensor<?x2x2x2xf32>
  return
}

// CHECK-LABEL: func.func @program(
// CHECK:         %[[C:.*]] = cornet.constant dense<[1, 2]> : tensor<2xi32>
// CHECK:         cornet.dispatch(%{{.*}}) : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
// TEXT-NEXT:     ^bb0(%[[A:.*]]: tensor<4xf32>):
// TEXT-NEXT:       %[[N:.*]] = cornet.neg %[[A]]
// TEXT-NEXT:       cornet.yield %[[N]], %[[A]] : tensor<4xf32>, tensor<4xf32>
// CHECK:         cornet.dispatch() : () -> () {
// TEXT-NEXT:       cornet.yield
// TEXT-NEXT:     }
func.func @program(%x: tensor<4xf32>) {
  %c = cornet.constant dense<[1, 2]> : tensor<2xi32>
  %0:2 = cornet.dispatch(%x) : (tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  ^bb0(%a: tensor<4xf32>):
    %1 = cornet.neg %a : (tensor<4xf32>) -> tensor<4xf32>
    cornet.yield %1, %a : tensor<4xf32>, tensor<4xf32>
  }
  cornet.dispatch() : () -> () {
    cornet.yield
  }
  return
}

// CHECK-LABEL: func.func @circle(
// CHECK:         cornet.circle %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {gamma = 8.000000e+01 : f64, margin = 2.500000e-01 : f64, remove_diagonal = true} : (tensor<?xi32>, tensor<?x4xf32>, tensor<?xi32>, tensor<?x4xf32>) -> tensor<?xf32>
func.func @circle(%l: tensor<?xi32>, %e: tensor<?x4xf32>) {
  %0 = cornet.circle %l, %e, %l, %e {gamma = 80.0 : f64, margin = 0.25 : f64, remove_diagonal = true} : (tensor<?xi32>, tensor<?x4xf32>, tensor<?xi32>, tensor<?x4xf32>) -> tensor<?xf32>
  return
}
