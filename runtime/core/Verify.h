// SPDX-License-Identifier: Apache-2.0
//
// What must hold of a program after the FlatBuffers verifier: every index names something, every
// offset and size lies inside what it points into, all computed without overflow. The message names
// the field.
#pragma once

#include "runtime/schema/cornet_generated.h"

#include <string>

namespace cornet::runtime {

/// "" when `program`, of `programSize` bytes in a file of `fileSize`, is sound; else what is not.
/// Afterwards every product and sum of extents, batches and sizes fits 64 bits.
std::string verifyProgram(const fb::Program *program, uint64_t programSize, uint64_t fileSize);

} // namespace cornet::runtime
