// SPDX-License-Identifier: Apache-2.0
// VGG (Simonyan and Zisserman 2014) with 16 and 19 layers, as keras.applications builds it: blocks
// of 3 x 3 convolutions, each halved by a maximum, then three dense layers.
#include <cornet/cornet.h>
using namespace cornet;

namespace {

/// `depths` are the convolutions of each block.
Model vgg(const std::vector<int> &depths) {
  const int64_t filters[] = {64, 128, 256, 512, 512};
  Tensor image = Input({224, 224, 3}), x = image;
  for (size_t i = 0; i < depths.size(); ++i) {
    std::string block = "block" + std::to_string(i + 1) + "_";
    for (int k = 1; k <= depths[i]; ++k)
      x = Conv2D({.filters = filters[i],
                  .kernel_size = 3,
                  .padding = "same",
                  .activation = "relu",
                  .name = block + "conv" + std::to_string(k)})(x);
    x = MaxPooling2D({.pool_size = 2, .strides = 2, .name = block + "pool"})(x);
  }
  x = Flatten({.name = "flatten"})(x);
  x = Dense({.units = 4096, .activation = "relu", .name = "fc1"})(x);
  x = Dense({.units = 4096, .activation = "relu", .name = "fc2"})(x);
  x = Dense({.units = 1000, .activation = "softmax", .name = "predictions"})(x);
  return Functional({image}, {x});
}

} // namespace

CORNET_MODEL(vgg16) { return vgg({2, 2, 3, 3, 3}); }
CORNET_MODEL(vgg19) { return vgg({2, 2, 4, 4, 4}); }
