// SPDX-License-Identifier: Apache-2.0
//
// What is learned from data before training, and shapes data takes for it: mean and variance for a
// Normalization layer, windows of a time series, weights of classes.
#pragma once

#include <cornet/data/dataset.h>

#include <map>
#include <vector>

namespace cornet::data {

/// Mean and variance of each position along the kept axes, in double, by Welford's update: one
/// pass, no cancellation. variance is M2 / count (Keras: biased). For Normalization({.mean =
/// m.mean, .variance = m.variance}).
struct Moments {
  std::vector<double> mean, variance;
  int64_t count = 0; ///< numbers seen at each position
};
/// `axis` counts dimensions of the array, negative from the end; none: one mean of everything. The
/// default keeps the last one, as Normalization. Throws when there is nothing to learn from.
Moments adapt(const Array &array, const std::vector<int64_t> &axis = {-1});
/// Of x[input] of every element, in one pass. `axis` counts dimensions of the elements: the last
/// one is -1 whether or not they are batched. Elements may differ in the other dimensions.
Moments adapt(const Dataset &dataset, size_t input = 0, const std::vector<int64_t> &axis = {-1});

struct TimeseriesOptions {
  int64_t sequence_length;     ///< required: time steps in a window
  int64_t sequence_stride = 1; ///< steps between the beginnings of windows
  int64_t sampling_rate = 1;   ///< steps between the steps of a window
  size_t batch_size = 128;     ///< 0: single windows
  bool shuffle = false;        ///< windows in random order, anew in each pass
  uint64_t seed = 0;
  int64_t start_index = 0, end_index = -1; ///< of `data` used: [start, end); -1: to the end
};
/// Windows of data (T, ...): x[0] (sequence_length, ...), y[0] the row of `targets` with the number
/// of the window's first step. A window whose target is missing is left out. Errors are Keras's.
Dataset timeseries_dataset_from_array(Array data, Array targets, TimeseriesOptions options);

/// Label to weight; labels that are not in it weigh 1.
using ClassWeight = std::map<int64_t, double>;
/// f32 (N): the weights of labels (N), (N, 1), or of the greatest of each row (N, classes).
Array sample_weights(const Array &labels, const ClassWeight &class_weight);
/// Batches with the weights of their y[0] as sample_weight: fit's class_weight. next() throws when
/// a batch has weights already.
Dataset withClassWeight(const Dataset &batches, ClassWeight class_weight);

} // namespace cornet::data
