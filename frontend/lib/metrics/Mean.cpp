// SPDX-License-Identifier: Apache-2.0
//
// Metrics that are means, of numbers, functions and losses.
#include "frontend/lib/metrics/Support.h"

namespace cornet {

using namespace support;

Metric::Metric(std::string name) : name(std::move(name)) {}

VariablePtr Metric::addVariable(const std::string &variable, Shape shape,
                                const Initializer &initializer) {
  variables.push_back(std::make_shared<Variable>());
  variables.back()->name = name + "/" + variable, variables.back()->shape = std::move(shape);
  variables.back()->initializer = initializer, variables.back()->trainable = false;
  return variables.back();
}

void Metric::add(const VariablePtr &variable, const Tensor &amount) {
  ops::assign(variable, ops::read(variable, amount) + amount);
}

namespace support {

bool usable(const Tensor &y_true, const Tensor &y_pred) {
  if (y_true && y_pred)
    return !y_true.poisoned() && !y_pred.poisoned();
  ops::record("mul", {y_true, y_pred}); // which says what is wrong
  return false;
}

static std::vector<int64_t> from(size_t first, size_t end) {
  std::vector<int64_t> axes;
  for (; first < end; ++first)
    axes.push_back(int64_t(first));
  return axes;
}

void toSamples(Tensor &values, Tensor &weight, const std::string &kind) {
  values = real(values);
  if (weight) {
    weight = real(weight);
    align(values, weight);
    if (values.rank() > weight.rank())
      values = ops::reduce(values, kind, from(weight.rank(), values.rank()));
    values = values * weight;
    if (weight.rank() > 1)
      weight = ops::reduce(weight, kind, from(1, weight.rank()));
  }
  if (values.rank() > 1)
    values = ops::reduce(values, kind, from(1, values.rank()));
}

MeanMetric::MeanMetric(std::string name, std::string direction) : Metric(std::move(name)) {
  this->direction = std::move(direction);
  total = addVariable("total", {}), count = addVariable("count", {});
}

void MeanMetric::update(const Tensor &, const Tensor &y_pred, const Tensor &sample_weight) {
  if (usable(y_pred, y_pred))
    addMean(y_pred, sample_weight);
}

void MeanMetric::addMean(Tensor values, Tensor weight) {
  toSamples(values, weight, "mean");
  if (values.poisoned())
    return;
  add(total, ops::sum(values));
  if (weight)
    add(count, ops::sum(weight));
  else if (values.rank() == 0 || values.shape()[0] > 0)
    add(count, ops::constant(values, values.rank() ? double(values.shape()[0]) : 1.0));
  else // the batch's extent, as a sum of as many ones
    add(count, ops::sum(ops::clamp(values, 1, 1)));
}

Tensor MeanMetric::result(const Tensor &like) {
  return divideNoNan(ops::read(total, like), ops::read(count, like));
}

namespace {

class SumMetric : public Metric {
public:
  explicit SumMetric(std::string name) : Metric(std::move(name)) {
    total = addVariable("total", {});
  }
  void update(const Tensor &, const Tensor &y_pred, const Tensor &sample_weight) override {
    if (!usable(y_pred, y_pred))
      return;
    Tensor values = y_pred, weight = sample_weight;
    toSamples(values, weight, "sum");
    if (!values.poisoned())
      add(total, ops::sum(values));
  }
  Tensor result(const Tensor &like) override { return ops::read(total, like); }

private:
  VariablePtr total;
};

class FunctionMetric : public MeanMetric {
public:
  FunctionMetric(std::string name, std::function<Tensor(const Tensor &, const Tensor &)> function,
                 std::string direction)
      : MeanMetric(std::move(name), std::move(direction)), function(std::move(function)) {}
  void update(const Tensor &y_true, const Tensor &y_pred, const Tensor &sample_weight) override {
    if (usable(y_true, y_pred))
      addMean(function(y_true, y_pred), sample_weight);
  }

private:
  std::function<Tensor(const Tensor &, const Tensor &)> function;
};

class LossMetric : public MeanMetric {
public:
  LossMetric(std::string name, LossPtr loss, std::string direction)
      : MeanMetric(std::move(name), std::move(direction)), loss(std::move(loss)) {}
  void update(const Tensor &y_true, const Tensor &y_pred, const Tensor &sample_weight) override {
    if (!usable(y_true, y_pred))
      return;
    Tensor values = loss->call(y_true, y_pred);
    if (values.poisoned())
      return;
    Tensor weight = sample_weight, counts = loss->valid(y_true, y_pred, values);
    if (counts && weight) {
      Tensor wide = real(counts);
      weight = real(weight);
      alignWeight(wide, weight);
      weight = wide * weight;
    } else if (counts)
      weight = counts;
    addMean(values, weight);
  }

private:
  LossPtr loss;
};

class RootMetric : public MeanMetric {
public:
  using MeanMetric::MeanMetric;
  void update(const Tensor &y_true, const Tensor &y_pred, const Tensor &sample_weight) override {
    if (!usable(y_true, y_pred))
      return;
    Tensor y = real(y_true), p = real(y_pred);
    align(y, p);
    Tensor d = p - y;
    addMean(d * d, sample_weight);
  }
  Tensor result(const Tensor &like) override { return ops::sqrt(MeanMetric::result(like)); }
};

} // namespace
} // namespace support

namespace metrics {

MetricPtr MetricFunction(std::string name,
                         std::function<Tensor(const Tensor &, const Tensor &)> function,
                         std::string direction) {
  return std::make_shared<FunctionMetric>(std::move(name), std::move(function),
                                          std::move(direction));
}
MetricPtr MetricOfLoss(std::string name, LossPtr loss, std::string direction) {
  return std::make_shared<LossMetric>(std::move(name), std::move(loss), std::move(direction));
}

MetricPtr Mean(MetricOptions o) { return std::make_shared<MeanMetric>(orName(o.name, "mean"), ""); }
MetricPtr Sum(MetricOptions o) { return std::make_shared<SumMetric>(orName(o.name, "sum")); }
MetricPtr RootMeanSquaredError(MetricOptions o) {
  return std::make_shared<RootMetric>(orName(o.name, "root_mean_squared_error"), "down");
}

#define CORNET_LOSS_METRIC(KIND, LOSS, NAME)                                                       \
  MetricPtr KIND(MetricOptions o) { return MetricOfLoss(orName(o.name, NAME), losses::LOSS()); }
CORNET_LOSS_METRIC(MeanSquaredError, MeanSquaredError, "mean_squared_error")
CORNET_LOSS_METRIC(MeanAbsoluteError, MeanAbsoluteError, "mean_absolute_error")
CORNET_LOSS_METRIC(MeanAbsolutePercentageError, MeanAbsolutePercentageError,
                   "mean_absolute_percentage_error")
CORNET_LOSS_METRIC(MeanSquaredLogarithmicError, MeanSquaredLogarithmicError,
                   "mean_squared_logarithmic_error")
CORNET_LOSS_METRIC(LogCoshError, LogCosh, "logcosh")
CORNET_LOSS_METRIC(Hinge, Hinge, "hinge")
CORNET_LOSS_METRIC(SquaredHinge, SquaredHinge, "squared_hinge")
CORNET_LOSS_METRIC(CategoricalHinge, CategoricalHinge, "categorical_hinge")
CORNET_LOSS_METRIC(KLDivergence, KLDivergence, "kl_divergence")
CORNET_LOSS_METRIC(Poisson, Poisson, "poisson")

MetricPtr BinaryCrossentropy(BinaryCrossentropyOptions o) {
  return MetricOfLoss(orName(o.name, "binary_crossentropy"),
                      losses::BinaryCrossentropy(
                          {.from_logits = o.from_logits, .label_smoothing = o.label_smoothing}));
}
MetricPtr CategoricalCrossentropy(CategoricalCrossentropyOptions o) {
  return MetricOfLoss(
      orName(o.name, "categorical_crossentropy"),
      losses::CategoricalCrossentropy(
          {.from_logits = o.from_logits, .label_smoothing = o.label_smoothing, .axis = o.axis}));
}
MetricPtr SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions o) {
  return MetricOfLoss(
      orName(o.name, "sparse_categorical_crossentropy"),
      losses::SparseCategoricalCrossentropy(
          {.from_logits = o.from_logits, .ignore_class = o.ignore_class, .axis = o.axis}));
}
MetricPtr CosineSimilarity(AxisOptions o) {
  LossPtr loss = losses::CosineSimilarity({.axis = o.axis});
  auto values = [loss](const Tensor &y, const Tensor &p) { return -loss->call(y, p); };
  return MetricFunction(orName(o.name, "cosine_similarity"), values, "up");
}

} // namespace metrics
} // namespace cornet
