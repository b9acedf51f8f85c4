// RUN: cornet-opt --pass-pipeline='builtin.module(func.func(cornet-gradient))' --split-input-file --verify-diagnostics %s | FileCheck %s

// A value used twice gets the sum of its uses' gradients; what does not count gets zeros.
// CHECK-LABEL: func.func @f(
// CHECK-SAME:    %[[X:.*]]: tensor<2x3xf32>, %[[B:.*]]: tensor<3xf32>, %{{.*}}: tensor<4xf32>)
// CHECK:         %[[S:.*]] = cornet.add %[[X]], %[[B]]
// CHECK:         %[[Y:.*]] = cornet.mul %[[S]], %[[S]]
// CHECK:         %[[ONES:.*]] = cornet.broadcast
// CHECK:         %[[L:.*]] = cornet.mul %[[ONES]], %[[S]]
// CHECK:         %[[R:.*]] = cornet.mul %[[ONES]], %[[S]]
// CHECK:         %[[DS:.*]] = cornet.add %[[L]], %[[R]]
// CHECK:         %[[SUM:.*]] = cornet.reduce %[[DS]] {axes = array<i64: 0>, keepdims = true, kind = "sum"}
// CHECK:         %[[DB:.*]] = cornet.reshape %[[SUM]]
// CHECK-DAG:     %[[ZERO:.*]] = cornet.broadcast {{.*}} -> tensor<4xf32>
// CHECK-NOT:     cornet.gradient
// CHECK:         return %[[DS]], %[[DB]], %[[ZERO]]
func.func @f(%x: tensor<2x3xf32>, %b: tensor<3xf32>, %unused: tensor<4xf32>) -> (tensor<2x3xf32>, tensor<3xf32>, tensor<4xf32>) {
  %s = cornet.add %x, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<2x3xf32>
  %y = cornet.mul %s, %s : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %dx = cornet.gradient %y, %x : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  %db = cornet.gradient %y, %b : (tensor<2x3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %du = cornet.gradient %y, %unused : (tensor<2x3xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %dx, %db, %du : tensor<2x3xf32>, tensor<3xf32>, tensor<4xf32>
}

// -----

// What does not lead to a wanted value is not differentiated.
// CHECK-LABEL: func.func @branch(
// CHECK:         cornet.resize
// CHECK-NOT:     cornet.neg
func.func @branch(%i: tensor<1x2x2x3xf32>, %w: tensor<3xf32>, %m: tensor<3xf32>) -> tensor<3xf32> {
  %r = cornet.resize %i {size = array<i64: 1, 1>} : (tensor<1x2x2x3xf32>) -> tensor<1x1x1x3xf32>
  %v = cornet.reshape %r {shape = array<i64: 3>} : (tensor<1x1x1x3xf32>) -> tensor<3xf32>
  %c = cornet.sub %v, %m : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %y = cornet.mul %c, %w : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %d = cornet.gradient %y, %w : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %d : tensor<3xf32>
}

// -----

// Nothing flows through stop_gradient; a gradient of a gradient is written after the inner one.
// CHECK-LABEL: func.func @second(
// CHECK-NOT:     cornet.gradient
// CHECK:         return
func.func @second(%x: tensor<3xf32>) -> (tensor<3xf32>, tensor<3xf32>) {
  %c = cornet.mul %x, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %y = cornet.mul %c, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %d = cornet.gradient %y, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %dd = cornet.gradient %d, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %s = cornet.stop_gradient %y : (tensor<3xf32>) -> tensor<3xf32>
  %none = cornet.gradient %s, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %dd, %none : tensor<3xf32>, tensor<3xf32>
}

// -----

func.func @f(%i: tensor<1x2x2x3xf32>, %p: tensor<3xf32>) -> tensor<1x2x2x3xf32> {
  // expected-error @below {{has no gradient yet}}
  %r = cornet.batch_norm %i, %p, %p, %p, %p {axis = 3 : i64, epsilon = 1.0e-3 : f64} : (tensor<1x2x2x3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<1x2x2x3xf32>
  %d = cornet.gradient %r, %i : (tensor<1x2x2x3xf32>, tensor<1x2x2x3xf32>) -> tensor<1x2x2x3xf32>
  return %d : tensor<1x2x2x3xf32>
}

// -----

func.func @f(%x: tensor<?x3xf32>) -> tensor<?x3xf32> {
  %y = cornet.exp %x : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // expected-error @below {{has a symbolic batch; bind it first}}
  %d = cornet.gradient %y, %x : (tensor<?x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  return %d : tensor<?x3xf32>
}

// -----

// A checkpoint is computed again from what it reads, once its gradient is there.
// CHECK-LABEL: func.func @checkpoint(
// CHECK-SAME:    %[[X:.*]]: tensor<3xf32>, %[[W:.*]]: tensor<3xf32>
// CHECK:         cornet.exp %[[X]]
// CHECK:         cornet.recompute %[[X]]
// CHECK:         cornet.exp
// CHECK-NOT:     cornet.checkpoint
cornet.variable @w = dense<1.0> : tensor<3xf32>
func.func @checkpoint(%x: tensor<3xf32>, %w: tensor<3xf32> {cornet.variable = @w}) -> (tensor<3xf32>, tensor<3xf32>) {
  %e = cornet.exp %x {cornet.checkpoint = "a"} : (tensor<3xf32>) -> tensor<3xf32>
  %y = cornet.mul %e, %w {cornet.checkpoint = "a"} : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %z = cornet.tanh %y : (tensor<3xf32>) -> tensor<3xf32>
  %d = cornet.gradient %z, %w : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %z, %d : tensor<3xf32>, tensor<3xf32>
}

// -----

// A straight-through estimator: what arrives goes through, though round has no slope.
// CHECK-LABEL: func.func @custom(
// CHECK:         %[[ONES:.*]] = cornet.broadcast
// CHECK:         return %[[ONES]]
func.func @custom(%x: tensor<3xf32>) -> tensor<3xf32> {
  %r = cornet.round %x : (tensor<3xf32>) -> tensor<3xf32>
  %g = cornet.incoming_gradient %r : (tensor<3xf32>) -> tensor<3xf32>
  %c = cornet.custom_gradient %r, %x, %g : (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  %d = cornet.gradient %c, %x : (tensor<3xf32>, tensor<3xf32>) -> tensor<3xf32>
  return %d : tensor<3xf32>
}
