// SPDX-License-Identifier: Apache-2.0
//
// Which ISA levels the processor has that this process runs on, as the processor and the system
// say. A level is what an artifact's variant is compiled for.
#pragma once

#include <string>

namespace cornet::runtime {

/// How good ISA level `isa` is among those of this processor, from 0 on; -1 where it lacks it, or
/// where it is a level of another kind of processor.
int rankOf(const char *isa);

/// The best level this processor has; null where it has none.
const char *bestLevel();

/// "" when code of `size` bytes is an ELF object for this kind of processor, else why not.
std::string refuseMachine(const void *code, size_t size);

} // namespace cornet::runtime
