// SPDX-License-Identifier: Apache-2.0
// Shuffling by a buffer. Over a stage that gives elements by number the buffer holds the numbers,
// so that shuffling arrays or files in memory copies nothing; the order is the same either way.
#include "frontend/data/Pipeline.h"

namespace cornet::data::detail {
namespace {

/// `Item` is an Example or its number.
template <typename Item> class Walk : public Iterator {
public:
  Walk(size_t buffer, Random random, std::function<bool(Item &)> pull,
       std::function<void(Item &, Example &)> give)
      : most(buffer), random(random), pull(std::move(pull)), give(std::move(give)) {}

  bool next(Example &example) override {
    while (!ended && items.size() < most) {
      Item item{};
      if ((ended = !pull(item)))
        break;
      items.push_back(std::move(item));
    }
    if (items.empty())
      return false;
    std::swap(items[random.below(items.size())], items.back());
    give(items.back(), example);
    items.pop_back();
    return true;
  }

private:
  size_t most;
  Random random;
  std::function<bool(Item &)> pull;
  std::function<void(Item &, Example &)> give;
  std::vector<Item> items;
  bool ended = false;
};

class Shuffle : public Stage {
public:
  Shuffle(NodePtr before, size_t buffer, uint64_t seed, bool reshuffle)
      : Stage(std::move(before)), buffer(buffer), seed(seed), reshuffle(reshuffle) {}

  std::unique_ptr<Iterator> start(uint64_t pass) const override {
    Random random = Random::of(seed, reshuffle ? pass : 0);
    if (before->indexed())
      return std::make_unique<Walk<int64_t>>(
          buffer, random,
          [at = int64_t(0), end = *before->cardinality()](int64_t &item) mutable {
            return at < end ? (item = at++, true) : false;
          },
          [this](int64_t &item, Example &example) { before->element(item, example); });
    std::shared_ptr<Iterator> inner = before->start(pass);
    return std::make_unique<Walk<Example>>(
        buffer, random, [inner](Example &item) { return inner->next(item); },
        [](Example &item, Example &example) { example = std::move(item); });
  }
  bool reshuffles() const override { return reshuffle || before->reshuffles(); }

private:
  size_t buffer;
  uint64_t seed;
  bool reshuffle;
};

} // namespace

NodePtr shuffled(NodePtr before, size_t buffer, uint64_t seed, bool reshuffle) {
  return std::make_shared<Shuffle>(std::move(before), buffer, seed, reshuffle);
}

} // namespace cornet::data::detail
