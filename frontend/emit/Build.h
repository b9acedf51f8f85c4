// SPDX-License-Identifier: Apache-2.0
//
// From recordings to an artifact in one call, for code that knows nothing of MLIR.
#pragma once

#include "frontend/emit/Program.h"

#include <functional>

namespace cornet {

struct BuildOptions {
  std::vector<int64_t> batches{1};       ///< of entry points that name none
  std::vector<std::string> cpus{"host"}; ///< ISA levels
  unsigned threads = 2;                  ///< for compiling
  std::function<void(const std::string &stage, double fraction)> progress{};
};

/// Compiles a program that trains and writes the artifact to `path`, under a temporary name first.
/// Returns what went wrong, or "". Mistakes of the graphs are told first.
std::string buildProgram(const ProgramDescription &program, const BuildOptions &options,
                         const std::string &path);

} // namespace cornet
