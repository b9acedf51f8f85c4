// SPDX-License-Identifier: Apache-2.0
// Windows of a time series, cut out of the array as they are asked for.
#include "frontend/data/Pipeline.h"

#include <cornet/data/preprocessing.h>

#include <fmt/format.h>

namespace cornet::data {
namespace {

void demandStep(const char *name, int64_t value, int64_t rows) {
  if (value <= 0 || value >= rows)
    throw Error(fmt::format("timeseries_dataset_from_array: {} is {}; it must be at least 1 and "
                            "below the {} rows of the data",
                            name, value, rows));
}

} // namespace

Dataset timeseries_dataset_from_array(Array data, Array targets, TimeseriesOptions options) {
  constexpr const char *name = "timeseries_dataset_from_array";
  int64_t rows = data.rows(), start = options.start_index;
  int64_t end = options.end_index == -1 ? rows : options.end_index;
  if (start < 0 || start >= rows)
    throw Error(fmt::format("{}: start_index is {}; the data has {} rows", name, start, rows));
  if (end <= start || end > rows)
    throw Error(
        fmt::format("{}: end_index is {}; it must be above start_index ({}) and at most the "
                    "{} rows of the data",
                    name, end, start, rows));
  if (options.sequence_length <= 0)
    throw Error(fmt::format("{}: sequence_length must be given, and at least 1", name));
  demandStep("sampling_rate", options.sampling_rate, rows);
  demandStep("sequence_stride", options.sequence_stride, rows);
  int64_t reach = 0, windows = 0;
  if (!__builtin_mul_overflow(options.sequence_length - 1, options.sampling_rate, &reach))
    windows = end - start - reach;
  if (!targets.absent())
    windows = std::min(windows, targets.rows() - start);
  if (windows <= 0)
    throw Error(fmt::format("{}: no window of {} steps, every {}, fits into {} rows{}", name,
                            options.sequence_length, options.sampling_rate, end - start,
                            targets.absent() ? "" : " with targets"));
  int64_t count = (windows - 1) / options.sequence_stride + 1;
  auto source =
      std::make_shared<const std::pair<Array, Array>>(std::move(data), std::move(targets));
  Dataset dataset = indexedDataset(count, [source, options](int64_t number, Example &example) {
    int64_t first = options.start_index + number * options.sequence_stride;
    std::vector<int64_t> steps;
    for (int64_t i = 0; i < options.sequence_length; ++i)
      steps.push_back(first + i * options.sampling_rate);
    example = {};
    example.x.push_back(source->first.gather(steps));
    if (source->second.absent())
      return;
    example.y.push_back(source->second.slice(first, first + 1));
    example.y[0].shape.erase(example.y[0].shape.begin());
  });
  if (options.shuffle)
    dataset = dataset.shuffle(size_t(count), options.seed);
  return options.batch_size == 0 ? dataset : dataset.batch(options.batch_size);
}

} // namespace cornet::data
