// SPDX-License-Identifier: Apache-2.0
// Caches: the source is asked once, later passes give the same, files that are damaged are refused
// at the record, and a pass that is left leaves no file.
#include "tests/frontend/data/Support.h"

#include <memory>

using namespace datatest;
using testing::HasSubstr;

namespace {

/// Ten elements of all kinds of arrays, and how many were made.
Dataset counted(std::shared_ptr<int> made) {
  return Dataset::fromGenerator([made] {
    return [made, i = 0]() mutable -> std::optional<Example> {
      if (i == 10)
        return std::nullopt;
      ++*made;
      ++i;
      return Example{{counting(DType::F32, {2, i}), Array::scalar(int64_t(i))},
                     {Array::text(std::string(size_t(i) % 3, 'x'))},
                     i % 2 ? Array::scalar(0.5f) : Array()};
    };
  });
}

std::vector<Example> all(const Dataset &dataset) {
  std::vector<Example> result;
  for (Example &example : dataset)
    result.push_back(example);
  return result;
}

bool same(const std::vector<Example> &a, const std::vector<Example> &b) {
  bool equal = a.size() == b.size();
  for (size_t i = 0; equal && i < a.size(); ++i)
    equal = a[i].x == b[i].x && a[i].y == b[i].y && a[i].sample_weight == b[i].sample_weight;
  return equal;
}

class Cache : public Data {};

TEST_F(Cache, InMemoryAsksTheSourceOnce) {
  auto made = std::make_shared<int>(0);
  Dataset cached = counted(made).cache();
  EXPECT_EQ(cached.cardinality(), std::nullopt);
  std::vector<Example> first = all(cached.take(3)), whole = all(cached), again = all(cached);
  EXPECT_EQ(first.size(), 3u);
  EXPECT_EQ(whole.size(), 10u);
  EXPECT_TRUE(same(whole, again));
  EXPECT_EQ(*made, 3 + 10);
  EXPECT_EQ(cached.cardinality(), 10);
}

TEST_F(Cache, InAFileStreamsAndOutlivesTheDataset) {
  auto made = std::make_shared<int>(0);
  std::string path = at("pass.cache");
  {
    auto pass = counted(made).cache(path).iterator();
    Example example;
    pass->next(example);
    EXPECT_FALSE(std::filesystem::is_empty(folder.path()));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder.path())); // a pass that was left
  *made = 0;
  Dataset cached = counted(made).cache(path);
  std::vector<Example> whole = all(cached), again = all(cached);
  EXPECT_EQ(whole.size(), 10u);
  EXPECT_TRUE(same(whole, again));
  EXPECT_TRUE(same(whole, all(counted(std::make_shared<int>(0)).cache(path))));
  EXPECT_EQ(*made, 10);
}

TEST_F(Cache, ShufflesBehindItVaryAndThoseBeforeItAreFrozen) {
  Dataset source = Dataset::fromArrays({counting(DType::I64, {40})});
  Dataset frozen = source.shuffle(40, 1).cache(), varied = source.cache().shuffle(40, 1);
  EXPECT_TRUE(same(all(frozen), all(frozen)));
  EXPECT_FALSE(same(all(varied), all(varied)));
  EXPECT_NO_THROW(frozen.split(0.5));
}

TEST_F(Cache, DamagedFilesAreRefusedAtTheRecord) {
  std::string path = at("pass.cache");
  Dataset cached = counted(std::make_shared<int>(0)).cache(path);
  all(cached);
  std::string good = readFile(path);
  holding("pass.cache", good.substr(0, good.size() - 30));
  EXPECT_THAT(message([&] { all(cached); }), HasSubstr("pass.cache: byte 1"));
  holding("pass.cache", "something else entirely");
  EXPECT_THAT(message([&] { all(cached); }), HasSubstr("is not a cache of a dataset"));
  std::string other = good;
  other[8] = 9;
  holding("pass.cache", other);
  EXPECT_THAT(message([&] { all(cached); }), HasSubstr("a cache of version 9"));
  other = good;
  other[12 + 8 + 20] ^= 1;
  holding("pass.cache", other);
  EXPECT_THAT(message([&] { all(cached); }), HasSubstr("byte 12: the record is damaged; delete"));
}

TEST_F(Cache, NoTruncationOrFlippedBytePassesUnnoticed) {
  std::string path = at("pass.cache");
  Dataset cached = counted(std::make_shared<int>(0)).take(3).cache(path);
  all(cached);
  std::string good = readFile(path);
  for (size_t length = 0; length < good.size(); ++length) {
    holding("pass.cache", std::string_view(good).substr(0, length));
    EXPECT_NE(message([&] { all(cached); }), "(no error)") << length;
  }
  for (size_t i = 0; i < good.size(); ++i) {
    std::string other = good;
    other[i] = char(other[i] ^ 0x41);
    holding("pass.cache", other);
    EXPECT_NE(message([&] { all(cached); }), "(no error)") << i;
  }
}

} // namespace
