// SPDX-License-Identifier: Apache-2.0
//
// An autoencoder squeezes 64 pixels through 8 numbers and back. The encoder is a model of its own
// that shares the weights.
#pragma once

#include <cornet/cornet.h>

namespace models {

struct Autoencoder {
  cornet::Model whole, encoder;
};

inline Autoencoder autoencoder() {
  using namespace cornet;
  Tensor image = Input({8, 8, 1});
  Tensor x = Dense({.units = 64, .activation = "relu"})(Flatten()(image));
  Tensor code = Dense({.units = 8, .name = "code"})(x);
  x = Dense({.units = 64, .activation = "relu"})(code);
  x = Dense({.units = 64, .activation = "sigmoid"})(x);
  return {Functional({image}, {Reshape({.target_shape = {8, 8, 1}})(x)}, "autoencoder"),
          Functional({image}, {code}, "encoder")};
}

} // namespace models
