// SPDX-License-Identifier: Apache-2.0
//
// The threads of a session. The caller is thread 0. Workers spin while a call runs and sleep on a
// condition variable between calls. run() is called by one thread at a time.
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <vector>

namespace cornet::runtime {

class Pool {
public:
  /// `threads` that compute, the caller's included. Throws std::system_error when there are no
  /// more.
  explicit Pool(unsigned threads);
  ~Pool();

  unsigned threads() const { return count; }

  /// A call begins: wakes the workers, which spin until end().
  void begin();
  void end();

  /// The most shares of a task, at least threads().
  unsigned mostShares() const;

  /// Runs task(argument, share) for every share in [0, shares) and returns when all are done. Any
  /// thread may take any share, of those left first one of the range that evenly splitting them
  /// would give it: one that sleeps, is slow or lost its processor is not waited for. Between
  /// begin() and end().
  void run(void (*task)(void *, unsigned), void *argument, unsigned shares);

private:
  void linger();
  void work(unsigned thread);
  bool takeShare(unsigned thread);
  void join();

  const unsigned count; ///< read by workers that start while others are being made
  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable wake;
  bool stop = false;
  std::atomic<size_t> started{0};
  std::atomic<bool> active{false};
  std::atomic<uint64_t> ticket{0}; ///< number of the task << 48 | what is left of it
  std::atomic<unsigned> pending{0};
  void (*task)(void *, unsigned) = nullptr;
  void *argument = nullptr;
  unsigned shares = 0;
};

} // namespace cornet::runtime
