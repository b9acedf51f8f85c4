// SPDX-License-Identifier: Apache-2.0
//
// Convolutions with fewer multiplications: the output is cut into patches, and a patch of m x n
// pixels is computed from the (m + R - 1)(n + S - 1) products that Toom.h names.
//
// Blocking. For a block of patches the input is transformed once, into V[chunk][product][patch]
// [channel of the chunk]; then for each panel of output channels and each chunk of input channels,
// the weights are transformed into U[product][channel][lane], small enough for the second cache,
// and every product's matrices are multiplied by register tiles, accumulating Y[product][patch]
// [lane]; last, Y becomes pixels. Weights are transformed anew in each call: they come from memory
// in their plain size, a sixth to a half of U's, and the artifact does not grow.
//
// What it loses: docs/precision.md. An infinity in the input reaches its whole patch.
//
// A tile of work is a row of register tiles, a group of patches, of a panel of a block. A thread
// transforms the inputs of its groups and the weights of its panels, so tiles go by groups or by
// panels, whatever leaves less to be transformed by several threads.
#pragma once

#include "codegen/cpu/Contraction.h"
#include "codegen/cpu/Toom.h"
#include "codegen/cpu/Variant.h"

namespace cornet::cpu {

struct Winograd {
  Contraction k; ///< the convolution; its panels are `width` wide
  Toom y, x;
  int64_t patchesY = 0, patchesX = 0; ///< of an image, down and across
  int64_t patches = 0;                ///< of all images
  /// Operations of a transform of one channel: of a kernel, of an input patch, of an output patch.
  int64_t weightWork = 0, inputWork = 0, outputWork = 0;
  RegisterTile tile = {}; ///< patches times vectors of outputs
  int64_t width = 0;      ///< lanes of a panel
  int64_t block = 0;      ///< patches of a block, a multiple of tile.rows
  int64_t chunk = 0;      ///< channels transformed together
  bool byGroups = false;  ///< tiles of a block go by groups, in these by panels; else vice versa
  double cost = 0;        ///< estimated cycles

  int64_t products() const { return y.alpha * x.alpha; }
  int64_t chunks() const { return (k.channels + chunk - 1) / chunk; }
  int64_t blocks() const { return (patches + block - 1) / block; }
  int64_t panels() const { return (k.outputs + width - 1) / width; }
  int64_t groups() const { return block / tile.rows; }
  int64_t blockTiles() const { return panels() * groups(); }
  int64_t tiles() const { return blocks() * blockTiles(); }
  // Cells of the scratch from one product to the next: a line more than the product's own, since
  // all products of a place are written together and at a power of two would meet in one cache set.
  int64_t inputPitch() const { return block * chunk + 16; }
  int64_t weightPitch() const { return chunk * width + 16; }
  int64_t sumPitch() const { return block * width + 16; }
  int64_t inputCells() const { return chunks() * products() * inputPitch(); }
  int64_t weightCells() const { return products() * weightPitch(); }
  int64_t sumCells() const { return products() * sumPitch(); }
  int64_t scratch() const { return inputCells() + weightCells() + sumCells() + y.m * x.m * width; }
  Variant variant() const { return {"winograd", y.m, x.m, 0, tile.columns, chunk}; }
};

/// The dispatch's root as such a convolution, in the patch with the least estimated work; else why
/// not: it is none, or computing it directly is less.
std::optional<Winograd> winogradOf(DispatchOp dispatch, const Isa &isa, std::string &whyNot);

/// Every patch, tile and chunk that could serve the dispatch; none where it is no such convolution.
std::vector<Way> winogradWays(DispatchOp dispatch, const Isa &isa);

} // namespace cornet::cpu
