// SPDX-License-Identifier: Apache-2.0
// EfficientNet (Tan and Le 2019) B0 to B3, as keras.applications builds it. The input is an image
// of 0 to 255: scaling and normalization are layers. B1 to B3 are B0 made wider, deeper and larger.
#include <cornet/cornet.h>

#include <algorithm>
#include <cmath>
using namespace cornet;

namespace {

struct Scaling {
  double width, depth;
  int64_t size;
  double dropout;
  int64_t channels(int64_t of) const {
    double wanted = double(of) * width;
    int64_t rounded = std::max<int64_t>(8, int64_t(wanted + 4) / 8 * 8);
    return double(rounded) < 0.9 * wanted ? rounded + 8 : rounded;
  }
  int64_t repeats(int64_t of) const { return int64_t(std::ceil(depth * double(of))); }
};

struct Stage {
  int64_t window, repeats, in, out, expansion, stride;
};
const Stage stages[] = {{3, 1, 32, 16, 1, 1},  {3, 2, 16, 24, 6, 2},  {5, 2, 24, 40, 6, 2},
                        {3, 3, 40, 80, 6, 2},  {5, 3, 80, 112, 6, 1}, {5, 4, 112, 192, 6, 2},
                        {3, 1, 192, 320, 6, 1}};

Tensor conv(Tensor x, int64_t filters, const std::string &name) {
  return Conv2D({.filters = filters, .padding = "same", .use_bias = false, .name = name})(x);
}
Tensor swish(Tensor x, const std::string &normalization, const std::string &activation) {
  x = BatchNormalization({.name = normalization})(x);
  return Activation({.activation = "swish", .name = activation})(x);
}

/// Zeros around an image that a stride of 2 halves, as many as "same" would put there.
Tensor pad(Tensor x, int64_t window, const std::string &name) {
  int64_t half = window / 2;
  Pair rows{half - 1 + x.shape()[1] % 2, half}, columns{half - 1 + x.shape()[2] % 2, half};
  return ZeroPadding2D({.top_bottom = rows, .left_right = columns, .name = name})(x);
}

/// Each channel times a number in (0, 1) that all channels' averages decide.
Tensor squeezeAndExcite(Tensor x, int64_t squeezed, const std::string &name) {
  int64_t channels = x.shape().back();
  Tensor s = GlobalAveragePooling2D({.name = name + "se_squeeze"})(x);
  s = Reshape({.target_shape = {1, 1, channels}, .name = name + "se_reshape"})(s);
  s = Conv2D(
      {.filters = squeezed, .padding = "same", .activation = "swish", .name = name + "se_reduce"})(
      s);
  s = Conv2D({.filters = channels,
              .padding = "same",
              .activation = "sigmoid",
              .name = name + "se_expand"})(s);
  return Multiply({.name = name + "se_excite"})({x, s});
}

/// An inverted residual with squeeze and excitation; a shortcut where shapes agree.
Tensor block(Tensor x, const Stage &stage, double drop, const std::string &name) {
  Tensor input = x;
  if (stage.expansion != 1)
    x = swish(conv(x, stage.in * stage.expansion, name + "expand_conv"), name + "expand_bn",
              name + "expand_activation");
  if (stage.stride == 2)
    x = pad(x, stage.window, name + "dwconv_pad");
  x = DepthwiseConv2D({.kernel_size = stage.window,
                       .strides = stage.stride,
                       .padding = stage.stride == 2 ? "valid" : "same",
                       .use_bias = false,
                       .name = name + "dwconv"})(x);
  x = swish(x, name + "bn", name + "activation");
  x = squeezeAndExcite(x, std::max<int64_t>(1, stage.in / 4), name);
  x = BatchNormalization({.name = name + "project_bn"})(conv(x, stage.out, name + "project_conv"));
  if (stage.stride != 1 || stage.in != stage.out)
    return x;
  if (drop > 0) // the whole block, for some of the images
    x = Dropout({.rate = drop, .noise_shape = {-1, 1, 1, 1}, .name = name + "drop"})(x);
  return Add({.name = name + "add"})({x, input});
}

Model efficientNet(const Scaling &scaling) {
  int64_t blocks = 0, done = 0;
  for (const Stage &stage : stages)
    blocks += scaling.repeats(stage.repeats);

  Tensor image = Input({scaling.size, scaling.size, 3});
  Tensor x = Normalization()(Rescaling({.scale = 1.0 / 255})(image));
  x = pad(x, 3, "stem_conv_pad");
  x = Conv2D({.filters = scaling.channels(32),
              .kernel_size = 3,
              .strides = 2,
              .use_bias = false,
              .name = "stem_conv"})(x);
  x = swish(x, "stem_bn", "stem_activation");
  int number = 0;
  for (Stage stage : stages) {
    stage.in = scaling.channels(stage.in), stage.out = scaling.channels(stage.out);
    int64_t repeats = scaling.repeats(stage.repeats);
    std::string name = "block" + std::to_string(++number);
    for (int64_t i = 0; i < repeats; ++i, ++done) {
      x = block(x, stage, 0.2 * double(done) / double(blocks), name + char('a' + i) + "_");
      stage.in = stage.out, stage.stride = 1;
    }
  }
  x = swish(conv(x, scaling.channels(1280), "top_conv"), "top_bn", "top_activation");
  x = GlobalAveragePooling2D({.name = "avg_pool"})(x);
  x = Dropout({.rate = scaling.dropout, .name = "top_dropout"})(x);
  x = Dense({.units = 1000, .activation = "softmax", .name = "predictions"})(x);
  return Functional({image}, {x});
}

} // namespace

CORNET_MODEL(efficientnetb0) { return efficientNet({1.0, 1.0, 224, 0.2}); }
CORNET_MODEL(efficientnetb1) { return efficientNet({1.0, 1.1, 240, 0.2}); }
CORNET_MODEL(efficientnetb2) { return efficientNet({1.1, 1.2, 260, 0.3}); }
CORNET_MODEL(efficientnetb3) { return efficientNet({1.2, 1.4, 300, 0.3}); }
