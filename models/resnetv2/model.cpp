// SPDX-License-Identifier: Apache-2.0
// ResNet v2 (He et al. 2016) with 50, 101 and 152 layers as keras.applications builds it: what is
// normalized enters the convolutions, the sum goes on as it is, and the last block of a stack has
// the stride.
#include <cornet/cornet.h>
using namespace cornet;

namespace {

Tensor normalized(const Tensor &x, const std::string &normalization, const std::string &relu) {
  Tensor y = BatchNormalization({.epsilon = 1.001e-5, .name = normalization})(x);
  return Activation({.activation = "relu", .name = relu})(y);
}

/// Three convolutions around a shortcut, which is projected in the first block of a stack.
Tensor block(Tensor x, int64_t filters, int64_t stride, bool project, const std::string &name) {
  Tensor before = normalized(x, name + "_preact_bn", name + "_preact_relu"), shortcut = x;
  if (project)
    shortcut =
        Conv2D({.filters = 4 * filters, .strides = stride, .name = name + "_0_conv"})(before);
  else if (stride > 1)
    shortcut = MaxPooling2D({.pool_size = 1, .strides = stride})(x);
  x = Conv2D({.filters = filters, .use_bias = false, .name = name + "_1_conv"})(before);
  x = normalized(x, name + "_1_bn", name + "_1_relu");
  x = ZeroPadding2D({.name = name + "_2_pad"})(x);
  x = Conv2D({.filters = filters,
              .kernel_size = 3,
              .strides = stride,
              .use_bias = false,
              .name = name + "_2_conv"})(x);
  x = normalized(x, name + "_2_bn", name + "_2_relu");
  x = Conv2D({.filters = 4 * filters, .name = name + "_3_conv"})(x);
  return Add({.name = name + "_out"})({shortcut, x});
}

Tensor stack(Tensor x, int64_t filters, int blocks, int64_t stride, const std::string &name) {
  for (int i = 1; i <= blocks; ++i)
    x = block(x, filters, i == blocks ? stride : 1, i == 1, name + "_block" + std::to_string(i));
  return x;
}

/// `third` and `fourth` are the blocks of those stacks, the others have three.
Model resnet(int third, int fourth) {
  Tensor image = Input({224, 224, 3});
  Tensor x = ZeroPadding2D({.top_bottom = 3, .left_right = 3, .name = "conv1_pad"})(image);
  x = Conv2D({.filters = 64, .kernel_size = 7, .strides = 2, .name = "conv1_conv"})(x);
  x = ZeroPadding2D({.name = "pool1_pad"})(x);
  x = MaxPooling2D({.pool_size = 3, .strides = 2, .name = "pool1_pool"})(x);
  x = stack(x, 64, 3, 2, "conv2");
  x = stack(x, 128, third, 2, "conv3");
  x = stack(x, 256, fourth, 2, "conv4");
  x = stack(x, 512, 3, 1, "conv5");
  x = normalized(x, "post_bn", "post_relu");
  x = GlobalAveragePooling2D({.name = "avg_pool"})(x);
  x = Dense({.units = 1000, .activation = "softmax", .name = "predictions"})(x);
  return Functional({image}, {x});
}

} // namespace

CORNET_MODEL(resnet50v2) { return resnet(4, 6); }
CORNET_MODEL(resnet101v2) { return resnet(4, 23); }
CORNET_MODEL(resnet152v2) { return resnet(8, 36); }
