// SPDX-License-Identifier: Apache-2.0
// A small CNN on 8 x 8 grey images of handwritten digits.
#include <cornet/cornet.h>
using namespace cornet;

CORNET_MODEL(digits) {
  return Sequential(
      {8, 8, 1},
      {
          Conv2D({.filters = 16, .kernel_size = 3, .padding = "same", .use_bias = false}),
          BatchNormalization(),
          Activation({.activation = "relu"}),
          MaxPooling2D(),
          Conv2D({.filters = 32, .kernel_size = 3, .padding = "same", .activation = "relu"}),
          MaxPooling2D(),
          Flatten(),
          Dropout({.rate = 0.3}),
          Dense({.units = 10, .activation = "softmax"}),
      });
}
