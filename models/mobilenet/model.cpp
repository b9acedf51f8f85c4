// SPDX-License-Identifier: Apache-2.0
// MobileNet (Howard et al. 2017), width 1, as keras.applications builds it.
#include <cornet/cornet.h>
using namespace cornet;

namespace {

Tensor normalize(Tensor x, const std::string &name) {
  x = BatchNormalization({.name = name + "_bn"})(x);
  return ReLU({.max_value = 6, .name = name + "_relu"})(x);
}

/// A filter for each channel, then a convolution over channels.
Tensor block(Tensor x, int64_t filters, int64_t stride, int number) {
  std::string n = std::to_string(number);
  if (stride == 2) // so that the odd row and column lie at the bottom right
    x = ZeroPadding2D({.top_bottom = {0, 1}, .left_right = {0, 1}, .name = "conv_pad_" + n})(x);
  x = DepthwiseConv2D({.kernel_size = 3,
                       .strides = stride,
                       .padding = stride == 1 ? "same" : "valid",
                       .use_bias = false,
                       .name = "conv_dw_" + n})(x);
  x = normalize(x, "conv_dw_" + n);
  x = Conv2D({.filters = filters, .padding = "same", .use_bias = false, .name = "conv_pw_" + n})(x);
  return normalize(x, "conv_pw_" + n);
}

} // namespace

CORNET_MODEL(mobilenet) {
  struct Stage {
    int64_t filters, stride, repeats;
  };
  Tensor image = Input({224, 224, 3});
  Tensor x = Conv2D({.filters = 32,
                     .kernel_size = 3,
                     .strides = 2,
                     .padding = "same",
                     .use_bias = false,
                     .name = "conv1"})(image);
  x = normalize(x, "conv1");
  int number = 0;
  for (const Stage &stage : {Stage{64, 1, 1}, {128, 2, 2}, {256, 2, 2}, {512, 2, 6}, {1024, 2, 2}})
    for (int64_t i = 0; i < stage.repeats; ++i)
      x = block(x, stage.filters, i == 0 ? stage.stride : 1, ++number);
  x = GlobalAveragePooling2D({.keepdims = true})(x);
  x = Dropout({.rate = 0.001, .name = "dropout"})(x);
  x = Conv2D({.filters = 1000, .padding = "same", .name = "conv_preds"})(x);
  x = Reshape({.target_shape = {1000}, .name = "reshape_2"})(x);
  x = Activation({.activation = "softmax", .name = "predictions"})(x);
  return Functional({image}, {x});
}
