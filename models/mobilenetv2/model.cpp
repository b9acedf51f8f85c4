// SPDX-License-Identifier: Apache-2.0
// MobileNetV2 (Sandler et al. 2018), width 1, as keras.applications builds it.
#include <cornet/cornet.h>
using namespace cornet;

namespace {

Tensor normalize(const Tensor &x, const std::string &name) {
  return BatchNormalization({.momentum = 0.999, .name = name})(x);
}
Tensor relu6(const Tensor &x, const std::string &name) {
  return ReLU({.max_value = 6, .name = name})(x);
}

/// Expand by `expansion`, filter each channel, project without activation; a shortcut where shapes
/// agree.
Tensor invertedResidual(Tensor x, int64_t filters, int64_t stride, int64_t expansion,
                        const std::string &name) {
  Tensor input = x;
  int64_t channels = x.shape().back();
  if (expansion > 1) {
    x = Conv2D({.filters = expansion * channels,
                .padding = "same",
                .use_bias = false,
                .name = name + "expand"})(x);
    x = relu6(normalize(x, name + "expand_BN"), name + "expand_relu");
  }
  if (stride == 2) // so that the odd row and column lie at the bottom right
    x = ZeroPadding2D({.top_bottom = {0, 1}, .left_right = {0, 1}, .name = name + "pad"})(x);
  x = DepthwiseConv2D({.kernel_size = 3,
                       .strides = stride,
                       .padding = stride == 1 ? "same" : "valid",
                       .use_bias = false,
                       .name = name + "depthwise"})(x);
  x = relu6(normalize(x, name + "depthwise_BN"), name + "depthwise_relu");
  x = normalize(
      Conv2D({.filters = filters, .padding = "same", .use_bias = false, .name = name + "project"})(
          x),
      name + "project_BN");
  return channels == filters && stride == 1 ? Add({.name = name + "add"})({input, x}) : x;
}

} // namespace

CORNET_MODEL(mobilenetv2) {
  struct Stage {
    int64_t filters, stride, expansion, repeats;
  };
  Tensor image = Input({224, 224, 3});
  Tensor x = Conv2D({.filters = 32,
                     .kernel_size = 3,
                     .strides = 2,
                     .padding = "same",
                     .use_bias = false,
                     .name = "Conv1"})(image);
  x = relu6(normalize(x, "bn_Conv1"), "Conv1_relu");
  int block = 0;
  for (const Stage &stage : {Stage{16, 1, 1, 1},
                             {24, 2, 6, 2},
                             {32, 2, 6, 3},
                             {64, 2, 6, 4},
                             {96, 1, 6, 3},
                             {160, 2, 6, 3},
                             {320, 1, 6, 1}})
    for (int64_t i = 0; i < stage.repeats; ++i, ++block)
      x = invertedResidual(x, stage.filters, i == 0 ? stage.stride : 1, stage.expansion,
                           block == 0 ? "expanded_conv_" : "block_" + std::to_string(block) + "_");
  x = Conv2D({.filters = 1280, .use_bias = false, .name = "Conv_1"})(x);
  x = relu6(normalize(x, "Conv_1_bn"), "out_relu");
  x = GlobalAveragePooling2D()(x);
  x = Dense({.units = 1000, .activation = "softmax", .name = "predictions"})(x);
  return Functional({image}, {x}, "mobilenetv2");
}
