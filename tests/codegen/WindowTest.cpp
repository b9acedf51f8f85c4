// SPDX-License-Identifier: Apache-2.0
//
// Depthwise convolutions and pools over windows, steps, holes and borders of all kinds, with
// channels from less than a vector to more than two: equal to the reference, and the same bits
// whatever the threads and wherever in an image the window stands.
#include "tests/codegen/OpTable.h"
#include "tests/frontend/Road.h"

#include <cstring>
#include <random>

namespace cornet::test {
namespace {

using Ints = std::vector<int64_t>;

struct Case {
  std::string name, op;
  int64_t window, stride, dilation;
  Ints padding; ///< top, bottom, left, right
  int64_t height, width, channels;
};

optable::Row rowOf(const Case &it) {
  Attributes attributes{{"strides", Ints{it.stride, it.stride}},
                        {"padding", it.padding},
                        {"dilations", Ints{it.dilation, it.dilation}}};
  optable::Row row{it.op == "depthwise_conv" ? "depthwise_conv"
                   : it.op == "max_pool"     ? "max_pool"
                                             : "avg_pool",
                   {{{-1, it.height, it.width, it.channels}, {}}},
                   attributes,
                   {}};
  if (it.op == "depthwise_conv")
    row.operands.push_back({{it.window, it.window, it.channels, 1}, {}});
  else
    row.attributes["window"] = Ints{it.window, it.window};
  return row;
}

const std::vector<Case> &cases() {
  static const std::vector<Case> table = [] {
    std::vector<Case> out;
    int64_t number = 0;
    for (const char *op : {"depthwise_conv", "max_pool", "avg_pool"})
      for (int64_t window : {1, 2, 3, 5, 7})
        for (int64_t stride : {1, 2, 3})
          for (int64_t dilation : {1, 2}) {
            if (dilation == 2 && (stride == 3 || window == 1))
              continue;
            // Heights are even and odd, lines shorter and longer than a tile, channels 1 to 33.
            int64_t reach = (window - 1) * dilation + 1, most = std::min<int64_t>(window - 1, 3);
            int64_t height = reach + number * 5 % 7, width = reach + number * 7 % 23;
            Ints padding{most, number % 2 * most, number / 2 % 2 * most, most / 2};
            int64_t channels = number * 11 % 33 + 1;
            std::string name = std::string(op) + "_" + std::to_string(window) + "_by_" +
                               std::to_string(stride) + "_holes_" + std::to_string(dilation - 1);
            out.push_back({name, op, window, stride, dilation, padding, height, width, channels});
            ++number;
          }
    // Images as networks have them: whole tiles, and channels that are cut among threads.
    for (const char *op : {"depthwise_conv", "max_pool", "avg_pool"})
      for (int64_t stride : {1, 2})
        out.push_back({std::string(op) + "_of_many_channels_by_" + std::to_string(stride),
                       op,
                       3,
                       stride,
                       1,
                       {1, 1, 1, 1},
                       7,
                       28,
                       145});
    out.push_back(
        {"depthwise_conv_of_a_large_image", "depthwise_conv", 3, 2, 1, {0, 1, 0, 1}, 130, 131, 17});
    out.push_back({"max_pool_of_a_large_image", "max_pool", 3, 2, 1, {1, 1, 1, 1}, 130, 131, 17});
    return out;
  }();
  return table;
}

int64_t count(const Shape &shape) {
  int64_t out = 1;
  for (int64_t extent : shape)
    out *= extent;
  return out;
}

class Windows : public testing::TestWithParam<size_t> {
protected:
  const Case &it = cases()[GetParam()];
  Model model = optable::modelOf(rowOf(it), false);
  Road road{model};

  /// The answer at `cpu`; empty where this machine lacks it.
  Cells run(const Cells &input, const Cells &like, const char *cpu, unsigned threads) {
    CompileOptions options;
    options.cpus = {cpu};
    std::vector<Cells> ran = road.run({input}, {like}, threads, options);
    if (road.problems.find("this CPU has") != std::string::npos)
      return {};
    EXPECT_EQ(road.problems, "") << cpu;
    return ran.empty() ? Cells() : ran[0];
  }
};

TEST_P(Windows, AreWhatTheReferenceSays) {
  ASSERT_TRUE(model.graph->mistakes.empty());
  Cells input{{2, it.height, it.width, it.channels}, {}};
  std::mt19937 bits(7);
  for (int64_t i = 0; i < count(input.shape); ++i)
    input.data.push_back(float(bits() % 2000) / 500 - 2);
  std::vector<Cells> wanted = road.interpret({input});
  ASSERT_EQ(wanted.size(), 1u) << road.problems;
  for (const char *cpu : {"x86-64-v3", "x86-64-v4"}) {
    Cells first = run(input, wanted[0], cpu, 1);
    if (first.data.empty())
      GTEST_SKIP() << road.problems;
    expectClose(first, wanted[0], 1e-5, 1e-4, cpu);
    for (int64_t threads : std::string(cpu) == "x86-64-v3" ? Ints{2} : Ints{3, 7}) {
      Cells other = run(input, wanted[0], cpu, unsigned(threads));
      ASSERT_EQ(other.data.size(), first.data.size());
      EXPECT_EQ(std::memcmp(other.data.data(), first.data.data(), 4 * first.data.size()), 0)
          << cpu << ": " << threads << " threads give other bits";
    }
  }
}

/// Over an image whose pixels are all the same, every window that lies inside sees the same.
TEST_P(Windows, GiveTheSameBitsWhereverTheyStand) {
  Cells input{{1, it.height, it.width, it.channels}, {}};
  for (int64_t i = 0; i < count(input.shape); ++i)
    input.data.push_back(1.0f / float(3 + i % it.channels));
  std::vector<Cells> like = road.interpret({input});
  ASSERT_EQ(like.size(), 1u) << road.problems;
  Cells got = run(input, like[0], "host", 1);
  auto inside = [&](int64_t at, int64_t before, int64_t extent) {
    int64_t first = at * it.stride - before;
    return first >= 0 && first + (it.window - 1) * it.dilation < extent;
  };
  const float *seen = nullptr;
  for (int64_t y = 0; y < got.shape[1]; ++y)
    for (int64_t x = 0; x < got.shape[2]; ++x) {
      if (!inside(y, it.padding[0], it.height) || !inside(x, it.padding[2], it.width))
        continue;
      const float *pixel = &got.data[size_t((y * got.shape[2] + x) * it.channels)];
      seen = seen ? seen : pixel;
      EXPECT_EQ(std::memcmp(pixel, seen, 4 * size_t(it.channels)), 0) << y << ", " << x;
    }
}

INSTANTIATE_TEST_SUITE_P(All, Windows, testing::Range<size_t>(0, cases().size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return cases()[info.param].name;
                         });

/// What is no number stays so in every window over it, and in no other.
TEST(MaxPool, KeepsWhatIsNoNumber) {
  Case it{"", "max_pool", 3, 2, 1, {1, 1, 1, 1}, 9, 17, 18};
  Model model = optable::modelOf(rowOf(it), false);
  Road road(model);
  for (int64_t place = 0; place < 9 * 17; place += 7) {
    Cells input{{1, 9, 17, 18}, std::vector<float>(9 * 17 * 18, -1)};
    input.data[size_t(place * 18 + place % 18)] = NAN;
    input.data[size_t(place * 18 + (place + 1) % 18)] = INFINITY;
    std::vector<Cells> got = road.run({input}, {{{1, 5, 9, 18}, std::vector<float>(5 * 9 * 18)}});
    ASSERT_EQ(road.problems, "");
    for (int64_t y = 0; y < 5; ++y)
      for (int64_t x = 0; x < 9; ++x)
        for (int64_t c = 0; c < 18; ++c) {
          bool over = std::abs(2 * y - place / 17) <= 1 && std::abs(2 * x - place % 17) <= 1;
          float cell = got[0].data[size_t((y * 9 + x) * 18 + c)];
          if (over && c == place % 18)
            EXPECT_TRUE(std::isnan(cell)) << place << ": " << y << ", " << x;
          else
            EXPECT_EQ(cell, over && c == (place + 1) % 18 ? INFINITY : -1) << place;
        }
  }
}

} // namespace
} // namespace cornet::test
