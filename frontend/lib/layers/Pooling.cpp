// SPDX-License-Identifier: Apache-2.0
//
// Pooling, resizing, padding and cropping over one and two dimensions, channels last.
#include "frontend/lib/layers/Support.h"

namespace cornet {
namespace {

constexpr const char *image = "4 (N, H, W, C)", *sequence = "3 (N, T, C)";

template <class Options> struct PoolingLayer : With<Options> {
  using With<Options>::With, With<Options>::o, Layer::kind;
  Tensor call(const std::vector<Tensor> &x) override {
    Shape window, strides, ones;
    if constexpr (std::is_same_v<Options, Pooling1DOptions>)
      window = {o.pool_size}, strides = {o.strides}, ones = {1};
    else
      window = list(o.pool_size), strides = list(o.strides), ones = {1, 1};
    if (wrongRank(x[0], window.size() + 2, window.size() == 1 ? sequence : image,
                  "add Reshape() before it"))
      return poison(x[0]);
    if (strides[0] == 0)
      strides = window;
    return ops::record(
        kind.starts_with("Max") ? "max_pool" : "avg_pool", {x[0]},
        windowAttributes(x[0], window, strides, ones, o.padding, {{"window", window}}));
  }
};

struct GlobalPoolingLayer : With<GlobalPoolingOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    bool flat = kind.ends_with("1D");
    if (wrongRank(x[0], flat ? 3 : 4, flat ? sequence : image,
                  "it pools over what lies between batch and channels"))
      return poison(x[0]);
    return ops::reduce(x[0], kind.starts_with("GlobalMax") ? "max" : "mean",
                       flat ? Shape{1} : Shape{1, 2}, o.keepdims);
  }
};

struct UpSampling2DLayer : With<UpSampling2DOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    if (wrongRank(x[0], 4, image, "add Reshape() before it"))
      return poison(x[0]);
    int64_t H = x[0].shape()[1], W = x[0].shape()[2], C = x[0].shape()[3], h = o.size.height,
            w = o.size.width;
    if (h < 1 || w < 1)
      return poison(x[0], "size must be positive");
    if (o.interpolation == "bilinear")
      return ops::record("resize", {x[0]}, {{"size", Shape{H * h, W * w}}});
    if (o.interpolation != "nearest")
      return poison(x[0],
                    "interpolation is '" + o.interpolation + "'; use \"nearest\" or \"bilinear\"");
    Tensor apart = ops::reshape(x[0], {-1, H, 1, W, 1, C});
    return ops::reshape(ops::broadcast(apart, {-1, H, h, W, w, C}), {-1, H * h, W * w, C});
  }
};

/// Zeros around, or cells cut from, the dimensions after the batch: {before, after} of each.
Tensor pad(const Tensor &x, std::vector<Pair> sides) {
  if (wrongRank(x, sides.size() + 2, sides.size() == 1 ? sequence : image,
                "add Reshape() before it"))
    return poison(x);
  Shape low(x.rank(), 0), high(x.rank(), 0);
  for (size_t d = 0; d < sides.size(); ++d)
    low[d + 1] = sides[d].height, high[d + 1] = sides[d].width;
  return ops::record("pad", {x}, {{"low", low}, {"high", high}, {"value", 0.0}});
}

Tensor crop(const Tensor &x, std::vector<Pair> sides) {
  if (wrongRank(x, sides.size() + 2, sides.size() == 1 ? sequence : image,
                "add Reshape() before it"))
    return poison(x);
  Shape start(x.rank(), 0), size = x.shape();
  for (size_t d = 0; d < sides.size(); ++d) {
    start[d + 1] = sides[d].height, size[d + 1] -= sides[d].height + sides[d].width;
    if (size[d + 1] < 1)
      return poison(x, "cropping leaves nothing of " + std::to_string(x.shape()[d + 1]) +
                           " cells; crop less");
  }
  return ops::slice(x, start, size);
}

struct ZeroPadding1DLayer : With<Padding1DOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override { return pad(x[0], {o.padding}); }
};
struct ZeroPadding2DLayer : With<ZeroPadding2DOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    return pad(x[0], {o.top_bottom, o.left_right});
  }
};
struct Cropping1DLayer : With<Cropping1DOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override { return crop(x[0], {o.cropping}); }
};
struct Cropping2DLayer : With<Cropping2DOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    return crop(x[0], {o.top_bottom, o.left_right});
  }
};

} // namespace

CORNET_LAYER(MaxPooling1D, Pooling1DOptions, PoolingLayer<Pooling1DOptions>)
CORNET_LAYER(AveragePooling1D, Pooling1DOptions, PoolingLayer<Pooling1DOptions>)
CORNET_LAYER(MaxPooling2D, Pooling2DOptions, PoolingLayer<Pooling2DOptions>)
CORNET_LAYER(AveragePooling2D, Pooling2DOptions, PoolingLayer<Pooling2DOptions>)
CORNET_LAYER(GlobalAveragePooling1D, GlobalPoolingOptions, GlobalPoolingLayer)
CORNET_LAYER(GlobalMaxPooling1D, GlobalPoolingOptions, GlobalPoolingLayer)
CORNET_LAYER(GlobalAveragePooling2D, GlobalPoolingOptions, GlobalPoolingLayer)
CORNET_LAYER(GlobalMaxPooling2D, GlobalPoolingOptions, GlobalPoolingLayer)
CORNET_LAYER(UpSampling2D, UpSampling2DOptions, UpSampling2DLayer)
CORNET_LAYER(ZeroPadding1D, Padding1DOptions, ZeroPadding1DLayer)
CORNET_LAYER(ZeroPadding2D, ZeroPadding2DOptions, ZeroPadding2DLayer)
CORNET_LAYER(Cropping1D, Cropping1DOptions, Cropping1DLayer)
CORNET_LAYER(Cropping2D, Cropping2DOptions, Cropping2DLayer)

} // namespace cornet
