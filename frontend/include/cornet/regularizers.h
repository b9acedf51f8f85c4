// SPDX-License-Identifier: Apache-2.0
//
// What a regularizer is: a term of the loss, computed of a weight or of a layer's output.
#pragma once

#include <cornet/tensor.h>

namespace cornet {

class Regularizer {
public:
  virtual ~Regularizer() = default;
  /// A scalar for the loss.
  virtual Tensor operator()(const Tensor &w) = 0;
};

} // namespace cornet
