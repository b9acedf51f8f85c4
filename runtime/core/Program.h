// SPDX-License-Identifier: Apache-2.0
//
// A loaded artifact. Built once by open(), immutable afterwards, shared by any number of threads.
#pragma once

#include "runtime/core/Code.h"
#include "runtime/core/Status.h"
#include "runtime/schema/cornet_generated.h"

#include <vector>

namespace cornet::runtime {

using Kernel = void (*)(void *const *buffers, int64_t begin, int64_t end);

/// Bytes of one element.
size_t sizeOf(fb::DType dtype);
/// Whether the tensor's first extent is the batch.
bool hasBatch(const fb::TensorSpec *spec);
/// Bytes of one row: the spec's extents but for the batch. At most 2^40 in a verified program.
uint64_t rowBytes(const fb::TensorSpec *spec);
/// Bytes of the tensor in a batch of `rows`.
inline uint64_t bytesOf(const fb::TensorSpec *spec, uint64_t rows) {
  return hasBatch(spec) ? rows * rowBytes(spec) : rowBytes(spec);
}
/// Bytes of a variable.
uint64_t bytesOf(const fb::Variable *variable);

} // namespace cornet::runtime

struct cornet_program {
  ~cornet_program();

  const uint8_t *file = nullptr; ///< the whole file, mapped read-only
  size_t fileSize = 0;
  const cornet::fb::Program *program = nullptr;
  const cornet::fb::Variant *variant = nullptr; ///< the one chosen for this CPU
  cornet::runtime::Code code;
  std::vector<cornet::runtime::Kernel> kernels;

  unsigned variableCount() const { return program->variables() ? program->variables()->size() : 0; }
  const uint8_t *weights() const {
    return file + program->segments()->Get(variant->weights())->offset();
  }
};
