// SPDX-License-Identifier: Apache-2.0
//
// GFLOP/s of contractions whose operands are all computed, as in a training step, and the share of
// each of its kernels:
//
//     computed_bench [--threads N] [--cpu LEVEL] [name part]
#include "tests/codegen/Computed.h"

#include "codegen/Compile.h"

#include "cornet_runtime.h"

#include "mlir/Parser/Parser.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <numeric>
#include <unistd.h>

using namespace cornet;

namespace {

void check(cornet_status *status) {
  if (!status)
    return;
  std::fprintf(stderr, "computed_bench: error: %s\n", cornet_status_message(status));
  std::exit(1);
}

/// Nanoseconds this thread has had a processor.
uint64_t processorTime() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return uint64_t(now.tv_sec) * 1'000'000'000 + uint64_t(now.tv_nsec);
}

/// Prints one line: the best of many runs, by kernel.
void measure(const computed::Case &it, unsigned threads, const std::string &cpu) {
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(moduleOf(it, it.large), &context);
  if (!module)
    return;
  std::string path = "/tmp/computed-bench-" + std::to_string(getpid()) + ".cornet";
  CompileOptions options;
  options.selfTest = false, options.cpus = {cpu};
  if (llvm::Error error = compileToFile(*module, options, path)) {
    std::fprintf(stderr, "%s: %s\n", it.name.c_str(), toString(std::move(error)).c_str());
    return;
  }
  cornet_program *program = nullptr;
  cornet_session *session = nullptr;
  cornet_session_options run{sizeof(cornet_session_options), threads};
  check(cornet_program_open(path.c_str(), &program));
  unlink(path.c_str());
  check(cornet_session_create(program, &run, &session));
  std::vector<std::vector<float>> memory;
  std::vector<const void *> inputs;
  for (const computed::Shape &shape : it.large.operands) {
    memory.emplace_back(size_t(computed::cells(shape)));
    for (size_t i = 0; i < memory.back().size(); ++i)
      memory.back()[i] = float(i * 2654435761u % 1000) / 1000 - 0.5f;
    inputs.push_back(memory.back().data());
  }
  memory.emplace_back(size_t(computed::cells(it.large.result)));
  void *output = memory.back().data();
  size_t steps = cornet_program_step_count(program, 0, 0);
  std::vector<uint64_t> now(steps), best(steps);
  uint64_t spent = 0, least = UINT64_MAX;
  for (int i = 0; i < 2000 && (spent < 500'000'000 || i < 3); ++i) {
    check(cornet_session_profile(session, 0, 0, inputs.data(), &output, now.data()));
    spent += std::accumulate(now.begin(), now.end(), uint64_t(0));
    for (size_t s = 0; s < steps; ++s)
      best[s] = i == 0 ? now[s] : std::min(best[s], now[s]);
    if (threads == 1) { // on a shared machine the processor's time is steadier than the clock
      uint64_t begin = processorTime();
      check(cornet_session_invoke(session, 0, 1, inputs.data(), &output));
      least = std::min(least, processorTime() - begin);
    }
  }
  if (threads > 1)
    least = std::accumulate(best.begin(), best.end(), uint64_t(0));
  std::printf("%-26s %10.1f us %8.1f GFLOP/s ", it.name.c_str(), double(least) / 1e3,
              2 * it.large.multiplications / double(least));
  for (size_t i = 0; i < steps; ++i) {
    cornet_step_spec spec;
    check(cornet_program_step(program, 0, 0, i, &spec));
    std::printf(" %s %.1f", spec.implementation, double(best[i]) / 1e3);
  }
  std::printf("\n");
  std::fflush(stdout);
  cornet_session_destroy(session);
  cornet_program_destroy(program);
}

} // namespace

int main(int argc, char **argv) {
  unsigned threads = 1;
  std::string cpu = "host", part;
  for (int i = 1; i < argc; ++i)
    if (!std::strcmp(argv[i], "--threads") && i + 1 < argc)
      threads = unsigned(std::atoi(argv[++i]));
    else if (!std::strcmp(argv[i], "--cpu") && i + 1 < argc)
      cpu = argv[++i];
    else
      part = argv[i];
  for (const computed::Case &it : computed::cases())
    if (!it.large.operands.empty() && it.name.find(part) != std::string::npos)
      measure(it, threads, cpu);
}
