// SPDX-License-Identifier: Apache-2.0
//
// Serializes plans, weights and code into the file that runtime/schema describes.
#pragma once

#include "codegen/Plan.h"

namespace cornet::artifact {

struct Port {
  std::string name;
  mlir::RankedTensorType type; ///< at the entry's first batch size
  bool batched = true;         ///< its first extent is the batch
};

struct Entry {
  std::string name;
  std::vector<Port> inputs, outputs;
  std::vector<plan::EntryOp> plans; ///< ascending by batch
  bool whole = false;               ///< called on whole batches
};

struct Variant {
  std::string isa;
  std::vector<std::string> kernels;
  std::vector<char> code;
  std::vector<Entry> entries;
};

struct SelfTest {
  std::string entry;
  uint64_t batch = 0;
  std::vector<float> data; ///< inputs, then outputs
  float absolute = 1e-4f, relative = 1e-3f;
};

struct Artifact {
  std::string model;
  std::vector<Variant> variants;
  Weights weights;
  std::vector<VariableOp> variables; ///< that sessions keep
  std::vector<uint64_t> variableOffsets;
  uint64_t variableBytes = 0;
  SelfTest selfTest; ///< none when entry is empty
  std::vector<std::pair<std::string, std::string>> provenance;
};

/// Writes `artifact` to `path`: first under a temporary name beside it, then renamed, so that no
/// reader sees half a file. Returns the file's size in bytes.
llvm::Expected<uint64_t> write(const Artifact &artifact, llvm::StringRef path);

} // namespace cornet::artifact
