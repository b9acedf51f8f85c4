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

// In cycles: a multiply-add starts in each, a vector is loaded in one and stored in two, in one
// more for each doubling of what is stored together past kNearBytes.
constexpr double kStore = 2, kDense = 0.93, kDirect = 0.93, kNearBytes = 96 << 10;
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

  double products = double(w.products()), panels = double(w.panels());
  double sums = double(w.tile.rows * columns), tiles = double(w.blocks() * w.block / w.tile.rows);
  // A sum waits four cycles for its last step.
  double row = std::max({sums, 0.5 * double(w.tile.rows) + double(columns), 4.0}) + 0.5;
  double multiplied = products * tiles * panels *
                      (double(k.channels) * row / kDense + double(w.chunks()) * sums * kStore);
  double store = kStore + std::max(0.0, std::log2(double(w.weightCells() * 4) / kNearBytes));
  double weights =
      double(w.blocks() * k.channels * columns) * panels *
      (double(k.R * k.S) + store * products + double(operations(w.y.weights, w.x.weights)));
  double inputs = double(w.patches * vectors) *
                  ((1 + kStore) * products + double(operations(w.y.input, w.x.input)));
  double outputs = double(w.patches * columns) * panels *
                   (products + double(operations(w.y.output, w.x.output)) +
                    double(w.y.m * w.x.m) * (2 * kStore + 3));
  w.cost = multiplied + weights + inputs + outputs;
}

/// What a `variant` attribute asks for: nothing, another implementation, or "winograd 4x6 2 64":
/// patch, columns of the register tile, channels of a chunk, all but the name optional.
struct Wish {
  bool other = false;
  int64_t m = 0, n = 0, columns = 0, chunk = 0; ///< 0: whichever is best

  explicit Wish(Operation *root) {
    auto variant = root->getAttrOfType<StringAttr>("variant");
    if (!variant)
      return;
    SmallVector<StringRef> words;
    variant.getValue().split(words, ' ', -1, false);
    other = words.empty() || words[0] != "winograd";
    int64_t *const places[] = {&m, &n, &columns, &chunk};
    SmallVector<StringRef> numbers;
    for (StringRef word : llvm::drop_begin(words, words.empty() ? 0 : 1))
      word.split(numbers, 'x', -1, false);
    for (auto [place, number] : llvm::zip(places, numbers))
      other |= number.getAsInteger(10, *place) || *place < 1;
  }
  static bool allows(int64_t wanted, int64_t value) { return wanted == 0 || wanted == value; }
};

/// The patch, tile and chunk of least cost for `images` images, of those with at most `products`
/// products an axis that `wish` allows.
std::optional<Winograd> search(const Contraction &k, int64_t images, int64_t products,
                               const Wish &wish, const Isa &isa) {
  int64_t height = k.perLine;
  auto most = [&](int64_t taps, int64_t extent) {
    return taps == 1 ? 1 : std::min(products - taps + 1, extent);
  };
  std::optional<Winograd> best;
  for (int64_t m = 1; m <= most(k.R, height); ++m)
    for (int64_t n = 1; n <= most(k.S, k.width); ++n) {
      if (m * n == 1 || !Wish::allows(wish.m, m) || !Wish::allows(wish.n, n))
        continue;
      Winograd w{k, Toom(m, k.R), Toom(n, k.S), ceilDiv(height, m), ceilDiv(k.width, n)};
      w.patches = images * w.patchesY * w.patchesX;
      for (int64_t columns = 1; columns <= 4 && mostRows(columns, isa) > 0; ++columns)
        for (int64_t vectors : {1, 2, 3, 4, 6, 8}) {
          int64_t chunk = vectors * isa.lanes;
          if (!Wish::allows(wish.columns, columns) || !Wish::allows(wish.chunk, chunk))
            continue;
          complete(w, columns, chunk, isa);
          if (!best || w.cost < best->cost)
            best = w;
        }
    }
  return best;
}

} // namespace

std::optional<Winograd> winogradOf(DispatchOp dispatch, const Isa &isa, std::string &whyNot) {
  std::vector<Contraction> all = contractionsOf(dispatch, isa);
  whyNot = "no convolution with a stride and a dilation of 1, without groups, of more than one tap";
  if (all.size() != 1)
    return std::nullopt;
  const Contraction &k = all[0];
  if (k.parts != 1 || k.R * k.S <= 1 || k.strideY != 1 || k.strideX != 1 || k.dilationY != 1 ||
      k.dilationX != 1 || !k.packed || !k.plain())
    return std::nullopt;
  Wish wish(rootOf(dispatch));
  whyNot = "another implementation is asked for";
  if (wish.other)
    return std::nullopt;
  // What one step loses, the next steps of a training multiply.
  bool training = dispatch->getParentOfType<func::FuncOp>()->hasAttr("cornet.whole");
  int64_t products = training && wish.m == 0 ? kTrainingProducts : Toom::kMostProducts;
  int64_t images = k.lines / k.perLine;
  std::optional<Winograd> best = search(k, 1, products, wish, isa);
  if (best && images > 1) { // batches share weights, so the panels' width depends on none
    Wish same = wish;
    same.columns = best->tile.columns;
    best = search(k, images, products, same, isa);
  }
  double direct = double(k.lines * k.width * k.depth() * ceilDiv(k.outputs, isa.lanes)) /
                  (kDirect * double(k.word));
  whyNot = best ? "computing it directly is less work" : "it has no such patch";
  if (!best || (wish.m == 0 && best->cost > 0.95 * direct))
    return std::nullopt;
  best->k.panels.width = best->width, best->k.panels.first = 0;
  best->k.panels.channelMajor = true;
  best->k.word = best->k.panels.word = 1, best->k.through = false; // narrow cells are widened
  best->k.panels.S = k.S, best->k.panels.channels = k.channels;
  return best;
}

} // namespace cornet::cpu
