// SPDX-License-Identifier: Apache-2.0
//
// A call allocates nothing. Every allocation of this process, on any thread, is counted: malloc and
// its kin by interposition, or by the sanitizer's hook where one has already taken malloc.
#include "tests/runtime/Training.h"

#include <atomic>

#ifdef CORNET_TEST_SANITIZED
#include <sanitizer/allocator_interface.h>
#endif

static std::atomic<long> allocations{0};

#ifdef CORNET_TEST_SANITIZED

static const int installed = __sanitizer_install_malloc_and_free_hooks(
    [](const volatile void *, size_t) { ++allocations; }, [](const volatile void *) {});

#else

extern "C" {
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) noexcept {
  ++allocations;
  return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) noexcept {
  ++allocations;
  return __libc_calloc(count, size);
}
void *realloc(void *memory, size_t size) noexcept {
  ++allocations;
  return __libc_realloc(memory, size);
}
void *aligned_alloc(size_t alignment, size_t size) noexcept {
  ++allocations;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void **memory, size_t alignment, size_t size) noexcept {
  ++allocations;
  *memory = __libc_memalign(alignment, size);
  return *memory ? 0 : 12; // ENOMEM
}
}

#endif

using namespace cornet::golden;

namespace {

class AllocationTest : public testing::TestWithParam<std::tuple<std::string, unsigned>> {};

TEST_P(AllocationTest, InvokeAllocatesNothing) {
  auto [path, threads] = GetParam();
  Program program = open(path);
  long before = allocations;
  Session session = createSession(program, threads);
  EXPECT_GT(allocations, before) << "the counter does not count";
  std::vector<float> input = randomRows(9), output(9 * kOut);
  const void *inputs[] = {input.data()};
  void *outputs[] = {output.data()};
  before = allocations;
  cornet_status *status = nullptr;
  for (uint64_t rows = 0; rows <= 9 && !status; ++rows) // the first call counts, too
    status = cornet_session_invoke(session.get(), 0, rows, inputs, outputs);
  long during = allocations - before;
  expectOk(status);
  EXPECT_EQ(during, 0);
}

INSTANTIATE_TEST_SUITE_P(Golden, AllocationTest,
                         testing::Combine(testing::Values(kDigits, kPadded, kScratch, kBands),
                                          testing::Values(1u, 2u)));

class TrainingAllocationTest : public testing::TestWithParam<unsigned> {};

TEST_P(TrainingAllocationTest, StepsAllocateNothing) {
  Program program = open(kTraining);
  Session session = createSession(program, GetParam());
  Rows small(4), large(16);
  std::vector<const void *> inputs[] = {small.inputs(), large.inputs()};
  float metrics[2];
  void *outputs[] = {&metrics[0], &metrics[1]};
  size_t step = entryNamed(program, "train_step"), read = entryNamed(program, "read_metrics"),
         reset = entryNamed(program, "reset_metrics"), score = entryNamed(program, "evaluate_step");
  uint64_t one = cornet_program_plan_batch(program.get(), read, 0);
  long before = allocations;
  cornet_status *status = nullptr;
  for (int i = 0; i < 20 && !status; ++i)
    status =
        cornet_session_invoke(session.get(), step, i % 2 ? 16 : 4, inputs[i % 2].data(), nullptr);
  if (!status)
    status = cornet_session_invoke(session.get(), read, one, nullptr, outputs);
  if (!status)
    status = cornet_session_invoke(session.get(), reset, one, nullptr, nullptr);
  if (!status)
    status = cornet_session_invoke(session.get(), score, 16, inputs[1].data(), nullptr);
  long during = allocations - before;
  expectOk(status);
  EXPECT_EQ(during, 0);
}

INSTANTIATE_TEST_SUITE_P(Golden, TrainingAllocationTest, testing::Values(1u, 2u, 3u));

} // namespace
