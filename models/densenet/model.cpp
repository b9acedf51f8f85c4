// SPDX-License-Identifier: Apache-2.0
// DenseNet-121 (Huang et al. 2016) as keras.applications builds it: each block reads what all
// blocks before it in its stack have made.
#include <cornet/cornet.h>
using namespace cornet;

namespace {

Tensor normalized(const Tensor &x, const std::string &normalization, const std::string &relu) {
  Tensor y = BatchNormalization({.epsilon = 1.001e-5, .name = normalization})(x);
  return Activation({.activation = "relu", .name = relu})(y);
}

/// 32 channels more.
Tensor block(Tensor x, const std::string &name) {
  Tensor y = normalized(x, name + "_0_bn", name + "_0_relu");
  y = Conv2D({.filters = 128, .use_bias = false, .name = name + "_1_conv"})(y);
  y = normalized(y, name + "_1_bn", name + "_1_relu");
  y = Conv2D({.filters = 32,
              .kernel_size = 3,
              .padding = "same",
              .use_bias = false,
              .name = name + "_2_conv"})(y);
  return Concatenate({.name = name + "_concat"})({x, y});
}

Tensor stack(Tensor x, int blocks, const std::string &name) {
  for (int i = 1; i <= blocks; ++i)
    x = block(x, name + "_block" + std::to_string(i));
  return x;
}

/// Half of the channels, and of the extents.
Tensor transition(Tensor x, const std::string &name) {
  int64_t channels = x.shape().back();
  x = normalized(x, name + "_bn", name + "_relu");
  x = Conv2D({.filters = channels / 2, .use_bias = false, .name = name + "_conv"})(x);
  return AveragePooling2D({.pool_size = 2, .strides = 2, .name = name + "_pool"})(x);
}

} // namespace

CORNET_MODEL(densenet121) {
  Tensor image = Input({224, 224, 3});
  Tensor x = ZeroPadding2D({.top_bottom = 3, .left_right = 3})(image);
  x = Conv2D(
      {.filters = 64, .kernel_size = 7, .strides = 2, .use_bias = false, .name = "conv1_conv"})(x);
  x = normalized(x, "conv1_bn", "conv1_relu");
  x = MaxPooling2D({.pool_size = 3, .strides = 2, .name = "pool1"})(ZeroPadding2D()(x));
  x = transition(stack(x, 6, "conv2"), "pool2");
  x = transition(stack(x, 12, "conv3"), "pool3");
  x = transition(stack(x, 24, "conv4"), "pool4");
  x = stack(x, 16, "conv5");
  x = normalized(x, "bn", "relu");
  x = GlobalAveragePooling2D({.name = "avg_pool"})(x);
  x = Dense({.units = 1000, .activation = "softmax", .name = "predictions"})(x);
  return Functional({image}, {x});
}
