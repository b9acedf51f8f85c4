// SPDX-License-Identifier: Apache-2.0
//
// Convolutions, pools, resizing and sampling, and their gradients.
#include "codegen/cpu/Cells.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>

using namespace mlir;

namespace cornet::cpu {

template <class Op> Place Cells::pixel(Op op, const Place &at, ArrayRef<Value> k) {
  Place out{at[0]};
  for (size_t d = 0; d < k.size(); ++d)
    out.push_back(
        c.sub(c.add(c.mul(at[d + 1], op.getStrides()[d]), c.mul(k[d], op.getDilations()[d])),
              c.index(op.getPadding()[2 * d])));
  return out;
}

Value Cells::emit(ConvOp op, const Place &at) {
  ArrayRef<int64_t> in = shape(op.getInput()), kernel = shape(op.getKernel());
  int64_t c1 = kernel[kernel.size() - 2], perGroup = kernel.back() / op.getGroups();
  return fold(kernel.drop_back(), c.f32(0), [&](const Place &k, Value sum) {
    Place from = pixel(op, at, ArrayRef(k).drop_back()), weight = k;
    from.push_back(
        c.add(c.mul(c.div(at.back(), perGroup), op.getGroups() == 1 ? 0 : c1), k.back()));
    weight.push_back(at.back());
    Value x = guarded(in, from, c.f32(0), [&](const Place &p) { return cell(op.getInput(), p); });
    return product(sum, x, cell(op.getKernel(), weight));
  });
}

Value Cells::emit(ConvFilterGradientOp op, const Place &at) {
  ArrayRef<int64_t> in = shape(op.getInput()), places = shape(op.getGradient()).drop_back();
  return fold(places, c.f32(0), [&](const Place &i, Value sum) {
    Place tap(ArrayRef(at).drop_back(2)), from = pixel(op, i, tap), to = i;
    from.push_back(at[at.size() - 2]), to.push_back(at.back());
    Value x = guarded(in, from, c.f32(0), [&](const Place &p) { return cell(op.getInput(), p); });
    return product(sum, x, cell(op.getGradient(), to));
  });
}

Value Cells::emit(DepthwiseConvOp op, const Place &at) {
  ArrayRef<int64_t> in = shape(op.getInput()), kernel = shape(op.getKernel());
  return fold(kernel.drop_back(2), c.f32(0), [&](const Place &k, Value sum) {
    Place from = pixel(op, at, k), weight = k;
    from.push_back(c.div(at.back(), kernel.back()));
    weight.push_back(c.div(at.back(), kernel.back()));
    weight.push_back(c.rem(at.back(), kernel.back()));
    Value x = guarded(in, from, c.f32(0), [&](const Place &p) { return cell(op.getInput(), p); });
    return product(sum, x, cell(op.getKernel(), weight));
  });
}

Value Cells::emit(MaxPoolOp op, const Place &at) {
  Value lowest = c.f32(-std::numeric_limits<double>::infinity());
  return fold(op.getWindow(), lowest, [&](const Place &k, Value best) -> Value {
    Place from = pixel(op, at, k);
    from.push_back(at.back());
    Value x = guarded(shape(op.getInput()), from, lowest,
                      [&](const Place &p) { return cell(op.getInput(), p); });
    return arith::MaximumFOp::create(c.b, c.loc, best, x);
  });
}

Value Cells::emit(AvgPoolOp op, const Place &at) {
  auto sum = [&](bool count) {
    return fold(op.getWindow(), c.f32(0), [&](const Place &k, Value total) -> Value {
      Place from = pixel(op, at, k);
      from.push_back(at.back());
      Value x = guarded(shape(op.getInput()), from, c.f32(0),
                        [&](const Place &p) { return count ? c.f32(1) : cell(op.getInput(), p); });
      return arith::AddFOp::create(c.b, c.loc, total, x);
    });
  };
  return arith::DivFOp::create(c.b, c.loc, sum(false), sum(true));
}

template <class Op>
Value Cells::places(Op op, ArrayRef<int64_t> extents, const Place &at,
                    function_ref<Value(const Place &, const Place &, Value, Value)> add) {
  return fold(op.getWindow(), c.f32(0), [&](const Place &k, Value sum) {
    Place place{at[0]};
    Value real = arith::ConstantOp::create(c.b, c.loc, c.b.getBoolAttr(true));
    for (size_t d = 0; d < k.size(); ++d) {
      // Unsigned division sends a negative position far outside.
      Value position =
          c.sub(c.add(at[d + 1], op.getPadding()[2 * d]), c.mul(k[d], op.getDilations()[d]));
      Value q = c.div(position, op.getStrides()[d]);
      real = c.both(real, c.inside(c.rem(position, op.getStrides()[d]), 1));
      Value inside = c.inside(q, extents[d + 1]);
      real = c.both(real, inside);
      place.push_back(c.choose(inside, q, c.index(0)));
    }
    place.push_back(at.back());
    return add(k, place, real, sum);
  });
}

Value Cells::emit(MaxPoolGradientOp op, const Place &at) {
  ArrayRef<int64_t> in = shape(op.getInput());
  auto linear = [&](const Place &k) {
    Value out = c.index(0);
    for (size_t d = 0; d < k.size(); ++d)
      out = c.add(c.mul(out, op.getWindow()[d]), k[d]);
    return out;
  };
  Value here = cell(op.getInput(), at), lowest = c.f32(-std::numeric_limits<double>::infinity());
  return places(op, shape(op.getGradient()), at,
                [&](const Place &k, const Place &place, Value real, Value sum) -> Value {
                  // Taps that keep the gradient from this one.
                  Value wins = fold(op.getWindow(), real, [&](const Place &other, Value wins) {
                    Place from = pixel(op, place, other);
                    from.push_back(at.back());
                    Value x = guarded(in, from, lowest,
                                      [&](const Place &p) { return cell(op.getInput(), p); });
                    auto compare = [&](arith::CmpFPredicate p) {
                      return arith::CmpFOp::create(c.b, c.loc, p, here, x);
                    };
                    Value before = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt,
                                                         linear(other), linear(k));
                    return c.both(wins, c.choose(before, compare(arith::CmpFPredicate::OGT),
                                                 compare(arith::CmpFPredicate::OGE)));
                  });
                  Value g = c.choose(wins, cell(op.getGradient(), place), c.f32(0));
                  return arith::AddFOp::create(c.b, c.loc, sum, g);
                });
}

Value Cells::emit(AvgPoolGradientOp op, const Place &at) {
  return places(op, shape(op.getGradient()), at,
                [&](const Place &, const Place &place, Value real, Value sum) -> Value {
                  Value count = fold(op.getWindow(), c.f32(0), [&](const Place &k, Value n) {
                    Place from = pixel(op, place, k);
                    from.push_back(at.back());
                    Value one = guarded(op.getType().getShape(), from, c.f32(0),
                                        [&](const Place &) { return c.f32(1); });
                    return Value(arith::AddFOp::create(c.b, c.loc, n, one));
                  });
                  Value g = cell(op.getGradient(), place);
                  g = arith::DivFOp::create(c.b, c.loc, g, count);
                  return arith::AddFOp::create(c.b, c.loc, sum, c.choose(real, g, c.f32(0)));
                });
}

Value Cells::emit(ResizeGradientOp op, const Place &at) {
  ArrayRef<int64_t> in = shape(op.getGradient());
  auto number = [&](Value i) -> Value {
    Value narrow = arith::IndexCastOp::create(c.b, c.loc, c.b.getI32Type(), i);
    return arith::SIToFPOp::create(c.b, c.loc, c.b.getF32Type(), narrow);
  };
  // The share of place i of the result of resize that cell `x` of dimension d has.
  auto share = [&](size_t d, Value i, Value x) -> Value {
    int64_t extent = op.getSize()[d];
    Value p = arith::AddFOp::create(c.b, c.loc, number(i), c.f32(0.5));
    p = arith::MulFOp::create(c.b, c.loc, p, c.f32(float(double(extent) / double(in[d + 1]))));
    p = arith::SubFOp::create(c.b, c.loc, p, c.f32(0.5));
    p = arith::MaximumFOp::create(c.b, c.loc, p, c.f32(0));
    p = arith::MinimumFOp::create(c.b, c.loc, p, c.f32(double(extent - 1)));
    Value far = math::AbsFOp::create(c.b, c.loc, arith::SubFOp::create(c.b, c.loc, p, number(x)));
    return arith::MaximumFOp::create(c.b, c.loc, arith::SubFOp::create(c.b, c.loc, c.f32(1), far),
                                     c.f32(0));
  };
  // Places near enough, one more at either end.
  auto range = [&](size_t d, Value x) -> std::pair<Value, Value> {
    int64_t extent = op.getSize()[d], places = in[d + 1];
    Value low = c.sub(c.mul(c.sub(c.mul(x, 2), c.index(1)), places), c.index(extent));
    low = c.div(c.max(low, c.index(0)), 2 * extent);
    low = c.max(c.sub(low, c.index(1)), c.index(0));
    Value high = c.div(c.mul(c.add(c.mul(x, 2), 3), places), 2 * extent);
    return {low, c.min(c.add(high, 2), c.index(places))};
  };
  auto [top, bottom] = range(0, at[1]);
  auto [left, right] = range(1, at[2]);
  return c.loop(top, bottom, c.f32(0), [&](Value y, ValueRange sum) -> SmallVector<Value> {
    Value mine = share(0, y, at[1]);
    return c.loop(left, right, sum, [&](Value x, ValueRange sum) -> SmallVector<Value> {
      Value weight = arith::MulFOp::create(c.b, c.loc, mine, share(1, x, at[2]));
      return {product(sum[0], weight, cell(op.getGradient(), {at[0], y, x, at[3]}))};
    });
  })[0];
}

Value Cells::emit(ResizeOp op, const Place &at) {
  ArrayRef<int64_t> in = shape(op.getInput());
  auto number = [&](Value i) {
    Value narrow = arith::IndexCastOp::create(c.b, c.loc, c.b.getI32Type(), i);
    return arith::SIToFPOp::create(c.b, c.loc, c.b.getF32Type(), narrow);
  };
  Value low[2], high[2], share[2];
  for (int d = 0; d < 2; ++d) {
    float scale = float(double(in[d + 1]) / double(op.getSize()[d]));
    Value x = arith::AddFOp::create(c.b, c.loc, number(at[d + 1]), c.f32(0.5));
    x = arith::SubFOp::create(c.b, c.loc, arith::MulFOp::create(c.b, c.loc, x, c.f32(scale)),
                              c.f32(0.5));
    x = arith::MaximumFOp::create(c.b, c.loc, x, c.f32(0));
    x = arith::MinimumFOp::create(c.b, c.loc, x, c.f32(in[d + 1] - 1));
    Value floor = arith::FPToSIOp::create(c.b, c.loc, c.b.getI32Type(), x);
    low[d] = arith::IndexCastOp::create(c.b, c.loc, c.b.getIndexType(), floor);
    high[d] = c.min(c.add(low[d], 1), c.index(in[d + 1] - 1));
    share[d] = arith::SubFOp::create(c.b, c.loc, x, number(low[d]));
  }
  auto mix = [&](Value a, Value b, Value t) -> Value {
    Value step = arith::MulFOp::create(c.b, c.loc, t, arith::SubFOp::create(c.b, c.loc, b, a));
    return arith::AddFOp::create(c.b, c.loc, a, step);
  };
  auto row = [&](Value y) {
    return mix(cell(op.getInput(), {at[0], y, low[1], at[3]}),
               cell(op.getInput(), {at[0], y, high[1], at[3]}), share[1]);
  };
  return mix(row(low[0]), row(high[0]), share[0]);
}

std::pair<Value, Value> Cells::filled(Value i, int64_t extent, StringRef mode) {
  auto cycle = [&](int64_t period) {
    Value rest = arith::RemSIOp::create(c.b, c.loc, i, c.index(period));
    return c.rem(c.add(rest, period), period);
  };
  if (mode == "nearest")
    return {c.min(c.max(i, c.index(0)), c.index(extent - 1)), Value()};
  if (mode == "wrap")
    return {cycle(extent), Value()};
  Value ok;
  if (mode == "reflect") {
    Value place = cycle(2 * extent);
    ok = c.inside(place, extent);
    return {c.choose(ok, place, c.sub(c.index(2 * extent - 1), place)), Value()};
  }
  ok = c.inside(i, extent);
  return {c.choose(ok, i, c.index(0)), ok};
}

Value Cells::emit(GridSampleOp op, const Place &at) {
  ArrayRef<int64_t> in = shape(op.getInput());
  bool bilinear = op.getInterpolation() == "bilinear";
  SmallVector<std::pair<Value, Value>> taps[2]; // index and, where it may be outside, whether not
  Value share[2];
  for (int d = 0; d < 2; ++d) {
    Value x = cell(op.getCoordinates(), {at[0], at[1], at[2], c.index(d)});
    // The bounds win over what is no number, so that no index is outside the image.
    x = arith::MaxNumFOp::create(c.b, c.loc, x, c.f32(-0x1p23));
    x = arith::MinNumFOp::create(c.b, c.loc, x, c.f32(0x1p23));
    Value low = x;
    if (bilinear) {
      low = math::FloorOp::create(c.b, c.loc, x);
      share[d] = arith::SubFOp::create(c.b, c.loc, x, low);
    } else { // towards 0 after the largest number below a half away from it
      Value half = math::CopySignOp::create(c.b, c.loc, c.f32(0x1.fffffep-2), x);
      low = arith::AddFOp::create(c.b, c.loc, x, half);
    }
    low = arith::FPToSIOp::create(c.b, c.loc, c.b.getI32Type(), low);
    low = arith::IndexCastOp::create(c.b, c.loc, c.b.getIndexType(), low);
    for (int64_t tap = 0; tap <= bilinear; ++tap)
      taps[d].push_back(filled(c.add(low, tap), in[d + 1], op.getFillMode()));
  }
  auto load = [&](size_t y, size_t x) -> Value {
    Value value = cell(op.getInput(), {at[0], taps[0][y].first, taps[1][x].first, at[3]});
    if (!taps[0][y].second)
      return value;
    return c.choose(c.both(taps[0][y].second, taps[1][x].second), value,
                    c.f32(op.getFillValue().convertToDouble()));
  };
  if (!bilinear)
    return load(0, 0);
  auto mix = [&](Value a, Value b, Value t) -> Value {
    Value rest = arith::SubFOp::create(c.b, c.loc, c.f32(1), t);
    return arith::AddFOp::create(c.b, c.loc, Value(arith::MulFOp::create(c.b, c.loc, rest, a)),
                                 Value(arith::MulFOp::create(c.b, c.loc, t, b)));
  };
  return mix(mix(load(0, 0), load(0, 1), share[1]), mix(load(1, 0), load(1, 1), share[1]),
             share[0]);
}

Value Cells::emit(ConvTransposeOp op, const Place &at) {
  ArrayRef<int64_t> in = shape(op.getInput()), kernel = shape(op.getKernel());
  SmallVector<int64_t> loops(kernel.drop_back(2));
  loops.push_back(kernel.back());
  return fold(loops, c.f32(0), [&](const Place &k, Value sum) {
    Place from{at[0]}, weight(ArrayRef(k).drop_back());
    Value onGrid = arith::ConstantOp::create(c.b, c.loc, c.b.getBoolAttr(true));
    for (size_t d = 0; d + 1 < k.size(); ++d) {
      // Unsigned division sends a negative position far outside.
      Value position =
          c.sub(c.add(at[d + 1], op.getPadding()[2 * d]), c.mul(k[d], op.getDilations()[d]));
      from.push_back(c.div(position, op.getStrides()[d]));
      onGrid = c.both(onGrid, c.inside(c.rem(position, op.getStrides()[d]), 1));
    }
    from.push_back(k.back());
    weight.push_back(at.back()), weight.push_back(k.back());
    Value x = guarded(in, from, c.f32(0), [&](const Place &p) { return cell(op.getInput(), p); });
    return product(sum, c.choose(onGrid, x, c.f32(0)), cell(op.getKernel(), weight));
  });
}

} // namespace cornet::cpu
