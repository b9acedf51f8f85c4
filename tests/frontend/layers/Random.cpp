// SPDX-License-Identifier: Apache-2.0
//
// Layers that draw: what is kept and how it is scaled, the moments of noise, other draws at each
// step and place and the same ones for the same seed; images varied within their bounds.
#include "tests/frontend/layers/Steps.h"

#include <functional>
#include <random>
#include <set>

namespace cornet::test {
namespace {

Cells cells(std::vector<int64_t> shape, std::function<float(size_t)> value) {
  Cells out{std::move(shape), {}};
  int64_t count = 1;
  for (int64_t extent : out.shape)
    count *= extent;
  for (int64_t i = 0; i < count; ++i)
    out.data.push_back(value(size_t(i)));
  return out;
}

Cells ones(std::vector<int64_t> shape) {
  return cells(std::move(shape), [](size_t) { return 1.0f; });
}

Cells noise(std::vector<int64_t> shape) {
  auto bits = std::make_shared<std::mt19937>(5);
  return cells(std::move(shape), [bits](size_t) { return float((*bits)() % 2000) / 1000 - 1; });
}

Shape inner(const Cells &x) { return Shape(x.shape.begin() + 1, x.shape.end()); }

/// What the layer makes of `x` in each of some training steps.
std::vector<Cells> inTraining(const Handle &layer, const Cells &x, int steps = 1) {
  TrainingGraph training;
  Tensor input = Input(inner(x));
  Steps run({input}, {layer(input)}, x.shape[0]);
  std::vector<Cells> out;
  for (int i = 0; i < steps && run.problems.empty(); ++i)
    for (Cells &y : run.step({x}))
      out.push_back(std::move(y));
  EXPECT_EQ(run.problems, "");
  return out;
}

Cells inInference(const Handle &layer, const Cells &x) {
  Recording recording;
  Tensor input = Input(inner(x));
  Steps run({input}, {layer(input)}, x.shape[0]);
  std::vector<Cells> out = run.step({x});
  EXPECT_EQ(run.problems, "");
  return out.at(0);
}

struct Moments {
  double mean = 0, deviation = 0;
};
Moments momentsOf(const Cells &x) {
  Moments m;
  for (float v : x.data)
    m.mean += v / double(x.data.size());
  for (float v : x.data)
    m.deviation += (v - m.mean) * (v - m.mean) / double(x.data.size());
  m.deviation = std::sqrt(m.deviation);
  return m;
}

TEST(Dropout, KeepsAFractionAndScalesIt) {
  Cells x = ones({64, 200});
  std::vector<Cells> y = inTraining(Dropout({.rate = 0.3}), x, 2);
  ASSERT_EQ(y.size(), 2u);
  for (const Cells &one : y) {
    size_t kept = 0;
    for (float v : one.data) {
      ASSERT_TRUE(v == 0 || v == float(1 / 0.7)) << v;
      kept += v != 0;
    }
    double deviation = std::sqrt(0.3 * 0.7 / double(x.data.size()));
    EXPECT_NEAR(double(kept) / double(x.data.size()), 0.7, 4 * deviation);
    EXPECT_NEAR(momentsOf(one).mean, 1, 4 * deviation / 0.7);
  }
  EXPECT_NE(y[0].data, y[1].data) << "each step draws anew";
  EXPECT_EQ(inInference(Dropout({.rate = 0.3}), x).data, x.data);
  EXPECT_EQ(inTraining(Dropout(), x)[0].data, x.data);
  EXPECT_EQ(momentsOf(inTraining(Dropout({.rate = 1}), x)[0]).mean, 0);
}

TEST(Dropout, IsTheSameForTheSameSeedAndStep) {
  Cells x = ones({16, 40});
  std::vector<Cells> a = inTraining(Dropout({.rate = 0.5, .seed = 7}), x, 3),
                     b = inTraining(Dropout({.rate = 0.5, .seed = 7}), x, 3),
                     c = inTraining(Dropout({.rate = 0.5, .seed = 8}), x, 1);
  for (size_t step = 0; step < 3; ++step)
    EXPECT_EQ(a[step].data, b[step].data);
  EXPECT_NE(a[0].data, c[0].data);
  // Two places of one seed have their own draws.
  TrainingGraph training;
  Tensor input = Input({40});
  Handle shared = Dropout({.rate = 0.5, .seed = 7});
  Steps run({input}, {shared(input), shared(input)}, 16);
  std::vector<Cells> both = run.step({x});
  ASSERT_EQ(run.problems, "");
  EXPECT_EQ(both[0].data, a[0].data);
  EXPECT_NE(both[0].data, both[1].data);
}

TEST(Dropout, HasTheGradientOfItsMask) {
  TrainingGraph training;
  Tensor x = Input({30});
  Tensor y = Dropout({.rate = 0.25})(x);
  Steps run({x}, {y, ops::gradient(y, x)}, 8);
  std::vector<Cells> out = run.step({ones({8, 30})});
  ASSERT_EQ(run.problems, "");
  EXPECT_EQ(out[0].data, out[1].data);
}

/// How many cells along `axis` differ from the first of their line.
size_t differing(const Cells &y, size_t axis) {
  int64_t stride = 1, count = 0;
  for (size_t d = axis + 1; d < y.shape.size(); ++d)
    stride *= y.shape[d];
  for (size_t i = 0; i < y.data.size(); ++i) {
    int64_t place = int64_t(i) / stride % y.shape[axis];
    count += y.data[i] != y.data[i - size_t(place * stride)];
  }
  return size_t(count);
}

TEST(Dropout, MasksMayBroadcast) {
  Cells x = ones({8, 6, 10});
  Cells y = inTraining(Dropout({.rate = 0.5, .noise_shape = {-1, 1, 10}}), x)[0];
  EXPECT_EQ(differing(y, 1), 0u);
  EXPECT_GT(differing(y, 0), 0u);
  y = inTraining(Dropout({.rate = 0.5, .noise_shape = {1, 6, -1}}), x)[0];
  EXPECT_EQ(differing(y, 0), 0u);
  EXPECT_GT(differing(y, 1), 0u);
  y = inTraining(SpatialDropout1D({.rate = 0.5}), x)[0];
  EXPECT_EQ(differing(y, 1), 0u);
  EXPECT_GT(differing(y, 2), 0u);
  y = inTraining(SpatialDropout2D({.rate = 0.5}), ones({8, 3, 4, 10}))[0];
  EXPECT_EQ(differing(y, 1) + differing(y, 2), 0u);
  EXPECT_GT(differing(y, 0), 0u);
  EXPECT_GT(differing(y, 3), 0u);
}

TEST(Noise, HasItsMoments) {
  Cells x = ones({100, 200});
  double error = 5 / std::sqrt(double(x.data.size()));
  Moments added = momentsOf(inTraining(GaussianNoise({.stddev = 0.5}), x)[0]);
  EXPECT_NEAR(added.mean, 1, 0.5 * error);
  EXPECT_NEAR(added.deviation, 0.5, 0.5 * error);
  Moments times = momentsOf(inTraining(GaussianDropout({.rate = 0.2}), x)[0]);
  EXPECT_NEAR(times.mean, 1, 0.5 * error);
  EXPECT_NEAR(times.deviation, 0.5, 0.5 * error) << "sqrt(0.2 / 0.8)";
  EXPECT_EQ(inInference(GaussianNoise({.stddev = 0.5}), x).data, x.data);
  EXPECT_EQ(inInference(GaussianDropout({.rate = 0.5}), x).data, x.data);
  EXPECT_EQ(inInference(AlphaDropout({.rate = 0.5}), x).data, x.data);
}

TEST(AlphaDropout, KeepsMeanAndVariance) {
  std::mt19937 bits(3);
  std::normal_distribution<float> normal;
  Cells x = cells({100, 200}, [&](size_t) { return normal(bits); });
  Cells y = inTraining(AlphaDropout({.rate = 0.3}), x)[0];
  Moments moments = momentsOf(y);
  EXPECT_NEAR(moments.mean, 0, 0.05);
  EXPECT_NEAR(moments.deviation, 1, 0.05);
  std::map<float, size_t> seen;
  for (float v : y.data)
    ++seen[v];
  size_t dropped = 0;
  for (auto [v, count] : seen)
    dropped = std::max(dropped, count);
  EXPECT_NEAR(double(dropped) / double(y.data.size()), 0.3, 0.02) << "all at one value";
}

/// Image `n` of a batch.
Cells imageOf(const Cells &batch, int64_t n) {
  int64_t size = int64_t(batch.data.size()) / batch.shape[0];
  return {inner(batch), {batch.data.begin() + n * size, batch.data.begin() + (n + 1) * size}};
}

Cells window(const Cells &image, int64_t top, int64_t left, int64_t height, int64_t width) {
  Cells out{{height, width, image.shape[2]}, {}};
  for (int64_t y = top; y < top + height; ++y)
    for (int64_t x = left; x < left + width; ++x)
      for (int64_t c = 0; c < image.shape[2]; ++c)
        out.data.push_back(image.data[size_t((y * image.shape[1] + x) * image.shape[2] + c)]);
  return out;
}

Cells mirrored(const Cells &image, bool down, bool across) {
  Cells out = image;
  int64_t H = image.shape[0], W = image.shape[1], C = image.shape[2];
  for (int64_t y = 0; y < H; ++y)
    for (int64_t x = 0; x < W; ++x)
      for (int64_t c = 0; c < C; ++c)
        out.data[size_t((y * W + x) * C + c)] =
            image.data[size_t(((down ? H - 1 - y : y) * W + (across ? W - 1 - x : x)) * C + c)];
  return out;
}

TEST(RandomFlip, MirrorsHalfOfTheImages) {
  Cells x = noise({40, 4, 5, 2});
  for (auto [mode, down, across] : {std::tuple{"horizontal", false, true},
                                    {"vertical", true, false},
                                    {"horizontal_and_vertical", true, true}}) {
    Cells y = inTraining(RandomFlip({.mode = mode}), x)[0];
    int flipped = 0;
    for (int64_t n = 0; n < 40; ++n) {
      Cells was = imageOf(x, n), is = imageOf(y, n);
      bool same = is.data == was.data;
      flipped += !same;
      EXPECT_TRUE(same || is.data == mirrored(was, down, across).data) << mode << n;
    }
    EXPECT_GT(flipped, 8) << mode;
    EXPECT_LT(flipped, 32) << mode;
  }
  EXPECT_EQ(inInference(RandomFlip(), x).data, x.data);
}

TEST(RandomCrop, TakesOneWindowOfTheBatch) {
  Cells x = noise({3, 6, 7, 2});
  std::set<std::pair<int64_t, int64_t>> places;
  for (const Cells &y : inTraining(RandomCrop({.height = 4, .width = 3}), x, 12)) {
    ASSERT_EQ(y.shape, (Shape{3, 4, 3, 2}));
    size_t found = 0;
    for (int64_t top = 0; top <= 2; ++top)
      for (int64_t left = 0; left <= 4; ++left) {
        bool all = true;
        for (int64_t n = 0; n < 3; ++n)
          all &= imageOf(y, n).data == window(imageOf(x, n), top, left, 4, 3).data;
        found += all;
        if (all)
          places.insert({top, left});
      }
    EXPECT_EQ(found, 1u);
  }
  EXPECT_GT(places.size(), 3u);
  // In inference the centre: of the same aspect here, so that nothing is resized.
  Cells wide = noise({2, 4, 7, 1});
  Cells y = inInference(RandomCrop({.height = 4, .width = 3}), wide);
  for (int64_t n = 0; n < 2; ++n)
    EXPECT_EQ(imageOf(y, n).data, window(imageOf(wide, n), 0, 2, 4, 3).data);
  EXPECT_EQ(inInference(RandomCrop({.height = 8, .width = 8}), wide).shape, (Shape{2, 8, 8, 1}));
}

TEST(RandomBrightness, AddsOneNumberToAnImage) {
  Cells x = noise({20, 3, 3, 2}),
        y = inTraining(RandomBrightness({.factor = 0.2, .value_range = {-5, 5}}), x)[0];
  std::set<float> seen;
  for (int64_t n = 0; n < 20; ++n) {
    Cells was = imageOf(x, n), is = imageOf(y, n);
    float delta = is.data[0] - was.data[0];
    EXPECT_LE(std::fabs(delta), 2);
    for (size_t i = 0; i < was.data.size(); ++i)
      EXPECT_NEAR(is.data[i] - was.data[i], delta, 1e-5);
    seen.insert(delta);
  }
  EXPECT_EQ(seen.size(), 20u);
}

TEST(RandomContrast, StretchesEachChannelAboutItsMean) {
  Cells x = noise({20, 3, 3, 1}),
        y = inTraining(RandomContrast({.factor = 0.4, .value_range = {-5, 5}}), x)[0];
  double least = 9, most = 0;
  for (int64_t n = 0; n < 20; ++n) {
    Cells was = imageOf(x, n), is = imageOf(y, n);
    Moments before = momentsOf(was), after = momentsOf(is);
    double factor = after.deviation / before.deviation;
    least = std::min(least, factor), most = std::max(most, factor);
    for (size_t i = 0; i < was.data.size(); ++i)
      EXPECT_NEAR(is.data[i], (was.data[i] - before.mean) * factor + before.mean, 1e-5);
  }
  EXPECT_GE(least, 0.6);
  EXPECT_LE(most, 1.4);
  EXPECT_LT(least, 0.9);
  EXPECT_GT(most, 1.1);
  Cells cut = inTraining(RandomContrast({.factor = 0.4, .value_range = {-0.1, 0.2}}), x)[0];
  for (float v : cut.data)
    EXPECT_TRUE(v >= -0.1f && v <= 0.2f) << v;
}

TEST(RandomShear, LeansToOneSideOrTheOther) {
  Cells x = noise({12, 4, 6, 1}),
        y = inTraining(
            RandomShear({.x_factor = {1, 1}, .fill_mode = "constant", .fill_value = 0.5}), x)[0];
  int right = 0;
  for (int64_t n = 0; n < 12; ++n) {
    Cells was = imageOf(x, n), is = imageOf(y, n);
    int sides = 0;
    for (int side : {-1, 1}) {
      bool all = true;
      for (int64_t i = 0; i < 4; ++i)
        for (int64_t j = 0; j < 6; ++j) {
          int64_t from = j + side * i;
          float want = from < 0 || from > 5 ? 0.5f : was.data[size_t(i * 6 + from)];
          all &= is.data[size_t(i * 6 + j)] == want;
        }
      sides += all;
      right += all && side > 0;
    }
    EXPECT_EQ(sides, 1) << n;
  }
  EXPECT_TRUE(right > 0 && right < 12) << right;
}

TEST(Augmentation, IsTheIdentityInInferenceAndVariesInTraining) {
  Cells x = noise({3, 5, 6, 2});
  for (const Handle &layer :
       {RandomRotation({.factor = 0.2}),
        RandomTranslation({.height_factor = 0.2, .width_factor = 0.2}),
        RandomZoom({.height_factor = 0.3}), RandomShear({.x_factor = 0.3, .y_factor = 0.2}),
        RandomContrast({.factor = 0.5, .value_range = {-5, 5}}),
        RandomBrightness({.factor = 0.5, .value_range = {-5, 5}})}) {
    EXPECT_EQ(inInference(layer, x).data, x.data) << layer.layer->kind;
    std::vector<Cells> y = inTraining(layer, x, 2);
    ASSERT_EQ(y.size(), 2u) << layer.layer->kind;
    EXPECT_EQ(y[0].shape, x.shape);
    EXPECT_NE(y[0].data, y[1].data) << layer.layer->kind;
    EXPECT_NE(y[0].data, x.data) << layer.layer->kind;
  }
}

/// Compiled, on any number of threads, the same bits are drawn.
TEST(Random, CompiledDrawsTheSame) {
  Cells x = noise({5, 8, 8, 2});
  for (unsigned threads : {1u, 2u}) {
    TrainingGraph training;
    Tensor input = Input({8, 8, 2});
    std::vector<Tensor> outputs{
        Dropout({.rate = 0.4, .seed = 3})(input), RandomFlip({.seed = 4})(input),
        GaussianNoise({.stddev = 0.3})(input), RandomRotation({.factor = 0.1})(input),
        RandomCrop({.height = 5, .width = 4})(input)};
    Steps steps({input}, outputs, 5);
    CompiledSteps compiled({input}, outputs, 5, threads);
    for (int step = 0; step < 3; ++step) {
      std::vector<Cells> got = steps.step({x}), ran = compiled.step({x});
      ASSERT_EQ(steps.problems + compiled.problems, "");
      for (size_t i = 0; i < got.size(); ++i)
        expectClose(ran[i], got[i], 2e-5, 1e-5, "output " + std::to_string(i));
    }
  }
}

/// Augmentation before weights does not stand in the way of their gradients.
TEST(Augmentation, StandsBeforeTrainedLayers) {
  Model model = Sequential({8, 8, 1}, {RandomFlip(), RandomRotation({.factor = 0.1}),
                                       Conv2D({.filters = 2, .kernel_size = 3, .use_bias = false}),
                                       BatchNormalization(), Flatten(), Dense({.units = 2})});
  TrainingGraph training;
  Tensor x = Input({8, 8, 1});
  Tensor y = model({x})[0], loss = ops::sum(y * y);
  std::vector<Tensor> outputs{loss};
  for (const VariablePtr &variable : model.trainable_variables())
    outputs.push_back(ops::gradient(loss, ops::read(variable, loss)));
  Steps run({x}, outputs, 4);
  std::vector<Cells> out = run.step({noise({4, 8, 8, 1})});
  ASSERT_EQ(run.problems, "");
  for (size_t i = 0; i < out.size(); ++i)
    EXPECT_GT(momentsOf(out[i]).deviation + std::fabs(momentsOf(out[i]).mean), 1e-6)
        << "gradient " << i;
}

} // namespace
} // namespace cornet::test
