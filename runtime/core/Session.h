// SPDX-License-Identifier: Apache-2.0
//
// One caller's state over a program: the variables, the arena, the padding area of the last rows,
// the threads. Everything is allocated by create(), so that a call allocates nothing.
#pragma once

#include "runtime/core/Area.h"
#include "runtime/core/Pool.h"
#include "runtime/core/Program.h"
#include "runtime/core/Rings.h"

#include <vector>

namespace cornet::runtime {

/// What is enough for every plan of a program.
struct Needs {
  explicit Needs(const cornet_program &program);

  uint64_t arena = 0, padding = 0, variables = 0, rings = 0; ///< bytes
  uint64_t scratch = 0;                                      ///< bytes, for each thread
  size_t buffers = 0, arguments = 0, inputs = 0, outputs = 0;
};

} // namespace cornet::runtime

struct cornet_session {
  cornet_session(const cornet_program &program, unsigned threads,
                 const cornet::runtime::Needs &needs);

  /// Runs `plan` on exactly its batch. `nanoseconds`, if not null, receives each step's time.
  void run(const cornet::fb::Plan *plan, const void *const *inputs, void *const *outputs,
           uint64_t *nanoseconds);

  /// Serves any number of rows by the entry's plans.
  void serve(const cornet::fb::Entry *entry, uint64_t rows, const void *const *inputs,
             void *const *outputs);

  /// Where variable `index` lies.
  uint8_t *variable(unsigned index) const {
    return state.data() + program.program->variables()->Get(index)->offset();
  }

  const cornet_program &program;
  cornet::runtime::Pool pool;

private:
  /// Steps [first, end) of `plan`, a band of each in turn.
  void runInTurns(const cornet::fb::Plan *plan, unsigned first, unsigned end,
                  uint64_t *nanoseconds);
  /// Computes the tiles [begin, end) of `step`, whose buffers are bound; adds its time to
  /// `nanoseconds`, if not null.
  void runTiles(const cornet::fb::Step *step, uint64_t begin, uint64_t end, uint64_t *nanoseconds);

  cornet::runtime::Area arena, padding, state, scratch;
  cornet::runtime::Rings rings;
  bool hasRings = false;       ///< else buffers that may be rings are none, which takes more memory
  const uint64_t scratchBytes; ///< of one thread
  const size_t argumentCount;  ///< the most of one step
  std::vector<void *> bound;   ///< the pointers of a plan's buffers
  std::vector<void *> arguments;       ///< those of one step, for each thread
  std::vector<const void *> rowInputs; ///< where the current rows start
  std::vector<void *> rowOutputs;
};
