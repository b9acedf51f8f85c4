// SPDX-License-Identifier: Apache-2.0
//
// What a measured time is of: a computation, and the machine that it was measured on. As text it is
// what people review, and entries are found by it.
#pragma once

#include "codegen/cpu/Isa.h"
#include "ir/Ops/Ops.h"

#include <optional>
#include <string>
#include <tuple>

namespace cornet::tune {

/// Where kernels run.
struct Machine {
  std::string isa, cpu; ///< "x86-64-v4", "znver4 25.17": name, family and model
  unsigned threads = 1;
  bool operator==(const Machine &) const = default;
};

/// The name of this machine's CPU: LLVM's name for its kind, then family.model where it tells.
std::string hostCpu();

struct Key {
  /// The root op, shapes of its operands, its attributes, and what they are stored in:
  /// "conv 1x56x56x64 3x3x64x64 dilations=1,1 groups=1 padding=1,1,1,1 strides=1,1 f32".
  std::string computation;
  Machine machine;

  /// "computation | isa | 1 thread | cpu", by which lines are sorted.
  std::string text() const;
  bool operator<(const Key &other) const { return text() < other.text(); }
};

/// What `dispatch` computes, where its choice can be tuned: a contraction with constant weights in
/// an inference. What a training step loses adds up over its steps, so patches are not chosen there
/// by their speed alone.
std::optional<std::string> computationOf(DispatchOp dispatch);

} // namespace cornet::tune
