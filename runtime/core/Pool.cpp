// SPDX-License-Identifier: Apache-2.0
//
// A ticket announces each task and hands out its shares, a pending counter announces its end. Both
// are spun on, so that steps a few microseconds apart cost no system call. The caller takes the
// shares that nobody has taken: a call shorter than the time a worker needs to wake is computed by
// the caller.
//
// Of up to 48 threads, shares that are left are bits of the ticket, spread evenly, so that each
// thread finds those of its own range first; of more threads they are a count.
#include "runtime/core/Pool.h"

#include <chrono>

namespace cornet::runtime {
namespace {

/// Tens of microseconds: longer than the gap between steps, shorter than a slice of the scheduler,
/// so that more threads than processors still make progress. (20000 made three threads on two
/// processors a hundred times slower than one.)
constexpr unsigned kSpins = 1000;
constexpr std::chrono::microseconds kLinger{200};
constexpr unsigned kBits = 48;
constexpr uint64_t kLeft = (uint64_t(1) << kBits) - 1;

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("isb" ::
                   : "memory"); // yield is a no-op on most cores, this waits about as long as x86's
#endif
}

} // namespace

Pool::Pool(unsigned threads) : count(threads) {
  workers.reserve(threads);
  try {
    for (unsigned i = 1; i < threads; ++i)
      workers.emplace_back([this, i] { work(i); });
  } catch (...) { // the system has no more threads: those that run are joined before they are lost
    join();
    throw;
  }
  // What the system does for a new thread is done when the session is, not during its first call.
  while (started.load(std::memory_order_acquire) != workers.size())
    std::this_thread::yield();
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

/// Takes one share of the current task and runs it; false when none is left. The task cannot change
/// under a share that is taken and not done: run() waits for it.
bool Pool::takeShare(unsigned thread) {
  uint64_t current = ticket.load(std::memory_order_acquire), left, taken;
  do {
    left = current & kLeft;
    if (left == 0)
      return false;
    taken = 1;
    if (threads() <= kBits) {
      uint64_t mine = left & ~uint64_t(0) << thread * kBits / threads();
      taken = mine ? mine & -mine : left & -left;
    }
  } while (!ticket.compare_exchange_weak(current, current - taken, std::memory_order_acq_rel,
                                         std::memory_order_acquire));
  task(argument, threads() <= kBits ? unsigned(__builtin_ctzll(taken)) / (kBits / shares)
                                    : unsigned(left) - 1);
  pending.fetch_sub(1, std::memory_order_release);
  return true;
}

unsigned Pool::mostShares() const { return threads() <= kBits ? kBits : threads(); }

void Pool::run(void (*body)(void *, unsigned), void *data, unsigned count) {
  task = body, argument = data, shares = count;
  uint64_t left = shares;
  if (threads() <= kBits)
    for (unsigned share = left = 0; share < shares; ++share)
      left |= uint64_t(1) << share * (kBits / shares);
  pending.store(shares, std::memory_order_relaxed);
  ticket.store(((ticket.load(std::memory_order_relaxed) | kLeft) + 1) | left,
               std::memory_order_release);
  while (takeShare(0))
    ;
  for (unsigned spins = 0; pending.load(std::memory_order_acquire) != 0; ++spins)
    // A worker that lost its processor gets ours after a while.
    spins < kSpins ? pause() : std::this_thread::yield();
}

/// Stays awake for a moment after a call: waking a sleeping processor can take longer than a small
/// model does, and calls come in bursts.
void Pool::linger() {
  auto end = std::chrono::steady_clock::now() + kLinger;
  for (unsigned spins = 0; !active.load(std::memory_order_acquire); ++spins) {
    spins < kSpins ? pause() : std::this_thread::yield();
    if (spins % 64 == 0 && std::chrono::steady_clock::now() > end)
      return;
  }
}

void Pool::work(unsigned thread) {
  started.fetch_add(1, std::memory_order_release);
  for (;;) {
    linger();
    {
      std::unique_lock lock(mutex);
      wake.wait(lock, [&] { return stop || active.load(std::memory_order_acquire); });
      if (stop)
        return;
    }
    for (unsigned spins = 0; active.load(std::memory_order_acquire); ++spins)
      if (takeShare(thread))
        spins = 0;
      else
        spins < kSpins ? pause() : std::this_thread::yield();
  }
}

} // namespace cornet::runtime
