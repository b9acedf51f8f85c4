// SPDX-License-Identifier: Apache-2.0
// Inception v3 (Szegedy et al. 2015), 299 x 299, as keras.applications builds it. Convolutions have
// no names there; they are numbered in the order in which they are made, which is kept here.
#include <cornet/cornet.h>
using namespace cornet;

namespace {

/// A convolution without bias, a normalization without scale, a ReLU.
Tensor conv(Tensor x, int64_t filters, Pair window, int64_t stride = 1,
            const std::string &padding = "same") {
  x = Conv2D({.filters = filters,
              .kernel_size = window,
              .strides = stride,
              .padding = padding,
              .use_bias = false})(x);
  return Activation({.activation = "relu"})(BatchNormalization({.scale = false})(x));
}

/// A convolution that halves, as its stride is 2 and it has no padding.
Tensor halve(Tensor x, int64_t filters) { return conv(x, filters, 3, 2, "valid"); }

Tensor pool(Tensor x) { return MaxPooling2D({.pool_size = 3, .strides = 2})(x); }

/// The average of the neighbourhood, projected.
Tensor average(Tensor x, int64_t filters) {
  return conv(AveragePooling2D({.pool_size = 3, .strides = 1, .padding = "same"})(x), filters, 1);
}

Tensor join(const std::vector<Tensor> &branches, const std::string &name) {
  return Concatenate({.name = name})(branches);
}

/// 35 x 35: beside each other 1 x 1, 5 x 5, twice 3 x 3, and the average.
Tensor blockA(Tensor x, int64_t pooled, const std::string &name) {
  Tensor one = conv(x, 64, 1);
  Tensor five = conv(conv(x, 48, 1), 64, 5);
  Tensor three = conv(conv(conv(x, 64, 1), 96, 3), 96, 3);
  return join({one, five, three, average(x, pooled)}, name);
}

/// 17 x 17: windows of 7 x 7 as a row after a column.
Tensor blockB(Tensor x, int64_t filters, const std::string &name) {
  const Pair row{1, 7}, column{7, 1};
  Tensor one = conv(x, 192, 1);
  Tensor seven = conv(conv(conv(x, filters, 1), filters, row), 192, column);
  Tensor twice = conv(conv(x, filters, 1), filters, column);
  twice = conv(conv(conv(twice, filters, row), filters, column), 192, row);
  return join({one, seven, twice, average(x, 192)}, name);
}

/// 8 x 8: windows of 3 x 3 as a row beside a column.
Tensor blockC(Tensor x, const std::string &name, const std::string &inner) {
  const Pair row{1, 3}, column{3, 1};
  Tensor one = conv(x, 320, 1);
  Tensor three = conv(x, 384, 1);
  Tensor left = conv(three, 384, row), right = conv(three, 384, column);
  three = join({left, right}, inner);
  Tensor twice = conv(conv(x, 448, 1), 384, 3);
  left = conv(twice, 384, row), right = conv(twice, 384, column);
  twice = join({left, right}, "");
  return join({one, three, twice, average(x, 192)}, name);
}

} // namespace

CORNET_MODEL(inceptionv3) {
  Tensor image = Input({299, 299, 3});
  Tensor x = conv(conv(halve(image, 32), 32, 3, 1, "valid"), 64, 3);
  x = conv(conv(pool(x), 80, 1, 1, "valid"), 192, 3, 1, "valid");
  x = pool(x);
  x = blockA(x, 32, "mixed0");
  x = blockA(x, 64, "mixed1");
  x = blockA(x, 64, "mixed2");

  Tensor three = halve(x, 384);
  Tensor twice = halve(conv(conv(x, 64, 1), 96, 3), 96);
  x = join({three, twice, pool(x)}, "mixed3");
  x = blockB(x, 128, "mixed4");
  x = blockB(x, 160, "mixed5");
  x = blockB(x, 160, "mixed6");
  x = blockB(x, 192, "mixed7");

  three = halve(conv(x, 192, 1), 320);
  Tensor seven = halve(conv(conv(conv(x, 192, 1), 192, {1, 7}), 192, {7, 1}), 192);
  x = join({three, seven, pool(x)}, "mixed8");
  x = blockC(x, "mixed9", "mixed9_0");
  x = blockC(x, "mixed10", "mixed9_1");

  x = GlobalAveragePooling2D({.name = "avg_pool"})(x);
  x = Dense({.units = 1000, .activation = "softmax", .name = "predictions"})(x);
  return Functional({image}, {x});
}
