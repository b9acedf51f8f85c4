// SPDX-License-Identifier: Apache-2.0
// Memory stays bounded however long the input: allocations of the whole program are counted by
// replacing operator new, and the number alive must not grow while a pass goes on.
#include "tests/frontend/data/Support.h"

#include <atomic>
#include <cornet/data.h>
#include <cstdlib>
#include <fstream>
#include <new>

using namespace datatest;

namespace {
std::atomic<int64_t> living{0};
} // namespace

void *operator new(size_t size) {
  void *memory = std::malloc(size ? size : 1);
  if (!memory)
    throw std::bad_alloc();
  living.fetch_add(1, std::memory_order_relaxed);
  return memory;
}
void operator delete(void *memory) noexcept {
  if (!memory)
    return;
  living.fetch_sub(1, std::memory_order_relaxed);
  std::free(memory);
}
void operator delete(void *memory, size_t) noexcept { operator delete(memory); }

namespace {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define CORNET_SLOW 1
#endif
#endif
#ifdef CORNET_SLOW
constexpr int64_t examples = 200'000;
#else
constexpr int64_t examples = 10'000'000;
#endif

struct Watched {
  int64_t most = 0, elements = 0;
};

/// Goes through a pass; the greatest number of allocations alive, seen after each element.
Watched watch(const Dataset &dataset) {
  Watched result;
  int64_t before = living;
  for (Example &example : dataset) {
    result.most = std::max(result.most, living - before);
    result.elements += example.x[0].rows();
  }
  EXPECT_EQ(living, before);
  return result;
}

TEST(Memory, AnEndlessGeneratorThroughShuffleBatchAndPrefetchDoesNotGrow) {
  Dataset dataset = Dataset::fromGenerator([] {
                      return [i = int64_t(0)]() mutable {
                        std::optional<Example> example;
                        if (i < examples)
                          (example.emplace()).x.push_back(Array::scalar(i++));
                        return example;
                      };
                    })
                        .shuffle(1000, 1)
                        .batch(256)
                        .prefetch(4);
  Watched whole = watch(dataset);
  EXPECT_EQ(whole.elements, examples);
  // 1000 elements of two allocations, a handful of batches, threads.
  EXPECT_LT(whole.most, 2 * 1000 + 500);
  EXPECT_NEAR(double(whole.most), double(watch(dataset.take(50)).most), 100);
}

class Streams : public Data {};

TEST_F(Streams, TablesLinesAndCachesAreNotHeldInMemory) {
  constexpr int64_t rows = 20'000;
  {
    std::ofstream file(at("t.csv"));
    file << "a,b,y\n";
    for (int64_t i = 0; i < rows; ++i)
      file << i << ",\"" << i * 2 << "\"," << i % 10 << '\n';
  }
  CsvDataset table = make_csv_dataset(at("t.csv"), {.label_name = "y"});
  Dataset sources[] = {table, table.dataset.cache(at("t.cache")),
                       table.dataset.cache(at("t.cache")), TextLineDataset({at("t.csv")})};
  for (const Dataset &source : sources)
    EXPECT_LT(watch(source).most, 100);
}

} // namespace
