// SPDX-License-Identifier: Apache-2.0
//
// Metrics of how targets and predictions vary together: correlations of each sample along an axis,
// and the coefficient of determination over all samples.
#include "frontend/lib/metrics/Support.h"

#include <limits>

namespace cornet::metrics {

using namespace support;
using ops::mean, ops::read, ops::sum;

MetricPtr PearsonCorrelation(AxisOptions o) {
  auto values = [axis = o.axis](const Tensor &y_true, const Tensor &y_pred) {
    Tensor y = real(y_true), p = real(y_pred);
    align(y, p);
    Tensor a = y - mean(y, {axis}, true), b = p - mean(p, {axis}, true);
    Tensor squares = mean(a * a, {axis}) * mean(b * b, {axis});
    return mean(a * b, {axis}) / ops::sqrt(squares);
  };
  return MetricFunction(orName(o.name, "pearson_correlation"), values, "up");
}

MetricPtr ConcordanceCorrelation(AxisOptions o) {
  auto values = [axis = o.axis](const Tensor &y_true, const Tensor &y_pred) {
    Tensor y = real(y_true), p = real(y_pred);
    align(y, p);
    Tensor meanY = mean(y, {axis}, true), meanP = mean(p, {axis}, true);
    Tensor a = y - meanY, b = p - meanP, apart = meanY - meanP;
    Tensor norm = mean(a * a, {axis}, true) + mean(b * b, {axis}, true) + apart * apart;
    return mean((y - meanP) * b * 2.0 / (norm + epsilon), {axis});
  };
  return MetricFunction(orName(o.name, "concordance_correlation"), values, "up");
}

namespace {

class R2 : public Metric {
public:
  explicit R2(const R2ScoreOptions &o) : Metric(orName(o.name, "r2_score")), o(o) {
    direction = "up";
    samples = addVariable("num_samples", {});
  }

  void update(const Tensor &y_true, const Tensor &y_pred, const Tensor &sample_weight) override {
    if (!usable(y_true, y_pred))
      return;
    Tensor y = real(y_true), p = real(y_pred);
    align(y, p);
    if (y.rank() != 2 || y.shape() != p.shape())
      return y.graph->mistake("R2Score needs targets and predictions (B, D), got " +
                              shapeOf(y_true) + " and " + shapeOf(y_pred));
    if (!total) {
      Shape columns{y.shape()[1]};
      squares = addVariable("squared_sum", columns), total = addVariable("sum", columns);
      residual = addVariable("residual", columns), count = addVariable("count", columns);
    }
    Tensor ones = ops::clamp(y, 1, 1), weight = ones;
    if (sample_weight) {
      Tensor given = real(sample_weight);
      weight = ones * (given.rank() == 1 ? expandLast(given) : given);
    }
    Tensor weighted = y * weight, d = y - p;
    add(total, sum(weighted, {0}));
    add(squares, sum(y * weighted, {0}));
    add(residual, sum(d * d * weight, {0}));
    add(count, sum(weight, {0}));
    add(samples, sum(ones));
  }

  Tensor result(const Tensor &like) override {
    if (!total)
      return ops::constant(like, 0);
    Tensor sums = read(total, like);
    Tensor all = read(squares, like) - sums * (sums / read(count, like));
    Tensor raw = 1.0 - read(residual, like) / all;
    constexpr double largest = std::numeric_limits<float>::max();
    raw = ops::select(ops::compare(ops::abs(raw), largest, "gt"), ops::constant(raw, 0), raw);
    Tensor score = o.class_aggregation == "uniform_average"             ? mean(raw)
                   : o.class_aggregation == "variance_weighted_average" ? sum(all * raw) / sum(all)
                                                                        : raw;
    if (o.class_aggregation != "uniform_average" &&
        o.class_aggregation != "variance_weighted_average" && o.class_aggregation != "none")
      return mistake(like, "class_aggregation of R2Score is '" + o.class_aggregation +
                               "'; use uniform_average, variance_weighted_average or none");
    if (o.num_regressors == 0)
      return score;
    Tensor free = read(samples, like) - 1.0 - double(o.num_regressors);
    Tensor enough = ops::compare(free, 0.0, "gt"); // else the score as it is
    Tensor divisor = ops::select(enough, free, ops::constant(free, 1));
    Tensor adjusted = 1.0 - (1.0 - score) * ((read(samples, like) - 1.0) / divisor);
    return ops::select(enough, adjusted, score);
  }

private:
  R2ScoreOptions o;
  VariablePtr samples, squares, total, residual, count;
};

} // namespace

MetricPtr R2Score(R2ScoreOptions o) { return std::make_shared<R2>(o); }

} // namespace cornet::metrics
