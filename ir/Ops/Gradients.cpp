// SPDX-License-Identifier: Apache-2.0
//
// The vector-Jacobian product of each op, built from ops: `g` is the result's gradient, `x` the
// first operand, `y` the result. Broadcast operands get gradients of the broadcast shape; the
// gradient pass sums them up.
#include "ir/Ops/Build.h"

#include <limits>
#include <numbers>
#include <numeric>

using namespace mlir;

namespace cornet {

#define CORNET_GRADIENT(OP, ...)                                                                   \
  LogicalResult OP::differentiate(OpBuilder &builder, Value g, SmallVectorImpl<Value> &out) {      \
    [[maybe_unused]] Build c{builder, getLoc()};                                                   \
    [[maybe_unused]] Value x = getOperation()->getOperand(0), y = getOperation()->getResult(0);    \
    out.append({__VA_ARGS__});                                                                     \
    return success();                                                                              \
  }

CORNET_GRADIENT(NegOp, c.neg(g))
CORNET_GRADIENT(AbsOp, c.select(c.compare("gt", x, 0), g, c.where(c.compare("lt", x, 0), c.neg(g))))
CORNET_GRADIENT(ExpOp, c.mul(g, y))
CORNET_GRADIENT(LogOp, c.div(g, x))
CORNET_GRADIENT(SqrtOp, c.div(c.mul(g, 0.5), y))
CORNET_GRADIENT(RsqrtOp, c.mul(c.mul(g, -0.5), c.mul(y, c.mul(y, y))))
CORNET_GRADIENT(TanhOp, c.mul(g, c.rest(c.mul(y, y))))
CORNET_GRADIENT(SigmoidOp, c.mul(g, c.mul(y, c.rest(y))))
CORNET_GRADIENT(ErfOp, c.mul(g, c.mul(c.exp(c.neg(c.mul(x, x))), 2 * std::numbers::inv_sqrtpi)))
CORNET_GRADIENT(FloorOp, Value())
CORNET_GRADIENT(CeilOp, Value())
CORNET_GRADIENT(RoundOp, Value())
CORNET_GRADIENT(SinOp, c.mul(g, c.op("cos", {x})))
CORNET_GRADIENT(CosOp, c.neg(c.mul(g, c.op("sin", {x}))))
CORNET_GRADIENT(StopGradientOp, Value())
CORNET_GRADIENT(CastOp,
                isa<FloatType>(getElementTypeOrSelf(x)) && isa<FloatType>(getElementTypeOrSelf(y))
                    ? c.cast(g, x)
                    : Value())
CORNET_GRADIENT(ReluOp, c.where(c.compare("gt", y, 0), g))
CORNET_GRADIENT(SoftplusOp, c.mul(g, c.op("sigmoid", {x})))
CORNET_GRADIENT(LeakyReluOp,
                c.select(c.compare("gt", x, 0), g, c.mul(g, getNegativeSlope().convertToDouble())))
CORNET_GRADIENT(EluOp, c.select(c.compare("gt", x, 0), g,
                                c.mul(g, c.mul(c.exp(x), getAlpha().convertToDouble()))))
CORNET_GRADIENT(ClampOp, c.where(c.compare("le", x, getMax().convertToDouble()),
                                 c.where(c.compare("ge", x, getMin().convertToDouble()), g)))
CORNET_GRADIENT(AddOp, g, g)
CORNET_GRADIENT(SubOp, g, c.neg(g))
CORNET_GRADIENT(MulOp, c.mul(g, getRhs()), c.mul(g, getLhs()))
CORNET_GRADIENT(DivOp, c.div(g, getRhs()), c.neg(c.div(c.mul(g, y), getRhs())))
CORNET_GRADIENT(MaximumOp, c.where(c.compare("ge", getLhs(), getRhs()), g),
                c.where(c.compare("lt", getLhs(), getRhs()), g))
CORNET_GRADIENT(MinimumOp, c.where(c.compare("le", getLhs(), getRhs()), g),
                c.where(c.compare("gt", getLhs(), getRhs()), g))
CORNET_GRADIENT(PowOp, c.mul(g, c.mul(getRhs(), c.op("pow", {getLhs(), c.add(getRhs(), -1)}))),
                c.mul(g, c.mul(y, c.op("log", {getLhs()}))))
CORNET_GRADIENT(CompareOp, Value(), Value())
CORNET_GRADIENT(SelectOp, Value(), c.where(x, g), c.select(x, c.constant(0, g), g))

// s + x s (1 - s), s the sigmoid.
LogicalResult SiluOp::differentiate(OpBuilder &b, Value g, SmallVectorImpl<Value> &out) {
  Build c{b, getLoc()};
  Value s = c.op("sigmoid", {getInput()});
  out.push_back(c.mul(g, c.mul(s, c.add(c.mul(getInput(), c.rest(s)), 1))));
  return success();
}

// Phi(x) + x phi(x), or of the tanh form t = tanh(u): (1 + t) / 2 + x (1 - t^2) u' / 2.
LogicalResult GeluOp::differentiate(OpBuilder &b, Value g, SmallVectorImpl<Value> &out) {
  Build c{b, getLoc()};
  Value x = getInput(), square = c.mul(x, x);
  if (!getApproximate()) {
    Value cumulative = c.mul(c.add(c.op("erf", {c.mul(x, std::numbers::sqrt2 / 2)}), 1), 0.5);
    Value density =
        c.mul(c.exp(c.mul(square, -0.5)), std::numbers::inv_sqrtpi / std::numbers::sqrt2);
    out.push_back(c.mul(g, c.add(cumulative, c.mul(x, density))));
    return success();
  }
  double k = 0.7978845608028654;
  Value t = c.op("tanh", {c.mul(c.mul(x, c.add(c.mul(square, 0.044715), 1)), k)});
  Value slope = c.mul(c.add(c.mul(square, 3 * 0.044715), 1), k);
  Value bent = c.mul(c.mul(x, c.mul(c.rest(c.mul(t, t)), slope)), 0.5);
  out.push_back(c.mul(g, c.add(c.mul(c.add(t, 1), 0.5), bent)));
  return success();
}

LogicalResult MatmulOp::differentiate(OpBuilder &b, Value g, SmallVectorImpl<Value> &out) {
  Build c{b, getLoc()};
  Value x = getLhs(), w = getRhs();
  bool tx = getTransposeLhs(), tw = getTransposeRhs();
  ArrayRef<int64_t> left = Build::shape(x), right = Build::shape(w);
  if (right.size() > 2 && left.drop_back(2) != right.drop_back(2))
    return emitOpError("has no gradient for batches that broadcast yet");
  if (right.size() == 2 && left.size() > 2) { // every leading dimension is a row
    if (tx)
      return emitOpError("has no gradient for transposed data with leading dimensions yet");
    int64_t rows = 1;
    for (int64_t extent : left.drop_back())
      rows *= extent;
    x = c.reshape(x, {rows, left.back()}), g = c.reshape(g, {rows, Build::shape(g).back()});
  }
  Value dx = tx ? c.matmul(w, g, tw, true) : c.matmul(g, w, false, !tw);
  Value dw = tw ? c.matmul(g, x, true, tx) : c.matmul(x, g, !tx, false);
  out.append({c.reshape(dx, left), c.reshape(dw, right)});
  return success();
}

namespace {

/// The gradient of a convolution's kernel: `cells` is the op's data (N, spatial..., C), `places`
/// what stands where its result does, (N, places..., O); gives (window..., C, O).
Value kernelGradient(const Build &c, Value cells, Value places, ArrayRef<int64_t> window,
                     ArrayRef<int64_t> strides, ArrayRef<int64_t> padding,
                     ArrayRef<int64_t> dilations) {
  return c.op("conv_filter_gradient", {cells, places},
              {c.b.getNamedAttr("window", c.b.getDenseI64ArrayAttr(window)),
               c.b.getNamedAttr("strides", c.b.getDenseI64ArrayAttr(strides)),
               c.b.getNamedAttr("padding", c.b.getDenseI64ArrayAttr(padding)),
               c.b.getNamedAttr("dilations", c.b.getDenseI64ArrayAttr(dilations))});
}

/// The transpose of a convolution: gives data of the extents of `data` (N, spatial..., C).
Value dataGradient(const Build &c, Value g, Value kernel, ArrayRef<int64_t> data,
                   ArrayRef<int64_t> strides, ArrayRef<int64_t> pads, ArrayRef<int64_t> dilations) {
  SmallVector<int64_t> padding(pads);
  for (size_t d = 0; d + 2 < data.size(); ++d)
    padding[2 * d + 1] = (Build::shape(g)[d + 1] - 1) * strides[d] +
                         (Build::shape(kernel)[d] - 1) * dilations[d] + 1 - padding[2 * d] -
                         data[d + 1];
  return c.op("conv_transpose", {g, kernel},
              {c.b.getNamedAttr("strides", c.b.getDenseI64ArrayAttr(strides)),
               c.b.getNamedAttr("padding", c.b.getDenseI64ArrayAttr(padding)),
               c.b.getNamedAttr("dilations", c.b.getDenseI64ArrayAttr(dilations))});
}

} // namespace

LogicalResult ConvOp::differentiate(OpBuilder &b, Value g, SmallVectorImpl<Value> &out) {
  Build c{b, getLoc()};
  if (getGroups() != 1) { // each group is a convolution of its own
    SmallVector<Value> data, kernels;
    for (int64_t i = 0, n = int64_t(getGroups()); i < n; ++i) {
      auto part = [&](Value v, bool split) {
        SmallVector<int64_t> start(Build::shape(v).size(), 0), size(Build::shape(v));
        size.back() /= split ? n : 1, start.back() = split ? i * size.back() : 0;
        return c.slice(v, start, size);
      };
      Value group = c.op("conv", {part(getInput(), true), part(getKernel(), true)},
                         {b.getNamedAttr("strides", getStridesAttr()),
                          b.getNamedAttr("padding", getPaddingAttr()),
                          b.getNamedAttr("dilations", getDilationsAttr()),
                          b.getNamedAttr("groups", b.getI64IntegerAttr(1))});
      SmallVector<Value> parts;
      auto conv = group.getDefiningOp<ConvOp>();
      if (failed(conv.differentiate(b, part(g, true), parts)))
        return failure();
      conv.erase(); // nothing reads its result
      data.push_back(parts[0]), kernels.push_back(parts[1]);
    }
    NamedAttribute last = b.getNamedAttr("axis", b.getI64IntegerAttr(-1));
    out.append({c.op("concat", data, {last}), c.op("concat", kernels, {last})});
    return success();
  }
  Value dx = dataGradient(c, g, getKernel(), Build::shape(getInput()), getStrides(), getPadding(),
                          getDilations());
  ArrayRef<int64_t> kernel = Build::shape(getKernel());
  Value dk = kernelGradient(c, getInput(), g, kernel.drop_back(2), getStrides(), getPadding(),
                            getDilations());
  out.append({dx, dk});
  return success();
}

// Linear in both: by the data a transposed convolution, by the places a convolution.
LogicalResult ConvFilterGradientOp::differentiate(OpBuilder &b, Value g,
                                                  SmallVectorImpl<Value> &out) {
  Build c{b, getLoc()};
  out.push_back(dataGradient(c, getGradient(), g, Build::shape(getInput()), getStrides(),
                             getPadding(), getDilations()));
  out.push_back(c.op("conv", {getInput(), g},
                     {b.getNamedAttr("strides", getStridesAttr()),
                      b.getNamedAttr("padding", getPaddingAttr()),
                      b.getNamedAttr("dilations", getDilationsAttr()),
                      b.getNamedAttr("groups", b.getI64IntegerAttr(1))}));
  return success();
}

// The transpose of conv: data and result change places.
LogicalResult ConvTransposeOp::differentiate(OpBuilder &b, Value g, SmallVectorImpl<Value> &out) {
  Build c{b, getLoc()};
  ArrayRef<int64_t> kernel = Build::shape(getKernel());
  if (llvm::any_of(getPadding(), [](int64_t cut) { return cut < 0; }))
    return emitOpError("has no gradient for negative padding yet");
  Value dx = c.op("conv", {g, getKernel()},
                  {b.getNamedAttr("strides", getStridesAttr()),
                   b.getNamedAttr("padding", getPaddingAttr()),
                   b.getNamedAttr("dilations", getDilationsAttr()),
                   b.getNamedAttr("groups", b.getI64IntegerAttr(1))});
  Value dk = kernelGradient(c, g, getInput(), kernel.drop_back(2), getStrides(), getPadding(),
                            getDilations());
  out.append({dx, dk});
  return success();
}

namespace {

/// A window sliding over (N, spatial..., C), one tap at a time: the cells of the data under a tap
/// for every place of the window, and back.
class Taps {
public:
  Taps(const Build &c, Value data, Value places, ArrayRef<int64_t> window,
       ArrayRef<int64_t> strides, ArrayRef<int64_t> padding, ArrayRef<int64_t> dilations)
      : c(c), data(Build::shape(data)), places(Build::shape(places)), window(window),
        strides(strides), padding(padding), dilations(dilations) {}

  /// Every tap, last dimension fastest.
  void forEach(function_ref<void(ArrayRef<int64_t>)> visit) const {
    SmallVector<int64_t> tap(window.size(), 0);
    for (size_t d = 0; d < window.size();) {
      visit(tap);
      for (d = window.size(); d-- > 0 && ++tap[d] == window[d];)
        tap[d] = 0;
      d = d == size_t(-1) ? window.size() : 0;
    }
  }

  /// (N, places..., C): the cells of `from`, which has the data's shape, under `tap`; `outside`
  /// where there are none.
  Value under(Value from, ArrayRef<int64_t> tap, double outside) const {
    SmallVector<int64_t> low(data.size(), 0), high = low, start = low, size(data), apart{data[0]};
    for (size_t d = 0; d < tap.size(); ++d) {
      int64_t first = tap[d] * dilations[d] - padding[2 * d], span = places[d + 1] * strides[d];
      low[d + 1] = std::max<int64_t>(-first, 0);
      high[d + 1] = std::max<int64_t>(first + span - data[d + 1], 0);
      start[d + 1] = std::max<int64_t>(first, 0), size[d + 1] = span;
      apart.append({places[d + 1], strides[d]});
    }
    apart.push_back(data.back());
    Value cells = c.reshape(c.slice(c.pad(from, low, high, outside), start, size), apart);
    SmallVector<int64_t> none(apart.size(), 0), one = apart, merged{data[0]};
    for (size_t d = 0; d < tap.size(); ++d)
      one[2 * d + 2] = 1, merged.push_back(places[d + 1]);
    merged.push_back(data.back());
    return c.reshape(c.slice(cells, none, one), merged);
  }

  /// The transpose of under(): (N, places..., C) put where the cells came from, 0 elsewhere.
  Value put(Value cells, ArrayRef<int64_t> tap) const {
    SmallVector<int64_t> apart{data[0]}, high{0}, none{0}, merged{data[0]};
    for (size_t d = 0; d < tap.size(); ++d) {
      apart.append({places[d + 1], 1}), high.append({0, strides[d] - 1}), none.append({0, 0});
      merged.push_back(places[d + 1] * strides[d]);
    }
    apart.push_back(data.back()), high.push_back(0), none.push_back(0),
        merged.push_back(data.back());
    Value spread = c.reshape(c.pad(c.reshape(cells, apart), none, high), merged);
    SmallVector<int64_t> low(data.size(), 0), after = low, start = low, size = merged;
    for (size_t d = 0; d < tap.size(); ++d) {
      int64_t first = tap[d] * dilations[d] - padding[2 * d], end = first + merged[d + 1];
      start[d + 1] = std::max<int64_t>(-first, 0);
      size[d + 1] = std::min(end, data[d + 1]) - std::max<int64_t>(first, 0);
      if (size[d + 1] <= 0)
        return {};
      low[d + 1] = std::max<int64_t>(first, 0),
              after[d + 1] = std::max<int64_t>(data[d + 1] - end, 0);
    }
    return c.pad(c.slice(spread, start, size), low, after);
  }

  /// The sum over all taps of what `cells` gives for each, put in place.
  Value gather(function_ref<Value(ArrayRef<int64_t>)> cells) const {
    Value total;
    forEach([&](ArrayRef<int64_t> tap) {
      if (Value part = put(cells(tap), tap))
        total = total ? c.add(total, part) : part;
    });
    return total;
  }

private:
  const Build &c;
  ArrayRef<int64_t> data, places, window, strides, padding, dilations;
};

} // namespace

LogicalResult DepthwiseConvOp::differentiate(OpBuilder &b, Value g, SmallVectorImpl<Value> &out) {
  Build c{b, getLoc()};
  ArrayRef<int64_t> kernel = Build::shape(getKernel());
  int64_t C = kernel[kernel.size() - 2], M = kernel.back();
  Taps taps(c, getInput(), g, kernel.drop_back(2), getStrides(), getPadding(), getDilations());
  // The result's gradient and each tap's weights as (..., C, M).
  SmallVector<int64_t> apart(Build::shape(g)), all;
  apart.back() = C, apart.push_back(M);
  for (size_t d = 0; d + 2 < apart.size(); ++d)
    all.push_back(int64_t(d));
  Value split = c.reshape(g, apart);
  Value dx = taps.gather([&](ArrayRef<int64_t> tap) {
    SmallVector<int64_t> start(tap), size(tap.size(), 1);
    start.append({0, 0}), size.append({C, M});
    Value weights = c.reshape(c.slice(getKernel(), start, size), {C, M});
    return c.sum(c.mul(split, weights), {-1}, false);
  });
  SmallVector<Value> rows;
  taps.forEach([&](ArrayRef<int64_t> tap) {
    SmallVector<int64_t> cells(Build::shape(g));
    cells.back() = C, cells.push_back(1);
    Value x = c.reshape(taps.under(getInput(), tap, 0), cells);
    rows.push_back(c.reshape(c.sum(c.mul(split, x), all, false), {1, C, M}));
  });
  Value dk = rows.size() == 1
                 ? rows[0]
                 : c.op("concat", rows, {b.getNamedAttr("axis", b.getI64IntegerAttr(0))});
  out.append({dx, c.reshape(dk, kernel)});
  return success();
}

namespace {
template <class Op> SmallVector<NamedAttribute> windowOf(Op op) {
  Builder b(op.getContext());
  return {b.getNamedAttr("window", op.getWindowAttr()),
          b.getNamedAttr("strides", op.getStridesAttr()),
          b.getNamedAttr("padding", op.getPaddingAttr()),
          b.getNamedAttr("dilations", op.getDilationsAttr())};
}
} // namespace

CORNET_GRADIENT(MaxPoolOp, c.op("max_pool_gradient", {x, g}, windowOf(*this)))

// Linear in the gradient: the cells at the places the gradients went to.
LogicalResult MaxPoolGradientOp::differentiate(OpBuilder &b, Value g, SmallVectorImpl<Value> &out) {
  Build c{b, getLoc()};
  Taps taps(c, getInput(), getGradient(), getWindow(), getStrides(), getPadding(), getDilations());
  double outside = -std::numeric_limits<double>::infinity();
  Value largest = c.op("max_pool", {getInput()}, windowOf(*this)), total;
  Value left = c.broadcast(c.constant(1, g), Build::shape(getGradient()));
  taps.forEach([&](ArrayRef<int64_t> tap) {
    Value first = c.where(c.compare("eq", taps.under(getInput(), tap, outside), largest), left);
    left = c.sub(left, first);
    Value part = c.mul(first, taps.under(g, tap, 0));
    total = total ? c.add(total, part) : part;
  });
  out.append({Value(), total});
  return success();
}

LogicalResult AvgPoolOp::differentiate(OpBuilder &b, Value g, SmallVectorImpl<Value> &out) {
  SmallVector<NamedAttribute> attributes = windowOf(*this);
  ArrayRef<int64_t> size = Build::shape(getInput()).drop_front().drop_back();
  attributes.push_back(b.getNamedAttr("size", b.getDenseI64ArrayAttr(size)));
  out.push_back(Build{b, getLoc()}.op("avg_pool_gradient", {g}, attributes));
  return success();
}

CORNET_GRADIENT(AvgPoolGradientOp, c.op("avg_pool", {g}, windowOf(*this)))

namespace {
NamedAttribute sizeOf(Value image) {
  Builder b(image.getContext());
  return b.getNamedAttr("size",
                        b.getDenseI64ArrayAttr(Build::shape(image).drop_front().drop_back()));
}
} // namespace

CORNET_GRADIENT(ResizeOp, c.op("resize_gradient", {g}, {sizeOf(x)}))
CORNET_GRADIENT(ResizeGradientOp, c.op("resize", {g}, {sizeOf(x)}))

LogicalResult ReduceOp::differentiate(OpBuilder &b, Value g, SmallVectorImpl<Value> &out) {
  Build c{b, getLoc()};
  ArrayRef<int64_t> in = Build::shape(getInput());
  SmallVector<int64_t> kept(in);
  int64_t count = 1;
  for (int64_t axis : getAxes()) {
    int64_t at = positiveAxis(axis, in.size());
    count *= in[at], kept[at] = 1;
  }
  g = c.reshape(g, kept);
  if (getKind() == "sum" || getKind() == "mean") {
    out.push_back(c.broadcast(getKind() == "mean" ? c.mul(g, 1.0 / double(count)) : g, in));
    return success();
  }
  // Cells that share the extreme value share its gradient.
  Value best = c.compare("eq", getInput(), c.reshape(getResult(), kept));
  Value ones = c.select(best, c.constant(1, g), c.constant(0, g));
  out.push_back(c.mul(ones, c.div(g, c.sum(ones, getAxes(), true))));
  return success();
}

CORNET_GRADIENT(ReshapeOp, c.reshape(g, Build::shape(getInput())))
CORNET_GRADIENT(BroadcastOp, c.sumTo(g, getInput()))

LogicalResult TransposeOp::differentiate(OpBuilder &b, Value g, SmallVectorImpl<Value> &out) {
  SmallVector<int64_t> inverse(getPermutation().size());
  for (auto [i, p] : llvm::enumerate(getPermutation()))
    inverse[size_t(p)] = int64_t(i);
  out.push_back(Build{b, getLoc()}.transpose(g, inverse));
  return success();
}

CORNET_GRADIENT(GatherOp,
                c.op("scatter", {g, getIndices()},
                     {builder.getNamedAttr("rows", builder.getI64IntegerAttr(Build::shape(x)[0]))}),
                Value())
CORNET_GRADIENT(RecomputeOp, g, Value())
CORNET_GRADIENT(TopKOp, Value())
CORNET_GRADIENT(RandomOp, Value(), Value())
CORNET_GRADIENT(ScatterOp, c.op("gather", {g, getIndices()}), Value())
CORNET_GRADIENT(PadOp, c.slice(g, getLow(), Build::shape(getInput())))

LogicalResult SliceOp::differentiate(OpBuilder &b, Value g, SmallVectorImpl<Value> &out) {
  SmallVector<int64_t> high;
  for (auto [d, extent] : llvm::enumerate(Build::shape(getInput())))
    high.push_back(extent - getStart()[d] - Build::shape(g)[d]);
  out.push_back(Build{b, getLoc()}.pad(g, getStart(), high));
  return success();
}

LogicalResult ConcatOp::differentiate(OpBuilder &b, Value g, SmallVectorImpl<Value> &out) {
  Build c{b, getLoc()};
  size_t rank = Build::shape(g).size(), axis = size_t(positiveAxis(int64_t(getAxis()), rank));
  SmallVector<int64_t> start(rank, 0);
  for (Value part : getInputs()) {
    out.push_back(c.slice(g, start, Build::shape(part)));
    start[axis] += Build::shape(part)[axis];
  }
  return success();
}

// The i-th cell sums the gradients of those that took it: a comparison for each pair.
LogicalResult TakeAlongAxisOp::differentiate(OpBuilder &b, Value g, SmallVectorImpl<Value> &out) {
  Build c{b, getLoc()};
  ArrayRef<int64_t> in = Build::shape(getInput()), taken = Build::shape(g);
  size_t axis = size_t(positiveAxis(int64_t(getAxis()), in.size()));
  if (in[axis] > 1 << 24)
    return emitOpError("has no gradient along more than 2^24 cells, which f32 cannot count");
  // What was taken stands before the axis, with an extent of 1 along it.
  SmallVector<int64_t> across(taken), along(in.size() - axis, 1);
  across.insert(across.begin() + int64_t(axis) + 1, 1);
  along[0] = in[axis];
  std::vector<float> places(size_t(in[axis]), 0);
  std::iota(places.begin(), places.end(), 0.0f);
  auto type = RankedTensorType::get(along, b.getF32Type());
  Value place = ConstantOp::create(b, getLoc(), DenseElementsAttr::get(type, ArrayRef(places)));
  Value nearest = c.op("clamp", {c.cast(getIndices(), place)},
                       {b.getNamedAttr("min", b.getF64FloatAttr(0)),
                        b.getNamedAttr("max", b.getF64FloatAttr(double(in[axis] - 1)))});
  Value took = c.compare("eq", c.reshape(nearest, across), place);
  out.push_back(c.sum(c.where(took, c.reshape(g, across)), {int64_t(axis)}, false));
  out.push_back(Value());
  return success();
}

// y (g - sum of g y)
LogicalResult SoftmaxOp::differentiate(OpBuilder &b, Value g, SmallVectorImpl<Value> &out) {
  Build c{b, getLoc()};
  Value y = getResult(), weighted = c.mul(g, y);
  out.push_back(c.sub(weighted, c.mul(y, c.sum(weighted, {int64_t(getAxis())}, true))));
  return success();
}

} // namespace cornet
