// SPDX-License-Identifier: Apache-2.0
#include "codegen/cpu/Winograd.h"

using namespace mlir;

namespace cornet::cpu {
namespace {

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Counts what a transform costs in place of computing it.
struct Counter {
  int64_t count = 0;
  char add(char, char) { return ++count, 1; }
  char sub(char, char) { return ++count, 1; }
  char mul(double, char) { return ++count, 1; }
  char fma(double, char, char) { return ++count, 1; }
};

int64_t operations(const Matrix &matrix) {
  Counter counter;
  std::vector<char> ones(matrix.front().size(), 1);
  multiply<char>(matrix, ones, counter);
  return counter.count;
}

/// Operations of a transform along both axes: along y for every column, then along x for every row.
int64_t operations(const Matrix &y, const Matrix &x) {
  return operations(y) * int64_t(x.front().size()) + operations(x) * int64_t(y.size());
}

constexpr int64_t kBlockBytes = 1 << 20;

/// Per axis: as exact as a direct sum.
constexpr int64_t kTrainingProducts = 4;

int64_t mostRows(int64_t columns, const Isa &isa) {
  int64_t registers = isa.registers;
  return std::min<int64_t>((registers - columns - 1) / columns, 14);
}

/// Completes `w` with a register tile of `columns` vectors and with chunks of `chunk` channels.
void complete(Winograd &w, int64_t columns, int64_t chunk, const Isa &isa) {
  const Contraction &k = w.k;
  int64_t lanes = isa.lanes, vectors = ceilDiv(k.channels, lanes);
  w.width = columns * lanes, w.chunk = std::min(chunk, vectors * lanes);
  int64_t most = std::max<int64_t>(kBlockBytes / (4 * w.products() * vectors * lanes), 56);
  int64_t blocks = ceilDiv(w.patches, most), here = ceilDiv(w.patches, blocks);
  int64_t rows = mostRows(columns, isa);
  w.tile = {ceilDiv(here, ceilDiv(here, rows)), columns};
  w.block = ceilDiv(here, w.tile.rows) * w.tile.rows;

  const Costs &costs = isa.costs;
  double products = double(w.products()), panels = double(w.panels());
  double sums = double(w.tile.rows * columns), tiles = double(w.blocks() * w.block / w.tile.rows);
  double row = std::max({sums, 0.5 * double(w.tile.rows) + double(columns), 4.0}) + 0.5;
  row *= columns == 1 ? 1 + costs.single : 1;
  double multiplied =
      products * tiles * panels *
      (double(k.channels) * row / costs.products + double(w.chunks()) * sums * costs.store);
  double store =
      costs.store +
      costs.far * std::max(0.0, std::log2(double(w.weightCells() * 4) / costs.nearBytes));
  double weights = double(w.blocks() * k.channels * columns) * panels *
                   (double(k.R * k.S) + store * products + double(w.weightWork));
  double inputs =
      double(w.patches * vectors) * ((1 + costs.store) * products + double(w.inputWork));
  double outputs =
      double(w.patches * columns) * panels *
      (products + double(w.outputWork) + double(w.y.m * w.x.m) * (2 * costs.store + 3));
  // Every panel reads all transformed inputs of its block.
  double bytes = double(w.inputCells() * 4);
  double beyond = std::max(0.0, 1 - costs.halfBytes / bytes);
  double read = costs.fetch * beyond * panels * double(w.blocks()) * bytes / double(4 * lanes);
  w.byGroups = 2 * weights < inputs;
  w.cost = multiplied + weights + inputs + outputs + read;
}

bool allows(int64_t wanted, int64_t value) { return wanted == 0 || wanted == value; }

/// Hands every patch, tile and chunk for `images` images to `take`: those with at most `products`
/// products an axis that `wish` allows.
void forEachWay(const Contraction &k, int64_t images, int64_t products, const Variant &wish,
                const Isa &isa, function_ref<void(const Winograd &)> take) {
  int64_t height = k.perLine;
  auto most = [&](int64_t taps, int64_t extent) {
    return taps == 1 ? 1 : std::min(products - taps + 1, extent);
  };
  for (int64_t m = 1; m <= most(k.R, height); ++m)
    for (int64_t n = 1; n <= most(k.S, k.width); ++n) {
      if (m * n == 1 || !allows(wish.patchY, m) || !allows(wish.patchX, n))
        continue;
      Winograd w{k, Toom(m, k.R), Toom(n, k.S), ceilDiv(height, m), ceilDiv(k.width, n)};
      w.patches = images * w.patchesY * w.patchesX;
      w.weightWork = operations(w.y.weights, w.x.weights);
      w.inputWork = operations(w.y.input, w.x.input);
      w.outputWork = operations(w.y.output, w.x.output);
      for (int64_t columns = 1; columns <= 4 && mostRows(columns, isa) > 0; ++columns)
        for (int64_t vectors : {1, 2, 3, 4, 6, 8}) {
          int64_t chunk = vectors * isa.lanes;
          if (!allows(wish.columns, columns) || !allows(wish.chunk, chunk))
            continue;
          complete(w, columns, chunk, isa);
          take(w);
        }
    }
}

/// The one of least cost.
std::optional<Winograd> search(const Contraction &k, int64_t images, int64_t products,
                               const Variant &wish, const Isa &isa) {
  std::optional<Winograd> best;
  forEachWay(k, images, products, wish, isa, [&](const Winograd &w) {
    if (!best || w.cost < best->cost)
      best = w;
  });
  return best;
}

/// The dispatch's root as a convolution that patches can compute.
std::optional<Contraction> patchable(DispatchOp dispatch, const Isa &isa) {
  std::vector<Contraction> all = contractionsOf(dispatch, isa);
  if (all.size() != 1)
    return std::nullopt;
  const Contraction &k = all[0];
  if (k.parts != 1 || k.R * k.S <= 1 || k.strideY != 1 || k.strideX != 1 || k.dilationY != 1 ||
      k.dilationX != 1 || !k.packed || !k.plain())
    return std::nullopt;
  return k;
}

/// What one step loses, the next steps of a training multiply.
int64_t productsFor(DispatchOp dispatch, const Variant &wish) {
  bool training = dispatch->getParentOfType<func::FuncOp>()->hasAttr("cornet.whole");
  return training && wish.patchY == 0 ? kTrainingProducts : Toom::kMostProducts;
}

} // namespace

std::optional<Winograd> winogradOf(DispatchOp dispatch, const Isa &isa, std::string &whyNot) {
  std::optional<Contraction> found = patchable(dispatch, isa);
  whyNot = "no convolution with a stride and a dilation of 1, without groups, of more than one tap";
  if (!found)
    return std::nullopt;
  const Contraction &k = *found;
  Variant wish = Variant::of(rootOf(dispatch));
  whyNot = "another implementation is asked for";
  if (!wish.allows("winograd"))
    return std::nullopt;
  int64_t products = productsFor(dispatch, wish), images = k.lines / k.perLine;
  std::optional<Winograd> best = search(k, 1, products, wish, isa);
  if (best && images > 1) { // batches share weights, so the panels' width depends on none
    Variant same = wish;
    same.columns = best->tile.columns;
    best = search(k, images, products, same, isa);
  }
  whyNot = best ? "computing it directly is less work" : "it has no such patch";
  if (!best || (wish.implementation.empty() && best->cost > directCost(k, isa)))
    return std::nullopt;
  best->k.panels.width = best->width, best->k.panels.first = 0;
  best->k.panels.channelMajor = true;
  best->k.word = best->k.panels.word = 1, best->k.through = false; // narrow cells are widened
  best->k.panels.S = k.S, best->k.panels.channels = k.channels;
  return best;
}

std::vector<Way> winogradWays(DispatchOp dispatch, const Isa &isa) {
  std::vector<Way> out;
  Variant none;
  if (std::optional<Contraction> k = patchable(dispatch, isa))
    forEachWay(*k, k->lines / k->perLine, productsFor(dispatch, none), none, isa,
               [&](const Winograd &w) {
                 Variant variant = w.variant();
                 if (out.empty() || out.back().variant.text() != variant.text())
                   out.push_back({variant, w.cost});
               });
  return out;
}

} // namespace cornet::cpu
