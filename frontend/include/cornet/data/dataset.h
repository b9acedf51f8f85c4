// SPDX-License-Identifier: Apache-2.0
//
// Datasets: lazy, endless if need be, and the same on every run.
//
//   Dataset train = Dataset::fromArrays({images}, {labels})
//                       .shuffle(10000, 42).map(augment, 4).batch(32).prefetch(2);
//   for (Example &batch : train) ...
//
// A Dataset describes a pipeline; nothing is read before iteration, and each iteration starts
// anew. Copies share the description and cost nothing. An iterator belongs to one thread; several
// iterators of one dataset may run at once. What map and prefetch do on threads of their own does
// not change the order of elements, whatever the number of threads; errors of those threads are
// thrown by next().
#pragma once

#include <cornet/data/array.h>

#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <utility>

namespace cornet::data {

/// One element: the inputs and the targets of an example, or, after batch(), of a batch, where
/// every array has its rows in dimension 0. sample_weight is absent unless given.
struct Example {
  std::vector<Array> x, y;
  Array sample_weight{};
};
using Batch = Example;

/// One pass over a dataset.
class Iterator {
public:
  virtual ~Iterator() = default;
  /// Writes the next element; false at the end. After an Error the pass is over.
  virtual bool next(Example &example) = 0;
};

namespace detail {
class Node; ///< a stage of a pipeline
}

class Dataset {
public:
  static constexpr int64_t infinite = std::numeric_limits<int64_t>::max();

  /// An example per row. Throws when the arrays differ in their number of rows.
  static Dataset fromArrays(std::vector<Array> x, std::vector<Array> y = {},
                            Array sample_weight = {});
  /// `start` begins a pass: it returns the function that gives the elements, and then nullopt.
  static Dataset fromGenerator(std::function<std::function<std::optional<Example>()>()> start);

  /// Draws each element at random from a buffer of that many, refilled in order: uniform when the
  /// buffer holds the whole dataset. The order depends on the seed and, unless
  /// reshuffle_each_iteration is false, on the number of the pass. Memory: `buffer` elements.
  Dataset shuffle(size_t buffer, uint64_t seed, bool reshuffle_each_iteration = true) const;
  /// n consecutive elements stacked; the last batch is smaller, or dropped. Elements that differ
  /// in type or shape are an Error.
  Dataset batch(size_t n, bool drop_remainder = false) const;
  /// The rows of every element, as elements.
  Dataset unbatch() const;
  /// `fn` of each element, in order; up to `parallel_calls` at once, each on a thread of its own
  /// (fn must then be safe to call so). What fn throws, next() throws.
  Dataset map(std::function<Example(Example)> fn, size_t parallel_calls = 1) const;
  /// The elements `keep` is true of.
  Dataset filter(std::function<bool(const Example &)> keep) const;
  /// Up to n elements are made ahead, on one thread.
  Dataset prefetch(size_t n) const;
  /// The first whole pass is kept in memory and replayed.
  Dataset cache() const;
  /// The first whole pass is kept in `file`, which appears when the pass is complete, and streamed
  /// from it: by later runs of the program too. Delete the file when the data changes.
  Dataset cache(std::string file) const;
  /// n passes, each shuffled differently; without n, endless.
  Dataset repeat(int64_t n = infinite) const;
  Dataset take(int64_t n) const; ///< the first n elements
  Dataset skip(int64_t n) const; ///< all but the first n elements
  /// The first round(fraction * cardinality) elements, and the others. Counts the elements by a
  /// pass when their number is not known. Throws for endless data, and when a reshuffling shuffle
  /// stands before it: elements would wander between the two parts from pass to pass.
  std::pair<Dataset, Dataset> split(double fraction) const;
  Dataset concatenate(const Dataset &other) const;
  /// Elements side by side: the x of both, then the y of both; ends with the shorter.
  Dataset zip(const Dataset &other) const;

  /// The number of elements, `infinite`, or nullopt when only a pass can tell.
  std::optional<int64_t> cardinality() const;
  /// Starts a pass. Shuffles depend on its number: the given one, else 0, 1, 2... in the order of
  /// calls on this dataset and its copies. The iterator keeps what it needs alive.
  std::unique_ptr<Iterator> iterator(std::optional<uint64_t> pass = std::nullopt) const;

  /// For `for (Example &example : dataset)`: one pass.
  class Cursor {
  public:
    explicit Cursor(std::shared_ptr<Iterator> over) : over(std::move(over)) { ++*this; }
    Example &operator*() { return example; }
    Example *operator->() { return &example; }
    Cursor &operator++() {
      if (!over->next(example))
        over.reset();
      return *this;
    }
    bool operator==(std::default_sentinel_t) const { return !over; }

  private:
    std::shared_ptr<Iterator> over;
    Example example;
  };
  Cursor begin() const { return Cursor(iterator()); }
  std::default_sentinel_t end() const { return {}; }

  explicit Dataset(std::shared_ptr<const detail::Node> node);

private:
  struct Shared;
  std::shared_ptr<Shared> shared;
};

/// All elements stacked into one batch, in memory. Throws for endless data.
Batch collect(const Dataset &dataset);

} // namespace cornet::data
