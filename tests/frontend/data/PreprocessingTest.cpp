// SPDX-License-Identifier: Apache-2.0
// What is learned from data agrees with Keras: moments, vocabularies, windows, weights of classes.
#include "tests/frontend/data/Support.h"

#include <cornet/data.h>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace datatest;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

const nlohmann::json &expected() {
  static const nlohmann::json all = [] {
    std::ifstream file(fixture("expected.json"));
    return nlohmann::json::parse(file);
  }();
  return all;
}

Array features() { return readNpy(fixture("features.npy")); }

void expectMoments(const Moments &moments, const char *axis) {
  auto values = expected()["moments"][axis].get<std::vector<std::vector<double>>>();
  ASSERT_EQ(moments.mean.size(), values[0].size());
  for (size_t i = 0; i < moments.mean.size(); ++i) { // Keras adapts in f32
    EXPECT_NEAR(moments.mean[i], values[0][i], 2e-5 * std::fabs(values[0][i]) + 1e-5) << i;
    EXPECT_NEAR(moments.variance[i], values[1][i], 1e-3 * values[1][i]) << i;
  }
}

TEST(Adapt, ArraysGiveKerassMoments) {
  expectMoments(adapt(features()), "-1");
  expectMoments(adapt(features(), {1, 2}), "1,2");
  expectMoments(adapt(features(), {-1, -2}), "1,2");
  expectMoments(adapt(features(), {}), "");
  EXPECT_EQ(adapt(features()).count, 40 * 5);
}

TEST(Adapt, DatasetsGiveTheSameBatchedOrNot) {
  Moments whole = adapt(features());
  Dataset examples = Dataset::fromArrays({features()});
  for (const Dataset &dataset : {examples, examples.batch(7), examples.batch(7).prefetch(2)}) {
    Moments streamed = adapt(dataset);
    EXPECT_EQ(streamed.mean, whole.mean);
    EXPECT_EQ(streamed.variance, whole.variance);
  }
}

TEST(Adapt, IsExactWhereSumsOfSquaresCancel) {
  std::vector<double> cells;
  for (int i = 0; i < 1000; ++i)
    cells.push_back(1e9 + (i % 2));
  Moments moments = adapt(Array::of<double>({1000, 1}, cells));
  EXPECT_DOUBLE_EQ(moments.mean[0], 1e9 + 0.5);
  EXPECT_NEAR(moments.variance[0], 0.25, 1e-6);
  EXPECT_EQ(adapt(Array::of<int32_t>({2, 1}, {2147483647, 2147483645})).mean[0], 2147483646);
}

TEST(Adapt, MistakesAreTold) {
  Dataset scalars = Dataset::fromArrays({Array(DType::F32, {3})});
  EXPECT_THAT(message([&] { adapt(scalars); }),
              HasSubstr("there is no axis -1 in data of shape ()"));
  EXPECT_EQ(adapt(scalars, 0, {}).count, 3);
  EXPECT_THAT(message([&] { adapt(scalars, 1); }), HasSubstr("there is no x[1]"));
  EXPECT_THAT(message([&] { adapt(scalars.repeat()); }), HasSubstr("endless"));
  EXPECT_THAT(message([&] { adapt(scalars.take(0), 0, {}); }), HasSubstr("no data"));
  EXPECT_THAT(message([&] { adapt(features(), {2, -1}); }), HasSubstr("an axis is there twice"));
}

// The examples of Keras's documentation of StringLookup and TextVectorization.
TEST(Vocabulary, OrdersTokensAsKeras) {
  TokenCounter counter;
  for (const char *token : {"a", "c", "d", "d", "z", "b"})
    counter.add(token);
  EXPECT_THAT(counter.vocabulary().tokens(), ElementsAre("[UNK]", "d", "z", "c", "b", "a"));
  EXPECT_THAT(counter.vocabulary({.max_tokens = 3}).tokens(), ElementsAre("[UNK]", "d", "z"));
  EXPECT_THAT(counter.vocabulary({.max_tokens = 3, .mask = true}).tokens(),
              ElementsAre("", "[UNK]", "d"));
  EXPECT_EQ(counter.vocabulary().index("c"), 3);
  EXPECT_EQ(counter.vocabulary().index("m"), 0);
  EXPECT_EQ(counter.vocabulary({.oov = false}).index("m"), -1);
  EXPECT_THAT(message([&] { counter.vocabulary({.max_tokens = 1}); }), HasSubstr("no room"));
  EXPECT_THAT(message([] { Vocabulary({"a", "b", "a"}); }), HasSubstr("the token 'a' twice"));
}

TEST(Vocabulary, TextsBecomeNumbers) {
  TextVectorization layer({.max_tokens = 5000, .output_sequence_length = 4});
  layer.adapt(Dataset::fromGenerator([] {
    return [words = std::vector<const char *>{"baz", "bar", "foo"}]() mutable {
      std::optional<Example> example;
      if (!words.empty())
        example = Example{{Array::text(words.back())}, {}}, words.pop_back();
      return example;
    };
  }));
  EXPECT_EQ(layer("foo qux bar"), Array::of<int32_t>({4}, {2, 1, 4, 0}));
  EXPECT_EQ(layer("Qux, BAZ! "), Array::of<int32_t>({4}, {1, 3, 0, 0}));
  EXPECT_EQ(layer("a b c d e f"), Array::of<int32_t>({4}, {1, 1, 1, 1}));
  TextVectorization given;
  given.set_vocabulary({"earth", "wind", "and", "fire"});
  EXPECT_EQ(given("earth wind and fire"), Array::of<int32_t>({4}, {2, 3, 4, 5}));
  EXPECT_EQ(given("  ").shape, (std::vector<int64_t>{0}));
}

TEST(Timeseries, WindowsAreKerass) {
  Array data = counting(DType::F32, {20, 2}), targets = counting(DType::F32, {20});
  for (int64_t i = 0; i < 20; ++i)
    targets.set(i, double(10 * i));
  for (const auto &each : expected()["windows"]) {
    const auto &given = each["options"];
    Dataset windows =
        timeseries_dataset_from_array(data, targets,
                                      {.sequence_length = given["sequence_length"],
                                       .sequence_stride = given.value("sequence_stride", 1),
                                       .sampling_rate = given.value("sampling_rate", 1),
                                       .batch_size = given["batch_size"],
                                       .start_index = given.value("start_index", 0),
                                       .end_index = given.value("end_index", -1)});
    std::vector<int64_t> batches;
    std::vector<float> x, y;
    for (Example &batch : windows) {
      batches.push_back(batch.x[0].rows());
      std::span<const float> inputs = batch.x[0].data<float>(), labels = batch.y[0].data<float>();
      x.insert(x.end(), inputs.begin(), inputs.end());
      y.insert(y.end(), labels.begin(), labels.end());
    }
    EXPECT_EQ(batches, each["batches"].get<std::vector<int64_t>>());
    EXPECT_EQ(x, each["x"].get<std::vector<float>>());
    EXPECT_EQ(y, each["y"].get<std::vector<float>>());
  }
}

TEST(Timeseries, MayBeShuffledSingleAndWithoutTargets) {
  Array data = counting(DType::F32, {10});
  TimeseriesOptions options{.sequence_length = 3, .batch_size = 0, .shuffle = true, .seed = 1};
  Dataset windows = timeseries_dataset_from_array(data, {}, options);
  EXPECT_EQ(windows.cardinality(), 8);
  std::vector<double> firsts;
  for (Example &window : windows) {
    EXPECT_EQ(window.x[0].shape, (std::vector<int64_t>{3}));
    EXPECT_EQ(window.x[0].at(2), window.x[0].at(0) + 2);
    EXPECT_TRUE(window.y.empty());
    firsts.push_back(window.x[0].at(0));
  }
  EXPECT_FALSE(std::is_sorted(firsts.begin(), firsts.end()));
  auto refusal = [&](TimeseriesOptions wrong) {
    return message([&] { timeseries_dataset_from_array(data, {}, wrong); });
  };
  EXPECT_THAT(refusal({}), HasSubstr("sequence_length must be given"));
  EXPECT_THAT(refusal({.sequence_length = 11}),
              HasSubstr("no window of 11 steps, every 1, fits into"));
  EXPECT_THAT(refusal({.sequence_length = int64_t(1) << 62, .sampling_rate = 9}),
              HasSubstr("no window"));
  EXPECT_THAT(refusal({.sequence_length = 2, .sampling_rate = 10}),
              HasSubstr("sampling_rate is 10"));
  EXPECT_THAT(refusal({.sequence_length = 2, .sequence_stride = 0}),
              HasSubstr("sequence_stride is 0"));
  EXPECT_THAT(refusal({.sequence_length = 2, .start_index = 10}), HasSubstr("start_index is 10"));
  EXPECT_THAT(refusal({.sequence_length = 2, .end_index = 11}), HasSubstr("end_index is 11"));
}

TEST(ClassWeights, AreKerass) {
  ClassWeight weights{{0, 0.5}, {2, 3}};
  Array onehot(DType::F32, {4, 4});
  for (int64_t row : {0, 1, 2, 3})
    onehot.set(row * 4 + std::vector<int64_t>{2, 0, 1, 3}[size_t(row)], 1);
  Array labels[] = {Array::of<int32_t>({4}, {2, 0, 1, 3}), Array::of<float>({4, 1}, {2, 0, 1, 3}),
                    onehot};
  for (size_t i = 0; i < 3; ++i)
    EXPECT_EQ(sample_weights(labels[i], weights),
              Array::of<float>({4}, expected()["weights"][i].get<std::vector<float>>()));
  Dataset batches = Dataset::fromArrays({Array(DType::F32, {4, 1})}, {labels[0]}).batch(2);
  Batch first;
  ASSERT_TRUE(withClassWeight(batches, weights).iterator()->next(first));
  EXPECT_EQ(first.sample_weight, Array::of<float>({2}, {3, 0.5}));
  EXPECT_THAT(
      message([&] { collect(withClassWeight(withClassWeight(batches, weights), weights)); }),
      HasSubstr("has a sample_weight already"));
  EXPECT_THAT(message([&] { sample_weights(Array::of<float>({1}, {NAN}), weights); }),
              HasSubstr("is no class"));
}

} // namespace
