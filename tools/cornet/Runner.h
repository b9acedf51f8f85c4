// SPDX-License-Identifier: Apache-2.0
// An artifact loaded and ready to be called: the runtime's C interface with the command line's
// arrays and errors. Every failed call of the runtime becomes a UserError with its sentence. One
// thread at a time; owns the program, its session and the threads they run on.
#pragma once

#include "data/Files.h"

#include <memory>
#include <string>
#include <vector>

namespace cornet::cli {

/// An input or output of an entry point. A first dimension of -1 is the number of rows.
struct Port {
  std::string name;
  DType type;
  std::vector<int64_t> shape;

  bool batched() const { return !shape.empty() && shape[0] < 0; }
};

/// "image: f32 (rows, 8, 8, 1)"
std::string portText(const Port &port);

struct RunnerOptions {
  std::string entry = "predict";
  unsigned threads = 1;
  bool profile = false;
};

/// One step of a plan as it ran: times are sums over `calls`.
struct StepTime {
  std::string layer, kernel;
  uint64_t calls = 0;
  double nanoseconds = 0, begin = 0; ///< begin: of the last call, since that call's start
};

class Runner {
public:
  Runner(const std::string &artifact, const RunnerOptions &options);
  ~Runner();
  Runner(Runner &&) noexcept;

  const std::vector<Port> &inputs() const;
  const std::vector<Port> &outputs() const;

  /// Binds arrays that fit the inputs, in their order and all with the same number of rows, and
  /// outputs of as many rows. They stay bound for every invoke.
  void bind(std::vector<Array> inputs);
  void invoke();
  const std::vector<Array> &results() const;

  std::vector<StepTime> profile() const; ///< needs options.profile
  /// The stored self-test: true when it passed; `report` tells what was compared.
  bool selfTest(std::string &report);

private:
  struct State;
  std::unique_ptr<State> state;
};

} // namespace cornet::cli
