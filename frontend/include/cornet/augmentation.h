// SPDX-License-Identifier: Apache-2.0
//
// Layers that vary images (N, H, W, C) while training, with Keras 3's names, defaults and geometry,
// channels last. In inference they are the identity, but RandomCrop, which always gives its size.
// Each image of each step has its own draw; the bits are Philox's, not Keras's.
//
//     Tensor x = RandomFlip({.mode = "horizontal"})(RandomRotation({.factor = 0.1})(image));
//
// No gradient flows through the geometric ones: they stand before everything that is trained.
#pragma once

#include <cornet/layers.h>

#include <optional>

namespace cornet {

/// The range of a draw: one number stands for itself to both sides of 0.
struct Factor {
  double lower = 0, upper = 0;
  Factor(double both) : lower(both < 0 ? both : -both), upper(-lower) {}
  Factor(double one, double other)
      : lower(one < other ? one : other), upper(lower == one ? other : one) {}
};

struct RandomFlipOptions {
  std::string mode = "horizontal_and_vertical"; ///< both axes or none; or "horizontal", "vertical"
  int64_t seed = 0;                             ///< 0: the step's
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("mode", mode), v("seed", seed); }
};

/// How cells are found between and outside those of the image.
#define CORNET_SAMPLING_OPTIONS                                                                    \
  std::string fill_mode = "reflect";      /* or "constant", "nearest", "wrap" */                   \
  std::string interpolation = "bilinear"; /* or "nearest" */                                       \
  int64_t seed = 0;                       /* 0: the step's */                                      \
  double fill_value = 0;                  /* with "constant" */                                    \
  CORNET_LAYER_OPTIONS

struct RandomRotationOptions {
  Factor factor = 0; ///< of a whole turn, counterclockwise, in [-1, 1]
  CORNET_SAMPLING_OPTIONS;
  template <class V> void fields(V &&v) {
    v("factor", factor), v("fill_mode", fill_mode), v("interpolation", interpolation),
        v("seed", seed), v("fill_value", fill_value);
  }
};
struct RandomTranslationOptions {
  Factor height_factor = 0, width_factor = 0; ///< of the extent, down and to the right, in [-1, 1]
  CORNET_SAMPLING_OPTIONS;
  template <class V> void fields(V &&v) {
    v("height_factor", height_factor), v("width_factor", width_factor), v("fill_mode", fill_mode),
        v("interpolation", interpolation), v("seed", seed), v("fill_value", fill_value);
  }
};
struct RandomZoomOptions {
  Factor height_factor = 0;             ///< positive: out, negative: in; in (-1, 1]
  std::optional<Factor> width_factor{}; ///< none: the image keeps its aspect
  CORNET_SAMPLING_OPTIONS;
  template <class V> void fields(V &&v) {
    v("height_factor", height_factor), v("width_factor", width_factor), v("fill_mode", fill_mode),
        v("interpolation", interpolation), v("seed", seed), v("fill_value", fill_value);
  }
};
struct RandomShearOptions {
  Factor x_factor = 0, y_factor = 0; ///< cells for each cell of the other axis; in [-1, 1]
  CORNET_SAMPLING_OPTIONS;
  template <class V> void fields(V &&v) {
    v("x_factor", x_factor), v("y_factor", y_factor), v("fill_mode", fill_mode),
        v("interpolation", interpolation), v("seed", seed), v("fill_value", fill_value);
  }
};
struct RandomCropOptions {
  int64_t height = 0, width = 0;
  int64_t seed = 0;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) { v("height", height), v("width", width), v("seed", seed); }
};
struct RandomContrastOptions {
  Factor factor = 0; ///< a pair is (lower, upper) as below; in [0, 1]
  std::vector<double> value_range{0, 255};
  int64_t seed = 0;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("factor", factor), v("value_range", value_range), v("seed", seed);
  }
};
struct RandomBrightnessOptions {
  Factor factor = 0; ///< of the width of value_range; in [-1, 1]
  std::vector<double> value_range{0, 255};
  int64_t seed = 0;
  CORNET_LAYER_OPTIONS;
  template <class V> void fields(V &&v) {
    v("factor", factor), v("value_range", value_range), v("seed", seed);
  }
};

// Half of the images are mirrored.
Handle RandomFlip(RandomFlipOptions options = {}, Where where = Where::current());
// About the image's centre, by 2 pi factor.
Handle RandomRotation(RandomRotationOptions options, Where where = Where::current());
Handle RandomTranslation(RandomTranslationOptions options, Where where = Where::current());
// About the image's centre: a cell shows what was at 1 + factor times its distance.
Handle RandomZoom(RandomZoomOptions options, Where where = Where::current());
// About the first cell; the draws keep their sign or lose it together.
Handle RandomShear(RandomShearOptions options, Where where = Where::current());
// A window of (height, width), the same for the whole batch. In inference, and from images that are
// not larger, the largest centred window of that aspect, resized.
Handle RandomCrop(RandomCropOptions options, Where where = Where::current());
// (x - mean) f + mean for each channel, f in [1 - lower, 1 + upper], cut to value_range. Of one
// number as factor, both are that number, as Keras documents it (Keras 3.15 takes 0 as lower).
Handle RandomContrast(RandomContrastOptions options, Where where = Where::current());
// x + factor (high - low), cut to value_range.
Handle RandomBrightness(RandomBrightnessOptions options, Where where = Where::current());

} // namespace cornet
