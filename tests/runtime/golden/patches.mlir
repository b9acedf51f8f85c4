// A convolution that works in scratch memory.
module attributes {cornet.model = "patches"} {
  cornet.variable @kernel = #cornet.random<seed = 3> : tensor<3x3x16x16xf32>
}
