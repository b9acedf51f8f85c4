// SPDX-License-Identifier: Apache-2.0
// An artifact loaded and ready to be called: the runtime's C interface with the command line's
// arrays and errors. Every failed call of the runtime becomes a UserError with its sentence. One
// thread at a time; owns the program, its session and the threads they run on.
#pragma once

#include "Data.h"
#include "Program.h"

#include <string>
#include <vector>

namespace cornet::cli {

/// Throws UserError for a type that this cornet does not know.
DType typeOf(cornet_dtype type);

/// An input or output of an entry point. A first dimension of -1 is the number of rows.
struct Port {
  std::string name;
  DType type;
  std::vector<int64_t> shape;

  bool batched() const { return !shape.empty() && shape[0] < 0; }
};

/// "image: f32 (rows, 8, 8, 1)"
std::string portText(const Port &port);

/// The ports of an entry point in order: (inputs, outputs).
std::pair<std::vector<Port>, std::vector<Port>> portsOf(const cornet_program &program,
                                                        size_t entry);

class Runner {
public:
  Runner(const std::string &artifact, const std::string &entry, unsigned threads);

  /// Variables become what a training wrote to the file. Throws UserError when it is not there,
  /// damaged, or of another program.
  void loadState(const std::string &path);

  const cornet_program &program() const { return *handle; }
  size_t entry() const { return index; }
  const std::vector<Port> &inputs() const { return inputPorts; }
  const std::vector<Port> &outputs() const { return outputPorts; }

  /// Binds arrays that fit the inputs, in their order and all with the same number of rows, and
  /// outputs of as many rows. They stay bound for every invoke.
  void bind(std::vector<Array> arrays);
  void invoke();
  const std::vector<Array> &results() const { return resultArrays; }

  /// One call of plan number `plan`, whose batch must be the bound number of rows: a time for each
  /// step.
  void profile(size_t plan, std::vector<uint64_t> &nanoseconds);

  /// Runs the stored self-test; throws UserError when it fails. The largest difference found.
  double selfTest();

private:
  ProgramHandle handle;
  SessionHandle session;
  size_t index;
  std::vector<Port> inputPorts, outputPorts;
  std::vector<Array> inputArrays, resultArrays;
  std::vector<const void *> inputPointers;
  std::vector<void *> resultPointers;
  uint64_t rows = 0;
};

} // namespace cornet::cli
