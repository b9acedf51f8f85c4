// SPDX-License-Identifier: Apache-2.0
//
// Concatenations without copies: parts written where they belong, read there by others, and the
// cases in which a step has to join them.
#include "Network.h"

#include <gtest/gtest.h>

namespace cornet::test {
namespace {

using Part = Network::Part;
const Network::Windowed kSame3{3, 1, 1, 1};

size_t concatenations(const CompileReport &report) {
  size_t count = 0;
  for (const StepReport &step : report.steps)
    count += step.operation.find("concat") != std::string::npos;
  return count;
}

/// Four branches from what `n` holds, of so many channels each.
std::vector<Part> branches(Network &n, const std::vector<int64_t> &channels) {
  Part input = n.part();
  std::vector<Part> out;
  for (size_t i = 0; i < channels.size(); ++i) {
    n.value = input.value, n.now.C = input.channels;
    if (i == 3)
      n.pool("avg_pool", kSame3);
    n.conv(channels[i], i == 1 || i == 2 ? kSame3 : Network::Windowed{});
    if (i != 2)
      n.relu();
    out.push_back(n.part());
  }
  return out;
}

TEST(Slices, BranchesWriteIntoTheWhole) {
  Network n({2, 17, 13, 24});
  n.concat(branches(n, {64, 96, 32, 16}));
  n.conv(40, {});
  CompileReport report = check(n);
  EXPECT_EQ(concatenations(report), 0u);
}

TEST(Slices, PoolsAndPointwiseStepsWriteSlices) {
  Network n({1, 20, 20, 32});
  n.conv(32, kSame3);
  Part image = n.part();
  n.pool("max_pool", kSame3);
  Part pooled = n.part();
  n.value = image.value;
  n.gate();
  Part gated = n.part();
  n.value = image.value;
  n.depthwise(kSame3);
  n.concat({pooled, gated, n.part()});
  n.conv(16, kSame3);
  EXPECT_EQ(concatenations(check(n)), 0u);
}

TEST(Slices, WholesAreParts) {
  Network n({1, 14, 14, 32});
  std::vector<Part> parts = branches(n, {32, 48, 16, 32});
  n.concat({parts[1], parts[2]});
  Part inner = n.part();
  n.concat({parts[0], inner, parts[3]});
  n.conv(24, {});
  EXPECT_EQ(concatenations(check(n)), 0u);
}

/// Each layer reads all before it through a pointwise step, which finds them in the whole.
Network dense(Image image, int64_t growth, int layers) {
  Network n(image);
  n.conv(32, kSame3);
  n.pool("max_pool", {2, 2});
  for (int layer = 0; layer < layers; ++layer) {
    Part before = n.part();
    n.scale();
    n.relu();
    n.conv(48, {});
    n.relu();
    n.conv(growth, kSame3);
    n.concat({before, n.part()});
  }
  n.conv(16, {});
  return n;
}

TEST(Slices, GrowingWholes) { EXPECT_EQ(concatenations(check(dense({1, 28, 28, 3}, 16, 3))), 0u); }

TEST(Slices, ReadersOfPartsReadThemInTheWhole) {
  Network n({2, 16, 16, 8});
  n.conv(32, kSame3);
  Part first = n.part();
  n.scale();
  n.conv(16, {});
  Part second = n.part();
  n.concat({first, second});
  Part both = n.part();
  n.scale();
  n.relu();
  n.conv(16, kSame3);
  n.concat({both, n.part()});
  n.conv(20, {});
  EXPECT_EQ(concatenations(check(n)), 0u);
  check(n, "bf16");
}

TEST(Slices, LargeImagesTakeTurnsAsBefore) {
  Network n({1, 96, 96, 8});
  n.conv(32, kSame3);
  Part first = n.part();
  n.scale();
  n.conv(48, kSame3);
  n.concat({first, n.part()});
  n.conv(32, {});
  n.pool("max_pool", {2, 2});
  EXPECT_EQ(concatenations(check(n)), 0u);
}

TEST(Slices, WhatCannotBeASliceIsJoined) {
  struct Case {
    const char *why;
    void (*build)(Network &);
  };
  const Case cases[] = {
      {"the whole is returned",
       [](Network &n) {
         n.concat(branches(n, {32, 16}));
       }},
      {"the second part begins within a line of the cache",
       [](Network &n) {
         n.concat(branches(n, {20, 16}));
         n.conv(16, {});
       }},
      {"a convolution reads a part, too",
       [](Network &n) {
         n.conv(32, {});
         Part part = n.part();
         n.conv(16, kSame3);
         n.concat({part, n.part()});
         n.conv(16, {});
       }},
      {"a part comes twice",
       [](Network &n) {
         n.conv(32, {});
         n.concat({n.part(), n.part()});
         n.conv(16, {});
       }},
      {"a part is an input",
       [](Network &n) {
         Part input = n.part();
         n.conv(32, {});
         n.concat({input, n.part()});
         n.conv(16, {});
       }},
  };
  for (const Case &each : cases) {
    SCOPED_TRACE(each.why);
    Network n({1, 12, 12, 16});
    each.build(n);
    EXPECT_EQ(concatenations(check(n)), 1u);
  }
}

TEST(Slices, RandomBlocksComputeTheSame) {
  for (unsigned seed = 0; seed < 4; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    auto pick = [&](std::vector<int64_t> of) { return of[random() % of.size()]; };
    Network n({pick({1, 2}), pick({5, 9, 12}), pick({8, 11}), pick({3, 16})});
    for (int block = 0; block < 3; ++block) {
      std::vector<Part> parts =
          branches(n, {pick({16, 32, 48}), pick({16, 64}), pick({16, 32, 24}), pick({8, 16})});
      std::shuffle(parts.begin(), parts.end(), random);
      size_t inner = 1 + random() % 3;
      n.concat({parts.begin(), parts.begin() + long(inner)});
      std::vector<Part> outer{n.part()};
      if (random() % 2) {
        n.scale();
        n.conv(pick({16, 32}), {});
        outer.push_back(n.part());
      }
      outer.insert(outer.end(), parts.begin() + long(inner), parts.end());
      n.concat(outer);
      if (random() % 2)
        n.relu();
    }
    n.conv(8, {});
    check(n);
  }
}

} // namespace
} // namespace cornet::test
