// SPDX-License-Identifier: Apache-2.0
// LeNet-5 (LeCun et al. 1998) with today's activations, on 28 x 28 grey images.
#include <cornet/cornet.h>
using namespace cornet;

CORNET_MODEL(lenet) {
  return Sequential(
      {28, 28, 1},
      {
          Conv2D({.filters = 6, .kernel_size = 5, .padding = "same", .activation = "relu"}),
          AveragePooling2D(),
          Conv2D({.filters = 16, .kernel_size = 5, .activation = "relu"}),
          AveragePooling2D(),
          Flatten(),
          Dense({.units = 120, .activation = "relu"}),
          Dense({.units = 84, .activation = "relu"}),
          Dense({.units = 10, .activation = "softmax"}),
      });
}
