// SPDX-License-Identifier: Apache-2.0
// MobileNetV3 (Howard et al. 2019), large and small, width 1, as keras.applications builds it. The
// input is an image of 0 to 255, which a layer scales to -1 to 1.
#include <cornet/cornet.h>

#include <algorithm>
using namespace cornet;

namespace {

/// A multiple of 8 near `channels`, at least nine tenths of it.
int64_t rounded(double channels) {
  int64_t out = std::max<int64_t>(8, int64_t(channels + 4) / 8 * 8);
  return double(out) < 0.9 * channels ? out + 8 : out;
}

Tensor normalize(const Tensor &x, const std::string &name) {
  return BatchNormalization({.momentum = 0.999, .name = name})(x);
}
Tensor activate(const Tensor &x, const std::string &kind) {
  return kind == "relu" ? ReLU()(x) : Activation({.activation = kind})(x);
}
Tensor conv(const Tensor &x, int64_t filters, bool bias, const std::string &name) {
  return Conv2D({.filters = filters, .padding = "same", .use_bias = bias, .name = name})(x);
}

struct Block {
  double expansion;
  int64_t filters, window, stride;
  bool squeeze;
  const char *activation;
};
const char *const swish = "hard_swish", *const relu = "relu";

/// Each channel times a number in [0, 1] that all channels' averages decide.
Tensor squeezeAndExcite(const Tensor &x, const std::string &name) {
  int64_t channels = x.shape().back();
  Tensor s = GlobalAveragePooling2D({.keepdims = true, .name = name + "_avg_pool"})(x);
  s = ReLU({.name = name + "_relu"})(
      conv(s, rounded(0.25 * double(channels)), true, name + "_conv"));
  s = conv(s, channels, true, name + "_conv_1");
  s = ReLU({.max_value = 6})(s + 3.0) * (1.0 / 6);
  return Multiply({.name = name + "_mul"})({x, s});
}

/// Expand, filter each channel, project without activation; a shortcut where shapes agree.
Tensor invertedResidual(Tensor x, const Block &block, int number) {
  std::string name = number ? "expanded_conv_" + std::to_string(number) + "_" : "expanded_conv_";
  Tensor input = x;
  int64_t channels = x.shape().back();
  if (number) {
    x = conv(x, rounded(double(channels) * block.expansion), false, name + "expand");
    x = activate(normalize(x, name + "expand_bn"), block.activation);
  }
  if (block.stride == 2) { // zeros as many as "same" would put there
    int64_t half = block.window / 2;
    Pair rows{half - 1 + x.shape()[1] % 2, half}, columns{half - 1 + x.shape()[2] % 2, half};
    x = ZeroPadding2D({.top_bottom = rows, .left_right = columns, .name = name + "depthwise_pad"})(
        x);
  }
  x = DepthwiseConv2D({.kernel_size = block.window,
                       .strides = block.stride,
                       .padding = block.stride == 1 ? "same" : "valid",
                       .use_bias = false,
                       .name = name + "depthwise"})(x);
  x = activate(normalize(x, name + "depthwise_bn"), block.activation);
  if (block.squeeze)
    x = squeezeAndExcite(x, name + "squeeze_excite");
  x = normalize(conv(x, block.filters, false, name + "project"), name + "project_bn");
  return block.stride == 1 && channels == block.filters ? Add({.name = name + "add"})({input, x})
                                                        : x;
}

Model mobileNet(const std::vector<Block> &blocks, int64_t last) {
  Tensor image = Input({224, 224, 3});
  Tensor x = Rescaling({.scale = 1 / 127.5, .offset = -1})(image);
  x = Conv2D({.filters = 16,
              .kernel_size = 3,
              .strides = 2,
              .padding = "same",
              .use_bias = false,
              .name = "conv"})(x);
  x = activate(normalize(x, "conv_bn"), swish);
  int number = 0;
  for (const Block &block : blocks)
    x = invertedResidual(x, block, number++);
  x = conv(x, 6 * x.shape().back(), false, "conv_1");
  x = activate(normalize(x, "conv_1_bn"), swish);
  x = GlobalAveragePooling2D({.keepdims = true})(x);
  x = activate(conv(x, last, true, "conv_2"), swish);
  x = conv(Dropout({.rate = 0.2})(x), 1000, true, "logits");
  x = Activation({.activation = "softmax", .name = "predictions"})(Flatten()(x));
  return Functional({image}, {x});
}

} // namespace

CORNET_MODEL(mobilenetv3large) {
  return mobileNet({{1, 16, 3, 1, false, relu},
                    {4, 24, 3, 2, false, relu},
                    {3, 24, 3, 1, false, relu},
                    {3, 40, 5, 2, true, relu},
                    {3, 40, 5, 1, true, relu},
                    {3, 40, 5, 1, true, relu},
                    {6, 80, 3, 2, false, swish},
                    {2.5, 80, 3, 1, false, swish},
                    {2.3, 80, 3, 1, false, swish},
                    {2.3, 80, 3, 1, false, swish},
                    {6, 112, 3, 1, true, swish},
                    {6, 112, 3, 1, true, swish},
                    {6, 160, 5, 2, true, swish},
                    {6, 160, 5, 1, true, swish},
                    {6, 160, 5, 1, true, swish}},
                   1280);
}

CORNET_MODEL(mobilenetv3small) {
  return mobileNet({{1, 16, 3, 2, true, relu},
                    {72.0 / 16, 24, 3, 2, false, relu},
                    {88.0 / 24, 24, 3, 1, false, relu},
                    {4, 40, 5, 2, true, swish},
                    {6, 40, 5, 1, true, swish},
                    {6, 40, 5, 1, true, swish},
                    {3, 48, 5, 1, true, swish},
                    {3, 48, 5, 1, true, swish},
                    {6, 96, 5, 2, true, swish},
                    {6, 96, 5, 1, true, swish},
                    {6, 96, 5, 1, true, swish}},
                   1024);
}
