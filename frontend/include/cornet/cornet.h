// SPDX-License-Identifier: Apache-2.0
// Everything a model definition needs.
#pragma once
#include <cornet/augmentation.h>
#include <cornet/model.h>
