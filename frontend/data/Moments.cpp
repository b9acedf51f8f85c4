// SPDX-License-Identifier: Apache-2.0
// Mean and variance in one pass: Welford's update in double (B. P. Welford, Technometrics 4, 1962).
#include <cornet/data/preprocessing.h>

#include <algorithm>
#include <fmt/format.h>

namespace cornet::data {
namespace {

class Learner {
public:
  explicit Learner(std::vector<int64_t> axis) : axis(std::move(axis)) {}

  void add(const Array &array) {
    std::vector<size_t> steps = stepsOf(array);
    Array numbers = array.as(array.type == DType::F64 ? DType::F64 : DType::F32);
    if (array.type == DType::I64 || array.type == DType::U64 || array.type == DType::I32 ||
        array.type == DType::U32)
      numbers = array.as(DType::F64); // f32 would round
    if (numbers.type == DType::F64)
      update<double>(numbers.data<double>(), array.shape, steps);
    else
      update<float>(numbers.data<float>(), array.shape, steps);
  }

  Moments moments() {
    int64_t count = counts.empty() ? 0 : counts[0];
    if (count == 0)
      throw Error("adapt: there is no data to learn mean and variance from");
    for (double &sum : squares)
      sum /= double(count);
    return {std::move(means), std::move(squares), count};
  }

private:
  /// How far each dimension moves the position among those kept; 0 for one that is summed over.
  std::vector<size_t> stepsOf(const Array &array) {
    auto rank = int64_t(array.shape.size());
    std::vector<size_t> steps(array.shape.size());
    std::vector<int64_t> kept, extents;
    for (int64_t each : axis) {
      if (each < -rank || each >= rank)
        throw Error(fmt::format("adapt: there is no axis {} in data of shape {}; no axis at all "
                                "gives one mean of everything",
                                each, shapeText(array.shape)));
      kept.push_back(each < 0 ? each + rank : each);
    }
    std::sort(kept.begin(), kept.end());
    if (std::adjacent_find(kept.begin(), kept.end()) != kept.end())
      throw Error("adapt: an axis is there twice");
    size_t step = 1;
    for (size_t i = kept.size(); i-- > 0;) {
      steps[size_t(kept[i])] = step;
      extents.insert(extents.begin(), array.shape[size_t(kept[i])]);
      step *= size_t(extents.front());
    }
    if (!started) {
      started = true, shape = extents;
      means.resize(step), squares.resize(step), counts.resize(step);
    }
    if (extents != shape)
      throw Error(fmt::format("adapt: the kept dimensions are {}, but of the data before {}",
                              shapeText(extents), shapeText(shape)));
    return steps;
  }

  template <typename T>
  void update(std::span<const T> cells, const std::vector<int64_t> &extents,
              const std::vector<size_t> &steps) {
    std::vector<int64_t> index(extents.size());
    size_t position = 0;
    for (T cell : cells) {
      double delta = double(cell) - means[position];
      means[position] += delta / double(++counts[position]);
      squares[position] += delta * (double(cell) - means[position]);
      for (size_t d = extents.size(); d-- > 0;) {
        position += steps[d];
        if (++index[d] < extents[d])
          break;
        position -= steps[d] * size_t(extents[d]);
        index[d] = 0;
      }
    }
  }

  std::vector<int64_t> axis, shape;
  std::vector<double> means, squares;
  std::vector<int64_t> counts;
  bool started = false;
};

} // namespace

Moments adapt(const Array &array, const std::vector<int64_t> &axis) {
  Learner learner(axis);
  learner.add(array);
  return learner.moments();
}

Moments adapt(const Dataset &dataset, size_t input, const std::vector<int64_t> &axis) {
  if (dataset.cardinality() == Dataset::infinite)
    throw Error("adapt: the dataset is endless; take() a part of it");
  Learner learner(axis);
  auto pass = dataset.iterator(0);
  for (Example example; pass->next(example);) {
    if (input >= example.x.size())
      throw Error(
          fmt::format("adapt: there is no x[{}]; elements have {}", input, example.x.size()));
    learner.add(example.x[input]);
  }
  return learner.moments();
}

} // namespace cornet::data
