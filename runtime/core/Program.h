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
/// Bytes of one row: the spec's extents but for the batch. At most 2^40 in a verified program.
uint64_t rowBytes(const fb::TensorSpec *spec);

/// Whether this CPU has ISA level `isa`.
bool cpuHas(const char *isa);

} // namespace cornet::runtime

struct cornet_program {
  ~cornet_program();

  const uint8_t *file = nullptr; ///< the whole file, mapped read-only
  size_t fileSize = 0;
  const cornet::fb::Program *program = nullptr;
  const cornet::fb::Variant *variant = nullptr; ///< the one chosen for this CPU
  cornet::runtime::Code code;
  std::vector<cornet::runtime::Kernel> kernels;

  const uint8_t *weights() const {
    return file + program->segments()->Get(variant->weights())->offset();
  }
};
