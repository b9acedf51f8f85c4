// SPDX-License-Identifier: Apache-2.0
//
// The reference of each structured op in plain loops with double sums, and the composites'
// decompositions. Contractions run over the output channels innermost, so that a whole ResNet can
// be checked in seconds.
#include "ir/Ops/Build.h"
#include "ir/Reference/Loops.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

using namespace mlir;

namespace cornet {
namespace {

/// One place of a window op over (N, spatial..., C): the cell of the input under each tap, or
/// outside.
struct Window {
  ArrayRef<int64_t> in;        // N, spatial..., C
  SmallVector<int64_t> window; // spatial extents of the kernel
  ArrayRef<int64_t> strides, padding, dilations;

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

/// Philox4x32-10 (Salmon et al. 2011).
std::array<uint32_t, 4> philox(std::array<uint32_t, 4> c, uint64_t key) {
  uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t(0xD2511F53) * c[0], p1 = uint64_t(0xCD9E8D57) * c[2];
    c = {uint32_t(p1 >> 32) ^ c[1] ^ k0, uint32_t(p1), uint32_t(p0 >> 32) ^ c[3] ^ k1,
         uint32_t(p0)};
    k0 += 0x9E3779B9, k1 += 0xBB67AE85;
  }
  return c;
}

int64_t positive(int64_t axis, size_t rank) { return axis < 0 ? axis + int64_t(rank) : axis; }

/// `x`, rows x columns, transposed into `store`.
const double *transposed(const double *x, int64_t rows, int64_t columns,
                         std::vector<double> &store) {
  store.resize(size_t(rows * columns));
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      store[size_t(j * rows + i)] = x[i * columns + j];
  return store.data();
}

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

} // namespace

LogicalResult MatmulOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  const HostTensor &a = *in[0], &b = *in[1];
  bool ta = getTransposeLhs(), tb = getTransposeRhs();
  size_t ra = a.shape.size(), ro = out.shape.size();
  int64_t M = out.shape[ro - 2], N = out.shape[ro - 1], K = a.shape[ta ? ra - 2 : ra - 1];
  out.data.assign(out.size(), 0);
  auto base = [&](const HostTensor &t, ArrayRef<int64_t> batch) {
    int64_t offset = 0, rank = int64_t(t.shape.size()) - 2, shift = int64_t(batch.size()) - rank;
    for (int64_t d = 0; d < rank; ++d)
      offset = offset * t.shape[d] + (t.shape[d] == 1 ? 0 : batch[d + shift]);
    return t.data.data() + offset * t.shape[rank] * t.shape[rank + 1];
  };
  std::vector<double> left, right; // what comes transposed, as it is used
  std::vector<double *> rows(M);
  std::vector<const double *> lefts(M);
  double *to = out.data.data();
  reference::forEach(ArrayRef<int64_t>(out.shape).drop_back(2), [&](ArrayRef<int64_t> batch) {
    const double *x = base(a, batch), *y = base(b, batch);
    if (ta)
      x = transposed(x, K, M, left);
    if (tb)
      y = transposed(y, N, K, right);
    for (int64_t m = 0; m < M; ++m, to += N)
      rows[m] = to, lefts[m] = x + m * K;
    reference::addProducts(rows, lefts, K, y, N, N);
  });
  return success();
}

LogicalResult ConvOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  const std::vector<int64_t> &kernel = in[1]->shape;
  Window window{in[0]->shape, SmallVector<int64_t>(kernel.begin(), kernel.end() - 2), getStrides(),
                getPadding(), getDilations()};
  int64_t O = out.shape.back(), C = in[0]->shape.back(), G = getGroups(), c = C / G, o = O / G;
  // Some pixels at a time, tap by tap: each weight is read once for all of them.
  struct Tap {
    std::vector<double *> rows;
    std::vector<const double *> left;
  };
  std::vector<Tap> taps(
      std::accumulate(kernel.begin(), kernel.end() - 2, int64_t(1), std::multiplies<>()));
  auto compute = [&] {
    for (auto [position, tap] : llvm::enumerate(taps)) {
      for (int64_t g = 0; g < G; ++g) {
        reference::addProducts(tap.rows, tap.left, c,
                               in[1]->data.data() + int64_t(position) * c * O + g * o, O, o);
        for (double *&row : tap.rows)
          row += o;
        for (const double *&pixel : tap.left)
          pixel += c;
      }
      tap.rows.clear(), tap.left.clear();
    }
  };
  constexpr int64_t kPixels = 256;
  out.data.assign(out.size(), 0);
  double *row = out.data.data();
  int64_t pixels = 0;
  reference::forEach(ArrayRef<int64_t>(out.shape).drop_back(), [&](ArrayRef<int64_t> index) {
    window.taps(index, [&](int64_t position, int64_t pixel) {
      taps[position].rows.push_back(row);
      taps[position].left.push_back(in[0]->data.data() + pixel * C);
    });
    row += O;
    if (++pixels % kPixels == 0)
      compute();
  });
  compute();
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

LogicalResult ReduceOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  const HostTensor &x = *in[0];
  SmallVector<bool> reduced(x.shape.size(), false);
  int64_t count = 1;
  for (int64_t axis : getAxes()) {
    reduced[positive(axis, x.shape.size())] = true;
    count *= x.shape[positive(axis, x.shape.size())];
  }
  StringRef kind = getKind();
  double infinity = std::numeric_limits<double>::infinity();
  out.data.assign(out.size(), kind == "max" ? -infinity : kind == "min" ? infinity : 0);
  int64_t at = 0;
  reference::forEach(x.shape, [&](ArrayRef<int64_t> index) {
    int64_t to = 0;
    for (size_t d = 0; d < index.size(); ++d)
      if (!reduced[d])
        to = to * x.shape[d] + index[d];
    double value = x.data[at++], &sum = out.data[to];
    sum = kind == "max" ? std::max(sum, value) : kind == "min" ? std::min(sum, value) : sum + value;
  });
  if (kind == "mean")
    for (double &value : out.data)
      value /= count;
  return success();
}

LogicalResult ReshapeOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  out.data = in[0]->data;
  return success();
}

LogicalResult TransposeOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  std::vector<int64_t> strides = in[0]->strides();
  out.data.resize(out.size());
  int64_t at = 0;
  reference::forEach(out.shape, [&](ArrayRef<int64_t> index) {
    int64_t from = 0;
    for (auto [d, p] : llvm::enumerate(getPermutation()))
      from += index[d] * strides[p];
    out.data[at++] = in[0]->data[from];
  });
  return success();
}

LogicalResult PadOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  out.data.assign(out.size(), getValue().convertToDouble());
  std::vector<int64_t> strides = out.strides();
  int64_t at = 0;
  reference::forEach(in[0]->shape, [&](ArrayRef<int64_t> index) {
    int64_t to = 0;
    for (size_t d = 0; d < index.size(); ++d)
      to += (index[d] + getLow()[d]) * strides[d];
    out.data[to] = in[0]->data[at++];
  });
  return success();
}

LogicalResult ConcatOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  int64_t axis = positive(getAxis(), out.shape.size()), inner = 1, outer = 1, base = 0;
  for (size_t d = 0; d < out.shape.size(); ++d)
    (int64_t(d) < axis ? outer : inner) *= int64_t(d) == axis ? 1 : out.shape[d];
  out.data.resize(out.size());
  for (const HostTensor *part : in) {
    int64_t run = part->shape[axis] * inner;
    for (int64_t i = 0; i < outer; ++i)
      std::copy_n(part->data.begin() + i * run, run,
                  out.data.begin() + i * out.shape[axis] * inner + base);
    base += run;
  }
  return success();
}

LogicalResult SliceOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  std::vector<int64_t> strides = in[0]->strides();
  out.data.clear();
  reference::forEach(out.shape, [&](ArrayRef<int64_t> index) {
    int64_t from = 0;
    for (size_t d = 0; d < index.size(); ++d)
      from += (index[d] + getStart()[d]) * strides[d];
    out.data.push_back(in[0]->data[from]);
  });
  return success();
}

LogicalResult BroadcastOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  return reference::map(in, out, [](const double *v) { return v[0]; });
}

LogicalResult GatherOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  int64_t rows = in[0]->shape[0], width = rows ? in[0]->size() / rows : 0;
  out.data.clear();
  for (double index : in[1]->data) {
    auto row = in[0]->data.begin() + std::clamp<int64_t>(int64_t(index), 0, rows - 1) * width;
    out.data.insert(out.data.end(), row, row + width);
  }
  return success();
}

LogicalResult ScatterOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  int64_t rows = out.shape[0], width = out.size() / rows;
  out.data.assign(size_t(out.size()), 0);
  const double *update = in[0]->data.data();
  for (double index : in[1]->data) {
    double *row = out.data.data() + std::clamp<int64_t>(int64_t(index), 0, rows - 1) * width;
    for (int64_t i = 0; i < width; ++i)
      row[i] += *update++;
  }
  return success();
}

LogicalResult RandomOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  bool normal = getDistribution() == "normal";
  out.data.resize(size_t(out.size()));
  for (int64_t i = 0; i < out.size(); ++i) {
    auto words = philox({uint32_t(i), 0, uint32_t(int64_t(in[0]->data[0])), 0}, getSeed());
    double u = double(words[0] >> 8), v = double(words[1] >> 8), unit = 1.0 / (1 << 24);
    out.data[size_t(i)] = normal ? std::sqrt(-2 * std::log((u + 1) * unit)) *
                                       std::cos(2 * std::numbers::pi * (v * unit))
                                 : u * unit;
  }
  return success();
}

Value RandomOp::decompose(OpBuilder &b) {
  auto type = cast<RankedTensorType>(getLike().getType());
  if (!type.hasStaticShape() || getLike().getDefiningOp<ConstantOp>())
    return {};
  Value like = ConstantOp::create(
      b, getLoc(), DenseElementsAttr::get(type, b.getZeroAttr(type.getElementType())));
  return RandomOp::create(b, getLoc(), getType(), getStep(), like, getDistributionAttr(),
                          getSeedAttr());
}

LogicalResult RecomputeOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  out.data = in[0]->data;
  return success();
}

LogicalResult IncomingGradientOp::verify() { return verifyInferred(getOperation()); }
LogicalResult CustomGradientOp::verify() { return verifyInferred(getOperation()); }
Value CustomGradientOp::decompose(OpBuilder &) { return getY(); }

LogicalResult GradientOp::verify() { return verifyInferred(getOperation()); }

LogicalResult CircleOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  double gamma = getGamma().convertToDouble(), margin = getMargin().convertToDouble();
  int64_t B = in[1]->shape[0], D = in[1]->shape[1], R = in[3]->shape[0];
  out.data.clear();
  for (int64_t i = 0; i < B; ++i) {
    std::vector<double> powers[2]; // of negatives, of positives
    for (int64_t j = 0; j < R; ++j) {
      double cosine = 0;
      for (int64_t k = 0; k < D; ++k)
        cosine += in[1]->data[i * D + k] * in[3]->data[j * D + k];
      double d = std::max(1 - cosine, 0.0);
      bool same = in[0]->data[i] == in[2]->data[j];
      if (same && getRemoveDiagonal() && i == j)
        continue;
      powers[same].push_back(same ? -gamma * std::max(margin + d, 0.0) * (margin - d)
                                  : gamma * std::max(1 + margin - d, 0.0) * (1 - margin - d));
    }
    double total = 0;
    for (const std::vector<double> &part : powers) {
      double most = part.empty() ? 0 : *std::ranges::max_element(part), sum = 0;
      for (double power : part)
        sum += std::exp(power - most);
      total += most + std::log(sum);
    }
    out.data.push_back(std::max(total, 0.0) + std::log1p(std::exp(-std::fabs(total))));
  }
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

LogicalResult ConvTransposeOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  const std::vector<int64_t> &kernel = in[1]->shape;
  SmallVector<int64_t> window(kernel.begin(), kernel.end() - 2);
  int64_t C = in[0]->shape.back(), O = out.shape.back(), pixel = 0;
  out.data.assign(out.size(), 0);
  reference::forEach(ArrayRef<int64_t>(in[0]->shape).drop_back(), [&](ArrayRef<int64_t> index) {
    const double *x = in[0]->data.data() + pixel++ * C;
    int64_t position = 0;
    reference::forEach(window, [&](ArrayRef<int64_t> k) {
      const double *w = in[1]->data.data() + position++ * O * C;
      int64_t to = index[0];
      for (size_t d = 0; d < k.size(); ++d) {
        int64_t place =
            index[d + 1] * getStrides()[d] + k[d] * getDilations()[d] - getPadding()[2 * d];
        if (place < 0 || place >= out.shape[d + 1])
          return;
        to = to * out.shape[d + 1] + place;
      }
      for (int64_t o = 0; o < O; ++o)
        for (int64_t c = 0; c < C; ++c)
          out.data[to * O + o] += x[c] * w[o * C + c];
    });
  });
  return success();
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

LogicalResult ConvFilterGradientOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  Window window{in[0]->shape, SmallVector<int64_t>(getWindow()), getStrides(), getPadding(),
                getDilations()};
  int64_t C = in[0]->shape.back(), O = out.shape.back();
  out.data.assign(size_t(out.size()), 0);
  const double *g = in[1]->data.data();
  reference::forEach(ArrayRef<int64_t>(in[1]->shape).drop_back(), [&](ArrayRef<int64_t> index) {
    window.taps(index, [&](int64_t position, int64_t pixel) {
      for (int64_t c = 0; c < C; ++c) {
        double left = in[0]->data[size_t(pixel * C + c)];
        double *to = out.data.data() + (position * C + c) * O;
        for (int64_t o = 0; o < O; ++o)
          to[o] += left * g[o];
      }
    });
    g += O;
  });
  return success();
}

LogicalResult SoftmaxOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  int64_t axis = positive(getAxis(), out.shape.size()), extent = out.shape[axis],
          stride = out.strides()[axis];
  out.data = in[0]->data;
  for (int64_t i = 0; i < out.size(); ++i) {
    if (i / stride % extent)
      continue;
    double *x = out.data.data() + i, top = *x, sum = 0;
    for (int64_t k = 1; k < extent; ++k)
      top = std::max(top, x[k * stride]);
    for (int64_t k = 0; k < extent; ++k)
      sum += x[k * stride] = std::exp(x[k * stride] - top);
    for (int64_t k = 0; k < extent; ++k)
      x[k * stride] /= sum;
  }
  return success();
}

LogicalResult BatchNormOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  int64_t axis = positive(getAxis(), out.shape.size()), extent = out.shape[axis],
          stride = out.strides()[axis];
  out.data.resize(out.size());
  for (int64_t i = 0; i < out.size(); ++i) {
    int64_t c = i / stride % extent;
    double scale = in[1]->data[c] / std::sqrt(in[4]->data[c] + getEpsilon().convertToDouble());
    out.data[i] = (in[0]->data[i] - in[3]->data[c]) * scale + in[2]->data[c];
  }
  return success();
}

namespace {
/// The type of `type` with dimension `axis` of extent 1.
RankedTensorType kept(RankedTensorType type, int64_t axis) {
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = 1;
  return RankedTensorType::get(shape, type.getElementType());
}
} // namespace

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

Value SoftmaxOp::decompose(OpBuilder &b) {
  Location loc = getLoc();
  RankedTensorType type = getType();
  int64_t axis = positive(getAxis(), type.getRank());
  auto reduce = [&](Value x, StringRef kind) -> Value {
    return ReduceOp::create(b, loc, kept(type, axis), x, b.getStringAttr(kind),
                            b.getDenseI64ArrayAttr({axis}), b.getBoolAttr(true));
  };
  Value e = ExpOp::create(b, loc, type,
                          SubOp::create(b, loc, type, getInput(), reduce(getInput(), "max")));
  return DivOp::create(b, loc, type, e, reduce(e, "sum"));
}

Value CircleOp::decompose(OpBuilder &builder) {
  Build c{builder, getLoc()};
  int64_t B = c.shape(getEmbeddings())[0], R = c.shape(getReferenceEmbeddings())[0];
  if (ShapedType::isDynamic(B) || ShapedType::isDynamic(R))
    return {};
  double gamma = getGamma().convertToDouble(), margin = getMargin().convertToDouble();
  Value cosine = c.matmul(getEmbeddings(), getReferenceEmbeddings(), false, true);
  Value distance = c.op("relu", {c.rest(cosine)});
  Value same = c.compare("eq", c.reshape(getLabels(), {B, 1}), getReferenceLabels());
  Value one = c.constant(1, distance), none = c.constant(0, distance);
  Value positive = c.select(same, one, none), negative = c.select(same, none, one);
  if (getRemoveDiagonal()) {
    std::vector<float> cells(size_t(B * R), 1);
    for (int64_t i = 0; i < std::min(B, R); ++i)
      cells[size_t(i * R + i)] = 0;
    auto type = RankedTensorType::get({B, R}, builder.getF32Type());
    Value others =
        ConstantOp::create(builder, getLoc(), DenseElementsAttr::get(type, ArrayRef<float>(cells)));
    positive = c.mul(positive, c.cast(others, distance));
  }
  auto logSum = [&](Value present, Value power) {
    // Far below any other power, so that e^ of it is 0 and the softplus of an empty sum as well.
    Value where = c.select(c.compare("gt", present, 0), power, c.constant(-1e30, power));
    NamedAttribute kind = builder.getNamedAttr("kind", builder.getStringAttr("max"));
    Value most = c.op("stop_gradient",
                      {c.op("reduce", {where},
                            {kind, builder.getNamedAttr("axes", builder.getDenseI64ArrayAttr({1})),
                             builder.getNamedAttr("keepdims", builder.getBoolAttr(true))})});
    Value sum = c.sum(c.exp(c.sub(where, most)), {1}, false);
    return c.add(c.op("log", {sum}), c.reshape(most, {B}));
  };
  auto weighed = [&](Value weight, Value rest, double scale) {
    return c.mul(c.mul(c.op("relu", {weight}), rest), scale);
  };
  Value minus = c.neg(distance);
  Value p = logSum(positive, weighed(c.add(distance, margin), c.add(minus, margin), -gamma));
  Value n = logSum(negative, weighed(c.add(minus, 1 + margin), c.add(minus, 1 - margin), gamma));
  return c.op("softplus", {c.add(p, n)});
}

Value BatchNormOp::decompose(OpBuilder &b) {
  Location loc = getLoc();
  RankedTensorType type = getType(), vector = getGamma().getType();
  int64_t axis = positive(getAxis(), type.getRank());
  auto epsilon = cast<ElementsAttr>(Attribute(DenseElementsAttr::get(
      RankedTensorType::get({}, type.getElementType()),
      FloatAttr::get(type.getElementType(), getEpsilon().convertToDouble()))));
  Value deviation = SqrtOp::create(
      b, loc, vector,
      AddOp::create(b, loc, vector, getVariance(), ConstantOp::create(b, loc, epsilon)));
  Value scale = DivOp::create(b, loc, vector, getGamma(), deviation);
  Value shift =
      SubOp::create(b, loc, vector, getBeta(), MulOp::create(b, loc, vector, getMean(), scale));
  // Parameters align with `axis` by trailing ones.
  SmallVector<int64_t> shape(type.getRank() - axis, 1);
  shape[0] = vector.getDimSize(0);
  auto aligned = [&](Value v) -> Value {
    if (shape.size() == 1)
      return v;
    return ReshapeOp::create(b, loc, RankedTensorType::get(shape, type.getElementType()), v,
                             b.getDenseI64ArrayAttr(shape));
  };
  Value scaled = MulOp::create(b, loc, type, getInput(), aligned(scale));
  return AddOp::create(b, loc, type, scaled, aligned(shift));
}

} // namespace cornet

#define GET_OP_CLASSES
#include "ir/Ops/Structured.cpp.inc"
