// SPDX-License-Identifier: Apache-2.0
//
// What the metrics' files share: means over samples, and the choice of a name.
#pragma once

#include "frontend/lib/losses/Support.h"

#include <cornet/metrics.h>

namespace cornet::support {

inline std::string orName(const std::string &given, const char *name) {
  return given.empty() ? name : given;
}

/// Keras's reduction of values to one for each sample, weighted: (B). `kind` is mean or sum; the
/// weight, where there is one, becomes (B) too.
void toSamples(Tensor &values, Tensor &weight, const std::string &kind);

/// Base of metrics that are a total divided by a count.
class MeanMetric : public Metric {
public:
  MeanMetric(std::string name, std::string direction);
  void update(const Tensor &y_true, const Tensor &y_pred, const Tensor &sample_weight) override;
  Tensor result(const Tensor &like) override;

protected:
  void addMean(Tensor values, Tensor weight);
  VariablePtr total, count;
};

/// Whether tensors are there and nothing was wrong with them; else says so.
bool usable(const Tensor &y_true, const Tensor &y_pred);

} // namespace cornet::support
