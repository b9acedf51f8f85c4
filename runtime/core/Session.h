// SPDX-License-Identifier: Apache-2.0
//
// One caller's state over a program: the arena, the padding area of the last rows, the threads.
// Everything is allocated by create(), so that a call allocates nothing.
#pragma once

#include "runtime/core/Pool.h"
#include "runtime/core/Program.h"

#include <memory>

struct cornet_session {
  cornet_session(const cornet_program &program, unsigned threads);

  /// Runs `plan` on exactly its batch. `nanoseconds`, if not null, receives each step's time.
  void run(const cornet::fb::Plan *plan, const void *const *inputs, void *const *outputs,
           uint64_t *nanoseconds);

  /// Serves any number of rows by the entry's plans.
  void serve(const cornet::fb::Entry *entry, uint64_t rows, const void *const *inputs,
             void *const *outputs);

  const cornet_program &program;
  cornet::runtime::Pool pool;

private:
  struct Free {
    void operator()(void *memory) const;
  };
  std::unique_ptr<uint8_t, Free> arena, padding;
  std::vector<void *> bound;           ///< the pointers of a plan's buffers
  std::vector<void *> arguments;       ///< those of one step
  std::vector<const void *> rowInputs; ///< where the current rows start
  std::vector<void *> rowOutputs;
};
