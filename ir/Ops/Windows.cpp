// SPDX-License-Identifier: Apache-2.0
//
// The reference of each op that walks windows or places over images, in plain loops with double
// sums. Contractions go tap by tap over many pixels, so that a whole ResNet can be checked in a
// second.
#include "ir/Ops/Ops.h"
#include "ir/Reference/Loops.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

using namespace mlir;

namespace cornet {
namespace {

/// One place of a window op over (N, spatial..., C): the cell of the input under each tap, or
/// outside.
struct Window {
  ArrayRef<int64_t> in;        // N, spatial..., C
  SmallVector<int64_t> window; // spatial extents of the kernel
  ArrayRef<int64_t> strides, padding, dilations;

  int64_t count() const { return llvm::product_of(window); }

  /// Calls `tap(position of the tap in the window, cell offset of the input pixel / C)` for real
  /// cells under the output pixel `index` = (n, spatial...).
  void taps(ArrayRef<int64_t> index, function_ref<void(int64_t, int64_t)> tap) const {
    int64_t position = 0;
    reference::forEach(window, [&](ArrayRef<int64_t> k) {
      int64_t pixel = index[0];
      bool inside = true;
      for (size_t d = 0; d < k.size() && inside; ++d) {
        int64_t x = index[d + 1] * strides[d] + k[d] * dilations[d] - padding[2 * d];
        inside = x >= 0 && x < in[d + 1];
        pixel = pixel * in[d + 1] + x;
      }
      if (inside)
        tap(position, pixel);
      ++position;
    });
  }
};

LogicalResult pool(ArrayRef<const HostTensor *> in, HostTensor &out, const Window &window,
                   bool maximum) {
  int64_t C = out.shape.back();
  out.data.assign(out.size(), maximum ? -std::numeric_limits<double>::infinity() : 0.0);
  double *row = out.data.data();
  reference::forEach(ArrayRef<int64_t>(out.shape).drop_back(), [&](ArrayRef<int64_t> index) {
    int64_t real = 0;
    window.taps(index, [&](int64_t, int64_t pixel) {
      const double *x = in[0]->data.data() + pixel * C;
      for (int64_t c = 0; c < C; ++c)
        row[c] = maximum ? std::max(row[c], x[c]) : row[c] + x[c];
      ++real;
    });
    for (int64_t c = 0; !maximum && c < C; ++c)
      row[c] /= std::max<int64_t>(real, 1);
    row += C;
  });
  return success();
}

/// Adds products of pixels with the kernel's taps, for some pairs of pixels at a time tap by tap:
/// each weight is read once for all of them.
class Taps {
public:
  /// `weights` has, for each of `count` taps, channels x (groups outputs) cells.
  Taps(const double *weights, int64_t count, int64_t channels, int64_t groups, int64_t outputs)
      : weights(weights), channels(channels), groups(groups), outputs(outputs),
        pairs(size_t(count)) {}

  /// out += in times the weights of `tap`, by compute() at the latest.
  void add(int64_t tap, double *out, const double *in) {
    pairs[size_t(tap)].out.push_back(out), pairs[size_t(tap)].in.push_back(in);
    if (++waiting == 256 * int64_t(pairs.size()))
      compute();
  }

  void compute() {
    const double *at = weights;
    for (Pairs &tap : pairs) {
      for (int64_t g = 0; g < groups; ++g) {
        reference::addProducts(tap.out, tap.in, channels, at + g * outputs, groups * outputs,
                               outputs);
        for (double *&pixel : tap.out)
          pixel += outputs;
        for (const double *&pixel : tap.in)
          pixel += channels;
      }
      tap.out.clear(), tap.in.clear();
      at += channels * groups * outputs;
    }
    waiting = 0;
  }

private:
  struct Pairs {
    std::vector<double *> out;
    std::vector<const double *> in;
  };
  const double *weights;
  int64_t channels, groups, outputs, waiting = 0;
  std::vector<Pairs> pairs; ///< of each tap
};

} // namespace

LogicalResult ConvOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  const std::vector<int64_t> &kernel = in[1]->shape;
  Window window{in[0]->shape, SmallVector<int64_t>(kernel.begin(), kernel.end() - 2), getStrides(),
                getPadding(), getDilations()};
  int64_t O = out.shape.back(), C = in[0]->shape.back(), G = getGroups();
  Taps taps(in[1]->data.data(), window.count(), C / G, G, O / G);
  out.data.assign(out.size(), 0);
  double *row = out.data.data();
  reference::forEach(ArrayRef<int64_t>(out.shape).drop_back(), [&](ArrayRef<int64_t> index) {
    window.taps(index, [&](int64_t position, int64_t pixel) {
      taps.add(position, row, in[0]->data.data() + pixel * C);
    });
    row += O;
  });
  taps.compute();
  return success();
}

LogicalResult DepthwiseConvOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  const std::vector<int64_t> &kernel = in[1]->shape;
  Window window{in[0]->shape, SmallVector<int64_t>(kernel.begin(), kernel.end() - 2), getStrides(),
                getPadding(), getDilations()};
  int64_t C = in[0]->shape.back(), M = kernel.back();
  out.data.assign(out.size(), 0);
  double *row = out.data.data();
  reference::forEach(ArrayRef<int64_t>(out.shape).drop_back(), [&](ArrayRef<int64_t> index) {
    window.taps(index, [&](int64_t position, int64_t pixel) {
      for (int64_t i = 0; i < C * M; ++i)
        row[i] += in[0]->data[pixel * C + i / M] * in[1]->data[position * C * M + i];
    });
    row += C * M;
  });
  return success();
}

LogicalResult ConvTransposeOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  const std::vector<int64_t> &kernel = in[1]->shape;
  SmallVector<int64_t> window(kernel.begin(), kernel.end() - 2);
  int64_t C = in[0]->shape.back(), O = out.shape.back(), count = llvm::product_of(window);
  std::vector<double> weights(in[1]->data.size()); // (window..., C, O)
  for (int64_t tap = 0; tap < count; ++tap)
    reference::transpose(in[1]->data.data() + tap * O * C, O, C, weights.data() + tap * O * C);
  Taps taps(weights.data(), count, C, 1, O);
  out.data.assign(out.size(), 0);
  const double *x = in[0]->data.data();
  reference::forEach(ArrayRef<int64_t>(in[0]->shape).drop_back(), [&](ArrayRef<int64_t> index) {
    int64_t position = 0;
    reference::forEach(window, [&](ArrayRef<int64_t> k) {
      int64_t tap = position++, to = index[0];
      for (size_t d = 0; d < k.size(); ++d) {
        int64_t place =
            index[d + 1] * getStrides()[d] + k[d] * getDilations()[d] - getPadding()[2 * d];
        if (place < 0 || place >= out.shape[d + 1])
          return;
        to = to * out.shape[d + 1] + place;
      }
      taps.add(tap, out.data.data() + to * O, x);
    });
    x += C;
  });
  taps.compute();
  return success();
}

LogicalResult ConvFilterGradientOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  Window window{in[0]->shape, SmallVector<int64_t>(getWindow()), getStrides(), getPadding(),
                getDilations()};
  int64_t C = in[0]->shape.back(), O = out.shape.back();
  // Of each tap some pixels at a time: the inputs' channels in rows, and the gradients.
  constexpr int64_t kPixels = 256;
  struct Tap {
    int64_t pixels = 0;
    std::vector<double> in, gradient;
  };
  std::vector<Tap> taps(size_t(window.count()));
  out.data.assign(size_t(out.size()), 0);
  std::vector<double *> rows(static_cast<size_t>(C));
  std::vector<const double *> left(static_cast<size_t>(C));
  auto compute = [&](int64_t position) {
    Tap &tap = taps[size_t(position)];
    for (int64_t c = 0; c < C; ++c) {
      rows[size_t(c)] = out.data.data() + (position * C + c) * O;
      left[size_t(c)] = tap.in.data() + c * kPixels;
    }
    reference::addProducts(rows, left, tap.pixels, tap.gradient.data(), O, O);
    tap.pixels = 0, tap.gradient.clear();
  };
  const double *g = in[1]->data.data();
  reference::forEach(ArrayRef<int64_t>(in[1]->shape).drop_back(), [&](ArrayRef<int64_t> index) {
    window.taps(index, [&](int64_t position, int64_t pixel) {
      Tap &tap = taps[size_t(position)];
      tap.in.resize(size_t(C * kPixels));
      for (int64_t c = 0; c < C; ++c)
        tap.in[size_t(c * kPixels + tap.pixels)] = in[0]->data[size_t(pixel * C + c)];
      tap.gradient.insert(tap.gradient.end(), g, g + O);
      if (++tap.pixels == kPixels)
        compute(position);
    });
    g += O;
  });
  for (int64_t position = 0; position < window.count(); ++position)
    compute(position);
  return success();
}

LogicalResult MaxPoolOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  return pool(
      in, out,
      {in[0]->shape, SmallVector<int64_t>(getWindow()), getStrides(), getPadding(), getDilations()},
      true);
}

LogicalResult AvgPoolOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  return pool(
      in, out,
      {in[0]->shape, SmallVector<int64_t>(getWindow()), getStrides(), getPadding(), getDilations()},
      false);
}

LogicalResult MaxPoolGradientOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  Window window{in[0]->shape, SmallVector<int64_t>(getWindow()), getStrides(), getPadding(),
                getDilations()};
  int64_t C = out.shape.back();
  out.data.assign(size_t(out.size()), 0);
  const double *x = in[0]->data.data(), *g = in[1]->data.data();
  reference::forEach(ArrayRef<int64_t>(in[1]->shape).drop_back(), [&](ArrayRef<int64_t> index) {
    std::vector<int64_t> best(size_t(C), -1); // pixels
    window.taps(index, [&](int64_t, int64_t pixel) {
      for (int64_t c = 0; c < C; ++c)
        if (int64_t &at = best[size_t(c)]; at < 0 || x[pixel * C + c] > x[at * C + c])
          at = pixel;
    });
    for (int64_t c = 0; c < C; ++c, ++g)
      if (best[size_t(c)] >= 0)
        out.data[size_t(best[size_t(c)] * C + c)] += *g;
  });
  return success();
}

LogicalResult AvgPoolGradientOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  Window window{out.shape, SmallVector<int64_t>(getWindow()), getStrides(), getPadding(),
                getDilations()};
  int64_t C = out.shape.back();
  out.data.assign(size_t(out.size()), 0);
  const double *g = in[0]->data.data();
  reference::forEach(ArrayRef<int64_t>(in[0]->shape).drop_back(), [&](ArrayRef<int64_t> index) {
    int64_t real = 0;
    window.taps(index, [&](int64_t, int64_t) { ++real; });
    window.taps(index, [&](int64_t, int64_t pixel) {
      for (int64_t c = 0; c < C; ++c)
        out.data[size_t(pixel * C + c)] += g[c] / double(real);
    });
    g += C;
  });
  return success();
}

LogicalResult ResizeOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  std::vector<int64_t> strides = in[0]->strides();
  const std::vector<int64_t> &shape = in[0]->shape;
  out.data.clear();
  reference::forEach(out.shape, [&](ArrayRef<int64_t> index) {
    double sum = 0;
    int64_t low[2], high[2];
    double share[2];
    for (int d = 0; d < 2; ++d) {
      double at = (index[d + 1] + 0.5) * shape[d + 1] / out.shape[d + 1] - 0.5;
      at = std::clamp(at, 0.0, double(shape[d + 1] - 1));
      low[d] = int64_t(at), high[d] = std::min(low[d] + 1, shape[d + 1] - 1);
      share[d] = at - low[d];
    }
    for (int y = 0; y < 2; ++y)
      for (int x = 0; x < 2; ++x)
        sum += (y ? share[0] : 1 - share[0]) * (x ? share[1] : 1 - share[1]) *
               in[0]->data[index[0] * strides[0] + (y ? high : low)[0] * strides[1] +
                           (x ? high : low)[1] * strides[2] + index[3]];
    out.data.push_back(sum);
  });
  return success();
}

LogicalResult ResizeGradientOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  std::vector<int64_t> strides = out.strides();
  out.data.assign(size_t(out.size()), 0);
  int64_t at = 0;
  reference::forEach(in[0]->shape, [&](ArrayRef<int64_t> index) {
    int64_t low[2], high[2];
    double share[2], g = in[0]->data[size_t(at++)];
    for (size_t d = 0; d < 2; ++d) {
      int64_t extent = out.shape[d + 1];
      double x = (double(index[d + 1]) + 0.5) * double(extent) / double(in[0]->shape[d + 1]) - 0.5;
      x = std::clamp(x, 0.0, double(extent - 1));
      low[d] = int64_t(x), high[d] = std::min(low[d] + 1, extent - 1);
      share[d] = x - double(low[d]);
    }
    for (int y = 0; y < 2; ++y)
      for (int x = 0; x < 2; ++x)
        out.data[size_t(index[0] * strides[0] + (y ? high : low)[0] * strides[1] +
                        (x ? high : low)[1] * strides[2] + index[3])] +=
            (y ? share[0] : 1 - share[0]) * (x ? share[1] : 1 - share[1]) * g;
  });
  return success();
}

LogicalResult GridSampleOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  const std::vector<int64_t> &shape = in[0]->shape;
  int64_t H = shape[1], W = shape[2], C = shape[3], places = in[1]->size() / 2,
          perImage = places / shape[0];
  bool bilinear = getInterpolation() == "bilinear";
  StringRef mode = getFillMode();
  auto inside = [&](int64_t i, int64_t n) -> int64_t { // -1: filled
    auto cycle = [&](int64_t period) { return ((i % period) + period) % period; };
    if (mode == "nearest")
      return std::clamp<int64_t>(i, 0, n - 1);
    if (mode == "wrap")
      return cycle(n);
    if (mode == "reflect")
      return cycle(2 * n) < n ? cycle(2 * n) : 2 * n - 1 - cycle(2 * n);
    return i >= 0 && i < n ? i : -1;
  };
  out.data.assign(size_t(out.size()), 0);
  for (int64_t place = 0; place < places; ++place) {
    const double *image = in[0]->data.data() + place / perImage * H * W * C;
    int64_t low[2];
    double share[2];
    for (int d = 0; d < 2; ++d) {
      double at = std::fmin(std::fmax(in[1]->data[size_t(2 * place + d)], -0x1p23), 0x1p23);
      low[d] = int64_t(bilinear ? std::floor(at) : std::round(at));
      share[d] = bilinear ? at - double(low[d]) : 0;
    }
    for (int y = 0; y <= bilinear; ++y)
      for (int x = 0; x <= bilinear; ++x) {
        int64_t i = inside(low[0] + y, H), j = inside(low[1] + x, W);
        double weight = (y ? share[0] : 1 - share[0]) * (x ? share[1] : 1 - share[1]);
        for (int64_t c = 0; c < C; ++c)
          out.data[size_t(place * C + c)] +=
              weight *
              (i < 0 || j < 0 ? getFillValue().convertToDouble() : image[(i * W + j) * C + c]);
      }
  }
  return success();
}

namespace {

/// Shapes and data movement in a few letters, for decompositions.
struct Shuffle {
  OpBuilder &b;
  Location loc;

  static SmallVector<int64_t> shape(Value v) {
    return SmallVector<int64_t>(cast<RankedTensorType>(v.getType()).getShape());
  }
  RankedTensorType type(Value like, ArrayRef<int64_t> shape) {
    return RankedTensorType::get(shape, cast<RankedTensorType>(like.getType()).getElementType());
  }
  Value reshape(Value v, ArrayRef<int64_t> to) {
    return ReshapeOp::create(b, loc, type(v, to), v, b.getDenseI64ArrayAttr(to));
  }
  Value transpose(Value v, ArrayRef<int64_t> order) {
    SmallVector<int64_t> from = shape(v), to;
    for (int64_t d : order)
      to.push_back(from[size_t(d)]);
    return TransposeOp::create(b, loc, type(v, to), v, b.getDenseI64ArrayAttr(order));
  }
  Value slice(Value v, size_t dimension, int64_t start, int64_t size) {
    SmallVector<int64_t> to = shape(v), starts(to.size(), 0);
    starts[dimension] = start, to[dimension] = size;
    return SliceOp::create(b, loc, type(v, to), v, b.getDenseI64ArrayAttr(starts),
                           b.getDenseI64ArrayAttr(to));
  }
  /// Zeros behind the cells of one dimension.
  Value pad(Value v, size_t dimension, int64_t count) {
    if (count == 0)
      return v;
    SmallVector<int64_t> to = shape(v), low(to.size(), 0), high(to.size(), 0);
    high[dimension] = count, to[dimension] += count;
    return PadOp::create(b, loc, type(v, to), v, b.getDenseI64ArrayAttr(low),
                         b.getDenseI64ArrayAttr(high), b.getF64FloatAttr(0));
  }
  Value reverse(Value v, size_t dimension) {
    SmallVector<Value> parts;
    for (int64_t i = shape(v)[dimension]; i-- > 0;)
      parts.push_back(slice(v, dimension, i, 1));
    return parts.size() == 1 ? parts[0]
                             : ConcatOp::create(b, loc, v.getType(), parts,
                                                b.getI64IntegerAttr(int64_t(dimension)));
  }
};

} // namespace

// Cell o of the full result, with j = o / s and r = o % s, sums x[j - u] w[r + s u] over u: for
// each phase r a convolution of x with every s-th cell of the kernel in reverse. All phases are one
// convolution with s O channels; its pixels are then dealt out.
Value ConvTransposeOp::decompose(OpBuilder &b) {
  Shuffle c{b, getLoc()};
  SmallVector<int64_t> in = c.shape(getInput()), kernel = c.shape(getKernel());
  size_t spatial = in.size() - 2;
  int64_t C = kernel[spatial + 1], O = kernel[spatial], phases = 1;
  if (llvm::any_of(getDilations(), [](int64_t d) { return d != 1; }) ||
      ShapedType::isDynamic(in[0]))
    return {};
  // Kernels compute phases one by one, without the shuffle.
  if (spatial <= 2 && llvm::all_of(getStrides(), [](int64_t s) { return s <= 4; }))
    return {};
  // Kernel (k..., O, C) -> (U, s)... reversed along each U -> (U..., C, s..., O) -> (U..., C, s O).
  Value weights = getKernel();
  SmallVector<int64_t> taps, split, order, padding;
  for (size_t d = 0; d < spatial; ++d)
    if (getPadding()[2 * d] < 0)
      return {};
  for (size_t d = 0; d < spatial; ++d) {
    int64_t s = getStrides()[d], U = (kernel[d] + s - 1) / s;
    weights = c.pad(weights, d, U * s - kernel[d]);
    taps.push_back(U), phases *= s;
    split.append({U, s}), padding.append({U - 1, U - 1});
  }
  split.append({O, C});
  weights = c.reshape(weights, split);
  for (size_t d = 0; d < spatial; ++d) {
    weights = c.reverse(weights, 2 * d);
    order.push_back(int64_t(2 * d));
  }
  order.push_back(int64_t(2 * spatial + 1));
  for (size_t d = 0; d < spatial; ++d)
    order.push_back(int64_t(2 * d + 1));
  order.push_back(int64_t(2 * spatial));
  SmallVector<int64_t> packed = taps;
  packed.append({C, phases * O});
  weights = c.reshape(c.transpose(weights, order), packed);
  SmallVector<int64_t> ones(spatial, 1), pixels = in, apart{in[0]}, dealt{0}, whole{in[0]};
  pixels.back() = phases * O;
  for (size_t d = 0; d < spatial; ++d) {
    pixels[d + 1] += taps[d] - 1;
    apart.push_back(pixels[d + 1]);
    whole.push_back(pixels[d + 1] * getStrides()[d]);
    dealt.append({int64_t(d + 1), int64_t(spatial + d + 1)});
  }
  Value y = ConvOp::create(b, getLoc(), c.type(getInput(), pixels), getInput(), weights,
                           b.getDenseI64ArrayAttr(ones), b.getDenseI64ArrayAttr(padding),
                           b.getDenseI64ArrayAttr(ones), b.getI64IntegerAttr(1));
  apart.append(getStrides().begin(), getStrides().end());
  apart.push_back(O), whole.push_back(O), dealt.push_back(int64_t(2 * spatial + 1));
  y = c.reshape(c.transpose(c.reshape(y, apart), dealt), whole);
  for (size_t d = 0; d < spatial; ++d) {
    int64_t wanted = c.shape(getResult())[d + 1], start = getPadding()[2 * d];
    y = c.pad(y, d + 1, std::max<int64_t>(start + wanted - whole[d + 1], 0));
    if (start != 0 || c.shape(y)[d + 1] != wanted)
      y = c.slice(y, d + 1, start, wanted);
  }
  return y;
}

} // namespace cornet
