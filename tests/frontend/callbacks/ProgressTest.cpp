// SPDX-License-Identifier: Apache-2.0
//
// When which progress is shown, and that a redrawn line stays within the terminal.
#include "frontend/train/callbacks/Progbar.h"
#include "tests/frontend/callbacks/FakeTraining.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <regex>

namespace cornet::test {
namespace {

/// What fit() shows of two epochs with validation; times are replaced by T.
std::string shown(Params params) {
  FakeTraining training;
  Caught out(std::cout);
  CallbackList list({}, &training, params);
  list.on_train_begin();
  for (int epoch = 0; epoch < params.epochs; ++epoch) {
    list.on_epoch_begin(epoch);
    for (int64_t batch = 0; batch < 3; ++batch) {
      list.on_train_batch_begin(batch);
      bool wanted = list.wantsBatchLogs();
      list.on_train_batch_end(batch, wanted ? Logs{{"loss", 0.5}} : Logs{});
    }
    list.on_test_begin();
    list.on_test_batch_begin(0), list.on_test_batch_end(0, {{"loss", 9}});
    list.on_test_end({{"loss", 9}});
    list.on_epoch_end(epoch, {{"val_loss", 9}, {"loss", 0.25}});
  }
  list.on_train_end();
  return std::regex_replace(out.text(), std::regex("[0-9]+(s|ms|us)\\b"), "T");
}

TEST(Progress, LinesWhereThereIsNoTerminal) {
  std::string lines = "Epoch 1/2\n3/3 - T - T/step - loss: 0.2500 - val_loss: 9.0000\n"
                      "Epoch 2/2\n3/3 - T - T/step - loss: 0.2500 - val_loss: 9.0000\n";
  EXPECT_EQ(shown({.epochs = 2, .steps = 3}), lines);
  EXPECT_EQ(shown({.epochs = 2, .steps = 3, .verbose = 1}), lines);
  EXPECT_EQ(shown({.epochs = 2, .steps = 3, .verbose = 2}), lines);
  EXPECT_EQ(shown({.epochs = 2, .verbose = 2, .terminal = true}), lines); // steps found out
  EXPECT_EQ(shown({.epochs = 2, .steps = 3, .verbose = 0}), "");
  EXPECT_EQ(shown({.epochs = 1, .steps = 3}),
            "3/3 - T - T/step - loss: 0.2500 - val_loss: 9.0000\n");
}

TEST(Progress, ABarOnATerminal) {
  std::string text = shown({.epochs = 1, .steps = 3, .verbose = -1, .terminal = true});
  EXPECT_THAT(text, testing::StartsWith("\r\x1b[1m1/3\x1b[0m \x1b[32m━"));
  EXPECT_THAT(text, testing::HasSubstr(" - loss: 0.5000"));
  EXPECT_THAT(text, testing::EndsWith(" T/step - loss: 0.2500 - val_loss: 9.0000\n"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '\r'), 2); // within 50 ms: the first and the last
}

TEST(Progress, ValidationWithinFitWantsNothing) {
  FakeTraining training;
  Caught out(std::cout);
  CallbackList list({}, &training, {.steps = 2, .verbose = 1, .terminal = true});
  list.on_train_begin();
  list.on_epoch_begin(0);
  EXPECT_TRUE(list.wantsBatchLogs()); // nothing is drawn yet
  list.on_test_begin();
  EXPECT_FALSE(list.wantsBatchLogs());
  list.on_test_batch_end(0, {{"loss", 1}});
  list.on_test_end({{"loss", 1}});
  EXPECT_TRUE(list.wantsBatchLogs());
  EXPECT_EQ(out.text(), "");
}

TEST(Progress, EvaluationAndPredictionAlone) {
  FakeTraining training;
  Caught out(std::cout);
  CallbackList list({}, &training, {.steps = 2});
  list.on_test_begin();
  list.on_test_batch_begin(0), list.on_test_batch_end(0);
  list.on_test_batch_begin(1), list.on_test_batch_end(1);
  list.on_test_end({{"loss", 2}});
  list.on_predict_begin();
  list.on_predict_batch_begin(0), list.on_predict_batch_end(0);
  list.on_predict_batch_begin(1), list.on_predict_batch_end(1);
  list.on_predict_end();
  EXPECT_EQ(std::regex_replace(out.text(), std::regex("[0-9]+(s|ms|us)\\b"), "T"),
            "2/2 - T - T/step - loss: 2.0000\n2/2 - T - T/step\n");
}

TEST(Progress, ARedrawnLineEndsAtTheEdgeOfTheTerminal) {
  double now = 0;
  train::Progbar bar({.target = 10, .columns = 40, .now = [&] { return now; }});
  now = 1;
  std::string drawn = bar.update(5, {{"a_long_name", 1}, {"loss", 2}}, false);
  std::string plain = std::regex_replace(drawn, std::regex("\x1b\\[[0-9]+m"), "");
  plain = std::regex_replace(plain, std::regex("━"), "=");
  EXPECT_EQ(plain, "\r 5/10 ==================== 1s 200ms/ste"); // 39 columns
  now = 2;
  std::string last = bar.update(10, {}, true);
  EXPECT_THAT(last, testing::EndsWith(" - a_long_name: 1.0000 - loss: 2.0000\n"));
}

} // namespace
} // namespace cornet::test
