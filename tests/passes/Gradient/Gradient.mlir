// RUN: cornet-opt --cornet-gradient=function=f --split-input-file --verify-diagnostics %s | FileCheck %s

// A value used twice gets the sum of its uses' gradients; the argument that does not count gets zeros.
// CHECK-LABEL: func.func @f(
// CHECK-NOT:     cornet.reduce
// CHECK-LABEL: func.func @f_gradient(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3xf32>, %[[B:.*]]: tensor<3xf32>, %{{.*}}: tensor<4xf32>) -> (tensor<2x3xf32>, tensor<2x3xf32>, tensor<3xf32>, tensor<4xf32>)
// CHECK:         %[[S:.*]] = cornet.add %[[X]], %[[B]]
// CHECK:         %[[Y:.*]] = cornet.mul %[[S]], %[[S]]
// CHECK:         %[[ONES:.*]] = cornet.broadcast
// CHECK:         %[[L:.*]] = cornet.mul %[[ONES]], %[[S]]
// CHECK:         %[[R:.*]] = cornet.mul %[[ONES]], %[[S]]
// CHECK:         %[[DS:.*]] = cornet.add %[[L]], %[[R]]
// CHECK:         %[[SUM:.*]] = cornet.reduce %[[DS]] {axes = array<i64: 0>, keepdims = true, kind = "sum"}
// CHECK:         %[[DB:.*]] = cornet.reshape %[[SUM]]
// CHECK:         return %[[Y]], %[[DS]], %[[DB]]
func.func @f(%x: tensor<2x3xf32>, %b: tensor<3xf32>, %unused: tensor<4xf32>) -> tensor<2x3xf32> {
  %s = cornet.add %x, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %y = cornet.mul %s, %s : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y : tensor<2x3xf32>
}

// -----

// Only trainable variables are differentiated by, and what does not lead to them is left alone.
cornet.variable @w = dense<1.0> : tensor<3xf32>
cornet.variable @mean {trainable = false} = dense<1.0> : tensor<3xf32>
// CHECK-LABEL: func.func @f_gradient(
// CHECK-SAME:    -> (tensor<3xf32>, tensor<3xf32>)
// CHECK:         cornet.resize
// CHECK-NOT:     cornet.neg
func.func @f(%i: tensor<1x2x2x3xf32>, %w: tensor<3xf32> {cornet.variable = @w}, %m: tensor<3xf32> {cornet.variable = @mean}) -> tensor<3xf32> {
  %r = cornet.resize %i {size = array<i64: 1, 1>} : (tensor<1x2x2x3xf32>) -> tensor<1x1x1x3xf32>
  %v = cornet.reshape %r {shape = array<i64: 3>} : (tensor<1x1x1x3xf32>) -> tensor<3xf32>
  %c = cornet.sub %v, %m : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %y = cornet.mul %c, %w : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %y : tensor<3xf32>
}

// -----

func.func @f(%i: tensor<1x2x2x3xf32>) -> tensor<1x4x4x3xf32> {
  // expected-error @below {{has no gradient yet}}
  %r = cornet.resize %i {size = array<i64: 4, 4>} : (tensor<1x2x2x3xf32>) -> tensor<1x4x4x3xf32>
  return %r : tensor<1x4x4x3xf32>
}

// -----

// expected-error @below {{has a symbolic batch; bind it first}}
func.func @f(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %y = cornet.exp %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// -----

// expected-error @below {{there is no function 'f' to differentiate}}
module {
  func.func @g(%x: tensor<3xf32>) -> tensor<3xf32> {
    return %x : tensor<3xf32>
  }
}
