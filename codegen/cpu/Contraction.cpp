// SPDX-License-Identifier: Apache-2.0
#include "codegen/cpu/Contraction.h"

using namespace mlir;

namespace cornet::cpu {
namespace {

ArrayRef<int64_t> shapeOf(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }
int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

bool isBF16(Value v) { return getElementTypeOrSelf(v).isBF16(); }

/// Whether `value` is an input of a dispatch that is known when it is compiled.
bool isConstant(Value value) {
  auto argument = dyn_cast<BlockArgument>(value);
  auto dispatch =
      argument ? dyn_cast<DispatchOp>(argument.getOwner()->getParentOp()) : DispatchOp();
  return dispatch && dispatch.getInputs()[argument.getArgNumber()].getDefiningOp<ConstantOp>();
}

int64_t product(ArrayRef<int64_t> extents) {
  int64_t out = 1;
  for (int64_t extent : extents)
    out *= extent;
  return out;
}

/// Estimated time of a line of `pixels`, for all outputs of a part, in tiles of `tile`. A
/// multiply-add and a load start together, a sum needs eight of its kind in flight.
double lineCost(const Contraction &k, int64_t pixels, const RegisterTile &tile, const Isa &isa) {
  if (pixels == 0)
    return 0;
  const Costs &costs = isa.costs;
  auto step = [&](int64_t rows) {
    return double(std::max({rows * tile.columns, rows + tile.columns, int64_t(8)}) + 1);
  };
  int64_t count = ceilDiv(pixels, tile.rows), rows = pixels / count, longer = pixels % count;
  double steps = double(longer) * step(rows + 1) + double(count - longer) * step(rows);
  double depth = double(k.R * k.S * k.channels) / double(k.word);
  // Tiles of a panel read it again, from the second cache where it is larger than the first.
  double panelBytes = depth * 4 * double(tile.columns * isa.lanes);
  double beyond = std::max(0.0, 1 - costs.firstBytes / panelBytes);
  double again = costs.weights * beyond * double(count * tile.columns);
  double inputs = costs.inputs * double(pixels * k.channels) / double(k.word * isa.lanes);
  return double(ceilDiv(k.outputs, tile.columns * isa.lanes)) * (depth * (steps + again) + inputs);
}

/// The tile with the least estimated time. The width of a panel depends on no batch, so that
/// batches share weights.
RegisterTile chooseTile(const Contraction &k, bool isProduct, int64_t batch, const Isa &isa) {
  int64_t registers = isa.registers;
  double best = -1;
  int64_t pixels = isProduct ? 14 : k.flat() ? k.width / batch : k.width;
  RegisterTile tile{1, 1};
  // Pixels a multiple of 4 KiB apart meet in one set of the first cache, which has eight ways.
  int64_t bytes = cast<RankedTensorType>(k.input.getType()).getElementTypeBitWidth() / 8;
  bool meet = k.strideX * k.pixel * bytes % 4096 == 0;
  for (int64_t columns = 1; columns <= 4; ++columns) {
    int64_t most = std::min<int64_t>((registers - columns - 1) / columns, meet ? 7 : 14);
    if (most < 1)
      continue;
    double cost = lineCost(k, pixels, {most, columns}, isa);
    if (best < 0 || cost < best)
      best = cost, tile = {most, columns};
  }
  int64_t tiles = ceilDiv(k.width, tile.rows);
  tile.rows = ceilDiv(k.width, tiles);
  return tile;
}

/// Whether the products of bytes can be summed in integers: of ui8 and constant i8, not so many
/// that a sum may overflow.
bool dotsBytes(const Contraction &k, const Isa &isa) {
  constexpr int64_t most = (int64_t(1) << 31) / (255 * 128);
  return isa.byteDots && k.packed && getElementTypeOrSelf(k.input).isUnsignedInteger(8) &&
         getElementTypeOrSelf(k.weights).isSignlessInteger(8) && k.R * k.S * k.channels < most &&
         isConstant(k.weights);
}

/// Chooses the tile, unless one is asked for, and completes what panels follow from it.
void complete(Contraction &k, bool isProduct, int64_t batch, const Variant &wish,
              int64_t &packedCells, const Isa &isa) {
  k.word = isa.dots && isBF16(k.input) && isBF16(k.weights) ? 2 : dotsBytes(k, isa) ? 4 : 1;
  if (wish.rows)
    k.tile = {std::min(wish.rows, std::max<int64_t>(k.width, 1)), wish.columns};
  else
    k.tile = chooseTile(k, isProduct, batch, isa);
  k.through = k.word == 2 && k.channels % k.word && k.S > 1 && k.S * k.channels <= 64 &&
              k.parts == 1 && k.dilationX == 1 && k.packed && k.panels.outputStep == 1;
  k.panels.word = k.word;
  k.panels.parts = k.parts, k.panels.R = k.R, k.panels.S = k.S;
  k.panels.channels = k.channels, k.panels.outputs = k.outputs;
  if (k.through) // taps of a row lie one after another
    k.panels.S = 1, k.panels.channels = k.S * k.channels;
  k.panels.width = k.columnsOf(isa), k.panels.first = packedCells;
  packedCells += k.panels.cells();
}

std::optional<Contraction> describe(DispatchOp dispatch, MatmulOp matmul) {
  Contraction out;
  ArrayRef<int64_t> a = shapeOf(matmul.getLhs()), b = shapeOf(matmul.getRhs());
  out.input = storedAs(matmul.getLhs()), out.weights = storedAs(matmul.getRhs());
  bool transposed = matmul.getTransposeRhs(), batched = b.size() > 2;
  if (matmul.getTransposeLhs() || (batched && a.drop_back(2) != b.drop_back(2)))
    return std::nullopt;
  out.channels = out.pixel = a.back();
  out.outputs = transposed ? b[b.size() - 2] : b.back();
  out.parts = batched ? product(a.drop_back(2)) : 1;
  out.width = out.inWidth = product(a.drop_back()) / out.parts;
  // Rows of a wide matrix lie in a page each: packing pays where many rows use it.
  bool wide = out.outputs >= 512 && out.width >= 64;
  out.packed = transposed || (!batched && isConstant(out.weights)) || wide;
  out.inputPart = out.width * out.channels, out.rowPart = out.width;
  out.panels.partStep = out.channels * out.outputs;
  out.panels.channelStep = transposed ? 1 : out.outputs;
  out.panels.outputStep = transposed ? out.channels : 1;
  return out;
}

std::optional<Contraction> describe(ConvOp conv) {
  Contraction out;
  if (shapeOf(conv.getInput()).size() > 4)
    return std::nullopt;
  ArrayRef<int64_t> in = shapeOf(conv.getInput()), kernel = shapeOf(conv.getKernel());
  static_cast<Geometry &>(out) =
      Geometry::of(in, shapeOf(conv.getResult()), kernel.drop_back(2), conv.getStrides(),
                   conv.getDilations(), conv.getPadding());
  out.input = storedAs(conv.getInput()), out.weights = storedAs(conv.getKernel());
  out.pixel = in.back(), out.parts = int64_t(conv.getGroups());
  out.channels = out.inputPart = in.back() / out.parts;
  out.outputs = out.columnPart = kernel.back() / out.parts;
  out.imageStep = out.perLine * out.width, out.lineStep = out.width;
  out.panels.partStep = out.outputs, out.panels.channelStep = kernel.back();
  out.panels.sStep = out.channels * kernel.back(), out.panels.rStep = out.S * out.panels.sStep;
  return out;
}

/// One dimension of a phase: result cells first + steps q sum input[q + t - pad] over the taps t,
/// which are every `steps`-th of the kernel from the last one back to `lowest`.
struct Phase {
  int64_t count, taps, pad, lowest;
};

/// Cell i of the result, i = stride q + first, sums input[j] w[k] with i + cut = stride j + k: only
/// every stride-th k, and j falls as k rises. Without a stride the kernel may be dilated.
Phase phaseOf(int64_t first, int64_t extent, int64_t kernel, int64_t stride, int64_t dilation,
              int64_t cut) {
  if (stride == 1)
    return {extent, kernel, (kernel - 1) * dilation - cut, 0};
  int64_t lowest = (first + cut) % stride, base = (first + cut) / stride;
  int64_t taps = lowest < kernel ? ceilDiv(kernel - lowest, stride) : 0;
  return {ceilDiv(extent - first, stride), taps, taps - 1 - base, lowest};
}

std::vector<Contraction> describe(ConvTransposeOp op) {
  std::vector<Contraction> all;
  ArrayRef<int64_t> in = shapeOf(op.getInput()), kernel = shapeOf(op.getKernel()),
                    result = shapeOf(op.getResult());
  ArrayRef<int64_t> strides = op.getStrides(), dilations = op.getDilations(), cut = op.getPadding();
  size_t spatial = strides.size(), x = spatial - 1;
  if (spatial > 2)
    return {};
  for (size_t d = 0; d < spatial; ++d)
    if (cut[2 * d] < 0 || strides[d] > 4 || (strides[d] > 1 && dilations[d] != 1))
      return {};
  int64_t O = kernel[spatial], C = kernel[spatial + 1], KW = kernel[x];
  bool image = spatial == 2;
  int64_t rows = image ? result[1] : 1, columns = result[x + 1];
  int64_t strideY = image ? strides[0] : 1;
  for (int64_t ay = 0; ay < std::min(strideY, rows); ++ay)
    for (int64_t ax = 0; ax < std::min(strides[x], columns); ++ax) {
      Phase ys =
          image ? phaseOf(ay, rows, kernel[0], strideY, dilations[0], cut[0]) : Phase{1, 1, 0, 0};
      Phase xs = phaseOf(ax, columns, KW, strides[x], dilations[x], cut[2 * x]);
      Contraction out;
      out.perLine = ys.count, out.width = xs.count, out.lines = in[0] * ys.count;
      out.inHeight = image ? in[1] : 1, out.inWidth = in[x + 1];
      out.channels = out.pixel = C, out.outputs = O;
      out.R = ys.taps, out.S = xs.taps, out.padY = ys.pad, out.padX = xs.pad;
      out.dilationY = image && strideY == 1 ? dilations[0] : 1;
      out.dilationX = strides[x] == 1 ? dilations[x] : 1;
      if (out.R == 0 || out.S == 0) // nothing is summed
        out.R = out.S = 0, out.padY = out.padX = 0;
      out.input = storedAs(op.getInput()), out.weights = storedAs(op.getKernel());
      out.imageStep = rows * columns, out.lineStep = strideY * columns;
      out.pixelStep = strides[x], out.firstPixel = ay * columns + ax;
      int64_t tapY = KW * O * C * (image ? strideY : 1), tapX = O * C * strides[x];
      out.panels.rStep = -tapY, out.panels.sStep = -tapX;
      out.panels.outputStep = C, out.panels.channelStep = 1;
      out.panels.base =
          ys.lowest * KW * O * C + (out.R - 1) * tapY + xs.lowest * O * C + (out.S - 1) * tapX;
      all.push_back(out);
    }
  return all;
}

/// Estimated time in tiles of `tile`.
double tileCost(const Contraction &k, const RegisterTile &tile, const Isa &isa) {
  return double(k.parts * k.lines) * lineCost(k, k.width, tile, isa);
}

} // namespace

int64_t Contraction::block(int64_t bytes) const {
  int64_t pixels = flat() ? width : lines / perLine * inHeight * inWidth;
  if (pixels < R * S * outputs)
    return units();
  int64_t unit = bytes * std::max(pixel * (flat() ? tile.rows : strideY * inWidth),
                                  outputs * (flat() ? tile.rows : width));
  return std::clamp<int64_t>((64 << 10) / unit, 1, units());
}

double directCost(const Contraction &k, const Isa &isa) { return tileCost(k, k.tile, isa); }

std::vector<Way> contractWays(DispatchOp dispatch, const Isa &isa) {
  std::vector<Contraction> all = contractionsOf(dispatch, isa);
  std::vector<Way> out;
  if (all.empty())
    return out;
  int64_t vectors = ceilDiv(all[0].outputs, isa.lanes);
  for (RegisterTile tile{1, 1}; tile.columns <= std::min<int64_t>(4, vectors); ++tile.columns)
    for (tile.rows = 1; tile.rows <= std::min<int64_t>(14, all[0].width) && tile.fits(isa);
         ++tile.rows) {
      double cycles = 0;
      for (const Contraction &k : all)
        cycles += tileCost(k, tile, isa);
      out.push_back({variantOf(tile), cycles});
    }
  return out;
}

std::vector<Contraction> contractionsOf(DispatchOp dispatch, const Isa &isa) {
  Operation *root = rootOf(dispatch);
  std::vector<Contraction> all;
  if (!root->getNumResults())
    return all;
  if (auto matmul = dyn_cast<MatmulOp>(root)) {
    if (auto k = describe(dispatch, matmul))
      all.push_back(*k);
  } else if (auto conv = dyn_cast<ConvOp>(root)) {
    if (auto k = describe(conv))
      all.push_back(*k);
  } else if (auto transposed = dyn_cast<ConvTransposeOp>(root)) {
    all = describe(transposed);
  }
  int64_t packedCells = 0;
  Variant wish = Variant::of(root);
  if (wish.implementation != "contract")
    wish = {};
  for (Contraction &k : all) {
    int64_t batch = shapeOf(k.input)[0];
    if (!isa_and_present<MatmulOp>(root) && k.flat())
      k.width = k.inWidth = k.width * k.lines, k.lines = k.perLine = k.inHeight = 1, k.lineStep = 0;
    complete(k, isa_and_present<MatmulOp>(root), batch, wish, packedCells, isa);
  }
  return all;
}

} // namespace cornet::cpu
