// SPDX-License-Identifier: Apache-2.0
// Pipelines: what each stage gives, in which order, with which number of threads; and that errors
// arrive at the element they belong to.
#include "tests/frontend/data/Support.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <thread>

using namespace datatest;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

Example number(int64_t i) { return {{Array::scalar(i)}, {}}; }

/// 0, 1, ... n-1 as scalars, from a generator: a dataset of unknown length.
Dataset generated(int64_t n) {
  return Dataset::fromGenerator([n] {
    return [n, i = int64_t(0)]() mutable -> std::optional<Example> {
      return i < n ? std::optional(number(i++)) : std::nullopt;
    };
  });
}

Dataset range(int64_t n) { return Dataset::fromArrays({counting(DType::I64, {n})}); }

std::vector<int64_t> numbers(const Dataset &dataset, std::optional<uint64_t> pass = {}) {
  std::vector<int64_t> result;
  auto iterator = dataset.iterator(pass);
  for (Example example; iterator->next(example);)
    for (int64_t i = 0; i < example.x[0].count(); ++i)
      result.push_back(int64_t(example.x[0].at(i)));
  return result;
}

std::vector<int64_t> upTo(int64_t n) {
  std::vector<int64_t> result(static_cast<size_t>(n));
  std::iota(result.begin(), result.end(), 0);
  return result;
}

/// A map that takes longer for some elements than for others.
Example slowly(Example example) {
  int64_t value = example.x[0].data<int64_t>()[0];
  std::this_thread::sleep_for(std::chrono::microseconds(value * 7919 % 300));
  example.x[0].data<int64_t>()[0] = value * 10;
  return example;
}

TEST(Dataset, ArraysGiveTheirRowsWithTargetsAndWeights) {
  Dataset dataset = Dataset::fromArrays({counting(DType::F32, {3, 2}), counting(DType::U8, {3})},
                                        {counting(DType::I32, {3, 1})}, counting(DType::F32, {3}));
  EXPECT_EQ(dataset.cardinality(), 3);
  auto pass = dataset.iterator();
  Example example;
  ASSERT_TRUE(pass->next(example) && pass->next(example));
  EXPECT_EQ(example.x[0], Array::of<float>({2}, {2, 3}));
  EXPECT_EQ(example.x[1], Array::scalar(uint8_t(1)));
  EXPECT_EQ(example.y[0], Array::of<int32_t>({1}, {1}));
  EXPECT_EQ(example.sample_weight, Array::scalar(1.0f));
  EXPECT_TRUE(pass->next(example));
  EXPECT_FALSE(pass->next(example));
  EXPECT_FALSE(pass->next(example));
  EXPECT_EQ(
      message([] { Dataset::fromArrays({Array(DType::F32, {3})}, {Array(DType::F32, {2})}); }),
      "fromArrays: y[0] has 2 rows, but x[0] has 3");
}

TEST(Dataset, IterationStartsAnewAndWorksInAForLoop) {
  Dataset dataset = generated(5);
  for (int pass = 0; pass < 2; ++pass) {
    int64_t expected = 0;
    for (Example &example : dataset)
      EXPECT_EQ(example.x[0].at(0), double(expected++));
    EXPECT_EQ(expected, 5);
  }
}

TEST(Dataset, BatchesStackAndTheLastIsSmallerOrDropped) {
  Dataset dataset = Dataset::fromArrays({counting(DType::F32, {5, 2})}, {counting(DType::I32, {5})},
                                        counting(DType::F32, {5}));
  std::vector<Batch> batches;
  for (Example &batch : dataset.batch(2))
    batches.push_back(batch);
  ASSERT_EQ(batches.size(), 3u);
  EXPECT_EQ(batches[1].x[0], Array::of<float>({2, 2}, {4, 5, 6, 7}));
  EXPECT_EQ(batches[1].y[0], Array::of<int32_t>({2}, {2, 3}));
  EXPECT_EQ(batches[1].sample_weight, Array::of<float>({2}, {2, 3}));
  EXPECT_EQ(batches[2].x[0], Array::of<float>({1, 2}, {8, 9}));
  EXPECT_EQ(dataset.batch(2).cardinality(), 3);
  EXPECT_EQ(dataset.batch(2, true).cardinality(), 2);
  EXPECT_EQ(numbers(generated(5).batch(2, true)), upTo(4));
  EXPECT_EQ(numbers(generated(7).batch(3).unbatch()), upTo(7));
}

TEST(Dataset, ElementsThatDoNotStackAreNamed) {
  Dataset ragged = generated(5).map([](Example example) {
    return Example{{Array(DType::F32, {example.x[0].at(0) < 3 ? 4 : 5})}, {}};
  });
  EXPECT_THAT(message([&] { collect(ragged.batch(5)); }),
              HasSubstr("batch: element 3: x[0] is f32 of shape (5), but of those before it f32 of "
                        "shape (4)"));
  Dataset extra = generated(2).map([](Example example) {
    if (example.x[0].at(0) == 1)
      example.y = example.x;
    return example;
  });
  EXPECT_THAT(message([&] { collect(extra); }), HasSubstr("element 1 has 1 x, 1 y and no"));
}

TEST(Dataset, TakeSkipRepeatConcatenateZipAndFilter) {
  for (const Dataset &dataset : {range(5), generated(5)}) {
    EXPECT_EQ(numbers(dataset.take(3)), upTo(3));
    EXPECT_THAT(numbers(dataset.skip(3)), ElementsAre(3, 4));
    EXPECT_THAT(numbers(dataset.skip(1).take(3).skip(1)), ElementsAre(2, 3));
    EXPECT_THAT(numbers(dataset.take(2).repeat(2)), ElementsAre(0, 1, 0, 1));
    EXPECT_THAT(numbers(dataset.skip(4).concatenate(dataset.take(2))), ElementsAre(4, 0, 1));
    EXPECT_EQ(numbers(dataset.repeat().take(1000)).size(), 1000u);
    EXPECT_EQ(numbers(dataset.skip(9)).size(), 0u);
    EXPECT_EQ(numbers(dataset.skip(9).repeat()).size(), 0u);
    EXPECT_THAT(numbers(dataset.filter([](const Example &e) { return int(e.x[0].at(0)) % 2; })),
                ElementsAre(1, 3));
  }
  Example both;
  ASSERT_TRUE(range(2).zip(range(3).skip(1)).iterator()->next(both));
  EXPECT_EQ(both.x[1].at(0), 1);
  EXPECT_EQ(numbers(range(2).zip(range(3))), upTo(2));
}

TEST(Dataset, CardinalityIsKnownWhereItCanBe) {
  EXPECT_EQ(range(5).repeat().cardinality(), Dataset::infinite);
  EXPECT_EQ(range(5).repeat().batch(2).take(3).cardinality(), 3);
  EXPECT_EQ(range(5).repeat(3).skip(1).cardinality(), 14);
  EXPECT_EQ(range(5).repeat(Dataset::infinite / 2).cardinality(), Dataset::infinite);
  EXPECT_EQ(range(5).concatenate(range(2)).shuffle(3, 1).prefetch(2).cardinality(), 7);
  EXPECT_EQ(range(5).zip(range(2)).cardinality(), 2);
  EXPECT_EQ(generated(5).cardinality(), std::nullopt);
  EXPECT_EQ(generated(5).concatenate(range(1).repeat()).cardinality(), Dataset::infinite);
  EXPECT_EQ(range(5).filter([](const Example &) { return true; }).cardinality(), std::nullopt);
}

TEST(Dataset, ShuffleIsAPermutationOfSeedAndPass) {
  Dataset dataset = range(100).shuffle(10, 7);
  std::vector<int64_t> first = numbers(dataset), second = numbers(dataset);
  EXPECT_NE(first, upTo(100));
  EXPECT_NE(first, second);
  EXPECT_EQ(numbers(dataset, 0), first);
  EXPECT_EQ(numbers(dataset, 1), second);
  EXPECT_EQ(numbers(range(100).shuffle(10, 7)), first);
  EXPECT_NE(numbers(range(100).shuffle(10, 8)), first);
  // An element comes at most the buffer's size early.
  for (size_t i = 0; i < first.size(); ++i)
    EXPECT_LT(first[i], int64_t(i) + 10);
  // By number or by element: the same order.
  EXPECT_EQ(numbers(generated(100).shuffle(10, 7)), first);
  std::sort(first.begin(), first.end());
  EXPECT_EQ(first, upTo(100));
}

TEST(Dataset, ShuffleRepeatsOrVariesItsPasses) {
  Dataset fixed = range(50).shuffle(50, 3, false);
  EXPECT_EQ(numbers(fixed), numbers(fixed));
  std::vector<int64_t> twice = numbers(range(50).shuffle(50, 3).repeat(2));
  std::vector<int64_t> a(twice.begin(), twice.begin() + 50), b(twice.begin() + 50, twice.end());
  EXPECT_NE(a, b);
  EXPECT_EQ(numbers(range(50).shuffle(50, 3).repeat(1), 9), numbers(range(50).shuffle(50, 3), 9));
}

TEST(Dataset, AFullShuffleIsUniform) {
  // Where does element 0 of 8 go? Each place 1/8 of 4000 passes: 500, deviation 21.
  Dataset dataset = range(8).shuffle(8, 11);
  std::vector<int> places(8);
  for (int pass = 0; pass < 4000; ++pass) {
    std::vector<int64_t> order = numbers(dataset);
    ++places[size_t(std::find(order.begin(), order.end(), 0) - order.begin())];
  }
  for (int count : places)
    EXPECT_NEAR(count, 500, 5 * 21);
}

TEST(Dataset, MapAndPrefetchKeepTheOrderWhateverTheThreads) {
  Dataset source = generated(300).shuffle(40, 5);
  std::vector<int64_t> expected = numbers(source.map(slowly), 0);
  EXPECT_EQ(expected.size(), 300u);
  for (size_t threads : {1, 2, 3, 8})
    EXPECT_EQ(numbers(source.map(slowly, threads).prefetch(threads), 0), expected) << threads;
  EXPECT_EQ(numbers(source.prefetch(3).map(slowly, 4).shuffle(9, 1).batch(7).prefetch(1), 0),
            numbers(source.map(slowly).shuffle(9, 1), 0));
}

TEST(Dataset, MapRunsOnSeveralThreadsAndNotFurtherAheadThanItMay) {
  std::atomic<int> running{0}, most{0}, begun{0};
  Dataset dataset = generated(60).map(
      [&](Example example) {
        int now = ++running;
        for (int seen = most; seen < now && !most.compare_exchange_weak(seen, now);) {
        }
        ++begun;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
        --running;
        return example;
      },
      4);
  auto pass = dataset.iterator();
  Example example;
  ASSERT_TRUE(pass->next(example));
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  EXPECT_LE(begun, 1 + 8);
  int64_t count = 1;
  while (pass->next(example))
    ++count;
  EXPECT_EQ(count, 60);
  EXPECT_GT(most, 1);
  EXPECT_LE(most, 4);
}

TEST(Dataset, ErrorsArriveAtTheirElementAndEndThePass) {
  auto fail = [](Example example) {
    if (example.x[0].at(0) == 20)
      throw Error("twenty");
    return example;
  };
  Dataset sources[] = {generated(50).map(fail), generated(50).map(fail, 4),
                       generated(50).map(fail).prefetch(3),
                       generated(50).map(fail).map(slowly, 3).prefetch(2)};
  for (const Dataset &dataset : sources) {
    auto pass = dataset.iterator();
    Example example;
    for (int i = 0; i < 20; ++i)
      ASSERT_TRUE(pass->next(example));
    EXPECT_EQ(message([&] { pass->next(example); }), "twenty");
    EXPECT_FALSE(pass->next(example));
  }
}

TEST(Dataset, APassMayBeLeftAtAnyTime) {
  for (int taken = 0; taken < 6; ++taken) {
    auto pass = generated(1000).shuffle(5, 1).map(slowly, 4).batch(2).prefetch(3).iterator();
    Example example;
    for (int i = 0; i < taken; ++i)
      ASSERT_TRUE(pass->next(example));
  }
  std::unique_ptr<Iterator> pass =
      range(3).shuffle(2, 1).map(slowly, 2).iterator(); // of a temporary
  Example example;
  EXPECT_TRUE(pass->next(example));
}

TEST(Dataset, SplitDividesWhatStaysInPlace) {
  for (const Dataset &dataset : {range(10), generated(10)}) {
    auto [left, right] = dataset.split(0.75);
    EXPECT_EQ(numbers(left), upTo(8)); // round(7.5), to even
    EXPECT_THAT(numbers(right), ElementsAre(8, 9));
  }
  auto [left, right] = range(10).shuffle(10, 1, false).split(0.5);
  std::vector<int64_t> all = numbers(left), rest = numbers(right);
  all.insert(all.end(), rest.begin(), rest.end());
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, upTo(10));
  EXPECT_THAT(message([] { range(10).shuffle(10, 1).split(0.5); }), HasSubstr("would wander"));
  EXPECT_THAT(message([] { range(10).repeat().split(0.5); }), HasSubstr("endless"));
  EXPECT_THAT(message([] { range(10).split(1.5); }), HasSubstr("between 0 and 1"));
}

TEST(Dataset, ArgumentsAreChecked) {
  EXPECT_THAT(message([] { range(1).batch(0); }), HasSubstr("at least 1 row"));
  EXPECT_THAT(message([] { range(1).shuffle(0, 1); }), HasSubstr("at least 1 element"));
  EXPECT_THAT(message([] { range(1).take(-1); }), HasSubstr("take: "));
  EXPECT_THAT(message([] { range(1).map(nullptr); }), HasSubstr("map: the function is empty"));
  EXPECT_THAT(message([] { collect(range(1).repeat()); }), HasSubstr("endless"));
  EXPECT_THAT(message([] { collect(range(1).skip(1)); }), HasSubstr("empty"));
}

TEST(Dataset, CollectPutsEverythingInOneBatch) {
  Batch all =
      collect(Dataset::fromArrays({counting(DType::F32, {4, 3})}, {counting(DType::I8, {4})}));
  EXPECT_EQ(all.x[0], counting(DType::F32, {4, 3}));
  EXPECT_EQ(all.y[0], counting(DType::I8, {4}));
}

TEST(Array, HelpersCheckTypeShapeAndRange) {
  Array array = Array::of<float>({2, 2}, {1, 2, 3, 4});
  EXPECT_EQ(array.slice(1, 2), Array::of<float>({1, 2}, {3, 4}));
  EXPECT_EQ(array.gather({1, 0, 1}), Array::of<float>({3, 2}, {3, 4, 1, 2, 3, 4}));
  EXPECT_EQ(array.reshaped({4}).shape, (std::vector<int64_t>{4}));
  EXPECT_EQ(Array::of<bool>({2}, {true, false}).at(0), 1);
  EXPECT_EQ(Array::text("word").text(), "word");
  EXPECT_TRUE(Array().absent());
  EXPECT_FALSE(Array::scalar(0.0f).absent());
  EXPECT_THAT(message([&] { array.data<int32_t>(); }), HasSubstr("holds f32, not i32"));
  EXPECT_THAT(message([&] { array.slice(1, 3); }), HasSubstr("rows 1 to 3 of an array with 2"));
  EXPECT_THAT(message([&] { array.gather({2}); }), HasSubstr("row 2"));
  EXPECT_THAT(message([] { Array::of<float>({3}, {1}); }), HasSubstr("needs 3 cells, not 1"));
  EXPECT_THAT(message([] { Array(DType::F32, {1 << 30, 1 << 30}); }), HasSubstr("impossible"));
  EXPECT_THAT(message([] {
                Array(DType::F32, {0, int64_t(1) << 62, 8});
              }),
              HasSubstr("impossible"));
  EXPECT_THAT(message([] { Array(DType::F32, {-1}); }), HasSubstr("impossible"));
  EXPECT_THAT(message([] { Array().rows(); }), HasSubstr("no rows"));
  EXPECT_EQ(stack({array, array}).shape, (std::vector<int64_t>{2, 2, 2}));
  EXPECT_EQ(concatenate({array, array}).shape, (std::vector<int64_t>{4, 2}));
  EXPECT_THAT(message([&] { stack({array, array.slice(0, 1)}); }), HasSubstr("cannot stack"));
}

} // namespace
