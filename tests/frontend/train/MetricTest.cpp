// SPDX-License-Identifier: Apache-2.0
//
// Every metric and option against what real Keras computes over several batches: the variables and
// the result after each. The vectors are tests/keras/metrics.json.
#include "tests/frontend/train/Step.h"

#include <cornet/cornet.h>
#include <cornet/metrics.h>

namespace cornet::test {
namespace {

const Json &document() {
  static const Json all = Json::parse(std::ifstream(CORNET_SOURCE_DIR "/tests/keras/metrics.json"));
  return all;
}
const Json &cases() { return document().at("cases"); }

template <class T> std::optional<T> maybe(const Json &options, const char *name) {
  auto it = options.find(name);
  return it == options.end() || it->is_null() ? std::optional<T>() : it->get<T>();
}
std::vector<double> reals(const Json &options, const char *name) {
  return options.value(name, std::vector<double>());
}
std::vector<int64_t> ids(const Json &o) {
  return o.value("target_class_ids", std::vector<int64_t>());
}
/// Keras's None is our "none".
std::string word(const Json &options, const char *name, const char *otherwise) {
  auto it = options.find(name);
  return it == options.end() ? otherwise : it->is_null() ? "none" : it->get<std::string>();
}

using Maker = std::function<MetricPtr(const Json &)>;

const std::map<std::string, Maker> &makers() {
#define PLAIN(KIND)                                                                                \
  {                                                                                                \
#KIND, [](const Json &) { return metrics::KIND(); }                                            \
  }
#define COUNT(KIND)                                                                                \
  {                                                                                                \
#KIND, [](const Json &o) { return metrics::KIND({.thresholds = reals(o, "thresholds")}); }     \
  }
#define RATIO(KIND)                                                                                \
  {                                                                                                \
#KIND, [](const Json &o) {                                                                     \
      return metrics::KIND({.thresholds = reals(o, "thresholds"),                                  \
                            .top_k = maybe<int64_t>(o, "top_k"),                                   \
                            .class_id = maybe<int64_t>(o, "class_id")});                           \
    }   \
  }
#define BEST(KIND, FIELD)                                                                          \
  {                                                                                                \
#KIND, [](const Json &o) {                                                                     \
      return metrics::KIND({.FIELD = o.at(#FIELD),                                                 \
                            .num_thresholds = o.value("num_thresholds", 200),                      \
                            .class_id = maybe<int64_t>(o, "class_id")});                           \
    }   \
  }
#define AXIS(KIND)                                                                                 \
  {                                                                                                \
#KIND, [](const Json &o) { return metrics::KIND({.axis = o.value("axis", -1)}); }              \
  }
  static const std::map<std::string, Maker> table = {
      PLAIN(Mean),
      PLAIN(Sum),
      PLAIN(MeanSquaredError),
      PLAIN(RootMeanSquaredError),
      PLAIN(MeanAbsoluteError),
      PLAIN(MeanAbsolutePercentageError),
      PLAIN(MeanSquaredLogarithmicError),
      PLAIN(LogCoshError),
      PLAIN(Hinge),
      PLAIN(SquaredHinge),
      PLAIN(CategoricalHinge),
      PLAIN(KLDivergence),
      PLAIN(Poisson),
      PLAIN(Accuracy),
      PLAIN(CategoricalAccuracy),
      PLAIN(SparseCategoricalAccuracy),
      AXIS(CosineSimilarity),
      AXIS(PearsonCorrelation),
      AXIS(ConcordanceCorrelation),
      COUNT(TruePositives),
      COUNT(FalsePositives),
      COUNT(TrueNegatives),
      COUNT(FalseNegatives),
      RATIO(Precision),
      RATIO(Recall),
      BEST(SensitivityAtSpecificity, specificity),
      BEST(SpecificityAtSensitivity, sensitivity),
      BEST(PrecisionAtRecall, recall),
      BEST(RecallAtPrecision, precision),
      {"BinaryCrossentropy",
       [](const Json &o) {
         return metrics::BinaryCrossentropy({.from_logits = o.value("from_logits", false),
                                             .label_smoothing = o.value("label_smoothing", 0.0)});
       }},
      {"CategoricalCrossentropy",
       [](const Json &o) {
         return metrics::CategoricalCrossentropy(
             {.from_logits = o.value("from_logits", false),
              .label_smoothing = o.value("label_smoothing", 0.0)});
       }},
      {"SparseCategoricalCrossentropy",
       [](const Json &o) {
         return metrics::SparseCategoricalCrossentropy(
             {.from_logits = o.value("from_logits", false),
              .ignore_class = maybe<int64_t>(o, "ignore_class")});
       }},
      {"BinaryAccuracy",
       [](const Json &o) {
         return metrics::BinaryAccuracy({.threshold = o.value("threshold", 0.5)});
       }},
      {"TopKCategoricalAccuracy",
       [](const Json &o) { return metrics::TopKCategoricalAccuracy({.k = o.value("k", 5)}); }},
      {"SparseTopKCategoricalAccuracy",
       [](const Json &o) {
         return metrics::SparseTopKCategoricalAccuracy(
             {.k = o.value("k", 5), .from_sorted_ids = o.value("from_sorted_ids", false)});
       }},
      {"AUC",
       [](const Json &o) {
         return metrics::AUC({.num_thresholds = o.value("num_thresholds", 200),
                              .curve = word(o, "curve", "ROC"),
                              .summation_method = word(o, "summation_method", "interpolation"),
                              .thresholds = reals(o, "thresholds"),
                              .multi_label = o.value("multi_label", false),
                              .num_labels = o.value("num_labels", 0),
                              .label_weights = reals(o, "label_weights"),
                              .from_logits = o.value("from_logits", false)});
       }},
      {"F1Score",
       [](const Json &o) { return metrics::F1Score({.average = word(o, "average", "none")}); }},
      {"FBetaScore",
       [](const Json &o) {
         return metrics::FBetaScore({.average = word(o, "average", "none"),
                                     .beta = o.value("beta", 1.0),
                                     .threshold = maybe<double>(o, "threshold")});
       }},
      {"IoU",
       [](const Json &o) {
         return metrics::IoU({.num_classes = o.at("num_classes"),
                              .target_class_ids = ids(o),
                              .ignore_class = maybe<int64_t>(o, "ignore_class")});
       }},
      {"BinaryIoU",
       [](const Json &o) {
         metrics::BinaryIoUOptions options{.threshold = o.value("threshold", 0.5)};
         if (!ids(o).empty())
           options.target_class_ids = ids(o);
         return metrics::BinaryIoU(options);
       }},
      {"MeanIoU",
       [](const Json &o) {
         return metrics::MeanIoU({.num_classes = o.at("num_classes"),
                                  .sparse_y_true = o.value("sparse_y_true", true),
                                  .sparse_y_pred = o.value("sparse_y_pred", true),
                                  .axis = o.value("axis", -1)});
       }},
      {"OneHotIoU",
       [](const Json &o) {
         return metrics::OneHotIoU(
             {.num_classes = o.at("num_classes"), .target_class_ids = ids(o)});
       }},
      {"OneHotMeanIoU",
       [](const Json &o) {
         return metrics::OneHotMeanIoU({.num_classes = o.at("num_classes"),
                                        .ignore_class = maybe<int64_t>(o, "ignore_class"),
                                        .sparse_y_pred = o.value("sparse_y_pred", false)});
       }},
      {"R2Score",
       [](const Json &o) {
         return metrics::R2Score(
             {.class_aggregation = word(o, "class_aggregation", "uniform_average"),
              .num_regressors = o.value("num_regressors", 0)});
       }},
  };
  return table;
}

class KerasMetric : public testing::TestWithParam<size_t> {};

TEST_P(KerasMetric, Equals) {
  const Json &one = cases()[GetParam()];
  MetricPtr metric = makers().at(one.at("metric"))(one.at("options"));
  EXPECT_EQ(metric->direction, std::string(one.at("direction")));
  int number = 0;
  for (const Json &batch : one.at("batches")) {
    Recording recording;
    std::vector<Array> arrays;
    std::vector<Tensor> inputs, outputs;
    auto input = [&](const char *name) {
      if (!batch.contains(name) || batch.at(name).at("shape").empty())
        return Tensor();
      arrays.push_back(Array::of(batch.at(name)));
      inputs.push_back(inputFor(arrays.back()));
      return inputs.back();
    };
    Tensor y_pred = input("y_pred"), y_true = input("y_true");
    metric->update(y_true, y_pred, input("sample_weight"));
    for (const VariablePtr &variable : metric->variables)
      outputs.push_back(ops::read(variable, y_pred));
    outputs.push_back(metric->result(y_pred));
    Step step(Functional(inputs, outputs));
    std::vector<Array> got = step.compute(arrays);
    ASSERT_EQ(got.size(), batch.at("variables").size() + 1) << step.problems;
    std::string where = "batch " + std::to_string(number++) + ", ";
    for (size_t i = 0; i < metric->variables.size(); ++i) {
      expectNear(got[i], Array::of(batch.at("variables")[i]), 4e-6, // 0 by differences of sums
                 where + metric->variables[i]->name);
      metric->variables[i]->data = got[i].data; // which the next batch goes on from
    }
    expectNear(got.back(), Array::of(batch.at("result")), 2e-6, where + "result");
  }
}

INSTANTIATE_TEST_SUITE_P(All, KerasMetric, testing::Range<size_t>(0, cases().size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return std::string(cases()[info.param].at("name"));
                         });

TEST(Metric, IsFoundByKerasNames) {
  Recording recording;
  Tensor one = Input({1}), four = Input({4}), index = Input({}, {.dtype = "int32"});
  for (const auto &[name, kind] : document().at("metrics").items()) {
    EXPECT_EQ(checkMetric(name), "");
    MetricPtr made = metric(name, four, four);
    ASSERT_NE(made, nullptr) << name;
    EXPECT_EQ(made->name, name);
  }
  EXPECT_EQ(metric("exactness", four, four), nullptr);
  EXPECT_EQ(checkMetric("exactness").find("unknown metric 'exactness'; known: accuracy, "), 0u);
  // By shapes, told apart by what they say of these.
  auto records = [&](const char *name, const Tensor &y, const Tensor &p) {
    MetricPtr made = metric(name, y, p);
    size_t before = p.graph->nodes.size();
    made->update(y, p);
    EXPECT_EQ(text(p.graph->mistakes), "");
    std::string ops;
    for (size_t i = before; i < p.graph->nodes.size(); ++i)
      ops += p.graph->nodes[i].op + " ";
    return ops;
  };
  for (const char *name : {"accuracy", "acc"}) {
    EXPECT_EQ(records(name, one, one), records("BinaryAccuracy", one, one));
    EXPECT_EQ(records(name, index, four), records("SparseCategoricalAccuracy", index, four));
    EXPECT_EQ(records(name, one, four), records("SparseCategoricalAccuracy", one, four));
    EXPECT_EQ(records(name, four, four), records("CategoricalAccuracy", four, four));
  }
  EXPECT_EQ(records("ce", index, four), records("SparseCategoricalCrossentropy", index, four));
  EXPECT_EQ(records("crossentropy", four, four), records("CategoricalCrossentropy", four, four));
}

TEST(Metric, NamesItsVariables) {
  MetricPtr auc = metrics::AUC({.name = "area"});
  ASSERT_EQ(auc->variables.size(), 4u);
  EXPECT_EQ(auc->variables[0]->name, "area/true_positives");
  EXPECT_FALSE(auc->variables[0]->trainable);
  EXPECT_EQ(auc->variables[0]->value(), std::vector<float>(200, 0));
}

TEST(Metric, TellsMistakes) {
  auto mistakes = [](Shape y, Shape p, const MetricPtr &metric) {
    Recording recording;
    metric->update(Input(y), Input(p));
    return text(Recording::current()->mistakes);
  };
  using testing::HasSubstr;
  EXPECT_THAT(mistakes({3}, {4}, metrics::Precision()), HasSubstr("must have the same shape"));
  EXPECT_THAT(mistakes({3}, {3}, metrics::Recall({.class_id = 3})),
              HasSubstr("class_id 3 is no class of predictions (?, 3)"));
  EXPECT_THAT(mistakes({3}, {3}, metrics::AUC({.curve = "roc"})),
              HasSubstr("curve is 'roc'; use ROC, PR or PRGAIN"));
  EXPECT_THAT(mistakes({3}, {3}, metrics::F1Score({.average = "mean"})),
              HasSubstr("average is 'mean'"));
  EXPECT_THAT(mistakes({3}, {3}, metrics::IoU({.num_classes = 2, .target_class_ids = {2}})),
              HasSubstr("target_class_ids must be some of them"));
  EXPECT_THAT(mistakes({3, 2}, {3, 2}, metrics::R2Score()), HasSubstr("R2Score needs"));
}

} // namespace
} // namespace cornet::test
