// SPDX-License-Identifier: Apache-2.0
//
// Layers that act in training only: noise on the data, terms of the loss. Draws are keyed by the
// layer's seed, the step and the place in the recording, so that each call of each step has its
// own.
#include "frontend/lib/layers/Support.h"

#include <cmath>

namespace cornet {
namespace {

uint64_t seedOf(int64_t seed) { return uint64_t(seed); }

/// Whether a draw is kept, of the given shape, in which -1 is the input's extent. The batch's own
/// extent is none of a constant's, so that a mask for each row takes its shape from a slice.
Tensor kept(const Tensor &x, Shape shape, double rate, int64_t seed) {
  for (size_t d = 0; d < shape.size(); ++d)
    shape[d] = shape[d] < 0 ? x.shape()[d] : shape[d];
  bool whole = shape == x.shape(), perRow = shape[0] < 0;
  Tensor like = whole    ? x
                : perRow ? ops::slice(x, Shape(x.rank(), 0), shape)
                         : ops::constant(x, shape, {0});
  return ops::compare(ops::randomUniform(like, seedOf(seed)), rate, "ge");
}

/// noise_shape as a shape of the input's rank; empty, with a mistake, where it fits none.
Shape noiseShape(const Tensor &x, const Shape &given) {
  if (given.empty())
    return Shape(x.rank(), -1);
  bool fits = given.size() == x.rank();
  for (size_t d = 0; fits && d < given.size(); ++d)
    fits = given[d] == -1 || given[d] == 1 || (d > 0 && given[d] == x.shape()[d]);
  if (fits)
    return given;
  x.graph->mistake("noise_shape " + infer::text(given) + " does not broadcast to the input's " +
                   infer::text(x.shape()) +
                   "; it has the batch first, and -1 stands for the "
                   "input's extent");
  return {};
}

/// Inverted dropout: what is kept stands for what is dropped.
Tensor dropout(const Tensor &x, const Shape &shape, double rate, int64_t seed) {
  double scale = rate < 1 ? 1 / (1 - rate) : 0; // of a rate of 1 nothing is kept
  return ops::select(kept(x, shape, rate, seed), x * scale, ops::constant(x, 0));
}

struct DropoutLayer : With<DropoutOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    Shape shape = noiseShape(x[0], o.noise_shape);
    if (shape.empty())
      return poison(x[0]);
    return x[0].training() && o.rate > 0 ? dropout(x[0], shape, o.rate, o.seed) : x[0];
  }
};

struct SpatialDropoutLayer : With<SpatialDropoutOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    bool flat = kind.ends_with("1D");
    if (wrongRank(x[0], flat ? 3 : 4, flat ? "3 (N, T, C)" : "4 (N, H, W, C)",
                  "it drops whole channels of what lies between batch and channels"))
      return poison(x[0]);
    Shape shape = flat ? Shape{-1, 1, -1} : Shape{-1, 1, 1, -1};
    return x[0].training() && o.rate > 0 ? dropout(x[0], shape, o.rate, o.seed) : x[0];
  }
};

struct GaussianDropoutLayer : With<SpatialDropoutOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    if (!x[0].training() || o.rate == 0)
      return x[0];
    double deviation = std::sqrt(o.rate / (1 - o.rate));
    return x[0] * (ops::randomNormal(x[0], seedOf(o.seed)) * deviation + 1);
  }
};

struct AlphaDropoutLayer : With<DropoutOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    Shape shape = noiseShape(x[0], o.noise_shape);
    if (shape.empty())
      return poison(x[0]);
    if (!x[0].training() || o.rate == 0)
      return x[0];
    // Dropped cells take SELU's value at minus infinity; a and b restore mean and variance.
    double low = -1.6732632423543772 * 1.0507009873554805;
    double a = o.rate < 1 ? 1 / std::sqrt((1 - o.rate) * (1 + o.rate * low * low)) : 0;
    double b = -a * low * o.rate;
    return ops::select(kept(x[0], shape, o.rate, o.seed), x[0] * a + b,
                       ops::constant(x[0], a * low + b));
  }
};

struct GaussianNoiseLayer : With<GaussianNoiseOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    if (!x[0].training() || o.stddev == 0)
      return x[0];
    return x[0] + ops::randomNormal(x[0], seedOf(o.seed)) * o.stddev;
  }
};

struct ActivityRegularizationLayer : With<ActivityRegularizationOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    if (!x[0].training())
      return x[0];
    std::vector<int64_t> inner; // the mean over rows of the rows' sums
    for (size_t d = 1; d < x[0].rank(); ++d)
      inner.push_back(int64_t(d));
    auto add = [&](double factor, const Tensor &cells) {
      if (factor != 0)
        ops::addLoss(ops::mean(inner.empty() ? cells : ops::sum(cells, inner)) * factor);
    };
    add(o.l1, ops::abs(x[0])), add(o.l2, x[0] * x[0]);
    return x[0];
  }
};

} // namespace

CORNET_LAYER(Dropout, DropoutOptions, DropoutLayer)
CORNET_LAYER(SpatialDropout1D, SpatialDropoutOptions, SpatialDropoutLayer)
CORNET_LAYER(SpatialDropout2D, SpatialDropoutOptions, SpatialDropoutLayer)
CORNET_LAYER(GaussianDropout, SpatialDropoutOptions, GaussianDropoutLayer)
CORNET_LAYER(AlphaDropout, DropoutOptions, AlphaDropoutLayer)
CORNET_LAYER(GaussianNoise, GaussianNoiseOptions, GaussianNoiseLayer)
CORNET_LAYER(ActivityRegularization, ActivityRegularizationOptions, ActivityRegularizationLayer)

} // namespace cornet
