// SPDX-License-Identifier: Apache-2.0
//
// The passes of Passes.td and the pipelines made of them.
#pragma once

#include "mlir/Pass/Pass.h"

#include <optional>
#include <string>
#include <vector>

namespace cornet {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"

/// What is stored in 16 bits.
struct Precision {
  std::string type; ///< "bf16", "f16" or, for nothing, ""
  std::string what; ///< "all", "weights" or "activations"
};
/// "fp32", or "bf16" or "fp16" for weights and activations, "bf16-weights" for one of the two.
std::optional<Precision> precisionNamed(llvm::StringRef name);

/// The text of the named pipeline with `batches` filled in: what `--print-pipeline` prints and
/// `cornet-opt --pass-pipeline` runs. Names: "inference-cpu", "training-cpu". Empty for an unknown
/// name. `precision` is a name that precisionNamed() knows; in training the model's dtype policies
/// say what is narrow.
std::string pipelineText(llvm::StringRef name, llvm::ArrayRef<int64_t> batches,
                         llvm::StringRef precision = "fp32");

} // namespace cornet
