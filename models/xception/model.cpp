// SPDX-License-Identifier: Apache-2.0
// Xception (Chollet 2016), 299 x 299, as keras.applications builds it: separable convolutions
// around shortcuts.
#include <cornet/cornet.h>
using namespace cornet;

namespace {

Tensor relu(const Tensor &x, const std::string &name) {
  return Activation({.activation = "relu", .name = name + "_act"})(x);
}

Tensor conv(Tensor x, int64_t filters, int64_t stride, const std::string &name) {
  x = Conv2D(
      {.filters = filters, .kernel_size = 3, .strides = stride, .use_bias = false, .name = name})(
      x);
  return relu(BatchNormalization({.name = name + "_bn"})(x), name);
}

Tensor separable(Tensor x, int64_t filters, const std::string &name) {
  x = SeparableConv2D(
      {.filters = filters, .kernel_size = 3, .padding = "same", .use_bias = false, .name = name})(
      x);
  return BatchNormalization({.name = name + "_bn"})(x);
}

/// Two separable convolutions and a maximum that halves, beside a projection.
Tensor halve(Tensor x, int64_t first, int64_t second, int number) {
  std::string name = "block" + std::to_string(number) + "_";
  Tensor shortcut =
      Conv2D({.filters = second, .strides = 2, .padding = "same", .use_bias = false})(x);
  shortcut = BatchNormalization()(shortcut);
  if (number > 2) // what the stem brings to the second block has passed a ReLU
    x = relu(x, name + "sepconv1");
  x = separable(x, first, name + "sepconv1");
  x = separable(relu(x, name + "sepconv2"), second, name + "sepconv2");
  x = MaxPooling2D({.pool_size = 3, .strides = 2, .padding = "same", .name = name + "pool"})(x);
  return Add()({x, shortcut});
}

/// Three separable convolutions beside a shortcut.
Tensor middle(Tensor x, int number) {
  Tensor shortcut = x;
  for (int i = 1; i <= 3; ++i) {
    std::string name = "block" + std::to_string(number) + "_sepconv" + std::to_string(i);
    x = separable(relu(x, name), 728, name);
  }
  return Add()({x, shortcut});
}

} // namespace

CORNET_MODEL(xception) {
  Tensor image = Input({299, 299, 3});
  Tensor x = conv(conv(image, 32, 2, "block1_conv1"), 64, 1, "block1_conv2");
  x = halve(x, 128, 128, 2);
  x = halve(x, 256, 256, 3);
  x = halve(x, 728, 728, 4);
  for (int number = 5; number <= 12; ++number)
    x = middle(x, number);
  x = halve(x, 728, 1024, 13);
  x = relu(separable(x, 1536, "block14_sepconv1"), "block14_sepconv1");
  x = relu(separable(x, 2048, "block14_sepconv2"), "block14_sepconv2");
  x = GlobalAveragePooling2D({.name = "avg_pool"})(x);
  x = Dense({.units = 1000, .activation = "softmax", .name = "predictions"})(x);
  return Functional({image}, {x});
}
