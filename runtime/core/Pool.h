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

  unsigned threads() const { return unsigned(workers.size()) + 1; }

  /// A call begins: wakes the workers, which spin until end().
  void begin();
  void end();

  /// Runs task(argument, thread) on every thread and returns when all are done. Between begin() and
  /// end().
  void run(void (*task)(void *, unsigned), void *argument);

private:
  void work(unsigned thread);
  void join();

  std::vector<std::thread> workers;
  std::mutex mutex;
  std::condition_variable wake;
  bool stop = false;
  std::atomic<bool> active{false};
  std::atomic<uint64_t> generation{0};
  std::atomic<unsigned> pending{0};
  void (*task)(void *, unsigned) = nullptr;
  void *argument = nullptr;
};

} // namespace cornet::runtime
