// SPDX-License-Identifier: Apache-2.0
//
// Tile registers for machines that have none, so that the very kernels an AMX machine runs are
// tested everywhere: instructions the CPU refuses are decoded and carried out by a handler of
// SIGILL. The rest of a kernel runs as it is.
#pragma once

namespace cornet::test {

/// From now on tile instructions of this process work, and it is told that it may have tiles. Does
/// nothing on a machine that has them.
void emulateTiles();

/// Tile instructions that the handler has carried out.
unsigned long emulatedTileInstructions();

} // namespace cornet::test
