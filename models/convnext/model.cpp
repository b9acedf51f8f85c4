// SPDX-License-Identifier: Apache-2.0
// ConvNeXt (Liu et al. 2022), tiny, as keras.applications builds it. The input is an image of 0 to
// 255, which a layer normalizes. Depthwise convolutions are grouped ones, as there.
#include <cornet/cornet.h>
using namespace cornet;

namespace {

Handle layerNorm(const std::string &name) {
  return LayerNormalization({.epsilon = 1e-6, .name = name});
}

/// A depthwise 7 x 7, then two dense layers over channels, beside a shortcut.
Tensor block(const Tensor &input, int64_t channels, const std::string &name) {
  Tensor x = Conv2D({.filters = channels,
                     .kernel_size = 7,
                     .padding = "same",
                     .groups = channels,
                     .name = name + "_depthwise_conv"})(input);
  x = layerNorm(name + "_layernorm")(x);
  x = Dense({.units = 4 * channels, .name = name + "_pointwise_conv_1"})(x);
  x = Activation({.activation = "gelu", .name = name + "_gelu"})(x);
  x = Dense({.units = channels, .name = name + "_pointwise_conv_2"})(x);
  x = LayerScale({.init_values = 1e-6, .projection_dim = channels, .name = name + "_layer_scale"})(
      x);
  return input + Activation({.activation = "linear", .name = name + "_identity"})(x);
}

/// What stands before each stage: the stem, or a normalization and a convolution that halves.
Model reduction(const Shape &in, int stage, int64_t channels, const std::string &name) {
  std::string n = std::to_string(stage - 1);
  if (stage == 0)
    return Sequential(
        in,
        {Conv2D({.filters = channels, .kernel_size = 4, .strides = 4, .name = name + "_stem_conv"}),
         layerNorm(name + "_stem_layernorm")},
        name + "_stem");
  return Sequential(in,
                    {layerNorm(name + "_downsampling_layernorm_" + n),
                     Conv2D({.filters = channels,
                             .kernel_size = 2,
                             .strides = 2,
                             .name = name + "_downsampling_conv_" + n})},
                    name + "_downsampling_block_" + n);
}

Model convNeXt(const std::string &name, const std::vector<int> &depths,
               const std::vector<int64_t> &channels) {
  Tensor image = Input({224, 224, 3});
  Tensor x = Normalization({.mean = {0.485 * 255, 0.456 * 255, 0.406 * 255},
                            .variance = {0.229 * 255 * 0.229 * 255, 0.224 * 255 * 0.224 * 255,
                                         0.225 * 255 * 0.225 * 255},
                            .name = name + "_prestem_normalization"})(image);
  for (int stage = 0; stage < 4; ++stage) {
    Shape in(x.shape().begin() + 1, x.shape().end());
    x = Handle(reduction(in, stage, channels[size_t(stage)], name))(x);
    std::string prefix = name + "_stage_" + std::to_string(stage) + "_block_";
    for (int i = 0; i < depths[size_t(stage)]; ++i)
      x = block(x, channels[size_t(stage)], prefix + std::to_string(i));
  }
  x = GlobalAveragePooling2D({.name = name + "_head_gap"})(x);
  x = layerNorm(name + "_head_layernorm")(x);
  x = Dense({.units = 1000, .activation = "softmax", .name = name + "_head_dense"})(x);
  return Functional({image}, {x});
}

} // namespace

CORNET_MODEL(convnexttiny) { return convNeXt("convnext_tiny", {3, 3, 9, 3}, {96, 192, 384, 768}); }
