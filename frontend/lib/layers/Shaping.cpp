// SPDX-License-Identifier: Apache-2.0
//
// Layers that change shape only, and layers of several inputs.
#include "frontend/lib/layers/Support.h"

namespace cornet {
namespace {

struct FlattenLayer : With<PlainOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    int64_t cells = 1;
    for (size_t i = 1; i < x[0].rank(); ++i)
      cells *= x[0].shape()[i];
    return ops::reshape(x[0], {-1, cells});
  }
};

struct ReshapeLayer : With<ReshapeOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    Shape shape{-1};
    shape.insert(shape.end(), o.target_shape.begin(), o.target_shape.end());
    return ops::reshape(x[0], shape);
  }
};

struct PermuteLayer : With<PermuteOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    std::vector<int64_t> order{0};
    order.insert(order.end(), o.dims.begin(), o.dims.end());
    return ops::transpose(x[0], order);
  }
};

struct RepeatVectorLayer : With<RepeatVectorOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    if (wrongRank(x[0], 2, "2 (N, D)", "add Flatten() before it"))
      return poison(x[0]);
    if (o.n < 1)
      return poison(x[0], "n must be positive");
    int64_t width = x[0].shape()[1];
    return ops::broadcast(ops::reshape(x[0], {-1, 1, width}), {-1, o.n, width});
  }
};

struct MergeLayer : With<PlainOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    if (x.size() < 2 || (kind == "Subtract" && x.size() != 2))
      return poison(x[0], "takes " + std::string(kind == "Subtract" ? "two" : "at least two") +
                              " inputs, got " + std::to_string(x.size()));
    Tensor y = x[0];
    for (size_t i = 1; i < x.size(); ++i)
      y = kind == "Multiply"   ? y * x[i]
          : kind == "Subtract" ? y - x[i]
          : kind == "Maximum"  ? ops::maximum(y, x[i])
          : kind == "Minimum"  ? ops::minimum(y, x[i])
                               : y + x[i];
    return kind == "Average" ? y * (1.0 / double(x.size())) : y;
  }
};

struct ConcatenateLayer : With<ConcatenateOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override { return ops::concat(x, o.axis); }
};

struct DotLayer : With<DotOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    if (x.size() != 2 || x[0].rank() > 3 || x[1].rank() > 3 || x[0].rank() < 2 || x[1].rank() < 2)
      return poison(x[0], "takes two inputs of 2 or 3 dimensions, the batch among them");
    if (o.axes.empty() || o.axes.size() > 2)
      return poison(x[0], "axes must be one number or two");
    std::vector<int64_t> a = positive({o.axes.front()}, x[0].rank()),
                         b = positive({o.axes.back()}, x[1].rank());
    if (a.empty() || b.empty() || a[0] == 0 || b[0] == 0)
      return poison(x[0], "axes must name dimensions of the inputs after the batch");
    auto unit = [&](const Tensor &t, int64_t axis) {
      Tensor squares = ops::reduce(t * t, "sum", {axis}, true);
      return t * ops::rsqrt(ops::maximum(squares, ops::constant(t, 1e-12)));
    };
    Tensor left = o.normalize ? unit(x[0], a[0]) : x[0],
           right = o.normalize ? unit(x[1], b[0]) : x[1];
    // (N, rows, K) times (N, K, columns).
    bool flatLeft = left.rank() == 2, flatRight = right.rank() == 2;
    if (flatLeft)
      left = ops::reshape(left, {-1, 1, left.shape()[1]});
    else if (a[0] == 1)
      left = ops::transpose(left, {0, 2, 1});
    if (flatRight)
      right = ops::reshape(right, {-1, right.shape()[1], 1});
    else if (b[0] == 2)
      right = ops::transpose(right, {0, 2, 1});
    Tensor y = ops::matmul(left, right);
    if (!flatLeft && !flatRight)
      return y;
    return ops::reshape(y, {-1, flatLeft && flatRight ? 1
                                : flatLeft            ? y.shape()[2]
                                                      : y.shape()[1]});
  }
};

} // namespace

CORNET_LAYER(Flatten, PlainOptions, FlattenLayer)
CORNET_LAYER(Reshape, ReshapeOptions, ReshapeLayer)
CORNET_LAYER(Permute, PermuteOptions, PermuteLayer)
CORNET_LAYER(RepeatVector, RepeatVectorOptions, RepeatVectorLayer)
CORNET_LAYER(Add, PlainOptions, MergeLayer)
CORNET_LAYER(Subtract, PlainOptions, MergeLayer)
CORNET_LAYER(Multiply, PlainOptions, MergeLayer)
CORNET_LAYER(Average, PlainOptions, MergeLayer)
CORNET_LAYER(Maximum, PlainOptions, MergeLayer)
CORNET_LAYER(Minimum, PlainOptions, MergeLayer)
CORNET_LAYER(Concatenate, ConcatenateOptions, ConcatenateLayer)
CORNET_LAYER(Dot, DotOptions, DotLayer)

} // namespace cornet
