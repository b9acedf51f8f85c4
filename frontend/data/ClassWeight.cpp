// SPDX-License-Identifier: Apache-2.0
// Weights of classes as weights of samples (Keras: class_weight_to_sample_weights).
#include <cornet/data/preprocessing.h>

#include <cmath>
#include <fmt/format.h>

namespace cornet::data {

Array sample_weights(const Array &labels, const ClassWeight &class_weight) {
  int64_t rows = labels.rows(), classes = labels.shape.back();
  if (labels.shape.size() > 2)
    throw Error(fmt::format("class_weight: labels of shape {}; (N), (N, 1) and (N, classes) have "
                            "classes",
                            shapeText(labels.shape)));
  bool isWide = labels.shape.size() == 2 && classes != 1;
  if (isWide && classes == 0)
    throw Error("class_weight: labels have no classes");
  Array weights(DType::F32, {rows});
  for (int64_t row = 0; row < rows; ++row) {
    int64_t label = 0;
    if (isWide) {
      for (int64_t c = 1; c < classes; ++c)
        if (labels.at(row * classes + c) > labels.at(row * classes + label))
          label = c;
    } else {
      double value = labels.at(row);
      if (!(std::fabs(value) < 0x1p62))
        throw Error(fmt::format("class_weight: label {} of row {} is no class", value, row));
      label = std::llrint(value);
    }
    auto found = class_weight.find(label);
    weights.set(row, found == class_weight.end() ? 1 : found->second);
  }
  return weights;
}

Dataset withClassWeight(const Dataset &batches, ClassWeight class_weight) {
  return batches.map([weights = std::move(class_weight)](Example batch) {
    if (batch.y.empty())
      throw Error("class_weight: the batch has no y");
    if (!batch.sample_weight.absent())
      throw Error("class_weight: the batch has a sample_weight already; give one of the two");
    batch.sample_weight = sample_weights(batch.y[0], weights);
    return batch;
  });
}

} // namespace cornet::data
