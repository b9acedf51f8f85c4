// SPDX-License-Identifier: Apache-2.0
// Pictures in another size and with another number of channels. Both work on floats; a picture of
// another type is converted first.
#include <cornet/data/files.h>

#include <algorithm>
#include <fmt/format.h>

namespace cornet::data {
namespace {

void demandImage(const Array &image, const char *what) {
  if (image.shape.size() != 3)
    throw Error(fmt::format("{}: an image has 3 dimensions (height, width, channels), not shape {}",
                            what, shapeText(image.shape)));
}

/// Where each of `to` cells lies between two of `from`.
struct Tap {
  int64_t low, high;
  float share; ///< of `high`
};

std::vector<Tap> taps(int64_t from, int64_t to) {
  std::vector<Tap> result(static_cast<size_t>(to));
  for (int64_t i = 0; i < to; ++i) {
    double at = (double(i) + 0.5) * double(from) / double(to) - 0.5;
    at = std::clamp(at, 0.0, double(from - 1));
    int64_t low = int64_t(at);
    result[size_t(i)] = {low, std::min(low + 1, from - 1), float(at - double(low))};
  }
  return result;
}

} // namespace

Array resizeImage(const Array &image, int64_t height, int64_t width) {
  demandImage(image, "resizeImage");
  int64_t h = image.shape[0], w = image.shape[1], channels = image.shape[2];
  if (height <= 0 || width <= 0 || h == 0 || w == 0)
    throw Error(fmt::format("resizeImage: {} cannot become {} high and {} wide",
                            shapeText(image.shape), height, width));
  Array source = image.as(DType::F32), result(DType::F32, {height, width, channels});
  const float *in = source.data<float>().data();
  float *out = result.data<float>().data();
  std::vector<Tap> columns = taps(w, width);
  for (const Tap &y : taps(h, height)) {
    const float *top = in + y.low * w * channels, *bottom = in + y.high * w * channels;
    for (const Tap &x : columns)
      for (int64_t c = 0; c < channels; ++c) {
        int64_t left = x.low * channels + c, right = x.high * channels + c;
        float above = top[left] + (top[right] - top[left]) * x.share;
        float below = bottom[left] + (bottom[right] - bottom[left]) * x.share;
        *out++ = above + (below - above) * y.share;
      }
  }
  return result;
}

Array withChannels(const Array &image, int64_t channels) {
  demandImage(image, "withChannels");
  if (image.shape[2] == channels)
    return image;
  bool toColour = image.shape[2] == 1 && channels == 3;
  if (!toColour && !(image.shape[2] == 3 && channels == 1))
    throw Error(fmt::format("withChannels: {} channels cannot become {}; 1 and 3 can",
                            image.shape[2], channels));
  Array source = image.as(DType::F32);
  Array result(DType::F32, {image.shape[0], image.shape[1], channels});
  std::span<const float> in = source.data<float>();
  std::span<float> out = result.data<float>();
  for (size_t i = 0, end = in.size() / size_t(image.shape[2]); i < end; ++i)
    if (toColour)
      out[3 * i] = out[3 * i + 1] = out[3 * i + 2] = in[i];
    else
      out[i] = float(0.299 * in[3 * i] + 0.587 * in[3 * i + 1] + 0.114 * in[3 * i + 2]);
  return result;
}

} // namespace cornet::data
