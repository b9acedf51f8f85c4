// SPDX-License-Identifier: Apache-2.0
//
// `resize`: bilinear interpolation and its gradient on vectors of channels. A tile is a line of the
// result; what a pixel takes from which others is computed once for all its channels.
#include "codegen/cpu/Epilogue.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;

namespace cornet::cpu {
namespace {

ArrayRef<int64_t> shapeOf(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }

class Emitter {
public:
  /// `forward`: resize itself; `in` and `out` (N, H, W, C).
  Emitter(const Code &c, bool forward, ArrayRef<int64_t> in, ArrayRef<int64_t> out,
          Epilogue &epilogue, Value input, const Isa &isa)
      : c(c), forward(forward), in(in), out(out), epilogue(epilogue), input(input),
        lanes(isa.lanes) {}

  void emit(Value begin, Value end) {
    c.loop(begin, end, [&](Value line) {
      Value image = c.mul(c.div(line, out[1]), in[1]), y = c.rem(line, out[1]);
      c.loop(c.index(0), c.index(out[2]), [&](Value x) {
        Value row = c.add(c.mul(line, out[2]), x);
        forward ? interpolate(image, y, x, row) : gather(image, y, x, row);
      });
    });
  }

private:
  Value number(Value i) {
    Value narrow = arith::IndexCastOp::create(c.b, c.loc, c.b.getI32Type(), i);
    return arith::SIToFPOp::create(c.b, c.loc, c.b.getF32Type(), narrow);
  }
  Value sub(Value x, Value y) { return arith::SubFOp::create(c.b, c.loc, x, y); }
  Value mul(Value x, Value y) { return arith::MulFOp::create(c.b, c.loc, x, y); }
  Value spread(Value scalar) {
    return vector::BroadcastOp::create(c.b, c.loc, epilogue.vector(), scalar);
  }

  /// Where place `i` of `places` reads in `extent` cells.
  Value position(Value i, int64_t places, int64_t extent) {
    Value p = arith::AddFOp::create(c.b, c.loc, number(i), c.f32(0.5));
    p = sub(mul(p, c.f32(float(double(extent) / double(places)))), c.f32(0.5));
    p = arith::MaximumFOp::create(c.b, c.loc, p, c.f32(0));
    return arith::MinimumFOp::create(c.b, c.loc, p, c.f32(double(extent - 1)));
  }

  Value load(Value image, Value y, Value x, Value channel, Value mask) {
    Value pixel = c.add(c.mul(c.add(image, y), in[2]), x);
    return epilogue.load(input, c.add(c.mul(pixel, in[3]), channel), mask);
  }

  void eachVector(function_ref<void(Value, Value)> body) {
    c.loop(c.index(0), c.index((out[3] + lanes - 1) / lanes), [&](Value block) {
      Value channel = c.mul(block, lanes);
      body(channel, epilogue.mask(channel, lanes));
    });
  }

  void interpolate(Value image, Value y, Value x, Value row) {
    Value low[2], high[2], share[2];
    for (size_t d = 0; d < 2; ++d) {
      Value p = position(d ? x : y, out[d + 1], in[d + 1]);
      Value floor = arith::FPToSIOp::create(c.b, c.loc, c.b.getI32Type(), p);
      low[d] = arith::IndexCastOp::create(c.b, c.loc, c.b.getIndexType(), floor);
      high[d] = c.min(c.add(low[d], 1), c.index(in[d + 1] - 1));
      share[d] = spread(sub(p, number(low[d])));
    }
    auto mix = [&](Value a, Value b, Value t) -> Value {
      return vector::FMAOp::create(c.b, c.loc, t, sub(b, a), a);
    };
    eachVector([&](Value channel, Value mask) {
      auto line = [&](Value y) {
        return mix(load(image, y, low[1], channel, mask), load(image, y, high[1], channel, mask),
                   share[1]);
      };
      epilogue.finish(mix(line(low[0]), line(high[0]), share[0]), row, channel, mask);
    });
  }

  /// What place `i` of `places` took from cell `x` of `extent`.
  Value share(Value i, Value x, int64_t places, int64_t extent) {
    Value far = math::AbsFOp::create(c.b, c.loc, sub(position(i, places, extent), number(x)));
    return arith::MaximumFOp::create(c.b, c.loc, sub(c.f32(1), far), c.f32(0));
  }
  /// The places that may have taken from cell `x`, one more at either end.
  std::pair<Value, Value> near(Value x, int64_t places, int64_t extent) {
    Value low = c.sub(c.mul(c.sub(c.mul(x, 2), c.index(1)), places), c.index(extent));
    low = c.div(c.max(low, c.index(0)), 2 * extent);
    low = c.max(c.sub(low, c.index(1)), c.index(0));
    Value high = c.div(c.mul(c.add(c.mul(x, 2), 3), places), 2 * extent);
    return {low, c.min(c.add(high, 2), c.index(places))};
  }

  void gather(Value image, Value y, Value x, Value row) {
    auto [top, bottom] = near(y, in[1], out[1]);
    auto [left, right] = near(x, in[2], out[2]);
    // Shares are computed once for several vectors of channels.
    int64_t blocks = (out[3] + lanes - 1) / lanes, vectors = 4;
    while (blocks % vectors)
      --vectors;
    c.loop(c.index(0), c.index(blocks / vectors), [&](Value block) {
      SmallVector<Value> channels, masks, sums(size_t(vectors), epilogue.splat(0));
      for (int64_t v = 0; v < vectors; ++v) {
        channels.push_back(c.mul(c.add(c.mul(block, vectors), v), lanes));
        masks.push_back(epilogue.mask(channels.back(), lanes));
      }
      sums = c.loop(top, bottom, sums, [&](Value i, ValueRange now) {
        Value mine = share(i, y, in[1], out[1]);
        return c.loop(left, right, now, [&](Value j, ValueRange now) {
          Value weight = spread(mul(mine, share(j, x, in[2], out[2])));
          SmallVector<Value> next;
          for (size_t v = 0; v < size_t(vectors); ++v)
            next.push_back(vector::FMAOp::create(c.b, c.loc, weight,
                                                 load(image, i, j, channels[v], masks[v]), now[v]));
          return next;
        });
      });
      for (size_t v = 0; v < size_t(vectors); ++v)
        epilogue.finish(sums[v], row, channels[v], masks[v]);
    });
  }

  const Code &c;
  bool forward;
  ArrayRef<int64_t> in, out;
  Epilogue &epilogue;
  Value input;
  int64_t lanes;
};

class ResizeImplementation final : public Implementation {
public:
  StringRef name() const override { return "resize"; }

  std::optional<std::string> refuse(DispatchOp dispatch, const Isa &) const override {
    Operation *root = rootOf(dispatch);
    if (!isa<ResizeOp, ResizeGradientOp>(root))
      return "no resize nor its gradient";
    if (!llvm::isa<BlockArgument>(storedAs(root->getOperand(0))))
      return "the operand is computed in the group";
    return refuseEpilogue(dispatch, root);
  }

  int64_t tiles(DispatchOp dispatch, const Isa &) const override {
    ArrayRef<int64_t> out = shapeOf(rootOf(dispatch)->getResult(0));
    return out[0] * out[1];
  }

  bool takesPitch(DispatchOp dispatch, unsigned argument, const Isa &) const override {
    return argument >= dispatch.getInputs().size();
  }

  void emit(DispatchOp dispatch, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    Operation *root = rootOf(dispatch);
    Epilogue epilogue(c, dispatch, root, kernel, isa.lanes);
    unsigned count = kernel.getNumArguments();
    Emitter(c, isa_and_present<ResizeOp>(root), shapeOf(root->getOperand(0)),
            shapeOf(root->getResult(0)), epilogue, epilogue.flat(root->getOperand(0)), isa)
        .emit(kernel.getArgument(count - 2), kernel.getArgument(count - 1));
  }
};

} // namespace

const Implementation &resizeImplementation() {
  static const ResizeImplementation instance;
  return instance;
}

} // namespace cornet::cpu
