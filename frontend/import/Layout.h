// SPDX-License-Identifier: Apache-2.0
//
// Where a layer's weights lie inside its group of a Keras 3 weights file. Most have them at vars/0,
// vars/1, ...; those that Keras builds from other objects have a group for each.
#pragma once

#include <cornet/layers.h>

namespace cornet::import {

/// The dataset of weight `index` of a layer of `count` weights, below the layer's group.
std::string weightPlace(const std::string &kind, size_t index, size_t count);

} // namespace cornet::import
