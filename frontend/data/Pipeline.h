// SPDX-License-Identifier: Apache-2.0
// What a Dataset is made of: stages, each knowing how to begin a pass. A stage is immutable and
// shared; all state of a pass is in its iterator, which may use the stage as long as it lives: the
// iterator a Dataset gives out keeps the whole pipeline alive.
//
// A pass is a number. Stages hand it to those before them, and random stages draw from their seed
// and that number, so that a pass can be repeated at any time, on any number of threads.
#pragma once

#include <cornet/data/dataset.h>

namespace cornet::data {
namespace detail {

class Node {
public:
  virtual ~Node() = default;
  virtual std::unique_ptr<Iterator> start(uint64_t pass) const = 0;
  /// As Dataset::cardinality().
  virtual std::optional<int64_t> cardinality() const { return std::nullopt; }
  /// Whether passes differ in their order.
  virtual bool reshuffles() const { return false; }
  /// Whether element() may be called for 0 <= index < cardinality(), from several threads.
  virtual bool indexed() const { return false; }
  virtual void element(int64_t index, Example &example) const;
};
using NodePtr = std::shared_ptr<const Node>;

/// A stage that has one before it, of which it keeps all that it does not override.
class Stage : public Node {
public:
  explicit Stage(NodePtr before) : before(std::move(before)) {}
  std::optional<int64_t> cardinality() const override { return before->cardinality(); }
  bool reshuffles() const override { return before->reshuffles(); }

protected:
  NodePtr before;
};

/// Elements by number.
class IndexedNode : public Node {
public:
  std::unique_ptr<Iterator> start(uint64_t pass) const override;
  bool indexed() const override { return true; }
  void element(int64_t index, Example &example) const override = 0;
};

/// The calls of `fn` on the elements of `before`, in order; `threads` at once, and never more than
/// `ahead` elements begun and not yet asked for. No threads: in the caller's.
NodePtr mapped(NodePtr before, std::function<Example(Example)> fn, size_t threads, size_t ahead);
NodePtr shuffled(NodePtr before, size_t buffer, uint64_t seed, bool reshuffle);
NodePtr batched(NodePtr before, size_t n, bool drop);
NodePtr unbatched(NodePtr before);
NodePtr cachedInMemory(NodePtr before);
NodePtr cachedInFile(NodePtr before, std::string file);

} // namespace detail

/// A dataset of `count` elements made by number; `make` is called from any thread.
Dataset indexedDataset(int64_t count, std::function<void(int64_t, Example &)> make);
/// A dataset read in order: `start` begins a pass and gives the function that makes elements, which
/// writes one or returns false at the end.
Dataset streamedDataset(std::function<std::function<bool(Example &)>()> start,
                        std::optional<int64_t> count = std::nullopt);

/// Numbers drawn by SplitMix64: the same on every machine.
struct Random {
  uint64_t state;
  uint64_t next() {
    uint64_t z = state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }
  /// 0 <= result < n
  uint64_t below(uint64_t n) {
    return uint64_t((static_cast<unsigned __int128>(next()) * n) >> 64);
  }
  /// A stream of its own for each pair.
  static Random of(uint64_t seed, uint64_t number) {
    Random random{seed};
    random.state = random.next() ^ (number * 0xd1342543de82ef95);
    random.next();
    return random;
  }
  template <typename T> void shuffle(std::vector<T> &items) {
    for (size_t i = items.size(); i > 1; --i)
      std::swap(items[i - 1], items[below(i)]);
  }
};

} // namespace cornet::data
