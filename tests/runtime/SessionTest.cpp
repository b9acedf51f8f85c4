// SPDX-License-Identifier: Apache-2.0
//
// What a session computes: any number of rows, any number of threads, beside other sessions.
#include "tests/runtime/Golden.h"

#include "runtime/core/Pool.h"

#include <atomic>
#include <cmath>
#include <thread>

using namespace cornet::golden;

namespace {

void expectNear(const std::vector<float> &got, const std::vector<float> &want) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], want[i], 1e-6 + 1e-5 * std::fabs(want[i])) << "element " << i;
}

class SessionTest : public testing::TestWithParam<std::string> {
protected:
  Program program = open(GetParam());
};

TEST_P(SessionTest, SelfTestPasses) {
  Session session = createSession(program);
  double largest = -1;
  expectOk(cornet_session_self_test(session.get(), &largest));
  EXPECT_GE(largest, 0);
  EXPECT_LT(largest, 1e-5);
  expectOk(cornet_session_self_test(session.get(), nullptr));
}

TEST_P(SessionTest, EveryChecksumMatches) { expectOk(cornet_program_verify(program.get())); }

TEST_P(SessionTest, AnyNumberOfRowsEqualsRowByRow) {
  Session session = createSession(program);
  for (size_t rows : {1, 3, 4, 5, 9}) {
    std::vector<float> input = randomRows(rows, unsigned(rows)), expected;
    for (size_t row = 0; row < rows; ++row) {
      auto at = input.begin() + long(row * kIn);
      std::vector<float> one = invoke(session, {at, at + kIn});
      expected.insert(expected.end(), one.begin(), one.end());
    }
    expectNear(invoke(session, input), expected);
  }
}

TEST_P(SessionTest, NoRowsIsNoWork) {
  Session session = createSession(program);
  EXPECT_TRUE(invoke(session, {}).empty());
}

TEST_P(SessionTest, BitsDoNotDependOnThreads) {
  std::vector<float> input = randomRows(9);
  std::vector<float> expected = invoke(createSession(program, 1), input);
  for (unsigned threads : {0, 2, 4, 7})
    EXPECT_EQ(invoke(createSession(program, threads), input), expected) << threads << " threads";
}

TEST_P(SessionTest, BitsDoNotDependOnEarlierCalls) {
  Session session = createSession(program, 2);
  std::vector<float> input = randomRows(5), expected = invoke(session, input);
  for (int call = 0; call < 20; ++call) {
    invoke(session, randomRows(1 + size_t(call) % 7, unsigned(call)));
    ASSERT_EQ(invoke(session, input), expected);
  }
}

TEST_P(SessionTest, RowsOfUnalignedCallersAreServed) {
  Session session = createSession(program);
  std::vector<float> input = randomRows(5), expected = invoke(session, input);
  std::vector<float> shifted(input.size() + 1), result(expected.size() + 1);
  std::copy(input.begin(), input.end(), shifted.begin() + 1);
  const void *inputs[] = {shifted.data() + 1};
  void *outputs[] = {result.data() + 1};
  expectOk(cornet_session_invoke(session.get(), 0, 5, inputs, outputs));
  EXPECT_EQ(std::vector<float>(result.begin() + 1, result.end()), expected);
}

TEST_P(SessionTest, OneProgramServesTwoSessionsAtOnce) {
  std::vector<float> inputs[] = {randomRows(9, 1), randomRows(5, 2)};
  std::vector<float> expected[] = {invoke(createSession(program), inputs[0]),
                                   invoke(createSession(program), inputs[1])};
  std::vector<std::thread> callers;
  for (int i = 0; i < 2; ++i)
    callers.emplace_back([&, i] {
      Session session = createSession(program, unsigned(i) + 1);
      for (int call = 0; call < 50; ++call)
        EXPECT_EQ(invoke(session, inputs[i]), expected[i]);
    });
  for (std::thread &caller : callers)
    caller.join();
}

TEST_P(SessionTest, ProfilingAPlanComputesTheSame) {
  Session session = createSession(program, 2);
  size_t last = cornet_program_plan_count(program.get(), 0) - 1;
  size_t rows = cornet_program_plan_batch(program.get(), 0, last);
  std::vector<float> input = randomRows(rows), result(rows * kOut);
  std::vector<uint64_t> times(cornet_program_step_count(program.get(), 0, last));
  const void *inputs[] = {input.data()};
  void *outputs[] = {result.data()};
  expectOk(cornet_session_profile(session.get(), 0, last, inputs, outputs, times.data()));
  EXPECT_EQ(result, invoke(session, input));
}

INSTANTIATE_TEST_SUITE_P(Golden, SessionTest, testing::Values(kDigits, kPadded, kScratch, kBands),
                         [](const auto &test) {
                           return test.param == kDigits   ? "Digits"
                                  : test.param == kPadded ? "Padded"
                                  : test.param == kBands  ? "Bands"
                                                          : "Scratch";
                         });

TEST(PoolTest, ManyShortCallsEndOnEveryThread) {
  Program program = open(kDigits);
  Session session = createSession(program, 3);
  std::vector<float> input = randomRows(1), expected = invoke(session, input);
  for (int call = 0; call < 2000; ++call) {
    ASSERT_EQ(invoke(session, input), expected);
    if (call % 100 == 0) // long enough for the workers to fall asleep
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

TEST(PoolTest, EveryShareIsDoneOnce) {
  for (unsigned threads : {1u, 2u, 3u, 7u, 48u, 49u, 70u}) {
    cornet::runtime::Pool pool(threads);
    EXPECT_GE(pool.mostShares(), threads);
    pool.begin();
    for (unsigned shares : {1u, 2u, 5u, 12u, 28u, 48u, pool.mostShares()})
      for (int turn = 0; turn < 20; ++turn) {
        std::vector<std::atomic<int>> done(shares);
        pool.run(
            [](void *all, unsigned share) {
              ++(*static_cast<std::vector<std::atomic<int>> *>(all))[share];
            },
            &done, shares);
        for (unsigned share = 0; share < shares; ++share)
          ASSERT_EQ(done[share], 1) << share << " of " << shares << ", " << threads << " threads";
      }
    pool.end();
  }
}

TEST(ProgramTest, TwoProgramsLoadedAtOnceKeepTheirOwnCode) {
  Program first = open(kDigits), second = open(kPadded), again = open(kDigits);
  std::vector<float> input = randomRows(5);
  std::vector<float> expected = invoke(createSession(first), input);
  expectNear(invoke(createSession(second), input), expected);
  first.reset();
  EXPECT_EQ(invoke(createSession(again), input), expected);
  expectNear(invoke(createSession(second), input), expected);
}

TEST(ProgramTest, TellsWhatItIs) {
  Program program = open(kDigits);
  EXPECT_STREQ(cornet_program_model(program.get()), "digits");
  EXPECT_STREQ(cornet_program_entry_name(program.get(), 0), "predict");
  EXPECT_EQ(cornet_program_entry_count(program.get()), 1u);
  EXPECT_EQ(cornet_program_plan_count(program.get(), 0), 2u);
  EXPECT_EQ(cornet_program_plan_batch(program.get(), 0, 1), 4u);
  EXPECT_EQ(cornet_program_file_size(program.get()), readFile(kDigits).size());
  cornet_tensor_spec spec;
  expectOk(cornet_program_input(program.get(), 0, 0, &spec));
  EXPECT_STREQ(spec.name, "image");
  EXPECT_EQ(spec.dtype, CORNET_F32);
  EXPECT_EQ(std::vector<int64_t>(spec.shape, spec.shape + spec.rank),
            (std::vector<int64_t>{-1, 8, 8, 1}));
  cornet_step_spec step;
  for (size_t i = 0; i < cornet_program_step_count(program.get(), 0, 0); ++i) {
    expectOk(cornet_program_step(program.get(), 0, 0, i, &step));
    EXPECT_STRNE(step.implementation, "");
    cornet_step_work work{1, 1, 1, 1};
    expectOk(cornet_program_step_work(program.get(), 0, 0, i, &work));
    uint64_t all = work.flops + work.bytes_read + work.bytes_written + work.weight_bytes;
    EXPECT_EQ(all > 0, kCounts);
  }
  const char *key = nullptr;
  EXPECT_NE(cornet_program_provenance(program.get(), 0, &key), nullptr);
  EXPECT_STREQ(key, "compiler");
}

} // namespace
