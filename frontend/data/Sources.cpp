// SPDX-License-Identifier: Apache-2.0
// Where elements come from: arrays in memory, functions that make them by number or in order.
#include "frontend/data/Pipeline.h"

#include <fmt/format.h>

namespace cornet::data {

using namespace detail;

void Node::element(int64_t, Example &) const {
  throw std::logic_error("a stage without numbers was asked for an element");
}

std::unique_ptr<Iterator> IndexedNode::start(uint64_t) const {
  struct Walk : Iterator {
    const IndexedNode *node;
    int64_t at = 0, end;
    bool next(Example &example) override {
      if (at == end)
        return false;
      node->element(at++, example);
      return true;
    }
  };
  auto walk = std::make_unique<Walk>();
  walk->node = this, walk->end = *cardinality();
  return walk;
}

namespace {

class Arrays : public IndexedNode {
public:
  Arrays(std::vector<Array> x, std::vector<Array> y, Array weight)
      : x(std::move(x)), y(std::move(y)), weight(std::move(weight)) {
    if (this->x.empty())
      throw Error("fromArrays: at least one x is needed");
    rows = this->x[0].rows();
    check(this->x, "x");
    check(this->y, "y");
    if (!this->weight.absent())
      check({this->weight}, "sample_weight");
  }
  std::optional<int64_t> cardinality() const override { return rows; }
  void element(int64_t index, Example &example) const override {
    example.x.resize(x.size());
    example.y.resize(y.size());
    for (size_t i = 0; i < x.size(); ++i)
      row(x[i], index, example.x[i]);
    for (size_t i = 0; i < y.size(); ++i)
      row(y[i], index, example.y[i]);
    if (weight.absent())
      example.sample_weight = {};
    else
      row(weight, index, example.sample_weight);
  }

private:
  void check(const std::vector<Array> &arrays, const char *what) const {
    for (size_t i = 0; i < arrays.size(); ++i)
      if (arrays[i].rows() != rows)
        throw Error(fmt::format("fromArrays: {}[{}] has {} rows, but x[0] has {}", what, i,
                                arrays[i].rows(), rows));
  }
  void row(const Array &from, int64_t index, Array &to) const {
    size_t size = from.bytes.size() / size_t(rows);
    auto begin = from.bytes.begin() + int64_t(size) * index;
    to.type = from.type;
    to.shape.assign(from.shape.begin() + 1, from.shape.end());
    to.bytes.assign(begin, begin + int64_t(size));
  }
  std::vector<Array> x, y;
  Array weight;
  int64_t rows;
};

class Made : public IndexedNode {
public:
  Made(int64_t count, std::function<void(int64_t, Example &)> make)
      : count(count), make(std::move(make)) {}
  std::optional<int64_t> cardinality() const override { return count; }
  void element(int64_t index, Example &example) const override { make(index, example); }

private:
  int64_t count;
  std::function<void(int64_t, Example &)> make;
};

class Streamed : public Node {
public:
  Streamed(std::function<std::function<bool(Example &)>()> begin, std::optional<int64_t> count)
      : begin(std::move(begin)), count(count) {}
  std::unique_ptr<Iterator> start(uint64_t) const override {
    struct Walk : Iterator {
      std::function<bool(Example &)> make;
      bool next(Example &example) override { return make(example); }
    };
    auto walk = std::make_unique<Walk>();
    walk->make = begin();
    if (!walk->make)
      throw Error("fromGenerator: the function that begins a pass gave an empty function");
    return walk;
  }
  std::optional<int64_t> cardinality() const override { return count; }

private:
  std::function<std::function<bool(Example &)>()> begin;
  std::optional<int64_t> count;
};

} // namespace

Dataset Dataset::fromArrays(std::vector<Array> x, std::vector<Array> y, Array sample_weight) {
  return Dataset(std::make_shared<Arrays>(std::move(x), std::move(y), std::move(sample_weight)));
}

Dataset Dataset::fromGenerator(std::function<std::function<std::optional<Example>()>()> start) {
  if (!start)
    throw Error("fromGenerator: the function is empty");
  return streamedDataset([start]() -> std::function<bool(Example &)> {
    std::function<std::optional<Example>()> make = start();
    if (!make)
      return {};
    return [make](Example &example) {
      std::optional<Example> made = make();
      if (made)
        example = std::move(*made);
      return made.has_value();
    };
  });
}

Dataset indexedDataset(int64_t count, std::function<void(int64_t, Example &)> make) {
  return Dataset(std::make_shared<Made>(count, std::move(make)));
}

Dataset streamedDataset(std::function<std::function<bool(Example &)>()> start,
                        std::optional<int64_t> count) {
  return Dataset(std::make_shared<Streamed>(std::move(start), count));
}

} // namespace cornet::data
