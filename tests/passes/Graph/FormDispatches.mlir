// RUN: cornet-opt %s --pass-pipeline='builtin.module(func.func(cornet-form-dispatches))' | FileCheck %s

// An op of any kind takes the pointwise ops behind it as its epilogue. The splat goes inside, the
// other constants are inputs.
// CHECK-LABEL: func.func @epilogue(
// CHECK-SAME:    %[[X:[a-z0-9]+]]: tensor<8x2xf32>)
// CHECK-DAG:     %[[W:.*]] = cornet.constant {{.*}} : tensor<2x3xf32>
// CHECK-DAG:     %[[B:.*]] = cornet.constant {{.*}} : tensor<3xf32>
// CHECK:         %[[Y:.*]] = cornet.dispatch(%[[X]], %[[W]], %[[B]])
// CHECK-NEXT:    ^bb0(%[[A0:.*]]: tensor<8x2xf32>, %[[A1:.*]]: tensor<2x3xf32>, %[[A2:.*]]: tensor<3xf32>):
// CHECK-NEXT:      %[[M:.*]] = cornet.matmul %[[A0]], %[[A1]]
// CHECK-NEXT:      %[[S:.*]] = cornet.add %[[M]], %[[A2]]
// CHECK-NEXT:      %[[TWO:.*]] = cornet.constant dense<2.0{{.*}}> : tensor<f32>
// CHECK-NEXT:      %[[P:.*]] = cornet.maximum %[[S]], %[[TWO]]
// CHECK-NEXT:      cornet.yield %[[P]]
// CHECK:         return %[[Y]]
func.func @epilogue(%x: tensor<8x2xf32>) -> tensor<8x3xf32> {
  %w = cornet.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %b = cornet.constant dense<[5.0, 6.0, 7.0]> : tensor<3xf32>
  %two = cornet.constant dense<2.0> : tensor<f32>
  %0 = cornet.matmul %x, %w {transpose_lhs = false, transpose_rhs = false} : (tensor<8x2xf32>, tensor<2x3xf32>) -> tensor<8x3xf32>
  %1 = cornet.add %0, %b : (tensor<8x3xf32>, tensor<3xf32>) -> tensor<8x3xf32>
  %2 = cornet.maximum %1, %two : (tensor<8x3xf32>, tensor<f32>) -> tensor<8x3xf32>
  return %2 : tensor<8x3xf32>
}

// A residual sum joins the later of its two producers.
// CHECK-LABEL: func.func @residual(
// CHECK:         %[[FIRST:.*]] = cornet.dispatch(
// CHECK-NEXT:    ^bb0
// CHECK-NEXT:      cornet.softmax
// CHECK-NEXT:      cornet.yield
// CHECK:         cornet.dispatch(%{{.*}}, %[[FIRST]])
// CHECK-NEXT:    ^bb0
// CHECK-NEXT:      cornet.softmax
// CHECK-NEXT:      cornet.add
// CHECK-NEXT:      cornet.yield
// CHECK-NOT:     cornet.dispatch
func.func @residual(%x: tensor<4xf32>, %y: tensor<4xf32>) -> tensor<4xf32> {
  %0 = cornet.softmax %x {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  %1 = cornet.softmax %y {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  %2 = cornet.add %0, %1 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %2 : tensor<4xf32>
}

// A value that pointwise ops of its shape share is a result beside theirs.
// CHECK-LABEL: func.func @used_twice(
// CHECK:         %[[A:.*]]:2 = cornet.dispatch(
// CHECK:           %[[E:.*]] = cornet.exp
// CHECK-NEXT:      %[[M:.*]] = cornet.mul %[[E]], %[[E]]
// CHECK-NEXT:      cornet.yield %[[E]], %[[M]]
// CHECK:         return %[[A]]#0, %[[A]]#1
func.func @used_twice(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = cornet.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = cornet.mul %0, %0 : (tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %0, %1 : tensor<4xf32>, tensor<4xf32>
}

// A value that another kind of op reads, too, ends its group.
// CHECK-LABEL: func.func @shared(
// CHECK:         %[[A:.*]] = cornet.dispatch(
// CHECK:           cornet.exp
// CHECK-NEXT:      cornet.yield
// CHECK:         cornet.dispatch(%[[A]])
// CHECK:         cornet.dispatch(%[[A]])
func.func @shared(%x: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %0 = cornet.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = cornet.neg %0 : (tensor<4xf32>) -> tensor<4xf32>
  %2 = cornet.softmax %0 {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  return %1, %2 : tensor<4xf32>, tensor<4xf32>
}

// A comparison is computed in each group that selects by it.
// CHECK-LABEL: func.func @comparison(
// CHECK-COUNT-2: cornet.compare
// CHECK-NOT:     cornet.compare
func.func @comparison(%x: tensor<4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %zero = cornet.constant dense<0.0> : tensor<f32>
  %0 = cornet.compare %x, %zero {predicate = "gt"} : (tensor<4xf32>, tensor<f32>) -> tensor<4xi1>
  %1 = cornet.select %0, %x, %y : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  %2 = cornet.softmax %1 {axis = 0 : i64} : (tensor<4xf32>) -> tensor<4xf32>
  %3 = cornet.select %0, %2, %y : (tensor<4xi1>, tensor<4xf32>, tensor<4xf32>) -> tensor<4xf32>
  return %1, %3 : tensor<4xf32>, tensor<4xf32>
}

// Who writes a variable comes after the others that read its old value; an update joins its gradient.
cornet.variable @w = dense<1.0> : tensor<4x4xf32>
// CHECK-LABEL: func.func @update(
// CHECK:           cornet.softmax
// CHECK:           cornet.matmul
// CHECK-NEXT:      cornet.sub
// CHECK-NEXT:      cornet.yield
// CHECK-NOT:     cornet.dispatch
func.func @update(%x: tensor<4x4xf32>, %w: tensor<4x4xf32> {cornet.variable = @w})
    -> (tensor<4x4xf32> {cornet.variable = @w}, tensor<4x4xf32>) {
  %0 = cornet.matmul %x, %x {transpose_lhs = true, transpose_rhs = false} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %1 = cornet.sub %w, %0 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %2 = cornet.softmax %w {axis = 0 : i64} : (tensor<4x4xf32>) -> tensor<4x4xf32>
  return %1, %2 : tensor<4x4xf32>, tensor<4x4xf32>
}

// What an update makes of arguments alone goes along with the op that needs it: one kernel decays the
// slot and writes slot and weight.
cornet.variable @slot = dense<0.0> : tensor<4x4xf32>
// CHECK-LABEL: func.func @momentum(
// CHECK:         cornet.dispatch(
// CHECK:           cornet.matmul
// CHECK-NEXT:      cornet.constant
// CHECK-NEXT:      %[[OLD:.*]] = cornet.mul
// CHECK-NEXT:      %[[M:.*]] = cornet.sub %[[OLD]]
// CHECK-NEXT:      %[[W:.*]] = cornet.add
// CHECK-NEXT:      cornet.yield %[[M]], %[[W]]
// CHECK-NOT:     cornet.dispatch
func.func @momentum(%x: tensor<4x4xf32>, %w: tensor<4x4xf32> {cornet.variable = @w}, %m: tensor<4x4xf32> {cornet.variable = @slot})
    -> (tensor<4x4xf32> {cornet.variable = @slot}, tensor<4x4xf32> {cornet.variable = @w}) {
  %0 = cornet.matmul %x, %x {transpose_lhs = true, transpose_rhs = false} : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %share = cornet.constant dense<0.9> : tensor<f32>
  %1 = cornet.mul %m, %share : (tensor<4x4xf32>, tensor<f32>) -> tensor<4x4xf32>
  %2 = cornet.sub %1, %0 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %3 = cornet.add %w, %2 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  return %2, %3 : tensor<4x4xf32>, tensor<4x4xf32>
}

// Neither a pointwise op of another shape nor an op that is not pointwise joins.
// CHECK-LABEL: func.func @another_kind(
// CHECK:           cornet.exp
// CHECK-NEXT:      cornet.yield
// CHECK:           cornet.add {{.*}} -> tensor<8x4xf32>
// CHECK-NEXT:      cornet.yield
// CHECK:           cornet.softmax
// CHECK-NEXT:      cornet.yield
func.func @another_kind(%x: tensor<4xf32>, %y: tensor<8x4xf32>) -> tensor<8x4xf32> {
  %0 = cornet.exp %x : (tensor<4xf32>) -> tensor<4xf32>
  %1 = cornet.add %y, %0 : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
  %2 = cornet.softmax %1 {axis = -1 : i64} : (tensor<8x4xf32>) -> tensor<8x4xf32>
  return %2 : tensor<8x4xf32>
}

// Constants, reshapes and what is in a dispatch already stay where they are.
// CHECK-LABEL: func.func @stays(
// CHECK-NEXT:    %[[R:.*]] = cornet.reshape
// CHECK-NEXT:    cornet.dispatch(%[[R]])
// CHECK:           cornet.neg
// CHECK-NEXT:      cornet.yield
// CHECK-NOT:     cornet.dispatch
func.func @stays(%x: tensor<2x2xf32>) -> tensor<4xf32> {
  %0 = cornet.reshape %x {shape = array<i64: 4>} : (tensor<2x2xf32>) -> tensor<4xf32>
  %1 = cornet.dispatch(%0) : (tensor<4xf32>) -> tensor<4xf32> {
  ^bb0(%a: tensor<4xf32>):
    %2 = cornet.neg %a : (tensor<4xf32>) -> tensor<4xf32>
    cornet.yield %2 : tensor<4xf32>
  }
  return %1 : tensor<4xf32>
}

// CHECK: func.func private @declared(
func.func private @declared(tensor<4xf32>)

// A reduction takes the pointwise chain before it and the ops behind it.
// CHECK-LABEL: func.func @reduced_chain(
// CHECK:         %[[SUM:.*]] = cornet.dispatch(
// CHECK:           cornet.mul
// CHECK-NEXT:      cornet.exp
// CHECK-NEXT:      cornet.reduce
// CHECK-NEXT:      cornet.neg
// CHECK-NEXT:      cornet.yield
// CHECK:         cornet.dispatch(
// CHECK:           cornet.abs
// CHECK-NEXT:      cornet.reduce
// CHECK-NEXT:      cornet.neg
// CHECK-NEXT:      cornet.yield
func.func @reduced_chain(%x: tensor<8x4xf32>, %y: tensor<4xf32>) -> (tensor<4xf32>, tensor<8xf32>) {
  %0 = cornet.mul %x, %y : (tensor<8x4xf32>, tensor<4xf32>) -> tensor<8x4xf32>
  %1 = cornet.exp %0 : (tensor<8x4xf32>) -> tensor<8x4xf32>
  %2 = cornet.reduce %1 {kind = "sum", axes = array<i64: 0>, keepdims = false} : (tensor<8x4xf32>) -> tensor<4xf32>
  %3 = cornet.neg %2 : (tensor<4xf32>) -> tensor<4xf32>
  %4 = cornet.abs %x : (tensor<8x4xf32>) -> tensor<8x4xf32>
  %5 = cornet.reduce %4 {kind = "mean", axes = array<i64: 1>, keepdims = false} : (tensor<8x4xf32>) -> tensor<8xf32>
  %6 = cornet.neg %5 : (tensor<8xf32>) -> tensor<8xf32>
  return %3, %6 : tensor<4xf32>, tensor<8xf32>
}

// Softmax is one group; so is what shares its rows, whoever else reads what is computed there.
// CHECK-LABEL: func.func @rows(
// CHECK:         %[[P:.*]]:2 = cornet.dispatch(
// CHECK:           cornet.reduce
// CHECK-NEXT:      cornet.sub
// CHECK-NEXT:      cornet.exp
// CHECK-NEXT:      cornet.reduce
// CHECK-NEXT:      %[[D:.*]] = cornet.div
// CHECK-NEXT:      cornet.mul
// CHECK-NEXT:      %[[S:.*]] = cornet.reduce
// CHECK-NEXT:      cornet.yield %[[D]], %[[S]]
// CHECK:         cornet.dispatch(%[[P]]#0
// CHECK:           cornet.matmul
func.func @rows(%x: tensor<8x4xf32>, %w: tensor<4x2xf32>) -> (tensor<8x2xf32>, tensor<8xf32>) {
  %0 = cornet.reduce %x {kind = "max", axes = array<i64: -1>, keepdims = true} : (tensor<8x4xf32>) -> tensor<8x1xf32>
  %1 = cornet.sub %x, %0 : (tensor<8x4xf32>, tensor<8x1xf32>) -> tensor<8x4xf32>
  %2 = cornet.exp %1 : (tensor<8x4xf32>) -> tensor<8x4xf32>
  %3 = cornet.reduce %2 {kind = "sum", axes = array<i64: 1>, keepdims = true} : (tensor<8x4xf32>) -> tensor<8x1xf32>
  %4 = cornet.div %2, %3 : (tensor<8x4xf32>, tensor<8x1xf32>) -> tensor<8x4xf32>
  %5 = cornet.matmul %4, %w {transpose_lhs = false, transpose_rhs = false} : (tensor<8x4xf32>, tensor<4x2xf32>) -> tensor<8x2xf32>
  %6 = cornet.mul %4, %4 : (tensor<8x4xf32>, tensor<8x4xf32>) -> tensor<8x4xf32>
  %7 = cornet.reduce %6 {kind = "sum", axes = array<i64: 1>, keepdims = false} : (tensor<8x4xf32>) -> tensor<8xf32>
  return %5, %7 : tensor<8x2xf32>, tensor<8xf32>
}

// Two reductions read their rows once; values that do not go along and a circle through a matmul stay
// apart.
// CHECK-LABEL: func.func @other_rows(
// CHECK:         cornet.dispatch(
// CHECK:           cornet.reduce
// CHECK-NEXT:      cornet.reduce
// CHECK-NEXT:      cornet.yield
// CHECK:         cornet.dispatch(
// CHECK:           cornet.matmul
// CHECK-NEXT:      cornet.sub
// CHECK-NEXT:      cornet.yield
// CHECK:         cornet.dispatch(
// CHECK:           cornet.add
// CHECK-NEXT:      cornet.yield
func.func @other_rows(%x: tensor<4x4xf32>) -> (tensor<4x4xf32>, tensor<4x4xf32>) {
  %0 = cornet.reduce %x {kind = "max", axes = array<i64: 1>, keepdims = true} : (tensor<4x4xf32>) -> tensor<4x1xf32>
  %1 = cornet.reduce %x {kind = "max", axes = array<i64: 1>, keepdims = false} : (tensor<4x4xf32>) -> tensor<4xf32>
  %2 = cornet.matmul %x, %0 {transpose_lhs = false, transpose_rhs = false} : (tensor<4x4xf32>, tensor<4x1xf32>) -> tensor<4x1xf32>
  %3 = cornet.sub %2, %0 : (tensor<4x1xf32>, tensor<4x1xf32>) -> tensor<4x1xf32>
  %4 = cornet.add %x, %1 : (tensor<4x4xf32>, tensor<4xf32>) -> tensor<4x4xf32>
  %5 = cornet.add %x, %3 : (tensor<4x4xf32>, tensor<4x1xf32>) -> tensor<4x4xf32>
  return %4, %5 : tensor<4x4xf32>, tensor<4x4xf32>
}

// What is narrowed to 8 bits is stored so, and widened where it is read; weights are inputs. What is
// done with indices stands apart from what finds them.
// CHECK-LABEL: func.func @bytes(
// CHECK:         cornet.dispatch(%{{.*}}) : (tensor<4x8xf32>) -> tensor<4x8xui8>
// CHECK:           cornet.mul
// CHECK-NEXT:      cornet.cast
// CHECK-NEXT:      cornet.yield
// CHECK:         cornet.dispatch(%{{.*}}, %{{.*}}) : (tensor<4x8xui8>, tensor<8x2xi8>) -> tensor<4x2xf32>
// CHECK:           cornet.cast
// CHECK-NEXT:      cornet.cast
// CHECK-NEXT:      cornet.matmul
// CHECK-NEXT:      cornet.relu
// CHECK-NEXT:      cornet.yield
// CHECK:         cornet.dispatch(
// CHECK:           cornet.top_k
// CHECK-NEXT:      cornet.yield
// CHECK:         cornet.dispatch(
// CHECK:           cornet.cast
// CHECK-NEXT:      cornet.yield
func.func @bytes(%x: tensor<4x8xf32>) -> (tensor<4x2xf32>, tensor<4x1xf32>) {
  %w = cornet.constant dense<[[1, 2], [3, 4], [5, 6], [7, 8], [-1, -2], [-3, -4], [-5, -6], [-7, -8]]> : tensor<8x2xi8>
  %0 = cornet.mul %x, %x : (tensor<4x8xf32>, tensor<4x8xf32>) -> tensor<4x8xf32>
  %1 = cornet.cast %0 {to = "ui8"} : (tensor<4x8xf32>) -> tensor<4x8xui8>
  %2 = cornet.cast %1 {to = "f32"} : (tensor<4x8xui8>) -> tensor<4x8xf32>
  %3 = cornet.cast %w {to = "f32"} : (tensor<8x2xi8>) -> tensor<8x2xf32>
  %4 = cornet.matmul %2, %3 {transpose_lhs = false, transpose_rhs = false} : (tensor<4x8xf32>, tensor<8x2xf32>) -> tensor<4x2xf32>
  %5 = cornet.relu %4 : (tensor<4x2xf32>) -> tensor<4x2xf32>
  %6 = cornet.top_k %5 {k = 1 : i64} : (tensor<4x2xf32>) -> tensor<4x1xi32>
  %7 = cornet.cast %6 {to = "f32"} : (tensor<4x1xi32>) -> tensor<4x1xf32>
  return %5, %7 : tensor<4x2xf32>, tensor<4x1xf32>
}
