// SPDX-License-Identifier: Apache-2.0
//
// Measures the ways in which each dispatch of a program can be computed, the hottest first, until a
// budget of time is spent. Each way is compiled as it would be for an artifact; who calls brings
// the means to run it.
#pragma once

#include "codegen/tune/Database.h"
#include "codegen/tune/Trial.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace cornet::tune {

struct TuneRequest {
  double seconds = 60;         ///< the budget
  Machine machine;             ///< where the kernels run: here
  unsigned compileThreads = 1; ///< for compiling kernels
  Measure measure;
  std::function<bool()> stop; ///< asked between measurements; true ends tuning as the budget does
  std::function<void(const std::string &step, double fraction)> progress;
  std::function<void(const Key &, const Timed &)> log; ///< told of every measurement
  std::function<llvm::Error(const Database &)> save;   ///< given what is new after every dispatch
};

/// What tuning came to, in microseconds of all steps that were tuned.
struct TuneResult {
  unsigned computations = 0, tuned = 0, better = 0; ///< distinct ones, and those the model missed
  double model = 0, best = 0;
  bool stopped = false; ///< before every computation was tuned
};

/// Microseconds of dispatches by variants, side by side on `threads` threads for about `seconds`
/// each; 0 where a variant cannot serve its dispatch. Kernels are compiled with `compileThreads`.
llvm::Expected<std::vector<double>>
timeVariants(llvm::ArrayRef<std::pair<DispatchOp, std::string>> variants, const cpu::Isa &isa,
             const Measure &measure, unsigned threads, unsigned compileThreads, double seconds);

/// Another way replaces the model's choice where it takes at most so much of its time.
inline constexpr double kWorthwhile = 0.97;

/// Tunes the dispatches of `functions`, which planning would see. What `known` has on this very
/// machine comes last, to be measured anew when time is left.
llvm::Expected<TuneResult> tune(llvm::ArrayRef<mlir::func::FuncOp> functions, const cpu::Isa &isa,
                                const Database &known, const TuneRequest &request);

} // namespace cornet::tune
