// SPDX-License-Identifier: Apache-2.0
// Files given to a model's inputs: they are matched by name, made to fit in shape and type, or
// refused with the dimension that does not.
#include "tools/cornet/Feed.h"
#include "tests/frontend/data/Support.h"

using namespace cornet::cli;
using datatest::counting;
using datatest::message;
using datatest::redPng;
using testing::HasSubstr;

namespace {

using Data = datatest::Data;

TEST_F(Data, PngFeedsAFloatInputScaledAndResized) {
  std::string path = holding("red.png", redPng(6, 4));
  Port port{"image", DType::F32, {-1, 2, 2, 3}};
  EXPECT_THAT(message([&] { feed({port}, {path}, {}); }), HasSubstr("add --resize"));
  Array array = feed({port}, {path, path}, {.pixels = "-1..1", .resize = true})[0];
  EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 2, 2, 3}));
  EXPECT_EQ(array.at(0), 1);
  EXPECT_EQ(array.at(1), -1);
}

TEST_F(Data, FitAddsRowsFoldsFlatOnesAndConvertsWholeNumbers) {
  Port port{"x", DType::F32, {-1, 2, 2}};
  EXPECT_EQ(fit(counting(DType::F32, {2, 2}), port, "f").shape, (std::vector<int64_t>{1, 2, 2}));
  EXPECT_EQ(fit(counting(DType::U8, {3, 4}), port, "f").shape, (std::vector<int64_t>{3, 2, 2}));
  EXPECT_THAT(message([&] {
                fit(counting(DType::F32, {3, 2, 3}), port, "f");
              }),
              HasSubstr("f: f32 of shape (3, 2, 3) does not fit input x: f32 (rows, 2, 2)"));
  EXPECT_THAT(message([&] {
                fit(counting(DType::F32, {3, 4, 1}), port, "f");
              }),
              HasSubstr("the dimensions differ"));
  Array half(DType::F32, {1});
  half.set(0, 0.5);
  EXPECT_THAT(message([&] {
                fit(half, {"n", DType::I32, {-1}}, "f");
              }),
              HasSubstr("not a whole number"));
}

TEST_F(Data, FeedAsksForWhatIsMissing) {
  std::vector<Port> ports{{"a", DType::F32, {-1}}, {"b", DType::F32, {-1}}};
  writeNpy(at("x.npy"), counting(DType::F32, {2}));
  writeNpy(at("y.npy"), counting(DType::F32, {3}));
  EXPECT_THAT(message([&] { feed(ports, {at("x.npy")}, {}); }), HasSubstr("write NAME=FILE"));
  EXPECT_THAT(message([&] { feed(ports, {"a=" + at("x.npy")}, {}); }),
              HasSubstr("no data for input b"));
  EXPECT_THAT(message([&] {
                feed(ports, {"a=" + at("x.npy"), "b=" + at("y.npy")}, {});
              }),
              HasSubstr("has 3 rows"));
}

TEST_F(Data, RawBytesMustBeWholeRows) {
  Port port{"x", DType::F32, {-1, 2}};
  EXPECT_EQ(feed({port}, {holding("x.raw", std::string(24, 0))}, {})[0].shape,
            (std::vector<int64_t>{3, 2}));
  EXPECT_THAT(message([&] { feed({port}, {holding("x.raw", std::string(12, 0))}, {}); }),
              HasSubstr("whole number of rows"));
}

} // namespace
