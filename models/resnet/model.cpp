// SPDX-License-Identifier: Apache-2.0
// ResNet (He et al. 2015) with 50, 101 and 152 layers as keras.applications builds it: strides in
// the first 1x1, biases before normalization, epsilon 1.001e-5.
#include <cornet/cornet.h>
using namespace cornet;

namespace {

Tensor normalize(const Tensor &x, const std::string &name) {
  return BatchNormalization({.epsilon = 1.001e-5, .name = name})(x);
}

/// Three convolutions around a shortcut, which is projected in the first block of a stack.
Tensor block(Tensor x, int64_t filters, int64_t stride, bool project, const std::string &name) {
  Tensor shortcut = x;
  if (project)
    shortcut =
        normalize(Conv2D({.filters = 4 * filters, .strides = stride, .name = name + "_0_conv"})(x),
                  name + "_0_bn");
  x = Conv2D({.filters = filters, .strides = stride, .name = name + "_1_conv"})(x);
  x = Activation({.activation = "relu", .name = name + "_1_relu"})(normalize(x, name + "_1_bn"));
  x = Conv2D({.filters = filters, .kernel_size = 3, .padding = "same", .name = name + "_2_conv"})(
      x);
  x = Activation({.activation = "relu", .name = name + "_2_relu"})(normalize(x, name + "_2_bn"));
  x = normalize(Conv2D({.filters = 4 * filters, .name = name + "_3_conv"})(x), name + "_3_bn");
  x = Add({.name = name + "_add"})({shortcut, x});
  return Activation({.activation = "relu", .name = name + "_out"})(x);
}

Tensor stack(Tensor x, int64_t filters, int blocks, int64_t stride, const std::string &name) {
  for (int i = 1; i <= blocks; ++i)
    x = block(x, filters, i == 1 ? stride : 1, i == 1, name + "_block" + std::to_string(i));
  return x;
}

/// `third` and `fourth` are the blocks of those stacks, the others have three.
Model resnet(int third, int fourth) {
  Tensor image = Input({224, 224, 3});
  Tensor x = ZeroPadding2D({.top_bottom = 3, .left_right = 3, .name = "conv1_pad"})(image);
  x = Conv2D({.filters = 64, .kernel_size = 7, .strides = 2, .name = "conv1_conv"})(x);
  x = Activation({.activation = "relu", .name = "conv1_relu"})(normalize(x, "conv1_bn"));
  x = ZeroPadding2D({.name = "pool1_pad"})(x);
  x = MaxPooling2D({.pool_size = 3, .strides = 2, .name = "pool1_pool"})(x);
  x = stack(x, 64, 3, 1, "conv2");
  x = stack(x, 128, third, 2, "conv3");
  x = stack(x, 256, fourth, 2, "conv4");
  x = stack(x, 512, 3, 2, "conv5");
  x = GlobalAveragePooling2D({.name = "avg_pool"})(x);
  x = Dense({.units = 1000, .activation = "softmax", .name = "predictions"})(x);
  return Functional({image}, {x});
}

} // namespace

CORNET_MODEL(resnet50) { return resnet(4, 6); }
CORNET_MODEL(resnet101) { return resnet(4, 23); }
CORNET_MODEL(resnet152) { return resnet(8, 36); }
