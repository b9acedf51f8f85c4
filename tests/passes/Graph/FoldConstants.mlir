// RUN: cornet-opt %s --pass-pipeline='builtin.module(func.func(cornet-fold-constants))' | FileCheck %s
// RUN: cornet-opt %s --pass-pipeline='builtin.module(func.func(cornet-fold-constants{max-elements=3}))' \
// RUN:   | FileCheck %s --check-prefix=SMALL

// A chain of constants is one constant, and what it came from is gone.
// CHECK-LABEL: func.func @chain(
// CHECK-NEXT:    %[[C:.*]] = cornet.constant dense<[-3.000000e+00, -6.000000e+00, -9.000000e+00, -1.200000e+01]> : tensor<4xf32>
// CHECK-NEXT:    return %[[C]]
// Above max-elements nothing is computed.
// SMALL-LABEL: func.func @chain(
// SMALL:         cornet.mul
// SMALL:         cornet.neg
func.func @chain() -> tensor<4xf32> {
  %0 = cornet.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %1 = cornet.constant dense<3.0> : tensor<f32>
  %2 = cornet.mul %0, %1 : (tensor<4xf32>, tensor<f32>) -> tensor<4xf32>
  %3 = cornet.neg %2 : (tensor<4xf32>) -> tensor<4xf32>
  return %3 : tensor<4xf32>
}

// One operand that is not constant keeps the op.
// CHECK-LABEL: func.func @argument(
// CHECK:         cornet.add %{{.*}}, %{{.*}} : (tensor<2xf32>, tensor<2xf32>)
func.func @argument(%x: tensor<2xf32>) -> tensor<2xf32> {
  %0 = cornet.constant dense<1.0> : tensor<2xf32>
  %1 = cornet.add %x, %0 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %1 : tensor<2xf32>
}

// What a dispatch computes is a kernel's work already.
// CHECK-LABEL: func.func @dispatch(
// CHECK:         cornet.neg
func.func @dispatch() -> tensor<2xf32> {
  %0 = cornet.dispatch() : () -> tensor<2xf32> {
    %1 = cornet.constant dense<1.0> : tensor<2xf32>
    %2 = cornet.neg %1 : (tensor<2xf32>) -> tensor<2xf32>
    cornet.yield %2 : tensor<2xf32>
  }
  return %0 : tensor<2xf32>
}

// An operand still read by others, or read twice by the op, is handled like any other.
// CHECK-LABEL: func.func @shared(
// CHECK-DAG:     cornet.constant dense<2.0{{.*}}> : tensor<2xf32>
// CHECK-DAG:     cornet.constant dense<4.0{{.*}}> : tensor<2xf32>
// CHECK-NEXT:    return
func.func @shared() -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = cornet.constant dense<2.0> : tensor<2xf32>
  %1 = cornet.mul %0, %0 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0, %1 : tensor<2xf32>, tensor<2xf32>
}

// Every element type keeps its values.
// CHECK-LABEL: func.func @element_types(
// CHECK-DAG:     cornet.constant dense<[-1.500000e+00, 2.000000e+00]> : tensor<2xf64>
// CHECK-DAG:     cornet.constant dense<[-1.500000e+00, 2.000000e+00]> : tensor<2xf16>
// CHECK-DAG:     cornet.constant dense<[-1.500000e+00, 2.000000e+00]> : tensor<2xbf16>
// CHECK-DAG:     cornet.constant dense<[-3, 100]> : tensor<2xi8>
// CHECK-DAG:     cornet.constant dense<[-3, 100]> : tensor<2xi32>
// CHECK-DAG:     cornet.constant dense<[-3, 100]> : tensor<2xi64>
// CHECK-DAG:     cornet.constant dense<[true, false]> : tensor<2xi1>
// CHECK-NOT:     cornet.reshape
func.func @element_types() -> (tensor<2xf64>, tensor<2xf16>, tensor<2xbf16>, tensor<2xi8>, tensor<2xi32>, tensor<2xi64>, tensor<2xi1>) {
  %f64 = cornet.constant dense<[[-1.5, 2.0]]> : tensor<1x2xf64>
  %f16 = cornet.constant dense<[[-1.5, 2.0]]> : tensor<1x2xf16>
  %bf16 = cornet.constant dense<[[-1.5, 2.0]]> : tensor<1x2xbf16>
  %i8 = cornet.constant dense<[[-3, 100]]> : tensor<1x2xi8>
  %i32 = cornet.constant dense<[[-3, 100]]> : tensor<1x2xi32>
  %i64 = cornet.constant dense<[[-3, 100]]> : tensor<1x2xi64>
  %i1 = cornet.constant dense<[[true, false]]> : tensor<1x2xi1>
  %0 = cornet.reshape %f64 {shape = array<i64: 2>} : (tensor<1x2xf64>) -> tensor<2xf64>
  %1 = cornet.reshape %f16 {shape = array<i64: 2>} : (tensor<1x2xf16>) -> tensor<2xf16>
  %2 = cornet.reshape %bf16 {shape = array<i64: 2>} : (tensor<1x2xbf16>) -> tensor<2xbf16>
  %3 = cornet.reshape %i8 {shape = array<i64: 2>} : (tensor<1x2xi8>) -> tensor<2xi8>
  %4 = cornet.reshape %i32 {shape = array<i64: 2>} : (tensor<1x2xi32>) -> tensor<2xi32>
  %5 = cornet.reshape %i64 {shape = array<i64: 2>} : (tensor<1x2xi64>) -> tensor<2xi64>
  %6 = cornet.reshape %i1 {shape = array<i64: 2>} : (tensor<1x2xi1>) -> tensor<2xi1>
  return %0, %1, %2, %3, %4, %5, %6 : tensor<2xf64>, tensor<2xf16>, tensor<2xbf16>, tensor<2xi8>, tensor<2xi32>, tensor<2xi64>, tensor<2xi1>
}

// NaN goes through maximum and minimum, as it does in kernels.
// CHECK-LABEL: func.func @nan(
// CHECK-COUNT-2: cornet.constant dense<0x7FC00000> : tensor<2xf32>
func.func @nan() -> (tensor<2xf32>, tensor<2xf32>) {
  %0 = cornet.constant dense<[0x7FC00000, 1.0]> : tensor<2xf32>
  %1 = cornet.constant dense<[1.0, 0x7FC00000]> : tensor<2xf32>
  %2 = cornet.maximum %0, %1 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %3 = cornet.minimum %0, %1 : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %2, %3 : tensor<2xf32>, tensor<2xf32>
}

// Weights of 8 bits stay what they are, and are made of reals.
// CHECK-LABEL: func.func @bytes(
// CHECK-DAG:     cornet.constant dense<[1, -2]> : tensor<2xi8>
// CHECK-DAG:     cornet.constant dense<[0, 255]> : tensor<2xui8>
// CHECK-DAG:     cornet.cast %{{.*}} {to = "f32"}
func.func @bytes() -> (tensor<2xf32>, tensor<2xui8>) {
  %0 = cornet.constant dense<[1, -2]> : tensor<2xi8>
  %1 = cornet.cast %0 {to = "f32"} : (tensor<2xi8>) -> tensor<2xf32>
  %2 = cornet.constant dense<[-7.5, 300.0]> : tensor<2xf32>
  %3 = cornet.cast %2 {to = "ui8"} : (tensor<2xf32>) -> tensor<2xui8>
  return %1, %3 : tensor<2xf32>, tensor<2xui8>
}

// A blob is not read.
// CHECK-LABEL: func.func @resource(
// CHECK:         cornet.constant dense_resource<blob>
// CHECK:         cornet.neg
func.func @resource() -> tensor<1xf32> {
  %0 = cornet.constant dense_resource<blob> : tensor<1xf32>
  %1 = cornet.neg %0 : (tensor<1xf32>) -> tensor<1xf32>
  return %1 : tensor<1xf32>
}

{-# dialect_resources: { builtin: { blob: "0x040000000000803F" } } #-}
