// SPDX-License-Identifier: Apache-2.0
// Map and prefetch: elements made on threads of the pass. Threads take elements from the stage
// before in turn, under one lock, so that each has its number in the order; results wait in a ring
// until they are asked for. What throws is kept at its number and thrown there, so that a pass
// gives the same elements before it whatever the number of threads.
//
// The threads live as long as the iterator; the destructor lets each finish the call it is in.
#include "frontend/data/Pipeline.h"

#include <condition_variable>
#include <exception>
#include <fmt/format.h>
#include <mutex>
#include <system_error>
#include <thread>

namespace cornet::data::detail {
namespace {

using Function = std::function<Example(Example)>;

class Threaded : public Iterator {
public:
  Threaded(std::unique_ptr<Iterator> before, const Function &fn, size_t threads, size_t ahead)
      : before(std::move(before)), fn(fn), wanted(threads), ring(ahead) {}

  ~Threaded() override {
    {
      std::lock_guard lock(mutex);
      stopping = true;
    }
    changed.notify_all();
    for (std::thread &thread : threads)
      thread.join();
  }

  bool next(Example &example) override {
    if (threads.empty())
      begin();
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return ended ? head == tail || slot(head).done : slot(head).done; });
    if (ended && head == tail) {
      if (std::exception_ptr error = std::exchange(endError, nullptr))
        std::rethrow_exception(error);
      return false;
    }
    Slot taken = std::move(slot(head));
    slot(head++) = {};
    lock.unlock();
    changed.notify_all();
    if (taken.error)
      std::rethrow_exception(taken.error);
    example = std::move(taken.example);
    return true;
  }

private:
  struct Slot {
    Example example;
    std::exception_ptr error;
    bool done = false;
  };
  Slot &slot(uint64_t number) { return ring[number % ring.size()]; }

  void begin() {
    try {
      while (threads.size() < wanted)
        threads.emplace_back([this] { work(); });
    } catch (const std::system_error &error) {
      if (threads.empty()) // fewer than asked for will do
        throw Error(fmt::format("map: cannot start a thread: {}", error.what()));
    }
  }

  /// Takes the next element; false when there is none or nobody wants it.
  bool take(uint64_t &number, Example &example) {
    std::lock_guard order(turn);
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return stopping || ended || tail - head < ring.size(); });
    if (stopping || ended)
      return false;
    lock.unlock();
    std::exception_ptr error;
    bool found = false;
    try {
      found = before->next(example);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (found)
      number = tail++;
    else
      ended = true, endError = error;
    lock.unlock();
    if (!found)
      changed.notify_all();
    return found;
  }

  void work() {
    uint64_t number = 0;
    for (Example example; take(number, example); example = {}) {
      std::exception_ptr error;
      try {
        if (fn)
          example = fn(std::move(example));
      } catch (...) {
        error = std::current_exception();
      }
      {
        std::lock_guard lock(mutex);
        slot(number) = {std::move(example), error, true};
      }
      changed.notify_all();
    }
  }

  std::unique_ptr<Iterator> before; // used under `turn`
  const Function &fn;
  size_t wanted;
  std::mutex turn, mutex;
  std::condition_variable changed;
  std::vector<Slot> ring;
  uint64_t head = 0, tail = 0; ///< elements given out, elements begun
  bool ended = false, stopping = false;
  std::exception_ptr endError;
  std::vector<std::thread> threads;
};

class Map : public Stage {
public:
  Map(NodePtr before, Function fn, size_t threads, size_t ahead)
      : Stage(std::move(before)), fn(std::move(fn)), threads(threads), ahead(ahead) {}

  std::unique_ptr<Iterator> start(uint64_t pass) const override {
    if (threads > 0)
      return std::make_unique<Threaded>(before->start(pass), fn, threads, ahead);
    struct Walk : Iterator {
      const Function *fn;
      std::unique_ptr<Iterator> inner;
      bool next(Example &example) override {
        if (!inner->next(example))
          return false;
        example = (*fn)(std::move(example));
        return true;
      }
    };
    auto walk = std::make_unique<Walk>();
    walk->fn = &fn, walk->inner = before->start(pass);
    return walk;
  }

private:
  Function fn;
  size_t threads, ahead;
};

} // namespace

NodePtr mapped(NodePtr before, Function fn, size_t threads, size_t ahead) {
  return std::make_shared<Map>(std::move(before), std::move(fn), threads, ahead);
}

} // namespace cornet::data::detail
