// SPDX-License-Identifier: Apache-2.0
#include "frontend/train/Feed.h"

#include "frontend/data/Order.h"

#include <cstring>

namespace cornet {
namespace {

using data::Array;
using data::DType;

Shape rowShape(const Array &array) { return Shape(array.shape.begin() + 1, array.shape.end()); }

size_t rowBytes(const Array &array) {
  size_t bytes = 4;
  for (size_t d = 1; d < array.shape.size(); ++d)
    bytes *= size_t(array.shape[d]);
  return bytes;
}

std::string what(const char *kind, size_t index) {
  return std::string(kind) + " " + std::to_string(index);
}

/// `given` as `type`, itself when it is of that type.
const Array *as(FedArrays &fed, const Array &given, DType type) {
  return given.type == type ? &given : &fed.made.emplace_back(given.as(type));
}

const Array *input(FedArrays &fed, const Array &given, const std::string &dtype, const Shape &shape,
                   size_t index) {
  DType type = dtype == "i32" ? DType::I32 : DType::F32;
  if (given.shape.empty())
    throw data::Error(what("input", index) + " is a scalar; the first dimension is the samples");
  Shape rest = rowShape(given);
  if (rest != shape) {
    // A model of one number takes a plain list of them.
    bool column = rest.empty() && shape == Shape{1};
    if (!column)
      throw data::Error(what("input", index) + " has rows of shape " + data::shapeText(rest) +
                        ", the model takes " + data::shapeText(shape));
    return &fed.made.emplace_back(given.reshaped({given.shape[0], 1}).as(type));
  }
  return as(fed, given, type);
}

/// The weight of each sample by its class: an integer label, or the largest of one-hot cells.
void weighByClass(FedArrays &fed, const ClassWeight &classes) {
  const Array &labels = *fed.arrays[fed.inputs];
  int64_t width = fed.rows ? labels.count() / fed.rows : 1;
  Array weighed(DType::F32, {fed.rows});
  std::span<float> weights = weighed.data<float>();
  for (int64_t row = 0; row < fed.rows; ++row)
    weights[size_t(row)] = fed.weighted ? float(fed.arrays.back()->at(row)) : 1;
  for (int64_t row = 0; row < fed.rows; ++row) {
    int64_t label = int64_t(labels.at(row * width));
    if (width > 1) {
      label = 0;
      for (int64_t c = 1; c < width; ++c)
        if (labels.at(row * width + c) > labels.at(row * width + label))
          label = c;
    }
    if (auto it = classes.find(label); it != classes.end())
      weights[size_t(row)] *= float(it->second);
  }
  if (fed.weighted)
    fed.arrays.pop_back();
  fed.arrays.push_back(&fed.made.emplace_back(std::move(weighed))), fed.weighted = true;
}

class ArraysFeed : public Feed {
public:
  ArraysFeed(FedArrays arrays, int64_t batch, bool shuffle, uint64_t seed)
      : fed(std::move(arrays)), batch(batch), shuffle(shuffle), seed(seed) {
    buffers.resize(fed.arrays.size());
  }

  void begin(int64_t epoch, int64_t skip) override {
    at = skip * batch;
    if (!shuffle)
      return;
    order = data::shuffledOrder(fed.rows, seed, uint64_t(epoch));
  }

  bool next(FedBatch &out) override {
    if (at >= fed.rows)
      return false;
    out.rows = std::min(batch, fed.rows - at);
    out.cells.resize(fed.arrays.size());
    for (size_t a = 0; a < fed.arrays.size(); ++a) {
      const Array &array = *fed.arrays[a];
      size_t bytes = rowBytes(array);
      if (!shuffle) {
        out.cells[a] = array.bytes.data() + size_t(at) * bytes;
        continue;
      }
      buffers[a].resize(size_t(batch) * bytes);
      for (int64_t r = 0; r < out.rows; ++r)
        std::memcpy(buffers[a].data() + size_t(r) * bytes,
                    array.bytes.data() + size_t(order[size_t(at + r)]) * bytes, bytes);
      out.cells[a] = buffers[a].data();
    }
    at += out.rows;
    return true;
  }

  int64_t batches() const override { return (fed.rows + batch - 1) / batch; }
  const FedArrays &sample() override { return fed; }
  std::vector<int64_t> sizes() override {
    std::vector<int64_t> out;
    if (fed.rows >= batch)
      out.push_back(batch);
    if (fed.rows % batch)
      out.push_back(fed.rows % batch);
    return out;
  }

private:
  FedArrays fed;
  int64_t batch, at = 0;
  bool shuffle;
  uint64_t seed;
  std::vector<int64_t> order;
  std::vector<std::vector<std::byte>> buffers;
};

class DatasetFeed : public Feed {
public:
  DatasetFeed(FeedPlan plan, data::Dataset batches)
      : plan(std::move(plan)), dataset(std::move(batches)) {}

  void begin(int64_t epoch, int64_t skip) override {
    over = dataset.iterator(uint64_t(epoch));
    data::Example dropped;
    while (skip-- > 0 && over->next(dropped)) {
    }
  }

  bool next(FedBatch &out) override {
    if (!over->next(example))
      return false;
    fed = prepare(plan, example.x, example.y, example.sample_weight);
    out.rows = fed.rows;
    out.cells.clear();
    for (const Array *array : fed.arrays)
      out.cells.push_back(array->bytes.data());
    return true;
  }

  int64_t batches() const override {
    std::optional<int64_t> count = dataset.cardinality();
    return count && *count != data::Dataset::infinite ? *count : -1;
  }

  const FedArrays &sample() override {
    if (first.arrays.empty()) {
      if (!dataset.iterator(0)->next(firstExample))
        throw data::Error("the dataset is empty");
      first = prepare(plan, firstExample.x, firstExample.y, firstExample.sample_weight);
    }
    return first;
  }
  std::vector<int64_t> sizes() override { return {sample().rows}; }

private:
  FeedPlan plan;
  data::Dataset dataset;
  std::unique_ptr<data::Iterator> over;
  data::Example example, firstExample; ///< what the fed arrays point into
  FedArrays fed, first;
};

} // namespace

std::vector<std::pair<std::string, Shape>> FedArrays::targetTypes() const {
  std::vector<std::pair<std::string, Shape>> out;
  for (size_t i = inputs; i < inputs + targets; ++i)
    out.emplace_back(arrays[i]->type == DType::I32 ? "i32" : "f32", rowShape(*arrays[i]));
  return out;
}

FedArrays prepare(const FeedPlan &plan, const std::vector<Array> &x, const std::vector<Array> &y,
                  const Array &sample_weight) {
  if (x.size() != plan.inputs.size())
    throw data::Error("the model takes " + std::to_string(plan.inputs.size()) +
                      " inputs, the data have " + std::to_string(x.size()));
  FedArrays out;
  out.inputs = x.size(), out.targets = y.size();
  for (size_t i = 0; i < x.size(); ++i)
    out.arrays.push_back(input(out, x[i], plan.inputs[i].first, plan.inputs[i].second, i));
  for (size_t i = 0; i < y.size(); ++i) {
    if (y[i].shape.empty())
      throw data::Error(what("target", i) + " is a scalar; the first dimension is the samples");
    out.arrays.push_back(as(out, y[i], data::isFloat(y[i].type) ? DType::F32 : DType::I32));
  }
  if (!sample_weight.absent()) {
    if (sample_weight.shape.size() != 1)
      throw data::Error("sample_weight must have one number for each sample, got shape " +
                        data::shapeText(sample_weight.shape));
    out.arrays.push_back(as(out, sample_weight, DType::F32)), out.weighted = true;
  }
  out.rows = out.arrays.empty() ? 0 : out.arrays[0]->shape[0];
  for (size_t i = 0; i < out.arrays.size(); ++i)
    if (out.arrays[i]->shape[0] != out.rows)
      throw data::Error((i < out.inputs                 ? what("input", i)
                         : i < out.inputs + out.targets ? what("target", i - out.inputs)
                                                        : std::string("sample_weight")) +
                        " has " + std::to_string(out.arrays[i]->shape[0]) + " rows, input 0 has " +
                        std::to_string(out.rows));
  if (out.rows == 0)
    throw data::Error("the data have no rows");
  if (!plan.class_weight.empty()) {
    if (y.size() != 1)
      throw data::Error("class_weight needs one target, the data have " + std::to_string(y.size()));
    weighByClass(out, plan.class_weight);
  }
  return out;
}

std::unique_ptr<Feed> feedArrays(FedArrays arrays, int64_t batch, bool shuffle, uint64_t seed) {
  if (batch < 1)
    throw data::Error("a batch must have at least one row, got " + std::to_string(batch));
  return std::make_unique<ArraysFeed>(std::move(arrays), batch, shuffle, seed);
}

std::unique_ptr<Feed> feedDataset(FeedPlan plan, data::Dataset batches) {
  return std::make_unique<DatasetFeed>(std::move(plan), std::move(batches));
}

} // namespace cornet
