// SPDX-License-Identifier: Apache-2.0
//
// BackupAndRestore: a process killed at any moment leaves a state whose place in training is its
// own; damaged states are passed over or told.
#include "tests/frontend/callbacks/FakeTraining.h"

#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <random>
#include <sys/wait.h>

namespace cornet::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr int epochs = 50;
constexpr int64_t steps = 7;

/// fit()'s loop; `stopAfter` steps it ends as if killed. True when it came to its end.
bool fit(FakeTraining &training, const CallbackPtr &callback, int64_t stopAfter = INT64_MAX) {
  CallbackList list({callback}, &training, {.epochs = epochs, .steps = steps, .verbose = 0});
  list.on_train_begin();
  int64_t first = training.initial_epoch < 0 ? 0 : training.initial_batch;
  for (int epoch = std::max(training.initial_epoch, 0); epoch < epochs; ++epoch) {
    list.on_epoch_begin(epoch);
    for (int64_t batch = std::exchange(first, 0); batch < steps; ++batch) {
      list.on_train_batch_begin(batch);
      ++training.steps;
      list.on_train_batch_end(batch);
      if (--stopAfter == 0)
        return false;
    }
    list.on_epoch_end(epoch, {});
  }
  list.on_train_end();
  return true;
}

TEST(BackupAndRestore, GoesOnAtTheEpoch) {
  Folder folder;
  BackupAndRestoreOptions options{.backup_dir = folder / "backup"};
  FakeTraining first;
  EXPECT_FALSE(fit(first, BackupAndRestore(options), 3 * steps + 2));
  EXPECT_THAT(folder.files(), ElementsAre("backup/epoch-00000003-batch-000000000000.state"));
  FakeTraining second;
  EXPECT_TRUE(fit(second, BackupAndRestore(options)));
  EXPECT_EQ(second.initial_epoch, 3);
  EXPECT_EQ(second.steps, epochs * steps); // none twice, none left out
  EXPECT_FALSE(std::filesystem::exists(folder / "backup"));
}

TEST(BackupAndRestore, GoesOnInTheMiddleOfAnEpoch) {
  Folder folder;
  BackupAndRestoreOptions options{
      .backup_dir = folder / "backup", .save_freq = 5, .delete_checkpoint = false};
  FakeTraining first;
  EXPECT_FALSE(fit(first, BackupAndRestore(options), 2 * steps + 3)); // 17; saved after 15
  EXPECT_THAT(folder.files(), ElementsAre("backup/epoch-00000002-batch-000000000001.state"));
  FakeTraining second;
  EXPECT_FALSE(fit(second, BackupAndRestore(options), 6));
  EXPECT_EQ(second.initial_epoch, 2);
  EXPECT_EQ(second.initial_batch, 1);
  EXPECT_EQ(second.steps, 21);
  EXPECT_THAT(folder.files(), ElementsAre("backup/epoch-00000002-batch-000000000006.state"));
  FakeTraining third;
  EXPECT_TRUE(fit(third, BackupAndRestore(options)));
  EXPECT_EQ(third.steps, epochs * steps);
  EXPECT_EQ(folder.files().size(), 1u); // kept: delete_checkpoint is false
}

TEST(BackupAndRestore, StartsAnewWhereThereIsNothing) {
  Folder folder;
  std::filesystem::create_directories(folder / "backup");
  std::ofstream(folder / "backup/.writing-epoch-00000009-batch-000000000000.state") << "9 en";
  std::ofstream(folder / "backup/epoch-9.state") << "9 end"; // not one of ours
  FakeTraining training;
  fit(training, BackupAndRestore({.backup_dir = folder / "backup"}), 1);
  EXPECT_EQ(training.initial_epoch, -1);
  EXPECT_EQ(training.steps, 1);
  EXPECT_THAT(folder.files(), ElementsAre("backup/epoch-9.state")); // what was unfinished is gone
}

TEST(BackupAndRestore, TellsThatNoneCanBeRead) {
  Folder folder;
  BackupAndRestoreOptions options{.backup_dir = folder / "backup"};
  FakeTraining training;
  fit(training, BackupAndRestore(options), 2 * steps + 1);
  std::filesystem::resize_file(folder / "backup/epoch-00000002-batch-000000000000.state", 3);
  Caught err(std::cerr);
  try {
    fit(training, BackupAndRestore(options), 1);
    FAIL() << "a damaged state was taken";
  } catch (const std::runtime_error &problem) {
    EXPECT_THAT(problem.what(), HasSubstr("backup' can be read (the state is not whole); remove "
                                          "the folder to train from the start"));
  }
  EXPECT_THAT(err.text(), HasSubstr("epoch-00000002-batch-000000000000.state' cannot be read"));
}

TEST(BackupAndRestore, DoubleCheckpointGoesBackToTheOneBefore) {
  Folder folder;
  BackupAndRestoreOptions options{.backup_dir = folder / "backup", .double_checkpoint = true};
  FakeTraining first;
  fit(first, BackupAndRestore(options), 4 * steps + 1);
  EXPECT_THAT(folder.files(), ElementsAre("backup/epoch-00000003-batch-000000000000.state",
                                          "backup/epoch-00000004-batch-000000000000.state"));
  std::filesystem::resize_file(folder / "backup/epoch-00000004-batch-000000000000.state", 3);
  Caught err(std::cerr);
  FakeTraining second;
  EXPECT_FALSE(fit(second, BackupAndRestore(options), steps + 1));
  EXPECT_EQ(second.initial_epoch, 3);
  EXPECT_EQ(second.steps, 4 * steps + 1);
  EXPECT_THAT(err.text(), HasSubstr("epoch-00000004-batch-000000000000.state' cannot be read"));
  FakeTraining third; // the damaged one was replaced
  EXPECT_TRUE(fit(third, BackupAndRestore(options)));
  EXPECT_EQ(third.initial_epoch, 4);
  EXPECT_EQ(third.steps, epochs * steps);
}

TEST(BackupAndRestore, AKillAtAnyMomentLeavesAStateAndItsPlace) {
  Folder folder;
  BackupAndRestoreOptions options{.backup_dir = folder / "backup", .save_freq = 1};
  std::mt19937 random(7);
  int64_t furthest = 0;
  int resumed = 0, unfinished = 0;
  for (int round = 0; round < 25; ++round) {
    pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      FakeTraining training;
      training.pieces = 20; // most of the time is spent within a state
      fit(training, BackupAndRestore(options));
      _exit(0);
    }
    usleep(std::uniform_int_distribution<useconds_t>(500, 12000)(random));
    kill(child, SIGKILL);
    int status;
    waitpid(child, &status, 0);
    if (!WIFSIGNALED(status)) { // it came to its end, and removed its states
      furthest = 0;
      continue;
    }
    for (const std::string &name : folder.files())
      unfinished += name.find(".writing-") != std::string::npos;
    FakeTraining training;
    CallbackPtr restore = BackupAndRestore(options);
    Caught err(std::cerr);
    CallbackList({restore}, &training, {.verbose = 0}).on_train_begin();
    EXPECT_EQ(err.text(), ""); // none under its name that is not whole
    int64_t place = std::max(training.initial_epoch, 0) * steps + training.initial_batch;
    EXPECT_EQ(training.steps, place);
    EXPECT_GE(place, furthest); // what was saved once stays
    furthest = place;
    resumed += place > 0;
  }
  EXPECT_GT(resumed, 0);
  EXPECT_GT(unfinished, 0); // some kills did come while a state was written
}

} // namespace
} // namespace cornet::test
