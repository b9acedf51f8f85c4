// SPDX-License-Identifier: Apache-2.0
//
// F scores: the weighted harmonic mean of precision and recall.
#include "frontend/lib/metrics/Support.h"

namespace cornet::metrics {

using namespace support;
using ops::compare, ops::indicator, ops::read, ops::sum;

namespace {

class FBeta : public Metric {
public:
  explicit FBeta(FBetaScoreOptions options)
      : Metric(orName(options.name, "fbeta_score")), o(std::move(options)) {
    direction = "up";
  }

  void update(const Tensor &y_true, const Tensor &y_pred, const Tensor &sample_weight) override {
    if (!usable(y_true, y_pred))
      return;
    Tensor y = real(y_true), p = real(y_pred), weight;
    if (std::string wrong = check(y, p); !wrong.empty())
      return p.graph->mistake("metric '" + name + "': " + wrong);
    if (variables.empty())
      for (const char *part :
           {"true_positives", "false_positives", "false_negatives", "intermediate_weights"})
        addVariable(part, o.average == "micro" ? Shape{} : Shape{p.shape()[1]});
    if (sample_weight) {
      weight = real(sample_weight);
      weight = weight.rank() == 1 ? expandLast(weight) : weight;
    }
    Tensor hit = o.threshold ? indicator(compare(p, *o.threshold, "gt"))
                             : indicator(compare(p, ops::reduce(p, "max", {-1}, true), "ge")) *
                                   indicator(compare(ops::abs(p), 1e-9, "gt"));
    auto total = [&](const Tensor &x) {
      Tensor weighted = weight ? x * weight : x;
      return o.average == "micro" ? sum(weighted) : sum(weighted, {0});
    };
    add(variables[0], total(hit * y)), add(variables[1], total(hit * (1.0 - y)));
    add(variables[2], total((1.0 - hit) * y)), add(variables[3], total(y));
  }

  Tensor result(const Tensor &like) override {
    if (variables.empty())
      return ops::constant(like, 0);
    Tensor hits = read(variables[0], like);
    Tensor precision = hits / (hits + read(variables[1], like) + epsilon);
    Tensor recall = hits / (hits + read(variables[2], like) + epsilon);
    double square = o.beta * o.beta;
    Tensor score = precision * recall / (precision * square + recall + epsilon) * (1 + square);
    if (o.average == "weighted") {
      Tensor labels = read(variables[3], like);
      return sum(score * (labels / (sum(labels) + epsilon)));
    }
    return o.average == "macro" ? ops::mean(score) : score;
  }

private:
  std::string check(const Tensor &y, const Tensor &p) const {
    if (o.average != "none" && o.average != "micro" && o.average != "macro" &&
        o.average != "weighted")
      return "average is '" + o.average + "'; use none, micro, macro or weighted";
    if (!(o.beta > 0))
      return "beta must be above 0, got " + std::to_string(o.beta);
    if (o.threshold && !(*o.threshold > 0 && *o.threshold <= 1))
      return "threshold must lie in (0, 1], got " + std::to_string(*o.threshold);
    if (p.rank() != 2 || y.shape() != p.shape())
      return "targets and predictions must be (B, C), got " + shapeOf(y) + " and " + shapeOf(p);
    return "";
  }

  FBetaScoreOptions o;
};

} // namespace

MetricPtr FBetaScore(FBetaScoreOptions o) { return std::make_shared<FBeta>(std::move(o)); }
MetricPtr F1Score(F1ScoreOptions o) {
  return FBetaScore({.average = o.average,
                     .beta = 1,
                     .threshold = o.threshold,
                     .name = orName(o.name, "f1_score")});
}

} // namespace cornet::metrics
