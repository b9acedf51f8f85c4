// SPDX-License-Identifier: Apache-2.0
//
// Training by the C interface: what variables are, what steps do to them, on any number of threads,
// and which batches whole entry points take.
#include "tests/runtime/Training.h"

#include <cmath>
#include <set>

using namespace cornet::golden;

namespace {

class TrainingTest : public testing::Test {
protected:
  Program program = open(kTraining);
};

TEST_F(TrainingTest, TellsItsVariables) {
  size_t count = cornet_program_variable_count(program.get());
  std::set<std::string> names;
  int trainable = 0, integers = 0;
  for (size_t i = 0; i < count; ++i) {
    cornet_variable_spec spec = variableAt(program, i);
    EXPECT_TRUE(names.insert(spec.name).second) << spec.name << " twice";
    size_t cells = 1;
    for (size_t d = 0; d < spec.rank; ++d)
      cells *= size_t(spec.shape[d]);
    EXPECT_EQ(spec.bytes, cells * 4) << spec.name;
    trainable += spec.trainable, integers += spec.dtype == CORNET_I32;
    if (std::string(spec.name) == "dense/kernel") {
      EXPECT_EQ(spec.dtype, CORNET_F32);
      EXPECT_TRUE(spec.trainable);
      EXPECT_EQ(std::vector<int64_t>(spec.shape, spec.shape + spec.rank),
                (std::vector<int64_t>{8, 16}));
    }
  }
  EXPECT_EQ(trainable, 4); // kernels and biases
  EXPECT_EQ(integers, 2);  // the optimizer's count of steps, and dropout's
  for (const char *name : {"dense/kernel", "dense/bias", "dense_1/kernel", "dense_1/bias",
                           "optimizer/iterations", "optimizer/learning_rate", "loss/total"})
    EXPECT_TRUE(names.contains(name)) << name;
  cornet_variable_spec spec{};
  expectFailure(cornet_program_variable(program.get(), count, &spec), CORNET_INVALID_ARGUMENT,
                "variable " + std::to_string(count));
  expectFailure(cornet_program_variable(program.get(), 0, nullptr), CORNET_INVALID_ARGUMENT,
                "spec is NULL");
  expectFailure(cornet_program_variable(nullptr, 0, &spec), CORNET_INVALID_ARGUMENT);
  EXPECT_EQ(cornet_program_variable_count(nullptr), 0u);
}

TEST_F(TrainingTest, CellsArePlacedApartAndAligned) {
  Session session = createSession(program);
  const char *end = nullptr;
  for (size_t i = 0; i < cornet_program_variable_count(program.get()); ++i) {
    auto *cells = static_cast<char *>(cornet_session_variable(session.get(), i));
    ASSERT_NE(cells, nullptr);
    EXPECT_EQ(uintptr_t(cells) % 64, 0u);
    EXPECT_GE(cells, end) << variableAt(program, i).name;
    end = cells + variableAt(program, i).bytes;
  }
  EXPECT_EQ(cornet_session_variable(session.get(), cornet_program_variable_count(program.get())),
            nullptr);
  EXPECT_EQ(cornet_session_variable(nullptr, 0), nullptr);
}

TEST_F(TrainingTest, SessionsStartAlikeAndLearnApart) {
  Session first = createSession(program), second = createSession(program, 3);
  std::string start = variablesOf(program, first);
  EXPECT_EQ(variablesOf(program, second), start);
  EXPECT_NE(start.find_first_not_of('\0'), std::string::npos) << "nothing is initialized";
  train(program, first, 5);
  EXPECT_NE(variablesOf(program, first), start);
  EXPECT_EQ(variablesOf(program, second), start);
}

TEST_F(TrainingTest, LearnsAndMeasures) {
  Session session = createSession(program);
  size_t reset = entryNamed(program, "reset_metrics");
  auto lossOf = [&](int steps, unsigned seed) {
    expectOk(cornet_session_invoke(session.get(), reset,
                                   cornet_program_plan_batch(program.get(), reset, 0), nullptr,
                                   nullptr));
    train(program, session, steps, seed);
    std::vector<float> values = readMetrics(program, session);
    EXPECT_GE(values[1], 0);
    EXPECT_LE(values[1], 1);
    return values[0];
  };
  float first = lossOf(20, 1);
  EXPECT_GT(first, 1.0f); // four classes: about ln 4
  lossOf(400, 100);
  EXPECT_LT(lossOf(20, 1000), 0.7f * first);
}

TEST_F(TrainingTest, PredictsWithWhatItLearned) {
  Session session = createSession(program), other = createSession(program);
  std::vector<float> x = Rows(7).cells;
  size_t predict = entryNamed(program, "predict");
  EXPECT_FALSE(cornet_program_entry_whole(program.get(), predict));
  auto scores = [&](const Session &of) {
    std::vector<float> out(7 * 4, -1); // 7 rows: a batch of 4 and a padded one
    const void *inputs[] = {x.data()};
    void *outputs[] = {out.data()};
    expectOk(cornet_session_invoke(of.get(), predict, 7, inputs, outputs));
    for (size_t row = 0; row < 7; ++row)
      EXPECT_NEAR(out[row * 4] + out[row * 4 + 1] + out[row * 4 + 2] + out[row * 4 + 3], 1, 1e-5);
    return out;
  };
  std::vector<float> before = scores(session);
  std::string variables = variablesOf(program, session);
  EXPECT_EQ(scores(session), before);
  EXPECT_EQ(variablesOf(program, session), variables) << "predictions changed variables";
  train(program, session, 20);
  EXPECT_NE(scores(session), before);
  EXPECT_EQ(scores(other), before);
}

TEST_F(TrainingTest, WritesOfTheCallerCount) {
  Session session = createSession(program);
  for (size_t i = 0; i < cornet_program_variable_count(program.get()); ++i)
    if (variableAt(program, i).trainable)
      std::memset(cornet_session_variable(session.get(), i), 0, variableAt(program, i).bytes);
  std::vector<float> out(4 * 4);
  std::vector<float> x = Rows(4).cells;
  const void *inputs[] = {x.data()};
  void *outputs[] = {out.data()};
  expectOk(
      cornet_session_invoke(session.get(), entryNamed(program, "predict"), 4, inputs, outputs));
  for (float score : out) // no weights: every class is as likely
    EXPECT_FLOAT_EQ(score, 0.25f);
}

TEST_F(TrainingTest, BitsDoNotDependOnThreads) {
  size_t entry = entryNamed(program, "train_step"), shared = 0;
  for (size_t i = 0; i < cornet_program_step_count(program.get(), entry, 1); ++i) {
    cornet_step_spec step{};
    expectOk(cornet_program_step(program.get(), entry, 1, i, &step));
    shared += step.tiles > 1;
  }
  ASSERT_GT(shared, 0u) << "no step is for several threads";
  Session alone = createSession(program, 1);
  train(program, alone, 60);
  std::string want = variablesOf(program, alone);
  std::vector<float> metrics = readMetrics(program, alone);
  for (unsigned threads : {2u, 3u, 7u}) {
    Session session = createSession(program, threads);
    train(program, session, 60);
    EXPECT_EQ(variablesOf(program, session), want) << threads << " threads";
    EXPECT_EQ(readMetrics(program, session), metrics) << threads << " threads";
  }
}

TEST_F(TrainingTest, WholeEntryPointsTakeTheirBatchesAlone) {
  Session session = createSession(program);
  std::string before = variablesOf(program, session);
  Rows rows(32);
  for (const char *name : {"train_step", "evaluate_step"}) {
    size_t entry = entryNamed(program, name);
    EXPECT_TRUE(cornet_program_entry_whole(program.get(), entry)) << name;
    for (uint64_t count : {uint64_t(0), uint64_t(1), uint64_t(3), uint64_t(5), uint64_t(8),
                           uint64_t(32), ~uint64_t(0)})
      expectFailure(
          cornet_session_invoke(session.get(), entry, count, rows.inputs().data(), nullptr),
          CORNET_INVALID_ARGUMENT,
          "takes a whole batch of 4, 16 rows, got " + std::to_string(count));
  }
  size_t entry = entryNamed(program, "train_step");
  const void *missing[] = {rows.cells.data(), nullptr};
  expectFailure(cornet_session_invoke(session.get(), entry, 4, missing, nullptr),
                CORNET_INVALID_ARGUMENT, "is NULL");
  expectFailure(cornet_session_invoke(session.get(), entry, 4, nullptr, nullptr),
                CORNET_INVALID_ARGUMENT, "is NULL");
  expectFailure(cornet_session_invoke(session.get(), 99, 4, rows.inputs().data(), nullptr),
                CORNET_INVALID_ARGUMENT, "99");
  EXPECT_EQ(variablesOf(program, session), before);
  EXPECT_FALSE(cornet_program_entry_whole(program.get(), 99));
  EXPECT_FALSE(cornet_program_entry_whole(nullptr, 0));
}

TEST_F(TrainingTest, StepsMayBeProfiled) {
  Session plain = createSession(program), timed = createSession(program, 2);
  size_t entry = entryNamed(program, "train_step");
  Rows rows(16);
  std::vector<uint64_t> times(cornet_program_step_count(program.get(), entry, 1));
  ASSERT_EQ(cornet_program_plan_batch(program.get(), entry, 1), 16u);
  expectOk(
      cornet_session_profile(timed.get(), entry, 1, rows.inputs().data(), nullptr, times.data()));
  expectOk(trainStep(program, plain, rows));
  EXPECT_EQ(variablesOf(program, timed), variablesOf(program, plain));
}

} // namespace
