// SPDX-License-Identifier: Apache-2.0
//
// A generation counter announces each task; a pending counter announces its end. Both are spun on,
// so that steps a few microseconds apart cost no system call.
#include "runtime/core/Pool.h"

namespace cornet::runtime {
namespace {

/// Tens of microseconds: longer than the gap between steps, shorter than a slice of the scheduler,
/// so that more threads than processors still make progress. (20000 made three threads on two
/// processors a hundred times slower than one.)
constexpr unsigned kSpins = 1000;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

} // namespace

Pool::Pool(unsigned threads) {
  workers.reserve(threads);
  try {
    for (unsigned i = 1; i < threads; ++i)
      workers.emplace_back([this, i] { work(i); });
  } catch (...) { // the system has no more threads: those that run are joined before they are lost
    join();
    throw;
  }
}

Pool::~Pool() { join(); }

void Pool::join() {
  {
    std::lock_guard lock(mutex);
    stop = true;
  }
  wake.notify_all();
  for (std::thread &worker : workers)
    worker.join();
}

void Pool::begin() {
  if (workers.empty())
    return;
  {
    std::lock_guard lock(mutex);
    active.store(true, std::memory_order_release);
  }
  wake.notify_all();
}

void Pool::end() { active.store(false, std::memory_order_release); }

void Pool::run(void (*body)(void *, unsigned), void *data) {
  task = body, argument = data;
  pending.store(unsigned(workers.size()), std::memory_order_relaxed);
  generation.fetch_add(1, std::memory_order_release);
  body(data, 0);
  for (unsigned spins = 0; pending.load(std::memory_order_acquire) != 0; ++spins)
    // A worker that lost its processor gets ours after a while.
    spins < kSpins ? pause() : std::this_thread::yield();
}

void Pool::work(unsigned thread) {
  uint64_t seen = 0;
  for (;;) {
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] {
        return stop || active.load(std::memory_order_acquire) || generation.load() != seen;
      });
      if (stop)
        return;
    }
    for (unsigned spins = 0;; ++spins) {
      uint64_t now = generation.load(std::memory_order_acquire);
      if (now != seen) {
        seen = now;
        task(argument, thread);
        pending.fetch_sub(1, std::memory_order_release);
        spins = 0;
      } else if (!active.load(std::memory_order_acquire) &&
                 generation.load(std::memory_order_acquire) == seen) {
        break;
      } else {
        spins < kSpins ? pause() : std::this_thread::yield();
      }
    }
  }
}

} // namespace cornet::runtime
