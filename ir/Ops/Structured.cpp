// SPDX-License-Identifier: Apache-2.0
//
// The reference of products, reductions, moves and the other structured ops in plain loops with
// double sums; those that walk windows are in Windows.cpp, composites in Composites.cpp.
#include "ir/Ops/Ops.h"
#include "ir/Reference/Loops.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

using namespace mlir;

namespace cornet {
namespace {

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
  // What comes transposed, as it is used.
  std::vector<double> left(size_t(ta ? K * M : 0)), right(size_t(tb ? N * K : 0));
  std::vector<double *> rows(M);
  std::vector<const double *> lefts(M);
  double *to = out.data.data();
  reference::forEach(ArrayRef<int64_t>(out.shape).drop_back(2), [&](ArrayRef<int64_t> batch) {
    const double *x = base(a, batch), *y = base(b, batch);
    if (ta)
      reference::transpose(x, K, M, left.data()), x = left.data();
    if (tb)
      reference::transpose(y, N, K, right.data()), y = right.data();
    for (int64_t m = 0; m < M; ++m, to += N)
      rows[m] = to, lefts[m] = x + m * K;
    reference::addProducts(rows, lefts, K, y, N, N);
  });
  return success();
}

LogicalResult ReduceOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  const HostTensor &x = *in[0];
  SmallVector<bool> reduced(x.shape.size(), false);
  int64_t count = 1;
  for (int64_t axis : getAxes()) {
    reduced[positiveAxis(axis, x.shape.size())] = true;
    count *= x.shape[positiveAxis(axis, x.shape.size())];
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
  int64_t axis = positiveAxis(getAxis(), out.shape.size()), inner = 1, outer = 1, base = 0;
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

LogicalResult TakeAlongAxisOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  size_t axis = size_t(positiveAxis(int64_t(getAxis()), out.shape.size()));
  int64_t extent = in[0]->shape[axis], stride = out.strides()[axis], taken = out.shape[axis];
  out.data.clear();
  for (int64_t i = 0; i < out.size(); ++i) {
    int64_t at = std::clamp<int64_t>(int64_t(in[1]->data[size_t(i)]), 0, extent - 1);
    out.data.push_back(
        in[0]->data[size_t((i / (stride * taken) * extent + at) * stride + i % stride)]);
  }
  return success();
}

LogicalResult TopKOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  int64_t n = in[0]->shape.back(), k = out.shape.back();
  std::vector<int64_t> order(n);
  out.data.clear();
  for (const double *row = in[0]->data.data(), *end = row + in[0]->size(); row != end; row += n) {
    std::iota(order.begin(), order.end(), 0);
    std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](int64_t i, int64_t j) {
      if (std::isnan(row[i]) || std::isnan(row[j]))
        return std::isnan(row[i]) && (!std::isnan(row[j]) || i < j);
      return row[i] != row[j] ? row[i] > row[j] : i < j;
    });
    out.data.insert(out.data.end(), order.begin(), order.begin() + k);
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

} // namespace cornet

#define GET_OP_CLASSES
#include "ir/Ops/Structured.cpp.inc"
