// SPDX-License-Identifier: Apache-2.0
//
// The compiler as one call: a module of the cornet dialect in, an artifact on disk out.
#pragma once

#include "codegen/tune/Tuner.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/DialectRegistry.h"
#include "llvm/Support/Error.h"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace cornet {

/// Where measured choices come from, and whether new ones are made.
struct TuningOptions {
  bool shipped = true;   ///< those that come with Cornet
  std::string file;      ///< the user's: read where it exists, and written by tuning; empty: none
  bool fileMust = false; ///< whether it is an error that the file does not exist
  unsigned threads = 1;  ///< that the artifact will mostly run on
  double seconds = 0;    ///< to tune for, before planning; 0: not at all
  tune::Measure measure; ///< of kernels on this machine
  std::function<bool()> stop; ///< whether to end tuning now
  std::string log;            ///< a file to which every measurement is appended; empty: none
};

struct CompileOptions {
  /// Rows; one plan each, but for those of an inference that are better served in parts.
  std::vector<int64_t> batches{1};
  std::vector<std::string> cpus{"host"};  ///< ISA levels; one variant each
  std::string pipeline = "inference-cpu"; ///< a pipeline's name, or its text
  /// What tensors are multiplied and stored in: "fp32", "bf16", "fp16", or "bf16-weights" and its
  /// like; empty: as the model's own types say.
  std::string precision = "";
  unsigned threads = 2; ///< for compiling
  bool selfTest = true; ///< store inputs and the reference interpreter's results
  TuningOptions tuning;
  std::function<void(llvm::StringRef stage, double fraction)> progress;
};

/// How one dispatch became a step.
struct StepReport {
  std::string entry, isa, layer, operation, winner;
  std::vector<std::pair<std::string, std::string>> refusals; ///< implementation, reason
  std::string variant;     ///< the winner's way, where it has several
  std::string source;      ///< who chose it: "attribute", "tuned", "shipped" or "model"; "": nobody
  std::string computation; ///< under which measured choices of it are kept; "": it has none
  uint64_t bands = 0;      ///< in which it takes turns with its neighbours; 0: it is done at once
  uint64_t ringBytes = 0;  ///< of the ring that holds its result meanwhile; 0: it has none
};

/// The distance of a narrowed program from the same in f32, on the inputs of the self-test.
struct PrecisionError {
  double relative = 0; ///< the largest difference, in shares of the largest f32 output
  double cosine = 0;
  uint64_t agreed = 0, rows = 0; ///< rows of outputs, and those whose largest cell is the same
  uint64_t notFinite = 0;        ///< outputs that are infinite or no number, and were not in f32
};

struct CompileReport {
  std::string precision;               ///< that was compiled for
  std::optional<PrecisionError> error; ///< of a narrowed program that has a self-test
  std::vector<int64_t> batches;        ///< that there are plans for
  std::vector<StepReport> steps;
  std::vector<std::pair<std::string, tune::TuneResult>> tuned; ///< by ISA level
  std::vector<std::pair<std::string, double>> seconds;         ///< stage, seconds
  std::string plan;                                            ///< every plan, in the plan dialect
  uint64_t kernels = 0, cachedKernels = 0, weightBytes = 0, codeBytes = 0, arenaBytes = 0,
           fileBytes = 0;
};

/// Every dialect the compiler touches. A context for compileToFile() is made with it.
void registerCompilerDialects(mlir::DialectRegistry &registry);

/// The precision that the types in the module amount to: "fp32", "bf16" or "fp16".
std::string precisionOf(mlir::ModuleOp module);

/// Compiles `module` (changed in place) and writes the artifact to `path`, under a temporary name
/// first; an empty path writes nothing. The same module and options give the same bytes. Errors are
/// sentences; diagnostics of passes go to the context's handler.
llvm::Error compileToFile(mlir::ModuleOp module, const CompileOptions &options,
                          llvm::StringRef path, CompileReport *report = nullptr);

} // namespace cornet
