// SPDX-License-Identifier: Apache-2.0
//
// `window`: depthwise convolutions and pools. Channels are independent, so vectors run along them;
// a tile is a few neighbouring output columns times one vector of channels. Each input cell is
// loaded once and added to every output of the tile that it stands under.
#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Geometry.h"

#include <limits>

using namespace mlir;

namespace cornet::cpu {
namespace {

struct Window : Geometry {
  Value input, weights; ///< no weights: a pool
  bool largest = false; ///< of pools: the maximum, else the mean
};

ArrayRef<int64_t> shapeOf(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }

template <class Op> Geometry geometryOf(Op op, ArrayRef<int64_t> window) {
  return Geometry::of(shapeOf(op.getInput()), shapeOf(op.getResult()), window, op.getStrides(),
                      op.getDilations(), op.getPadding());
}

std::optional<Window> describe(Operation *root) {
  Window out;
  if (shapeOf(root->getResult(0)).size() > 4 || shapeOf(root->getResult(0)).size() < 3)
    return std::nullopt;
  if (auto conv = dyn_cast<DepthwiseConvOp>(root)) {
    ArrayRef<int64_t> kernel = shapeOf(conv.getKernel());
    if (kernel.back() != 1)
      return std::nullopt;
    static_cast<Geometry &>(out) = geometryOf(conv, kernel.drop_back(2));
    out.weights = storedAs(conv.getKernel());
  } else if (auto pool = dyn_cast<MaxPoolOp>(root)) {
    static_cast<Geometry &>(out) = geometryOf(pool, pool.getWindow());
    out.largest = true;
  } else if (auto pool = dyn_cast<AvgPoolOp>(root)) {
    static_cast<Geometry &>(out) = geometryOf(pool, pool.getWindow());
  } else {
    return std::nullopt;
  }
  out.input = storedAs(root->getOperand(0));
  return out;
}

class WindowImplementation final : public Implementation {
public:
  StringRef name() const override { return "window"; }

  std::optional<std::string> refuse(DispatchOp dispatch, const Isa &isa) const override {
    Operation *root = rootOf(dispatch);
    std::optional<Window> w = describe(root);
    if (!w)
      return "no pool, nor a depthwise convolution with multiplier 1 over one or two dimensions";
    if (!llvm::isa<BlockArgument>(w->input) ||
        (w->weights && !llvm::isa<BlockArgument>(w->weights)))
      return "an operand is computed in the group";
    if (w->guardedTiles(columns(*w, isa)) > 8 || w->R * w->S > 128)
      return "the window or its border is too wide";
    return refuseEpilogue(dispatch, root);
  }

  int64_t tiles(DispatchOp dispatch, const Isa &) const override {
    return describe(rootOf(dispatch))->lines;
  }

  void emit(DispatchOp dispatch, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    Operation *root = rootOf(dispatch);
    Window w = *describe(root);
    Epilogue epilogue(c, dispatch, root, kernel, isa.lanes);
    unsigned count = kernel.getNumArguments();
    c.loop(kernel.getArgument(count - 2), kernel.getArgument(count - 1), [&](Value line) {
      Geometry::Line at = w.lineAt(c, line);
      w.forEachTile(c, columns(w, isa), [&](const Geometry::Tile &tile) {
        c.loop(c.index(0), c.index((w.channels + isa.lanes - 1) / isa.lanes), [&](Value block) {
          emitTile(c, w, epilogue, line, at, tile, c.mul(block, isa.lanes), isa);
        });
      });
    });
  }

private:
  /// Columns of a tile: sums, a window row of weights and a cell share the registers.
  static int64_t columns(const Window &w, const Isa &isa) {
    int64_t most = isa.registers == 32 ? 14 : 8, tiles = (w.width + most - 1) / most;
    return (w.width + tiles - 1) / tiles;
  }

  static void emitTile(const Code &c, const Window &w, Epilogue &epilogue, Value line,
                       const Geometry::Line &at, const Geometry::Tile &tile, Value channel,
                       const Isa &isa) {
    Value mask = epilogue.mask(channel, isa.lanes);
    Value input = epilogue.flat(w.input);
    Value left = c.add(c.mul(c.mul(tile.first, w.strideX), w.channels), channel);
    left = c.sub(left, c.index(w.padX * w.channels));
    double start = w.largest ? -std::numeric_limits<double>::infinity() : 0;
    SmallVector<Value> sums(size_t(tile.columns), epilogue.splat(start));
    sums = c.loop(at.low, at.high, sums, [&](Value r, ValueRange carried) {
      SmallVector<Value> now(carried), taps;
      for (int64_t s = 0; s < w.S && w.weights; ++s) {
        Value place = c.add(c.mul(c.add(c.mul(r, w.S), s), w.channels), channel);
        taps.push_back(epilogue.load(epilogue.flat(w.weights), place, mask));
      }
      Value base = c.mul(c.add(at.inputLine, c.mul(r, w.dilationY)), w.inWidth * w.channels);
      base = c.add(base, left);
      int64_t reach = (tile.columns - 1) * w.strideX + (w.S - 1) * w.dilationX;
      for (int64_t x = 0; x <= reach; ++x) {
        Value cell;
        for (int64_t m = 0; m < tile.columns; ++m) {
          int64_t s = x - m * w.strideX;
          if (s < 0 || s % w.dilationX || s / w.dilationX >= w.S)
            continue;
          s /= w.dilationX;
          if (tile.guarded && w.outside(tile.at + m, s))
            continue;
          if (!cell)
            cell = epilogue.load(input, c.add(base, x * w.channels), mask);
          now[size_t(m)] =
              combine(c, w, now[size_t(m)], cell, w.weights ? taps[size_t(s)] : Value());
        }
      }
      return now;
    });
    Value rows = c.sub(at.high, at.low);
    for (int64_t m = 0; m < tile.columns; ++m) {
      Value sum = sums[size_t(m)];
      if (!w.largest && !w.weights) { // the mean of the cells that exist
        int64_t real = 0;
        for (int64_t s = 0; s < w.S; ++s)
          real += !tile.guarded || !w.outside(tile.at + m, s);
        Value count = arith::IndexCastOp::create(c.b, c.loc, c.b.getI32Type(), c.mul(rows, real));
        count = arith::SIToFPOp::create(c.b, c.loc, c.b.getF32Type(), count);
        Value spread = vector::BroadcastOp::create(c.b, c.loc, epilogue.vector(), count);
        sum = arith::DivFOp::create(c.b, c.loc, sum, spread);
      }
      epilogue.finish(sum, c.add(c.add(c.mul(line, w.width), tile.first), m), channel, mask);
    }
  }

  static Value combine(const Code &c, const Window &w, Value sum, Value cell, Value tap) {
    if (tap)
      return vector::FMAOp::create(c.b, c.loc, cell, tap, sum);
    if (w.largest)
      return arith::MaximumFOp::create(c.b, c.loc, sum, cell);
    return arith::AddFOp::create(c.b, c.loc, sum, cell);
  }
};

} // namespace

const Implementation &windowImplementation() {
  static const WindowImplementation instance;
  return instance;
}

} // namespace cornet::cpu
