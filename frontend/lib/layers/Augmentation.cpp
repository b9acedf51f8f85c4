// SPDX-License-Identifier: Apache-2.0
//
// Images varied in training. The geometric layers give each image an affine map from the cells of
// the result to places of the image, and read there by one op, grid_sample.
#include "frontend/lib/layers/Support.h"

#include <cornet/augmentation.h>

#include <algorithm>
#include <numbers>

namespace cornet {
namespace {

/// Whether `x` is a batch of images; else a mistake.
bool images(const Tensor &x) { return !wrongRank(x, 4, "4 (N, H, W, C)", "it varies images"); }

/// A draw for each image, uniform in the range: (N, 1, 1, 1).
Tensor draw(const Tensor &x, Factor range, int64_t seed) {
  if (range.lower == range.upper)
    return forEachRow(ops::constant(x, {1, 1, 1}, {float(range.lower)}), x);
  Tensor like = ops::slice(x, {0, 0, 0, 0}, {-1, 1, 1, 1});
  return ops::randomUniform(like, uint64_t(seed)) * (range.upper - range.lower) + range.lower;
}

/// 0, 1, ... as (H, 1, 1), or (W, 1): aligned with its dimension of (N, H, W, C).
Tensor grid(const Tensor &x, int64_t extent, bool vertical) {
  std::vector<float> cells;
  for (int64_t i = 0; i < extent; ++i)
    cells.push_back(float(i));
  return ops::constant(x, vertical ? Shape{extent, 1, 1} : Shape{extent, 1}, std::move(cells));
}

/// `x` read at the places (row, column), which broadcast to (N, height, width, 1).
Tensor sample(const Tensor &x, const Tensor &row, const Tensor &column, int64_t height,
              int64_t width, const std::string &interpolation, const std::string &mode,
              double value) {
  Shape whole{-1, height, width, 1};
  Tensor places = ops::concat({ops::broadcast(row, whole), ops::broadcast(column, whole)}, -1);
  return ops::record(
      "grid_sample", {x, places},
      {{"interpolation", interpolation}, {"fill_mode", mode}, {"fill_value", value}});
}

/// Options with fill_mode and interpolation.
template <class Options> struct Sampling : With<Options> {
  using With<Options>::With, With<Options>::o, Layer::kind;

  std::vector<std::string> examine() const override {
    std::vector<std::string> mistakes = With<Options>::examine();
    auto known = [](const std::string &word, std::initializer_list<const char *> words) {
      return std::find(words.begin(), words.end(), word) != words.end();
    };
    if (!known(o.fill_mode, {"constant", "nearest", "reflect", "wrap"}))
      mistakes.push_back("fill_mode is '" + o.fill_mode +
                         "'; use \"constant\", \"nearest\", \"reflect\" or \"wrap\"");
    if (!known(o.interpolation, {"nearest", "bilinear"}))
      mistakes.push_back("interpolation is '" + o.interpolation +
                         "'; use \"nearest\" or \"bilinear\"");
    return mistakes;
  }

  static void inRange(std::vector<std::string> &mistakes, const char *name, Factor factor) {
    if (!(factor.lower >= -1 && factor.upper <= 1))
      mistakes.push_back(std::string(name) + " must lie in [-1, 1]");
  }

  Tensor at(const Tensor &x, const Tensor &row, const Tensor &column) {
    return sample(x, row, column, x.shape()[1], x.shape()[2], o.interpolation, o.fill_mode,
                  o.fill_value);
  }
};

struct RandomFlipLayer : With<RandomFlipOptions> {
  using With::With;
  std::vector<std::string> examine() const override {
    if (o.mode == "horizontal" || o.mode == "vertical" || o.mode == "horizontal_and_vertical")
      return {};
    return {"mode is '" + o.mode +
            "'; use \"horizontal\", \"vertical\" or \"horizontal_and_vertical\""};
  }
  Tensor call(const std::vector<Tensor> &xs) override {
    const Tensor &x = xs[0];
    if (!images(x))
      return poison(x);
    if (!x.training())
      return x;
    int64_t H = x.shape()[1], W = x.shape()[2];
    Tensor flips = ops::compare(draw(x, {0, 1}, o.seed), 0.5, "le");
    auto mirrored = [&](const Tensor &place, int64_t extent, bool on) {
      return on ? ops::select(flips, double(extent - 1) - place, place) : forEachRow(place, x);
    };
    return sample(x, mirrored(grid(x, H, true), H, o.mode != "horizontal"),
                  mirrored(grid(x, W, false), W, o.mode != "vertical"), H, W, "nearest", "nearest",
                  0);
  }
};

struct RandomRotationLayer : Sampling<RandomRotationOptions> {
  using Sampling::Sampling;
  std::vector<std::string> examine() const override {
    std::vector<std::string> mistakes = Sampling::examine();
    inRange(mistakes, "factor", o.factor);
    return mistakes;
  }
  Tensor call(const std::vector<Tensor> &xs) override {
    const Tensor &x = xs[0];
    if (!images(x))
      return poison(x);
    if (!x.training())
      return x;
    double cy = double(x.shape()[1] - 1) / 2, cx = double(x.shape()[2] - 1) / 2;
    Tensor angle = draw(x, o.factor, o.seed) * (2 * std::numbers::pi);
    Tensor cos = ops::cos(angle), sin = ops::sin(angle);
    Tensor row = grid(x, x.shape()[1], true) - cy, column = grid(x, x.shape()[2], false) - cx;
    return at(x, sin * column + cos * row + cy, cos * column - sin * row + cx);
  }
};

struct RandomTranslationLayer : Sampling<RandomTranslationOptions> {
  using Sampling::Sampling;
  std::vector<std::string> examine() const override {
    std::vector<std::string> mistakes = Sampling::examine();
    inRange(mistakes, "height_factor", o.height_factor);
    inRange(mistakes, "width_factor", o.width_factor);
    return mistakes;
  }
  Tensor call(const std::vector<Tensor> &xs) override {
    const Tensor &x = xs[0];
    if (!images(x))
      return poison(x);
    if (!x.training())
      return x;
    int64_t H = x.shape()[1], W = x.shape()[2];
    Tensor down = draw(x, o.height_factor, o.seed) * double(H),
           right = draw(x, o.width_factor, o.seed) * double(W);
    return at(x, grid(x, H, true) - down, grid(x, W, false) - right);
  }
};

struct RandomZoomLayer : Sampling<RandomZoomOptions> {
  using Sampling::Sampling;
  std::vector<std::string> examine() const override {
    std::vector<std::string> mistakes = Sampling::examine();
    for (Factor factor : {o.height_factor, o.width_factor.value_or(o.height_factor)})
      if (!(factor.lower > -1 && factor.upper <= 1)) {
        mistakes.push_back("height_factor and width_factor must lie in (-1, 1]");
        break;
      }
    return mistakes;
  }
  Tensor call(const std::vector<Tensor> &xs) override {
    const Tensor &x = xs[0];
    if (!images(x))
      return poison(x);
    if (!x.training())
      return x;
    Tensor tall = draw(x, o.height_factor, o.seed) + 1;
    Tensor wide = o.width_factor ? draw(x, *o.width_factor, o.seed) + 1 : tall;
    auto place = [&](const Tensor &zoom, int64_t extent, bool vertical) {
      double centre = double(extent - 1) / 2;
      return zoom * (grid(x, extent, vertical) - centre) + centre;
    };
    return at(x, place(tall, x.shape()[1], true), place(wide, x.shape()[2], false));
  }
};

struct RandomShearLayer : Sampling<RandomShearOptions> {
  using Sampling::Sampling;
  std::vector<std::string> examine() const override {
    std::vector<std::string> mistakes = Sampling::examine();
    inRange(mistakes, "x_factor", o.x_factor), inRange(mistakes, "y_factor", o.y_factor);
    return mistakes;
  }
  Tensor call(const std::vector<Tensor> &xs) override {
    const Tensor &x = xs[0];
    if (!images(x))
      return poison(x);
    if (!x.training())
      return x;
    Tensor invert = ops::compare(draw(x, {0, 1}, o.seed), 0.5, "gt");
    auto signedDraw = [&](Factor factor) {
      Tensor shear = draw(x, factor, o.seed);
      return ops::select(invert, -shear, shear);
    };
    Tensor row = grid(x, x.shape()[1], true), column = grid(x, x.shape()[2], false);
    Tensor down = signedDraw(o.y_factor), right = signedDraw(o.x_factor);
    return at(x, row + down * column, column + right * row);
  }
};

struct RandomCropLayer : With<RandomCropOptions> {
  using With::With;
  std::vector<std::string> examine() const override {
    if (o.height > 0 && o.width > 0)
      return {};
    return {"height and width must be positive; set both"};
  }

  /// The largest centred window of the wanted aspect, resized.
  Tensor centred(const Tensor &x, int64_t H, int64_t W) {
    int64_t height = std::clamp<int64_t>(W * o.height / o.width, 1, H);
    int64_t width = std::clamp<int64_t>(H * o.width / o.height, 1, W);
    Tensor y = x;
    if (height != H || width != W)
      y = ops::slice(x, {0, (H - height) / 2, (W - width) / 2, 0},
                     {-1, height, width, x.shape()[3]});
    return height == o.height && width == o.width
               ? y
               : ops::record("resize", {y}, {{"size", Shape{o.height, o.width}}});
  }

  Tensor call(const std::vector<Tensor> &xs) override {
    const Tensor &x = xs[0];
    if (!images(x))
      return poison(x);
    int64_t H = x.shape()[1], W = x.shape()[2];
    if (!x.training() || H <= o.height || W <= o.width)
      return centred(x, H, W);
    auto start = [&](int64_t extent, int64_t window) {
      Tensor one = ops::constant(x, {1}, {0});
      return ops::floor(ops::randomUniform(one, uint64_t(o.seed)) * double(extent - window + 1));
    };
    Tensor row = forEachRow(grid(x, o.height, true) + start(H, o.height), x),
           column = forEachRow(grid(x, o.width, false) + start(W, o.width), x);
    return sample(x, row, column, o.height, o.width, "nearest", "nearest", 0);
  }
};

/// Layers that change the cells' values, with a value_range.
template <class Options> struct Coloring : With<Options> {
  using With<Options>::With, With<Options>::o;

  std::vector<std::string> examine() const override {
    std::vector<std::string> mistakes;
    if (o.value_range.size() != 2 || !(o.value_range[0] < o.value_range[1]))
      mistakes.push_back("value_range must be two numbers, the lower first");
    if (!(o.factor.lower >= -1 && o.factor.upper <= 1))
      mistakes.push_back("factor must lie in [-1, 1]");
    return mistakes;
  }
  Tensor cut(const Tensor &x) { return ops::clamp(x, o.value_range[0], o.value_range[1]); }
};

struct RandomContrastLayer : Coloring<RandomContrastOptions> {
  using Coloring::Coloring;
  Tensor call(const std::vector<Tensor> &xs) override {
    const Tensor &x = xs[0];
    if (!images(x))
      return poison(x);
    if (!x.training())
      return x;
    Tensor factor = draw(x, {1 - std::abs(o.factor.lower), 1 + o.factor.upper}, o.seed);
    Tensor mean = ops::mean(x, {1, 2}, true);
    return cut((x - mean) * factor + mean);
  }
};

struct RandomBrightnessLayer : Coloring<RandomBrightnessOptions> {
  using Coloring::Coloring;
  Tensor call(const std::vector<Tensor> &xs) override {
    const Tensor &x = xs[0];
    if (!images(x))
      return poison(x);
    if (!x.training())
      return x;
    return cut(x + draw(x, o.factor, o.seed) * (o.value_range[1] - o.value_range[0]));
  }
};

} // namespace

CORNET_LAYER(RandomFlip, RandomFlipOptions, RandomFlipLayer)
CORNET_LAYER(RandomRotation, RandomRotationOptions, RandomRotationLayer)
CORNET_LAYER(RandomTranslation, RandomTranslationOptions, RandomTranslationLayer)
CORNET_LAYER(RandomZoom, RandomZoomOptions, RandomZoomLayer)
CORNET_LAYER(RandomShear, RandomShearOptions, RandomShearLayer)
CORNET_LAYER(RandomCrop, RandomCropOptions, RandomCropLayer)
CORNET_LAYER(RandomContrast, RandomContrastOptions, RandomContrastLayer)
CORNET_LAYER(RandomBrightness, RandomBrightnessOptions, RandomBrightnessLayer)

} // namespace cornet
