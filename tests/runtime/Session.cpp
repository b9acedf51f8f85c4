// SPDX-License-Identifier: Apache-2.0
//
// Calls: any number of rows, any number of threads, mistakes of the caller, and no allocation.
#include "cornet_runtime.hpp"

#include "tests/runtime/Files.h"

#include <atomic>
#include <cstdlib>
#include <gtest/gtest.h>
#include <new>
#include <random>
#include <thread>

/// Counts every allocation of the process while `counting`.
static std::atomic<bool> counting{false};
static std::atomic<long> allocations{0};

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&                             \
    !(defined(__has_feature) && (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer)))
#define CORNET_COUNTS_MALLOC 1
extern "C" void *__libc_malloc(size_t);
extern "C" void *__libc_calloc(size_t, size_t);
extern "C" void *__libc_realloc(void *, size_t);
extern "C" void *__libc_memalign(size_t, size_t);
extern "C" void *malloc(size_t size) {
  allocations += counting.load(std::memory_order_relaxed);
  return __libc_malloc(size);
}
extern "C" void *calloc(size_t count, size_t size) {
  allocations += counting.load(std::memory_order_relaxed);
  return __libc_calloc(count, size);
}
extern "C" void *realloc(void *old, size_t size) {
  allocations += counting.load(std::memory_order_relaxed);
  return __libc_realloc(old, size);
}
extern "C" void *aligned_alloc(size_t alignment, size_t size) {
  allocations += counting.load(std::memory_order_relaxed);
  return __libc_memalign(alignment, size);
}
#endif

namespace cornet::test {
namespace {

constexpr size_t cellsIn = 64, cellsOut = 10;

std::vector<float> images(uint64_t rows) {
  std::mt19937 bits(7);
  std::vector<float> out(rows * cellsIn);
  for (float &cell : out)
    cell = float(bits() % 17) / 16;
  return out;
}

std::vector<float> scores(rt::Session &session, const std::vector<float> &x) {
  uint64_t rows = x.size() / cellsIn;
  std::vector<float> y(rows * cellsOut, -1);
  session.invoke(0, rows, {x.data()}, {y.data()});
  return y;
}

TEST(Session, SelfTestPasses) {
  rt::Program program(goldenPath());
  EXPECT_EQ(program.model(), "digits");
  ASSERT_EQ(program.inputs().size(), 1u);
  EXPECT_EQ(program.inputs()[0].shape, (std::vector<int64_t>{-1, 8, 8, 1}));
  EXPECT_EQ(program.outputs()[0].shape, (std::vector<int64_t>{-1, 10}));
  program.verify();
  EXPECT_LT(rt::Session(program).selfTest(), 1e-5);
}

TEST(Session, AnyNumberOfRows) {
  rt::Program program(goldenPath());
  rt::Session session(program);
  std::vector<float> x = images(11), one;
  for (size_t row = 0; row < 11; ++row) {
    std::vector<float> y = scores(session, {x.begin() + long(row * cellsIn), x.begin() + long((row + 1) * cellsIn)});
    one.insert(one.end(), y.begin(), y.end());
  }
  for (uint64_t rows : {0, 1, 2, 3, 4, 5, 7, 8, 9, 11}) {
    std::vector<float> y = scores(session, {x.begin(), x.begin() + long(rows * cellsIn)});
    for (size_t i = 0; i < y.size(); ++i)
      ASSERT_NEAR(y[i], one[i], 1e-6) << rows << " rows, cell " << i;
  }
}

TEST(Session, TheSameBitsOnAnyNumberOfThreads) {
  rt::Program program(goldenPath());
  rt::Session alone(program);
  std::vector<float> x = images(9), want = scores(alone, x);
  for (unsigned threads : {2u, 3u, 4u, 7u}) {
    rt::Session session(program, threads);
    for (int again = 0; again < 5; ++again)
      ASSERT_EQ(scores(session, x), want) << threads << " threads";
  }
}

TEST(Session, SessionsSideBySide) {
  rt::Program program(goldenPath()), second(goldenPath());
  std::vector<float> x = images(6);
  rt::Session alone(program);
  std::vector<float> want = scores(alone, x);
  std::vector<std::thread> callers;
  std::atomic<int> wrong{0};
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&, i] {
      rt::Session session(i % 2 ? program : second, i / 2 + 1);
      for (int again = 0; again < 50; ++again)
        wrong += scores(session, x) != want;
    });
  for (std::thread &caller : callers)
    caller.join();
  EXPECT_EQ(wrong, 0);
}

TEST(Session, CallsAllocateNothing) {
#ifndef CORNET_COUNTS_MALLOC
  GTEST_SKIP() << "a sanitizer owns malloc";
#endif
  rt::Program program(goldenPath());
  std::vector<float> x = images(7), y(7 * cellsOut);
  const void *inputs[] = {x.data()};
  void *outputs[] = {y.data()};
  for (unsigned threads : {1u, 2u}) {
    rt::Session session(program, threads);
    for (uint64_t rows : {1, 4, 7}) {
      allocations = 0, counting = true;
      cornet_status *first = cornet_session_invoke(session.get(), 0, rows, inputs, outputs);
      cornet_status *second = cornet_session_invoke(session.get(), 0, rows, inputs, outputs);
      counting = false;
      rt::check(first), rt::check(second);
      EXPECT_EQ(allocations, 0) << threads << " threads, " << rows << " rows";
    }
  }
  counting = true;
  free(malloc(1));
  counting = false;
  EXPECT_EQ(allocations, 1) << "the counter does not count";
}

TEST(Session, MistakesOfTheCaller) {
  rt::Program program(goldenPath());
  rt::Session session(program);
  float cell[cellsIn] = {};
  const void *inputs[] = {cell}, *missing[] = {nullptr};
  void *outputs[] = {cell};
  struct Call {
    cornet_status *status;
    const char *says;
  };
  cornet_program *untouchedProgram = reinterpret_cast<cornet_program *>(cell);
  cornet_session *untouchedSession = reinterpret_cast<cornet_session *>(cell);
  cornet_session_options small{sizeof(size_t) / 2, 1}, many{sizeof(cornet_session_options), 5000};
  cornet_tensor_spec spec;
  for (const Call &call : {
           Call{cornet_program_open(nullptr, &untouchedProgram), "must not be NULL"},
           Call{cornet_program_open("/no/such/file.cornet", &untouchedProgram), "/no/such/file.cornet"},
           Call{cornet_program_open("/", &untouchedProgram), "not a regular file"},
           Call{cornet_session_create(nullptr, nullptr, &untouchedSession), "must not be NULL"},
           Call{cornet_session_create(program.get(), &small, &untouchedSession), "size"},
           Call{cornet_session_create(program.get(), &many, &untouchedSession), "1024 threads"},
           Call{cornet_session_invoke(nullptr, 0, 1, inputs, outputs), "does not exist"},
           Call{cornet_session_invoke(session.get(), 9, 1, inputs, outputs), "entry point 9"},
           Call{cornet_session_invoke(session.get(), 0, 1, missing, outputs), "input 0"},
           Call{cornet_session_invoke(session.get(), 0, 1, nullptr, outputs), "NULL"},
           Call{cornet_session_invoke(session.get(), 0, 1, inputs, nullptr), "output 0"},
           Call{cornet_session_profile(session.get(), 0, 7, inputs, outputs, nullptr), "plan 7"},
           Call{cornet_program_input(program.get(), 0, 3, &spec), "tensor 3"},
           Call{cornet_program_output(program.get(), 5, 0, &spec), "tensor 0"},
       }) {
    ASSERT_NE(call.status, nullptr) << call.says;
    EXPECT_NE(std::string(cornet_status_message(call.status)).find(call.says), std::string::npos) << cornet_status_message(call.status);
    EXPECT_NE(cornet_status_code(call.status), CORNET_OK);
    cornet_status_destroy(call.status);
  }
  EXPECT_EQ(untouchedProgram, reinterpret_cast<cornet_program *>(cell));
  EXPECT_EQ(untouchedSession, reinterpret_cast<cornet_session *>(cell));
  cornet_session_destroy(nullptr), cornet_program_destroy(nullptr), cornet_status_destroy(nullptr);
  EXPECT_STREQ(cornet_status_message(nullptr), "");
}

TEST(Session, ThePlusPlusWrapperThrows) {
  try {
    rt::Program program("/no/such/file.cornet");
    FAIL() << "nothing was thrown";
  } catch (const rt::Error &error) {
    EXPECT_EQ(error.code, CORNET_IO);
    EXPECT_NE(std::string(error.what()).find("No such file"), std::string::npos) << error.what();
  }
}

} // namespace
} // namespace cornet::test
