// SPDX-License-Identifier: Apache-2.0
//
// The list's order and history, which batches' logs are wanted, and the mistakes that are told.
#include "tests/frontend/callbacks/FakeTraining.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cornet::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

template <class Exception, class Function> std::string messageOf(Function function) {
  try {
    function();
  } catch (const Exception &exception) {
    return exception.what();
  }
  return "nothing was thrown";
}

TEST(CallbackList, SortsLogsRecordsHistoryAndHandsChangesOn) {
  FakeTraining training;
  std::vector<std::string> seen;
  CallbackPtr first =
      LambdaCallback({.on_epoch_end = [](int epoch, Logs &logs) { logs.set("extra", epoch); }});
  CallbackPtr second =
      LambdaCallback({.on_epoch_end = [&](int, Logs &logs) { seen.push_back(logs.names()); }});
  CallbackList list({first, second}, &training, {.epochs = 2, .verbose = 0});
  EXPECT_EQ(first->training, &training);
  EXPECT_EQ(second->params.epochs, 2);
  for (int fit = 0; fit < 2; ++fit) {
    list.on_train_begin();
    for (int epoch = 0; epoch < 2; ++epoch)
      list.on_epoch_end(epoch, {{"val_loss", 3.0}, {"loss", 1.0 + epoch}});
    list.on_train_end();
  }
  EXPECT_THAT(seen, testing::Each("loss, val_loss, extra"));
  EXPECT_EQ(seen.size(), 4u);
  EXPECT_THAT(list.history.epoch, ElementsAre(0, 1));
  EXPECT_THAT(list.history.history.at("loss"), ElementsAre(1, 2, 1, 2));
  EXPECT_THAT(list.history.history.at("extra"), ElementsAre(0, 1, 0, 1));
}

TEST(CallbackList, CallsEveryHook) {
  std::string calls;
  auto whole = [&](const char *name) {
    return [&calls, name](const Logs &logs) { calls += std::string(name) + logs.names() + " "; };
  };
  auto batch = [&](const char *name) {
    return [&calls, name](int64_t number, const Logs &) {
      calls += name + std::to_string(number) + " ";
    };
  };
  auto epoch = [&](const char *name) {
    return [&calls, name](int number, Logs &) { calls += name + std::to_string(number) + " "; };
  };
  FakeTraining training;
  CallbackList list({LambdaCallback({.on_epoch_begin = epoch("E"),
                                     .on_epoch_end = epoch("e"),
                                     .on_train_begin = whole("F"),
                                     .on_train_end = whole("f"),
                                     .on_train_batch_begin = batch("B"),
                                     .on_train_batch_end = batch("b"),
                                     .on_test_begin = whole("T"),
                                     .on_test_end = whole("t"),
                                     .on_test_batch_begin = batch("U"),
                                     .on_test_batch_end = batch("u"),
                                     .on_predict_begin = whole("P"),
                                     .on_predict_end = whole("p"),
                                     .on_predict_batch_begin = batch("Q"),
                                     .on_predict_batch_end = batch("q")})},
                    &training, {.verbose = 0});
  list.on_train_begin(), list.on_epoch_begin(1), list.on_train_batch_begin(2);
  list.on_train_batch_end(2), list.on_test_begin(), list.on_test_batch_begin(3);
  list.on_test_batch_end(3), list.on_test_end({{"loss", 1}}), list.on_epoch_end(1, {});
  list.on_train_end(), list.on_predict_begin(), list.on_predict_batch_begin(4);
  list.on_predict_batch_end(4), list.on_predict_end();
  EXPECT_EQ(calls, "F E1 B2 b2 T U3 u3 tloss e1 f P Q4 q4 p ");
}

TEST(CallbackList, WantsBatchLogsOnlyWhereSomebodyLooks) {
  FakeTraining training;
  Folder folder;
  auto wants = [&](CallbackPtr callback) {
    return CallbackList({callback}, &training, {.verbose = 0}).wantsBatchLogs();
  };
  EXPECT_FALSE(CallbackList({}, &training, {.verbose = 0}).wantsBatchLogs());
  EXPECT_TRUE(wants(std::make_shared<Callback>())); // one's own may look
  EXPECT_TRUE(wants(TerminateOnNaN()));
  EXPECT_TRUE(wants(ModelCheckpoint({.filepath = folder / "a.keras", .save_freq = 3})));
  EXPECT_TRUE(wants(LambdaCallback({.on_train_batch_end = [](int64_t, const Logs &) {}})));
  for (const CallbackPtr &callback :
       {EarlyStopping(), ReduceLROnPlateau(), ModelCheckpoint({.filepath = folder / "a.keras"}),
        BackupAndRestore({.backup_dir = folder / "b"}), SwapEMAWeights(), TensorBoard(),
        CSVLogger({.filename = folder / "c"}), LambdaCallback({}),
        LearningRateScheduler([](int, double rate) { return rate; })})
    EXPECT_FALSE(wants(callback));
}

TEST(CallbackList, TensorBoardWantsTheLogsItWrites) {
  FakeTraining training;
  Folder folder;
  CallbackList list({TensorBoard({.log_dir = folder / "logs", .update_freq = 3})}, &training,
                    {.verbose = 0});
  list.on_train_begin();
  std::string wanted;
  for (int64_t batch = 0; batch < 7; ++batch) {
    list.on_train_batch_begin(batch);
    wanted += list.wantsBatchLogs() ? "1" : "0";
    ++training.steps;
    list.on_train_batch_end(batch, {{"loss", 1}});
  }
  EXPECT_EQ(wanted, "0010010");
}

TEST(TerminateOnNaN, StopsOrThrows) {
  FakeTraining training;
  Caught out(std::cout);
  CallbackList gentle({TerminateOnNaN()}, &training, {.verbose = 0});
  gentle.on_train_batch_end(3, {{"loss", 1.0}});
  EXPECT_FALSE(training.stop_training);
  gentle.on_train_batch_end(4, {{"loss", INFINITY}});
  EXPECT_TRUE(training.stop_training);
  EXPECT_EQ(out.text(), "Batch 4: Invalid loss, terminating training\n");
  CallbackList strict({TerminateOnNaN({.raise_error = true})}, &training, {.verbose = 0});
  EXPECT_EQ(messageOf<std::runtime_error>([&] {
              strict.on_train_batch_end(5, {{"loss", NAN}});
            }),
            "TerminateOnNaN: the loss of batch 5 is nan; training ends here");
}

TEST(SwapEMAWeights, EvaluatesWithAveragesAndGivesTheWeightsBack) {
  FakeTraining training;
  training.weight = 1;
  CallbackList list({SwapEMAWeights()}, &training, {.verbose = 0});
  list.on_train_begin();
  list.on_epoch_begin(0);
  list.on_test_begin();
  EXPECT_EQ(training.weight, 100);
  list.on_test_end();
  EXPECT_EQ(training.weight, 1);
  list.on_epoch_end(0, {});
  EXPECT_EQ(training.weight, 1);
  list.on_predict_begin();
  EXPECT_EQ(training.weight, 100);
  list.on_predict_end();
  EXPECT_EQ(training.weight, 1);
}

TEST(SwapEMAWeights, ShowsAveragesToLaterCallbacksAtTheEndOfEpochs) {
  FakeTraining training;
  training.weight = 1;
  std::vector<float> seen;
  CallbackList list(
      {SwapEMAWeights({.swap_on_epoch = true}),
       LambdaCallback({.on_epoch_end = [&](int, Logs &) { seen.push_back(training.weight); }})},
      &training, {.verbose = 0});
  for (int epoch = 0; epoch < 2; ++epoch) {
    list.on_epoch_begin(epoch);
    EXPECT_EQ(training.weight, 1);
    list.on_test_begin(), list.on_test_end();
    EXPECT_EQ(training.weight, 1);
    list.on_epoch_end(epoch, {});
  }
  EXPECT_THAT(seen, ElementsAre(100, 100));
}

TEST(CallbackMistakes, OptionsThatMakeNoSenseAreTold) {
  auto told = [](auto make) { return messageOf<std::invalid_argument>(make); };
  EXPECT_EQ(told([] { ModelCheckpoint({.filepath = "best.h5"}); }),
            "ModelCheckpoint: filepath is 'best.h5'; with save_weights_only = false it must end in "
            ".keras");
  EXPECT_EQ(told([] { ModelCheckpoint({.filepath = "b.keras", .save_weights_only = true}); }),
            "ModelCheckpoint: filepath is 'b.keras'; with save_weights_only = true it must end in "
            ".weights.h5");
  EXPECT_EQ(
      told([] { ModelCheckpoint({.filepath = "b.keras", .save_freq = "month"}); }),
      R"(ModelCheckpoint: save_freq is 'month'; use "epoch", "batch" or a positive number of batches)");
  EXPECT_THAT(told([] { BackupAndRestore({.backup_dir = "b", .save_freq = -1}); }),
              HasSubstr("save_freq is -1"));
  EXPECT_THAT(told([] { BackupAndRestore({.backup_dir = "b", .save_freq = 0}); }),
              HasSubstr("save_freq is 0"));
  EXPECT_THAT(told([] { BackupAndRestore({}); }), HasSubstr("backup_dir is empty"));
  EXPECT_EQ(told([] { ReduceLROnPlateau({.factor = 1}); }),
            "ReduceLROnPlateau: factor is 1.0; use one below 1");
  EXPECT_THAT(told([] { CSVLogger({.filename = "x", .separator = "::"}); }),
              HasSubstr("use one character"));
  EXPECT_THAT(told([] { LearningRateScheduler({}); }), HasSubstr("there is no schedule"));
  EXPECT_THAT(told([] { TensorBoard({.histogram_freq = -1}); }), HasSubstr("histogram_freq is -1"));
}

TEST(CallbackMistakes, AMissingMetricIsToldOnceWithThoseThereAre) {
  FakeTraining training;
  Caught err(std::cerr);
  CallbackList list({EarlyStopping({.monitor = "val_los"})}, &training, {.verbose = 0});
  for (int epoch = 0; epoch < 3; ++epoch)
    list.on_epoch_end(epoch, {{"loss", 1}, {"accuracy", 1}});
  EXPECT_EQ(err.text(), "warning: EarlyStopping: there is no 'val_los', so training is not stopped "
                        "early. Available: accuracy, loss\n");
  EXPECT_FALSE(training.stop_training);
}

TEST(CallbackMistakes, ModesAndDirections) {
  FakeTraining training;
  Caught err(std::cerr);
  CallbackPtr callback = EarlyStopping({.monitor = "odd", .mode = "down"});
  EXPECT_EQ(err.text(), "warning: EarlyStopping: mode 'down' is unknown; \"auto\" is taken. Use "
                        "\"min\", \"max\" or \"auto\"\n");
  CallbackList list({callback}, &training, {.verbose = 0});
  EXPECT_EQ(messageOf<std::runtime_error>([&] {
              list.on_epoch_end(0, {{"odd", 1}});
            }),
            "EarlyStopping: whether 'odd' is better high or low is not known; give .mode = \"max\" "
            "or \"min\"");
}

TEST(CallbackMistakes, PathsThatCannotBeFilledIn) {
  FakeTraining training;
  auto told = [&](const std::string &path) {
    CallbackList list({ModelCheckpoint({.filepath = path})}, &training, {.verbose = 0});
    return messageOf<std::runtime_error>([&] { list.on_epoch_end(0, {{"loss", 1}}); });
  };
  EXPECT_EQ(told("{val_acc:.2f}.keras"),
            "ModelCheckpoint: cannot fill in \"{val_acc:.2f}.keras\" at {val_acc:.2f}: there is no "
            "'val_acc' here; there are: epoch, loss");
  EXPECT_THAT(told("{loss:d}.keras"), HasSubstr("at {loss:d}: "));
  EXPECT_THAT(told("{loss.keras"), HasSubstr("a '{' has no partner; write {{"));
  EXPECT_THAT(told("loss}.keras"), HasSubstr("a '}' has no partner; write }}"));
}

TEST(CallbackMistakes, FilesThatCannotBeWritten) {
  FakeTraining training;
  Folder folder;
  std::filesystem::create_directories(folder / "taken.keras");
  std::ofstream(folder / "file") << "x";
  CallbackList taken({ModelCheckpoint({.filepath = folder / "taken.keras"})}, &training,
                     {.verbose = 0});
  EXPECT_THAT(messageOf<std::runtime_error>([&] { taken.on_epoch_end(0, {}); }),
              HasSubstr("taken.keras': Is a directory"));
  EXPECT_EQ(folder.files().size(), 1u); // nothing half written is left
  CallbackList csv({CSVLogger({.filename = folder / "none/log.csv"})}, &training, {.verbose = 0});
  EXPECT_THAT(messageOf<std::runtime_error>([&] { csv.on_train_begin(); }),
              HasSubstr("log.csv': No such file or directory"));
  CallbackList board({TensorBoard({.log_dir = folder / "file"})}, &training, {.verbose = 0});
  EXPECT_THAT(messageOf<std::runtime_error>([&] { board.on_train_begin(); }),
              HasSubstr("TensorBoard: cannot write"));
}

TEST(CallbackMistakes, LogsNameWhatThereIs) {
  Logs logs = {{"loss", 1}, {"accuracy", 2}};
  EXPECT_EQ(logs.at("loss"), 1);
  EXPECT_EQ(logs.find("none"), nullptr);
  EXPECT_EQ(messageOf<std::out_of_range>([&] { logs.at("acc"); }),
            "the logs have no 'acc'; they have: loss, accuracy");
}

} // namespace
} // namespace cornet::test
