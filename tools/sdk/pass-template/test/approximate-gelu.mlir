// RUN: %cornet-opt --load-pass-plugin=%plugin --approximate-gelu %s | %FileCheck %s

// CHECK-LABEL: @exact
// CHECK: cornet.gelu %{{.*}} {approximate = true}
func.func @exact(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %y = cornet.gelu %x {approximate = false} : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}

// It must leave everything else alone.
// CHECK-LABEL: @other
// CHECK: cornet.tanh %{{.*}} : (tensor<2x4xf32>)
func.func @other(%x: tensor<2x4xf32>) -> tensor<2x4xf32> {
  %y = cornet.tanh %x : (tensor<2x4xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
