// SPDX-License-Identifier: Apache-2.0
//
// Steps that take turns: rows of convolutions and pools over images too large for a cache, chosen
// by chance. The self-test compares with the reference interpreter; one thread, which runs bands,
// and many, of which some run whole steps, give the same bits; and what only neighbours read has a
// ring.
#include "codegen/Bands.h"
#include "Network.h"

#include <gtest/gtest.h>

namespace cornet::test {
namespace {

size_t bandedSteps(const CompileReport &report) {
  size_t count = 0;
  for (const StepReport &step : report.steps)
    count += step.bands > 0;
  return count;
}
size_t rings(const CompileReport &report) {
  size_t count = 0;
  for (const StepReport &step : report.steps)
    count += step.ringBytes > 0;
  return count;
}

TEST(Bands, InvertedResidual) {
  Network n({1, 72, 72, 16});
  n.conv(48, {});
  n.relu();
  n.depthwise({3, 1, 1, 1});
  n.relu();
  n.conv(16, {});
  n.add("%x");
  n.pool("max_pool", {3, 2, 0, 1});
  CompileReport report = check(n);
  EXPECT_GE(bandedSteps(report), 3u);
  EXPECT_GE(rings(report), 2u);
  uint64_t images = 2 * 72 * 72 * 48 * 4;
  EXPECT_LT(report.arenaBytes, images) << "rings take less than the images they stand for";
}

TEST(Bands, FirstLayersOfAResidualNetwork) {
  Network n({1, 112, 112, 3});
  n.conv(64, {7, 2, 3, 3});
  n.relu();
  n.pool("max_pool", {3, 2, 1, 1});
  CompileReport report = check(n);
  EXPECT_EQ(rings(report), 1u);
}

TEST(Bands, SkippedInputIsReadWhereItsSumIsWritten) {
  Network n({1, 96, 96, 16});
  n.conv(16, {3, 1, 1, 1});
  std::string skipped = n.value;
  n.conv(16, {});
  n.conv(16, {});
  n.add(skipped);
  n.pool("avg_pool", {2, 2});
  EXPECT_GE(rings(check(n)), 2u);
}

TEST(Bands, ReadersOfAnImageThatComesLaterKeepItWhole) {
  Network n({1, 96, 96, 16});
  n.conv(16, {3, 1, 1, 1});
  std::string early = n.value;
  n.depthwise({3, 2, 1, 1});
  n.depthwise({5, 1, 2, 2});
  n.depthwise({5, 1, 2, 2});
  std::string small = n.value;
  Image shape = n.now;
  n.value = early, n.now = {1, 96, 96, 16};
  n.pool("max_pool", {2, 2});
  ASSERT_EQ(n.now.type(), shape.type());
  n.add(small);
  check(n);
}

TEST(Bands, PointwiseStepsHandTheirImagesOn) {
  for (int64_t channels : {32, 20}) { // rows of whole vectors, and shorter ones
    Network n({2, 72, 72, 8});
    n.conv(channels, {});
    n.gate();
    n.conv(16, {});
    EXPECT_EQ(rings(check(n)), 1u) << channels;
  }
}

TEST(Bands, ImagesOfABatchFollowOneAnother) {
  Network n({3, 61, 43, 33});
  n.conv(48, {});
  n.depthwise({3, 2, 0, 1});
  n.conv(40, {});
  n.pool("max_pool", {2, 1, 1, 0});
  EXPECT_GE(rings(check(n)), 1u);
}

TEST(Bands, NarrowNumbers) {
  for (const char *precision : {"bf16", "fp16"}) {
    Network n({1, 96, 96, 32});
    n.conv(64, {});
    n.depthwise({3, 2, 1, 1});
    n.conv(24, {});
    EXPECT_GE(rings(check(n, precision)), 1u) << precision;
  }
}

TEST(Bands, SmallImagesAreDoneAtOnce) {
  Network n({1, 28, 28, 32});
  n.conv(64, {});
  n.depthwise({3, 1, 1, 1});
  n.conv(32, {});
  EXPECT_EQ(bandedSteps(check(n)), 0u);
}

Network randomRow(unsigned seed) {
  std::mt19937 random(seed);
  auto pick = [&](std::vector<int64_t> of) { return of[random() % of.size()]; };
  Network n(
      {pick({1, 1, 2}), pick({57, 64, 90, 101}), pick({40, 64, 77, 96}), pick({3, 8, 16, 21})});
  n.conv(pick({32, 40, 49}), {pick({1, 3}), 1, 1, 1});
  for (int step = 0; step < 5 && n.now.H > 6 && n.now.W > 6; ++step) {
    Network::Windowed w;
    w.window = pick({1, 2, 3, 3, 5}), w.stride = pick({1, 1, 1, 2, 3});
    w.dilation = w.stride == 1 && w.window > 1 ? pick({1, 1, 2}) : 1;
    w.before = pick({0, 1, 2}) % w.window, w.after = pick({0, 1, 2}) % w.window;
    switch (random() % 4) {
    case 0:
      n.conv(pick({16, 24, 33}), w);
      break;
    case 1:
      n.depthwise(w);
      break;
    case 2:
      n.pool(random() % 2 ? "max_pool" : "avg_pool", w);
      break;
    default:
      n.conv(pick({24, 48}), {});
    }
    if (random() % 2)
      n.relu();
  }
  return n;
}

TEST(Bands, RandomRowsComputeTheSame) {
  size_t withRings = 0;
  for (unsigned seed = 0; seed < 24; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    withRings += rings(check(randomRow(seed))) > 0;
  }
  EXPECT_GE(withRings, 8u);
}

} // namespace
} // namespace cornet::test
