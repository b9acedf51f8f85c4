// SPDX-License-Identifier: Apache-2.0
//
// `pool_gradient`: the derivatives of pools by their input, a vector of channels of one image at a
// time: zeros, then each window adds its gradient to the first of its largest cells, or shares it
// among all, in the order of windows. So no two tiles meet, and windows may overlap.
#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Geometry.h"

#include <limits>

using namespace mlir;

namespace cornet::cpu {
namespace {

ArrayRef<int64_t> shapeOf(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }

struct Pool : Geometry {
  Value input, gradient; ///< no input: the mean
  int64_t images = 1;
  int64_t pixels() const { return inHeight * inWidth; }
  int64_t blocks(const Isa &isa) const { return (channels + isa.lanes - 1) / isa.lanes; }
};

std::optional<Pool> describe(Operation *root) {
  Pool out;
  auto fill = [&](auto op) {
    if (op.getWindow().size() > 2)
      return false;
    static_cast<Geometry &>(out) =
        Geometry::of(shapeOf(op.getResult()), shapeOf(op.getGradient()), op.getWindow(),
                     op.getStrides(), op.getDilations(), op.getPadding());
    out.gradient = storedAs(op.getGradient()), out.images = shapeOf(out.gradient)[0];
    return true;
  };
  if (auto op = dyn_cast<MaxPoolGradientOp>(root)) {
    out.input = storedAs(op.getInput());
    return fill(op) ? std::optional(out) : std::nullopt;
  }
  auto op = dyn_cast<AvgPoolGradientOp>(root);
  return op && fill(op) ? std::optional(out) : std::nullopt;
}

class Emitter {
public:
  Emitter(const Code &c, const Pool &p, Epilogue &epilogue, Value output, const Isa &isa)
      : c(c), p(p), epilogue(epilogue), output(output), lanes(isa.lanes), blocks(p.blocks(isa)) {}

  /// `alone`: no op follows.
  void emit(Value begin, Value end, bool alone) {
    c.loop(begin, end, [&](Value tile) {
      Value image = c.div(tile, blocks);
      channel = c.mul(c.rem(tile, blocks), lanes), mask = epilogue.mask(channel, lanes);
      Value first = c.mul(image, p.pixels());
      c.loop(first, c.add(first, p.pixels()),
             [&](Value pixel) { epilogue.store(epilogue.splat(0), output, cellOf(pixel), mask); });
      Value line = c.mul(image, p.perLine);
      c.loop(line, c.add(line, p.perLine), [&](Value line) {
        Geometry::Line at = p.lineAt(c, line);
        p.forEachTile(c, 1, [&](const Geometry::Tile &t) { window(line, at, t); });
      });
      if (!alone)
        c.loop(first, c.add(first, p.pixels()), [&](Value pixel) {
          epilogue.finish(epilogue.load(output, cellOf(pixel), mask), pixel, channel, mask);
        });
    });
  }

private:
  Value cellOf(Value pixel) { return c.add(c.mul(pixel, p.channels), channel); }

  /// Calls `step` with the cell of each tap that exists, carrying a vector.
  Value taps(const Geometry::Line &at, const Geometry::Tile &t, Value carried,
             function_ref<Value(Value, Value)> step) {
    return c.loop(at.low, at.high, carried, [&](Value r, ValueRange now) -> SmallVector<Value> {
      Value out = now[0];
      Value line = c.mul(c.add(at.inputLine, c.mul(r, p.dilationY)), p.inWidth);
      Value left = c.sub(c.add(line, c.mul(t.first, p.strideX)), c.index(p.padX));
      for (int64_t s = 0; s < p.S; ++s)
        if (!t.guarded || !p.outside(t.at, s))
          out = step(cellOf(c.add(left, s * p.dilationX)), out);
      return {out};
    })[0];
  }

  void window(Value line, const Geometry::Line &at, const Geometry::Tile &t) {
    Value place = c.add(c.mul(line, p.width), t.first);
    Value g = epilogue.load(epilogue.flat(p.gradient), cellOf(place), mask);
    auto give = [&](Value cell, Value part) {
      Value sum = arith::AddFOp::create(c.b, c.loc, epilogue.load(output, cell, mask), part);
      epilogue.store(sum, output, cell, mask);
    };
    if (!p.input) {
      int64_t real = 0;
      for (int64_t s = 0; s < p.S; ++s)
        real += !t.guarded || !p.outside(t.at, s);
      Value count = c.mul(c.sub(at.high, at.low), real);
      count = arith::IndexCastOp::create(c.b, c.loc, c.b.getI32Type(), count);
      count = arith::SIToFPOp::create(c.b, c.loc, c.b.getF32Type(), count);
      g = arith::DivFOp::create(c.b, c.loc, g,
                                vector::BroadcastOp::create(c.b, c.loc, epilogue.vector(), count));
      taps(at, t, g, [&](Value cell, Value g) {
        give(cell, g);
        return g;
      });
      return;
    }
    Value input = epilogue.flat(p.input);
    Value best = epilogue.splat(-std::numeric_limits<double>::infinity());
    best = taps(at, t, best, [&](Value cell, Value best) -> Value {
      return arith::MaximumFOp::create(c.b, c.loc, best, epilogue.load(input, cell, mask));
    });
    taps(at, t, g, [&](Value cell, Value left) -> Value { // the first takes it, nothing is left
      Value hit = arith::CmpFOp::create(c.b, c.loc, arith::CmpFPredicate::OEQ,
                                        epilogue.load(input, cell, mask), best);
      give(cell, c.choose(hit, left, epilogue.splat(0)));
      return c.choose(hit, epilogue.splat(0), left);
    });
  }

  const Code &c;
  const Pool &p;
  Epilogue &epilogue;
  Value output;
  int64_t lanes, blocks;
  Value channel, mask; ///< of the current tile
};

class PoolGradientImplementation final : public Implementation {
public:
  StringRef name() const override { return "pool_gradient"; }

  std::optional<std::string> refuse(DispatchOp dispatch, const Isa &) const override {
    std::optional<Pool> p = describe(rootOf(dispatch));
    if (!p)
      return "no gradient of a pool over one or two dimensions";
    if (!llvm::isa<BlockArgument>(p->gradient) || (p->input && !llvm::isa<BlockArgument>(p->input)))
      return "an operand is computed in the group";
    if (p->guardedTiles(1) > 16 || p->S > 64)
      return "the window or its border is too wide";
    if (resultArgument(dispatch, 0) < dispatch.getInputs().size())
      return "sums would be added up in a buffer that is read";
    if (!getElementTypeOrSelf(dispatch.getResult(0)).isF32())
      return "sums would be rounded each time";
    return refuseEpilogue(dispatch, rootOf(dispatch));
  }

  int64_t tiles(DispatchOp dispatch, const Isa &isa) const override {
    Pool p = *describe(rootOf(dispatch));
    return p.images * p.blocks(isa);
  }

  void emit(DispatchOp dispatch, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    Pool p = *describe(rootOf(dispatch));
    Epilogue epilogue(c, dispatch, rootOf(dispatch), kernel, isa.lanes);
    unsigned count = kernel.getNumArguments();
    bool alone = llvm::hasSingleElement(dispatch.getBody().front().without_terminator());
    Emitter(c, p, epilogue, epilogue.flat(resultArgument(dispatch, 0)), isa)
        .emit(kernel.getArgument(count - 2), kernel.getArgument(count - 1), alone);
  }
};

} // namespace

const Implementation &poolGradientImplementation() {
  static const PoolGradientImplementation instance;
  return instance;
}

} // namespace cornet::cpu
