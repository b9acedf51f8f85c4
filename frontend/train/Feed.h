// SPDX-License-Identifier: Apache-2.0
//
// Data as a step takes them: for each input, target and the weights a pointer to f32 or i32 cells
// of a batch's rows. Arrays that are not shuffled are pointed into; everything else is gathered in
// buffers that live until the next batch.
#pragma once

#include "frontend/train/Steps.h"

namespace cornet {

/// One batch, valid until the next is asked for.
struct FedBatch {
  int64_t rows = 0;
  std::vector<const void *> cells; ///< inputs, targets, weights
};

/// What kinds of cells a model and its targets want, and the weights of classes.
struct FeedPlan {
  std::vector<std::pair<std::string, Shape>> inputs; ///< dtype, shape without the batch
  ClassWeight class_weight{};
};

/// Arrays made ready: converted to f32 and i32, checked against the model.
struct FedArrays {
  std::vector<data::Array> arrays; ///< inputs, targets, weights if any
  size_t inputs = 0, targets = 0;
  bool weighted = false;
  int64_t rows = 0;
  std::vector<std::pair<std::string, Shape>> targetTypes() const;
};

/// Converts and checks a batch or a whole data set. Throws data::Error naming the array, what is
/// wrong and what is wanted. `x` alone is for predictions.
FedArrays prepare(const FeedPlan &plan, const std::vector<data::Array> &x,
                  const std::vector<data::Array> &y, const data::Array &sample_weight);

class Feed {
public:
  virtual ~Feed() = default;
  /// Begins pass `epoch`, after `skip` batches.
  virtual void begin(int64_t epoch, int64_t skip) = 0;
  virtual bool next(FedBatch &batch) = 0;
  /// Batches of a pass; -1: not known.
  virtual int64_t batches() const = 0;
  /// The types of the targets, and whether there are weights; looks at the first batch.
  virtual const FedArrays &sample() = 0;
  /// The sizes of batches that are sure to come.
  virtual std::vector<int64_t> sizes() = 0;
};

std::unique_ptr<Feed> feedArrays(FedArrays arrays, int64_t batch, bool shuffle, uint64_t seed);
std::unique_ptr<Feed> feedDataset(FeedPlan plan, data::Dataset batches);

} // namespace cornet
