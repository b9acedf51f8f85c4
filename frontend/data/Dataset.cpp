// SPDX-License-Identifier: Apache-2.0
// The class Dataset: arguments are checked here, stages are made here or in the file of their name.
// A pass is numbered by the dataset that is iterated; whatever ends or throws is over for good.
#include "frontend/data/Pipeline.h"

#include <atomic>
#include <cmath>
#include <fmt/format.h>

namespace cornet::data {

using namespace detail;

struct Dataset::Shared {
  NodePtr node;
  std::atomic<uint64_t> passes{0};
};

namespace {

/// What a Dataset gives out: keeps the pipeline alive and ends once.
class Pass : public Iterator {
public:
  Pass(NodePtr node, uint64_t pass) : node(std::move(node)), inner(this->node->start(pass)) {}
  bool next(Example &example) override {
    if (!inner)
      return false;
    bool found = false;
    try {
      found = inner->next(example);
    } catch (...) {
      inner.reset();
      throw;
    }
    if (!found)
      inner.reset();
    return found;
  }

private:
  NodePtr node;
  std::unique_ptr<Iterator> inner; // goes first
};

class Window : public Stage {
public:
  Window(NodePtr before, int64_t first, int64_t most)
      : Stage(std::move(before)), first(first), most(most) {}

  std::unique_ptr<Iterator> start(uint64_t pass) const override {
    struct Walk : Iterator {
      std::unique_ptr<Iterator> inner;
      int64_t skip, left;
      bool next(Example &example) override {
        for (; skip > 0; --skip)
          if (!inner->next(example))
            return false;
        if (left == 0 || !inner->next(example))
          return false;
        left -= left != Dataset::infinite;
        return true;
      }
    };
    auto walk = std::make_unique<Walk>();
    walk->skip = first, walk->left = most;
    walk->inner = before->start(pass);
    return walk;
  }
  std::optional<int64_t> cardinality() const override {
    std::optional<int64_t> all = before->cardinality();
    if (!all || *all == Dataset::infinite)
      return all && most != Dataset::infinite ? most : all;
    return std::min(std::max<int64_t>(*all - first, 0), most);
  }
  bool indexed() const override { return before->indexed(); }
  void element(int64_t index, Example &example) const override {
    before->element(index + first, example);
  }

private:
  int64_t first, most;
};

class Repeat : public Stage {
public:
  Repeat(NodePtr before, int64_t n) : Stage(std::move(before)), n(n) {}

  std::unique_ptr<Iterator> start(uint64_t pass) const override {
    struct Walk : Iterator {
      const Node *before;
      uint64_t pass;
      int64_t number, n;
      std::unique_ptr<Iterator> inner;
      bool next(Example &example) override {
        for (; number < n; ++number) {
          bool fresh = !inner;
          // The first repetition is the pass itself, so that repeat(1) changes nothing.
          if (fresh)
            inner = before->start(number == 0 ? pass : Random::of(pass, uint64_t(number)).state);
          if (inner->next(example))
            return true;
          inner.reset();
          if (fresh)
            return false; // nothing to repeat
        }
        return false;
      }
    };
    auto walk = std::make_unique<Walk>();
    walk->before = before.get(), walk->pass = pass, walk->number = 0, walk->n = n;
    return walk;
  }
  std::optional<int64_t> cardinality() const override {
    std::optional<int64_t> once = before->cardinality();
    int64_t all = 0;
    if (once && *once != 0 && (n == Dataset::infinite || __builtin_mul_overflow(*once, n, &all)))
      return Dataset::infinite;
    return once ? std::optional(all) : n == 0 ? std::optional<int64_t>(0) : std::nullopt;
  }

private:
  int64_t n;
};

class Concatenation : public Stage {
public:
  Concatenation(NodePtr before, NodePtr after)
      : Stage(std::move(before)), after(std::move(after)) {}

  std::unique_ptr<Iterator> start(uint64_t pass) const override {
    struct Walk : Iterator {
      const Node *after;
      uint64_t pass;
      std::unique_ptr<Iterator> inner;
      bool next(Example &example) override {
        if (inner->next(example))
          return true;
        if (!after)
          return false;
        inner = std::exchange(after, nullptr)->start(pass);
        return inner->next(example);
      }
    };
    auto walk = std::make_unique<Walk>();
    walk->after = after.get(), walk->pass = pass, walk->inner = before->start(pass);
    return walk;
  }
  std::optional<int64_t> cardinality() const override {
    std::optional<int64_t> a = before->cardinality(), b = after->cardinality();
    if (a == Dataset::infinite || b == Dataset::infinite)
      return Dataset::infinite;
    return a && b ? std::optional(*a + *b) : std::nullopt;
  }
  bool reshuffles() const override { return before->reshuffles() || after->reshuffles(); }

private:
  NodePtr after;
};

class Zip : public Stage {
public:
  Zip(NodePtr left, NodePtr right) : Stage(std::move(left)), right(std::move(right)) {}

  std::unique_ptr<Iterator> start(uint64_t pass) const override {
    struct Walk : Iterator {
      std::unique_ptr<Iterator> left, right;
      bool next(Example &example) override {
        Example other;
        if (!left->next(example) || !right->next(other))
          return false;
        for (Array &array : other.x)
          example.x.push_back(std::move(array));
        for (Array &array : other.y)
          example.y.push_back(std::move(array));
        if (other.sample_weight.absent())
          return true;
        if (!example.sample_weight.absent())
          throw Error("zip: both datasets have a sample_weight; remove one with map()");
        example.sample_weight = std::move(other.sample_weight);
        return true;
      }
    };
    auto walk = std::make_unique<Walk>();
    walk->left = before->start(pass), walk->right = right->start(pass);
    return walk;
  }
  std::optional<int64_t> cardinality() const override {
    std::optional<int64_t> a = before->cardinality(), b = right->cardinality();
    return a && b ? std::optional(std::min(*a, *b)) : std::nullopt;
  }
  bool reshuffles() const override { return before->reshuffles() || right->reshuffles(); }

private:
  NodePtr right;
};

class Filter : public Stage {
public:
  Filter(NodePtr before, std::function<bool(const Example &)> keep)
      : Stage(std::move(before)), keep(std::move(keep)) {}

  std::unique_ptr<Iterator> start(uint64_t pass) const override {
    struct Walk : Iterator {
      const Filter *filter;
      std::unique_ptr<Iterator> inner;
      bool next(Example &example) override {
        while (inner->next(example))
          if (filter->keep(example))
            return true;
        return false;
      }
    };
    auto walk = std::make_unique<Walk>();
    walk->filter = this, walk->inner = before->start(pass);
    return walk;
  }
  std::optional<int64_t> cardinality() const override { return std::nullopt; }

private:
  std::function<bool(const Example &)> keep;
};

Dataset made(NodePtr node) { return Dataset(std::move(node)); }

void demand(bool right, const char *what) {
  if (!right)
    throw Error(what);
}

} // namespace

Dataset::Dataset(std::shared_ptr<const detail::Node> node) : shared(std::make_shared<Shared>()) {
  shared->node = std::move(node);
}

std::unique_ptr<Iterator> Dataset::iterator(std::optional<uint64_t> pass) const {
  return std::make_unique<Pass>(shared->node, pass ? *pass : shared->passes++);
}

std::optional<int64_t> Dataset::cardinality() const { return shared->node->cardinality(); }

Dataset Dataset::shuffle(size_t buffer, uint64_t seed, bool reshuffle_each_iteration) const {
  demand(buffer > 0, "shuffle: the buffer must hold at least 1 element");
  return made(shuffled(shared->node, buffer, seed, reshuffle_each_iteration));
}

Dataset Dataset::batch(size_t n, bool drop_remainder) const {
  demand(n > 0, "batch: a batch must have at least 1 row");
  return made(batched(shared->node, n, drop_remainder));
}

Dataset Dataset::unbatch() const { return made(unbatched(shared->node)); }

Dataset Dataset::map(std::function<Example(Example)> fn, size_t parallel_calls) const {
  demand(bool(fn), "map: the function is empty");
  demand(parallel_calls <= 1024, "map: more than 1024 parallel calls");
  size_t threads = parallel_calls > 1 ? parallel_calls : 0;
  return made(mapped(shared->node, std::move(fn), threads, 2 * threads));
}

Dataset Dataset::filter(std::function<bool(const Example &)> keep) const {
  demand(bool(keep), "filter: the function is empty");
  return made(std::make_shared<Filter>(shared->node, std::move(keep)));
}

Dataset Dataset::prefetch(size_t n) const {
  demand(n <= 1 << 20, "prefetch: more than 1048576 elements ahead; give the number of batches");
  if (n == 0)
    return *this;
  return made(mapped(shared->node, nullptr, 1, n));
}

Dataset Dataset::cache() const { return made(cachedInMemory(shared->node)); }

Dataset Dataset::cache(std::string file) const {
  demand(!file.empty(), "cache: the name of the file is empty");
  return made(cachedInFile(shared->node, std::move(file)));
}

Dataset Dataset::repeat(int64_t n) const {
  demand(n >= 0, "repeat: the number of passes must not be negative");
  return made(std::make_shared<Repeat>(shared->node, n));
}

Dataset Dataset::take(int64_t n) const {
  demand(n >= 0, "take: the number of elements must not be negative");
  return made(std::make_shared<Window>(shared->node, 0, n));
}

Dataset Dataset::skip(int64_t n) const {
  demand(n >= 0, "skip: the number of elements must not be negative");
  return made(std::make_shared<Window>(shared->node, n, infinite));
}

std::pair<Dataset, Dataset> Dataset::split(double fraction) const {
  demand(fraction >= 0 && fraction <= 1, "split: the fraction must be between 0 and 1");
  demand(!shared->node->reshuffles(),
         "split: the elements are shuffled anew in each pass, so they would wander between the two "
         "parts; split first and shuffle each part, or give shuffle() reshuffle_each_iteration = "
         "false");
  std::optional<int64_t> count = cardinality();
  demand(count != infinite, "split: the dataset is endless; use take() and skip()");
  if (!count) {
    count = 0;
    auto pass = iterator(0);
    for (Example example; pass->next(example);)
      ++*count;
  }
  auto first = int64_t(std::nearbyint(fraction * double(*count)));
  return {take(first), skip(first)};
}

Dataset Dataset::concatenate(const Dataset &other) const {
  return made(std::make_shared<Concatenation>(shared->node, other.shared->node));
}

Dataset Dataset::zip(const Dataset &other) const {
  return made(std::make_shared<Zip>(shared->node, other.shared->node));
}

} // namespace cornet::data
