// Steps that take turns: a picture of 8 x 8 enlarged, so that its images outgrow a cache.
module attributes {cornet.model = "bands"} {
  func.func @predict(%x: tensor<?x64xf32> {cornet.name = "input"}) -> (tensor<?x10xf32> {cornet.name = "output"})
      attributes {cornet.entry = "predict"} {
    %picture = cornet.reshape %x {shape = array<i64: -1, 8, 8, 1>} : (tensor<?x64xf32>) -> tensor<?x8x8x1xf32>
    %large = cornet.resize %picture {size = array<i64: 120, 120>} : (tensor<?x8x8x1xf32>) -> tensor<?x120x120x1xf32>
    %k = cornet.constant dense<[[[[0.5, -0.25, 0.125, 0.75, -0.5, 1.0, -1.0, 0.375, 0.25, -0.75]]]]> : tensor<1x1x1x10xf32>
    %wide = cornet.conv %large, %k {strides = array<i64: 1, 1>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (tensor<?x120x120x1xf32>, tensor<1x1x1x10xf32>) -> tensor<?x120x120x10xf32>
    %soft = cornet.avg_pool %wide {strides = array<i64: 1, 1>, padding = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, window = array<i64: 3, 3>} : (tensor<?x120x120x10xf32>) -> tensor<?x120x120x10xf32>
    %high = cornet.max_pool %soft {strides = array<i64: 3, 3>, padding = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, window = array<i64: 5, 5>} : (tensor<?x120x120x10xf32>) -> tensor<?x39x39x10xf32>
    %y = cornet.reduce %high {kind = "mean", axes = array<i64: 1, 2>, keepdims = false} : (tensor<?x39x39x10xf32>) -> tensor<?x10xf32>
    return %y : tensor<?x10xf32>
  }
}
