// SPDX-License-Identifier: Apache-2.0
// Elements stacked into batches, and batches taken apart. Bytes are appended as elements come, so
// that a batch is in memory once.
#include "frontend/data/Pipeline.h"

#include <fmt/format.h>

namespace cornet::data {

using namespace detail;

namespace {

/// Elements one under the other.
class Stacker {
public:
  Stacker(const char *caller, size_t expected) : caller(caller), expected(expected) {}

  void add(Example &example, int64_t number) {
    if (rows == 0) {
      begin(all.x, example.x);
      begin(all.y, example.y);
      weighted = !example.sample_weight.absent();
      if (weighted)
        begin(weights, {example.sample_weight});
    }
    if (all.x.size() != example.x.size() || all.y.size() != example.y.size() ||
        weighted == example.sample_weight.absent())
      throw Error(
          fmt::format("{}: element {} has {} x, {} y and {} sample_weight, but the elements "
                      "before it have {}, {} and {}",
                      caller, number, example.x.size(), example.y.size(),
                      example.sample_weight.absent() ? "no" : "a", all.x.size(), all.y.size(),
                      weighted ? "a" : "no"));
    for (size_t i = 0; i < all.x.size(); ++i)
      append(all.x[i], example.x[i], "x", i, number);
    for (size_t i = 0; i < all.y.size(); ++i)
      append(all.y[i], example.y[i], "y", i, number);
    if (weighted)
      append(weights[0], example.sample_weight, "sample_weight", 0, number);
    ++rows;
  }

  /// The batch so far; false when nothing was added.
  bool take(Batch &batch) {
    if (rows == 0)
      return false;
    for (std::vector<Array> *arrays : {&all.x, &all.y, &weights})
      for (Array &array : *arrays)
        array.shape.insert(array.shape.begin(), rows);
    if (weighted)
      all.sample_weight = std::move(weights[0]);
    batch = std::exchange(all, {});
    weights.clear();
    rows = 0;
    return true;
  }
  int64_t count() const { return rows; }

private:
  void begin(std::vector<Array> &to, const std::vector<Array> &from) {
    constexpr size_t most = size_t(1) << 28; // what is set aside before the elements are there
    for (const Array &array : from) {
      to.push_back({array.type, {}});
      to.back().shape = array.shape;
      to.back().bytes.clear();
      to.back().bytes.reserve(
          expected < most / (array.bytes.size() + 1) ? expected * array.bytes.size() : 0);
    }
  }
  void append(Array &to, const Array &from, const char *what, size_t index, int64_t number) const {
    if (to.type != from.type || to.shape != from.shape)
      throw Error(fmt::format(
          "{}: element {}: {}[{}] is {} of shape {}, but of those before it {} of shape {}; "
          "map() them to one shape{}",
          caller, number, what, index, nameOf(from.type), shapeText(from.shape), nameOf(to.type),
          shapeText(to.shape), to.type == DType::U8 ? " (texts: by a TextVectorization)" : ""));
    to.bytes.insert(to.bytes.end(), from.bytes.begin(), from.bytes.end());
  }

  const char *caller;
  size_t expected;
  Batch all;
  std::vector<Array> weights; ///< one, or none
  bool weighted = false;
  int64_t rows = 0;
};

class BatchNode : public Stage {
public:
  BatchNode(NodePtr before, size_t n, bool drop) : Stage(std::move(before)), n(n), drop(drop) {}

  std::unique_ptr<Iterator> start(uint64_t pass) const override {
    struct Walk : Iterator {
      Walk(size_t n, bool drop) : n(n), drop(drop), stacker("batch", n) {}
      size_t n;
      bool drop;
      int64_t number = 0;
      Stacker stacker;
      std::unique_ptr<Iterator> inner;
      Example element; // reused, with its memory
      bool next(Example &example) override {
        while (size_t(stacker.count()) < n && inner->next(element))
          stacker.add(element, number++);
        return !(drop && size_t(stacker.count()) < n) && stacker.take(example);
      }
    };
    auto walk = std::make_unique<Walk>(n, drop);
    walk->inner = before->start(pass);
    return walk;
  }
  std::optional<int64_t> cardinality() const override {
    std::optional<int64_t> all = before->cardinality();
    if (!all || *all == Dataset::infinite)
      return all;
    uint64_t whole = uint64_t(*all) / n;
    return int64_t(whole + (!drop && uint64_t(*all) % n != 0));
  }

private:
  size_t n;
  bool drop;
};

class UnbatchNode : public Stage {
public:
  using Stage::Stage;

  std::unique_ptr<Iterator> start(uint64_t pass) const override {
    struct Walk : Iterator {
      std::unique_ptr<Iterator> inner;
      Batch batch;
      int64_t at = 0, rows = 0;

      Array row(const Array &array) const {
        if (array.rows() != rows)
          throw Error(
              fmt::format("unbatch: arrays of {} and of {} rows in one batch", rows, array.rows()));
        Array result = array.slice(at, at + 1);
        result.shape.erase(result.shape.begin());
        return result;
      }
      bool next(Example &example) override {
        while (at == rows) {
          if (!inner->next(batch))
            return false;
          if (batch.x.empty())
            throw Error("unbatch: an element has no x");
          at = 0, rows = batch.x[0].rows();
        }
        example = {};
        for (const Array &array : batch.x)
          example.x.push_back(row(array));
        for (const Array &array : batch.y)
          example.y.push_back(row(array));
        if (!batch.sample_weight.absent())
          example.sample_weight = row(batch.sample_weight);
        ++at;
        return true;
      }
    };
    auto walk = std::make_unique<Walk>();
    walk->inner = before->start(pass);
    return walk;
  }
  std::optional<int64_t> cardinality() const override {
    return before->cardinality() == Dataset::infinite ? before->cardinality() : std::nullopt;
  }
};

} // namespace

NodePtr detail::batched(NodePtr before, size_t n, bool drop) {
  return std::make_shared<BatchNode>(std::move(before), n, drop);
}

NodePtr detail::unbatched(NodePtr before) {
  return std::make_shared<UnbatchNode>(std::move(before));
}

Batch collect(const Dataset &dataset) {
  std::optional<int64_t> count = dataset.cardinality();
  if (count == Dataset::infinite)
    throw Error("collect: the dataset is endless; take() a part of it");
  Stacker stacker("collect", size_t(count.value_or(0)));
  auto pass = dataset.iterator();
  for (Example example; pass->next(example);)
    stacker.add(example, stacker.count());
  Batch all;
  if (!stacker.take(all))
    throw Error("collect: the dataset is empty");
  return all;
}

} // namespace cornet::data
