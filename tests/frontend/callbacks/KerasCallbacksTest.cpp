// SPDX-License-Identifier: Apache-2.0
//
// What real Keras's callbacks did on given logs (tests/keras/callbacks.json), done again by ours.
#include "frontend/train/callbacks/Progbar.h"
#include "tests/frontend/callbacks/FakeTraining.h"

#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>

namespace cornet::test {
namespace {

using Json = nlohmann::json;

const Json &cases(const char *name) {
  static const Json document =
      Json::parse(std::ifstream(CORNET_SOURCE_DIR "/tests/keras/callbacks.json"));
  return document.at(name);
}

double number(const Json &json) {
  return json.is_string() ? std::stod(json.get<std::string>()) : json.get<double>();
}

Logs logsOf(const Json &json) {
  Logs out;
  for (const auto &[name, value] : json.items())
    out.set(name, number(value));
  return out;
}

std::string replaced(std::string text, const std::string &what, const std::string &by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
    text.replace(at, what.size(), by);
  return text;
}

std::optional<double> optional(const Json &options, const char *name) {
  return options.contains(name) ? std::optional<double>(options.at(name)) : std::nullopt;
}

/// fit()'s calls for one case; compares what happened after every epoch and in the end.
void replay(const CallbackPtr &callback, const Json &one, FakeTraining &training,
            const std::string &folder = "DIR") {
  const Json &expected = one.at("expected"), &trace = expected.at("trace");
  Caught out(std::cout), err(std::cerr);
  CallbackList list({callback}, &training, {.epochs = int(trace.size()), .verbose = 0});
  list.on_train_begin();
  for (size_t epoch = 0; epoch < trace.size(); ++epoch) {
    list.on_epoch_begin(int(epoch));
    if (one.contains("batches"))
      for (size_t batch = 0; batch < one.at("batches")[epoch].size(); ++batch) {
        list.on_train_batch_begin(int64_t(batch));
        list.on_train_batch_end(int64_t(batch), logsOf(one.at("batches")[epoch][batch]));
      }
    training.weight = float(epoch);
    list.on_epoch_end(int(epoch), logsOf(one.at("logs")[epoch]));
    ASSERT_EQ(training.stop_training, trace[epoch][0].get<bool>()) << "epoch " << epoch;
    ASSERT_EQ(training.rate, trace[epoch][1].get<double>()) << "epoch " << epoch;
    if (!trace[epoch][2].is_null()) {
      ASSERT_EQ(list.history.history.at("learning_rate").back(), trace[epoch][2].get<double>());
    }
  }
  list.on_train_end();
  EXPECT_EQ(training.weight, expected.at("weights").get<float>());
  EXPECT_EQ(replaced(out.text(), folder, "DIR"), expected.at("text").get<std::string>());
  EXPECT_EQ(!err.text().empty(), expected.at("warnings").get<int>() > 0) << err.text();
}

TEST(KerasCallbacks, EarlyStopping) {
  int stopped = 0;
  for (const Json &one : cases("early_stopping")) {
    const Json &o = one.at("options");
    SCOPED_TRACE(one.dump().substr(0, 900));
    FakeTraining training;
    replay(EarlyStopping({.monitor = o.at("monitor"),
                          .min_delta = o.at("min_delta"),
                          .patience = o.at("patience"),
                          .verbose = o.at("verbose"),
                          .mode = o.at("mode"),
                          .baseline = optional(o, "baseline"),
                          .restore_best_weights = o.at("restore_best_weights"),
                          .start_from_epoch = o.at("start_from_epoch")}),
           one, training);
    stopped += training.stop_training;
  }
  EXPECT_GT(stopped, 30); // the vectors do test something
}

TEST(KerasCallbacks, ReduceLROnPlateau) {
  int reduced = 0;
  for (const Json &one : cases("reduce_lr_on_plateau")) {
    const Json &o = one.at("options");
    SCOPED_TRACE(one.dump().substr(0, 900));
    FakeTraining training;
    replay(ReduceLROnPlateau({.monitor = o.at("monitor"),
                              .factor = o.at("factor"),
                              .patience = o.at("patience"),
                              .verbose = o.at("verbose"),
                              .mode = o.at("mode"),
                              .min_delta = o.at("min_delta"),
                              .cooldown = o.at("cooldown"),
                              .min_lr = o.at("min_lr")}),
           one, training);
    reduced += training.rate < 0.1f;
  }
  EXPECT_GT(reduced, 20);
}

TEST(KerasCallbacks, ModelCheckpoint) {
  for (const Json &one : cases("model_checkpoint")) {
    const Json &o = one.at("options");
    SCOPED_TRACE(o.dump());
    FakeTraining training;
    Folder folder;
    ModelCheckpointOptions options{
        .filepath = replaced(o.at("filepath"), "DIR", folder.path.string()),
        .monitor = o.at("monitor"),
        .verbose = o.at("verbose"),
        .save_best_only = o.at("save_best_only"),
        .save_weights_only = o.at("save_weights_only"),
        .mode = o.at("mode"),
        .initial_value_threshold = optional(o, "initial_value_threshold")};
    if (o.contains("save_freq"))
      options.save_freq = o.at("save_freq").get<int>();
    replay(ModelCheckpoint(options), one, training, folder.path.string());
    const Json &saved = one.at("expected").at("saved");
    std::map<std::string, std::string> files; // each holds the last save of its path
    for (size_t i = 0; i < saved.size(); ++i)
      files[saved[i][1]] = saved[i][0].get<std::string>() + " " + std::to_string(i);
    EXPECT_EQ(folder.files().size(), files.size()); // and none that was being written
    for (const auto &[path, text] : files)
      EXPECT_EQ(contents(replaced(path, "DIR", folder.path.string())), text) << path;
  }
}

TEST(KerasCallbacks, CSVLogger) {
  for (const Json &one : cases("csv_logger")) {
    const Json &o = one.at("options");
    Folder folder;
    for (const Json &fit : one.at("fits")) {
      FakeTraining training;
      CallbackPtr logger = CSVLogger({.filename = folder / "log.csv",
                                      .separator = o.value("separator", ","),
                                      .append = o.value("append", false)});
      CallbackList list({logger}, &training, {.verbose = 0});
      list.on_train_begin();
      for (size_t epoch = 0; epoch < fit.size(); ++epoch)
        list.on_epoch_end(int(epoch), logsOf(fit[epoch]));
      list.on_train_end();
    }
    EXPECT_EQ(contents(folder / "log.csv"), one.at("file").get<std::string>());
  }
}

TEST(KerasCallbacks, LearningRateScheduler) {
  const Json &expected = cases("learning_rate_scheduler")[0];
  FakeTraining training;
  Json one = {{"logs", std::vector<Json>(expected.at("trace").size(), {{"loss", 1.0}})},
              {"expected", expected}};
  replay(LearningRateScheduler([](int epoch, double rate) { return epoch < 2 ? rate : rate * 0.5; },
                               {.verbose = 1}),
         one, training);
}

TEST(KerasCallbacks, Progbar) {
  for (const Json &one : cases("progress")) {
    double now = one.at("start");
    train::Progbar bar(
        {.target = one.at("target"), .bar = one.at("bar"), .now = [&] { return now; }});
    const Json &calls = one.at("calls");
    for (size_t i = 0; i < calls.size(); ++i) {
      now = calls[i].at("time");
      bool finalize = calls[i].at("finalize");
      if (finalize)
        bar.options.target = calls[i].at("current");
      std::string text;
      if (one.at("bar") || finalize)
        text = bar.update(calls[i].at("current"), logsOf(calls[i].at("logs")), finalize);
      EXPECT_EQ(text, one.at("text")[i].get<std::string>()) << "call " << i;
    }
  }
}

} // namespace
} // namespace cornet::test
