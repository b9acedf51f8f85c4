// RUN: cornet-opt %s -split-input-file -verify-diagnostics --cornet-freeze-variables | FileCheck %s

// The argument becomes a constant; the variable nobody else names is gone.
// CHECK-NOT:   cornet.variable @only_here
// CHECK:       cornet.variable @shared
cornet.variable @only_here = dense<2.0> : tensor<4xf32>
cornet.variable @shared = dense<3.0> : tensor<4xf32>

// CHECK-LABEL: func.func @predict(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<8x4xf32>) -> tensor<8x4xf32>
// CHECK-DAG:     %[[TWO:.*]] = cornet.constant dense<2.0{{.*}}> : tensor<4xf32>
// CHECK-DAG:     %[[THREE:.*]] = cornet.constant dense<3.0{{.*}}> : tensor<4xf32>
// CHECK:         %[[SUM:.*]] = cornet.add %[[X]], %[[TWO]]
// CHECK:         cornet.mul %[[SUM]], %[[THREE]]
func.func @predict(%a: tensor<4xf32> {cornet.variable = @only_here}, %x: tensor<8x4xf32>,
                   %b: tensor<4xf32> {cornet.variable = @shared}) -> tensor<8x4xf32> attributes {cornet.entry} {
  %0 = cornet.add %x, %a : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
  %1 = cornet.mul %0, %b : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
  return %1 : tensor<8x4xf32>
}

// A function that is no entry point keeps its tagged argument, and so its variable.
// CHECK-LABEL: func.func @helper(
// CHECK-SAME:    tensor<4xf32> {cornet.variable = @shared}
// CHECK-NOT:     cornet.constant
func.func @helper(%b: tensor<4xf32> {cornet.variable = @shared}) -> tensor<4xf32> {
  return %b : tensor<4xf32>
}

// -----

// expected-error @below {{argument 0 names @missing, which is no variable of type 'tensor<4xf32>'}}
func.func @unknown(%a: tensor<4xf32> {cornet.variable = @missing}) attributes {cornet.entry} {
  return
}

// -----

cornet.variable @w = dense<2.0> : tensor<5xf32>
// expected-error @below {{argument 0 names @w, which is no variable of type 'tensor<4xf32>'}}
func.func @other_type(%a: tensor<4xf32> {cornet.variable = @w}) attributes {cornet.entry} {
  return
}

// -----

// expected-error @below {{an entry point needs a body}}
func.func private @declared(tensor<4xf32>) attributes {cornet.entry}
