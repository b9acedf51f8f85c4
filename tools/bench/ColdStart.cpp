// SPDX-License-Identifier: Apache-2.0
//
// From exec to a first answer with Cornet's runtime alone, timed from inside:
//
//   cold_start ARTIFACT ROWS-FILE THREADS
//
// ROWS-FILE holds the raw rows of the first entry point's one input; a call computes all of them.
// Prints one line of JSON: seconds of opening the program with its session ("load"), of the first
// call ("first") and since the process was started ("whole"); bytes of resident memory before
// opening ("before") and the highest until the end ("peak"); and the place of the first row's
// largest value ("top"), so that an answer can be checked. Used by tools/bench/inference_peers.py.
#include "cornet_runtime.h"
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <string>
#include <unistd.h>
#include <vector>

[[noreturn]] static void fail(const std::string &sentence) {
  std::fprintf(stderr, "cold_start: error: %s\n", sentence.c_str());
  std::exit(1);
}

static void check(cornet_status *status) {
  if (status)
    fail(cornet_status_message(status));
}

/// Bytes of a line of /proc/self/status.
static unsigned long long memory(const std::string &field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.compare(0, field.size(), field) == 0)
      return std::strtoull(line.c_str() + field.size(), nullptr, 10) * 1024;
  fail("/proc/self/status has no " + field);
}

/// Seconds since the process was started, to a hundredth.
static double sinceStart() {
  std::ifstream stat("/proc/self/stat");
  const std::string text((std::istreambuf_iterator<char>(stat)), {});
  const char *at = text.c_str() + text.rfind(')') + 1;
  for (int field = 3; field < 22; ++field)
    at = std::strchr(at + 1, ' ');
  timespec now;
  clock_gettime(CLOCK_BOOTTIME, &now);
  return double(now.tv_sec) + double(now.tv_nsec) * 1e-9 -
         double(std::strtoull(at, nullptr, 10)) / double(sysconf(_SC_CLK_TCK));
}

static size_t cells(const cornet_tensor_spec &spec) {
  size_t count = 1;
  for (size_t i = 1; i < spec.rank; ++i)
    count *= size_t(spec.shape[i]);
  return count;
}

int main(int argc, char **argv) {
  if (argc != 4)
    fail("expected ARTIFACT ROWS-FILE THREADS");
  std::ifstream file(argv[2], std::ios::binary);
  const std::vector<char> rows((std::istreambuf_iterator<char>(file)), {});
  if (!file || rows.empty())
    fail(std::string("cannot read rows from ") + argv[2]);
  const auto now = [] { return std::chrono::steady_clock::now(); };
  const auto seconds = [](auto span) { return std::chrono::duration<double>(span).count(); };

  const unsigned long long before = memory("VmRSS:");
  const auto start = now();
  cornet_program *program = nullptr;
  check(cornet_program_open(argv[1], &program));
  cornet_session_options options{sizeof options, unsigned(std::strtoul(argv[3], nullptr, 10))};
  cornet_session *session = nullptr;
  check(cornet_session_create(program, &options, &session));
  cornet_tensor_spec input, output;
  check(cornet_program_input(program, 0, 0, &input));
  check(cornet_program_output(program, 0, 0, &output));
  if (input.dtype != CORNET_F32 || output.dtype != CORNET_F32 ||
      cornet_program_input_count(program, 0) != 1)
    fail("the entry point takes or gives something else than one float32 tensor");
  const size_t count = rows.size() / (cells(input) * sizeof(float));
  if (count == 0 || count * cells(input) * sizeof(float) != rows.size())
    fail(std::string(argv[2]) + " holds no whole rows of the model's input");
  std::vector<float> answer(count * cells(output));
  const auto loaded = now();
  const void *inputs[] = {rows.data()};
  void *outputs[] = {answer.data()};
  check(cornet_session_invoke(session, 0, count, inputs, outputs));
  const auto done = now();
  const auto end = answer.begin() + ptrdiff_t(cells(output));
  std::printf(
      "{\"load\": %.9f, \"first\": %.9f, \"whole\": %.9f, \"before\": %llu, \"peak\": %llu, "
      "\"top\": %td}\n",
      seconds(loaded - start), seconds(done - loaded), sinceStart(), before, memory("VmHWM:"),
      std::max_element(answer.begin(), end) - answer.begin());
  cornet_session_destroy(session);
  cornet_program_destroy(program);
  return 0;
}
