// SPDX-License-Identifier: Apache-2.0
//
// The passes of Passes.td and the pipelines made of them.
#pragma once

#include "mlir/Pass/Pass.h"

#include <string>
#include <vector>

namespace cornet {

#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "passes/Passes.h.inc"

/// The text of the named pipeline with `batches` filled in: what `--print-pipeline` prints and
/// `cornet-opt --pass-pipeline` runs. Names: "inference-cpu", "training-cpu". Empty for an unknown
/// name. `precision` is "fp32" or a type that cornet-lower-precision takes; training stays fp32.
std::string pipelineText(llvm::StringRef name, llvm::ArrayRef<int64_t> batches,
                         llvm::StringRef precision = "fp32");

} // namespace cornet
