// SPDX-License-Identifier: Apache-2.0
#include "KernelTimer.h"

#include "runtime/core/Code.h"
#include "runtime/core/Pool.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <ctime>
#include <map>
#include <memory>
#include <random>

namespace cornet::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Kernel = void (*)(void *const *, int64_t, int64_t);

/// Weights lie in an area of at least this size and are taken from it in turn.
constexpr uint64_t kWeightBytes = 40 << 20;
/// A turn takes at least so long: the clock is read twice in it.
constexpr double kTurnMicroseconds = 30;
constexpr size_t kFewestTurns = 5, kMostTurns = 200;

uint64_t aligned(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

/// Cells of 16 bits that are ordinary numbers as bf16 and, two together, as f32: about 0.1 to 0.5,
/// of either sign.
class Area {
public:
  explicit Area(uint64_t bytes) : size(aligned(bytes) + 4096) {
    memory.reset(static_cast<uint8_t *>(std::aligned_alloc(4096, (size + 4095) / 4096 * 4096)));
    if (!memory)
      throw std::bad_alloc();
    std::mt19937_64 bits(11);
    for (uint64_t i = 0; i + 8 <= size; i += 8) {
      uint64_t cells = (bits() & 0x80ff80ff80ff80ffu) | 0x3e003e003e003e00u;
      std::memcpy(memory.get() + i, &cells, 8);
    }
  }
  uint8_t *data() const { return memory.get(); }
  const uint64_t size;

private:
  struct Free {
    void operator()(uint8_t *p) const { std::free(p); }
  };
  std::unique_ptr<uint8_t, Free> memory;
};

/// The weights of all kernels, kept for the next call of timeKernels() too.
Area &weightsOf(uint64_t bytes) {
  static std::unique_ptr<Area> area;
  if (!area || area->size < bytes)
    area = std::make_unique<Area>(bytes);
  return *area;
}

/// A trial with its buffers.
class Runner {
public:
  Runner(const tune::Trial &trial, Kernel kernel, const Area &weights, uint64_t &nextWeights,
         const std::vector<std::unique_ptr<Area>> &buffers, runtime::Pool &pool, Area *scratch)
      : trial(trial), kernel(kernel), weights(weights), next(nextWeights), pool(pool) {
    perThread = trial.buffers.size() + 1;
    arguments.resize(perThread * pool.threads());
    for (unsigned t = 0; t < pool.threads(); ++t) {
      for (size_t i = 0; i < trial.buffers.size(); ++i)
        if (!trial.buffers[i].weights)
          arguments[t * perThread + i] = buffers[i]->data();
      if (scratch)
        arguments[t * perThread + perThread - 1] = scratch->data() + t * aligned(trial.scratch);
    }
  }

  void call() {
    for (size_t i = 0; i < trial.buffers.size(); ++i) {
      if (!trial.buffers[i].weights)
        continue;
      uint64_t bytes = aligned(trial.buffers[i].bytes);
      if (next + bytes > weights.size)
        next = 0;
      for (unsigned t = 0; t < pool.threads(); ++t)
        arguments[t * perThread + i] = weights.data() + next;
      next += bytes;
    }
    if (pool.threads() == 1 || trial.tiles == 1)
      return kernel(arguments.data(), 0, trial.tiles);
    pool.run(
        [](void *self, unsigned share) {
          auto &it = *static_cast<Runner *>(self);
          int64_t threads = it.pool.threads(), tiles = it.trial.tiles;
          int64_t begin = tiles * share / threads, end = tiles * (share + 1) / threads;
          if (begin < end)
            it.kernel(&it.arguments[share * it.perThread], begin, end);
        },
        this, pool.threads());
  }

  /// Microseconds a call, over one turn.
  double turn() {
    double start = now();
    for (size_t i = 0; i < calls; ++i)
      call();
    return (now() - start) / double(calls);
  }

  size_t calls = 1; ///< of a turn

private:
  /// Microseconds of who else runs here do not count, where it can be told: of one thread.
  double now() const {
    timespec time;
    clock_gettime(pool.threads() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
    return double(time.tv_sec) * 1e6 + double(time.tv_nsec) * 1e-3;
  }

  const tune::Trial &trial;
  Kernel kernel;
  const Area &weights;
  uint64_t &next;
  runtime::Pool &pool;
  size_t perThread;
  std::vector<void *> arguments; ///< a list for each thread
};

} // namespace

std::vector<double> timeKernels(const std::vector<tune::Trial> &trials, unsigned threads,
                                double seconds, std::string &error) {
  std::map<const std::vector<char> *, runtime::Code> codes;
  uint64_t weightBytes = kWeightBytes, scratchBytes = 0;
  std::vector<uint64_t> bufferBytes;
  for (const tune::Trial &trial : trials) {
    if (auto [it, isNew] = codes.try_emplace(trial.code.get()); isNew) {
      error = it->second.load(reinterpret_cast<const uint8_t *>(trial.code->data()),
                              trial.code->size());
      if (!error.empty())
        return {};
    }
    bufferBytes.resize(std::max(bufferBytes.size(), trial.buffers.size()));
    scratchBytes = std::max(scratchBytes, aligned(trial.scratch));
    for (size_t i = 0; i < trial.buffers.size(); ++i)
      if (trial.buffers[i].weights)
        weightBytes = std::max(weightBytes, 2 * aligned(trial.buffers[i].bytes));
      else
        bufferBytes[i] = std::max(bufferBytes[i], trial.buffers[i].bytes);
  }
  Area &weights = weightsOf(weightBytes);
  std::vector<std::unique_ptr<Area>> buffers;
  for (uint64_t bytes : bufferBytes)
    buffers.push_back(std::make_unique<Area>(bytes));
  std::unique_ptr<Area> scratch;
  if (scratchBytes)
    scratch = std::make_unique<Area>(scratchBytes * threads);
  runtime::Pool pool(threads);
  std::vector<Runner> runners;
  uint64_t nextWeights = 0;
  for (const tune::Trial &trial : trials) {
    auto kernel = reinterpret_cast<Kernel>(codes[trial.code.get()].find(trial.symbol.c_str()));
    if (!kernel) {
      error = "the kernel " + trial.symbol + " is not in its code";
      return {};
    }
    runners.emplace_back(trial, kernel, weights, nextWeights, buffers, pool,
                         trial.scratch ? scratch.get() : nullptr);
  }
  std::vector<std::vector<double>> times(trials.size());
  pool.begin();
  for (Runner &runner : runners) {
    runner.turn(); // touches what it needs
    runner.calls = size_t(std::clamp(kTurnMicroseconds / runner.turn(), 1.0, 1000.0));
  }
  auto end = Clock::now() + std::chrono::duration<double>(seconds);
  for (size_t turn = 0; turn < kMostTurns && (turn < kFewestTurns || Clock::now() < end); ++turn)
    for (size_t i = 0; i < runners.size(); ++i)
      times[i].push_back(runners[i].turn());
  pool.end();
  std::vector<double> out;
  for (std::vector<double> &all : times) {
    auto middle = all.begin() + long(all.size() / 2);
    std::nth_element(all.begin(), middle, all.end());
    out.push_back(*middle);
  }
  return out;
}

} // namespace cornet::cli
