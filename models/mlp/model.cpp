// SPDX-License-Identifier: Apache-2.0
// A multilayer perceptron on 28 x 28 grey images, flattened.
#include <cornet/cornet.h>
using namespace cornet;

CORNET_MODEL(mlp) {
  return Sequential({784}, {
                               Dense({.units = 128, .activation = "relu"}),
                               Dense({.units = 10, .activation = "softmax"}),
                           });
}
