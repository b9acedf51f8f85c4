// SPDX-License-Identifier: Apache-2.0
//
// What a program says of itself: the read-only part of the C ABI.
#include "runtime/core/Program.h"

#include <algorithm>

using namespace cornet;
using namespace cornet::runtime;

namespace {

const fb::Entry *entryOf(const cornet_program *program, size_t index) {
  return program && index < program->variant->entries()->size()
             ? program->variant->entries()->Get(unsigned(index))
             : nullptr;
}

const fb::Plan *planOf(const cornet_program *program, size_t entry, size_t plan) {
  const fb::Entry *found = entryOf(program, entry);
  return found && plan < found->plans()->size() ? found->plans()->Get(unsigned(plan)) : nullptr;
}

const fb::Step *stepOf(const cornet_program *program, size_t entry, size_t plan, size_t step) {
  const fb::Plan *found = planOf(program, entry, plan);
  return found && step < found->steps()->size() ? found->steps()->Get(unsigned(step)) : nullptr;
}

cornet_status *describe(const flatbuffers::Vector<flatbuffers::Offset<fb::TensorSpec>> *specs,
                        size_t index, cornet_tensor_spec *out) {
  return guarded([&]() -> cornet_status * {
    if (!specs || !out)
      return fail(CORNET_INVALID_ARGUMENT,
                  "program or entry point does not exist, or spec is NULL");
    if (index >= specs->size())
      return fail(CORNET_INVALID_ARGUMENT, "there is no tensor " + std::to_string(index) +
                                               "; the entry point has " +
                                               std::to_string(specs->size()));
    const fb::TensorSpec *spec = specs->Get(unsigned(index));
    *out = {spec->name()->c_str(), cornet_dtype(spec->dtype()), spec->shape()->size(),
            spec->shape()->data()};
    return nullptr;
  });
}

} // namespace

extern "C" {

const char *cornet_program_model(const cornet_program *program) {
  return program ? program->program->model()->c_str() : "";
}
const char *cornet_program_isa(const cornet_program *program) {
  return program ? program->variant->isa()->c_str() : "";
}
size_t cornet_program_file_size(const cornet_program *program) {
  return program ? program->fileSize : 0;
}
size_t cornet_program_weights_size(const cornet_program *program) {
  return program ? program->program->segments()->Get(program->variant->weights())->size() : 0;
}
size_t cornet_program_code_size(const cornet_program *program) {
  return program ? program->program->segments()->Get(program->variant->code())->size() : 0;
}

const char *cornet_program_provenance(const cornet_program *program, size_t index,
                                      const char **key) {
  const auto *facts = program ? program->program->provenance() : nullptr;
  if (!facts || index >= facts->size())
    return nullptr;
  if (key)
    *key = facts->Get(unsigned(index))->key()->c_str();
  return facts->Get(unsigned(index))->value()->c_str();
}

size_t cornet_program_entry_count(const cornet_program *program) {
  return program ? program->variant->entries()->size() : 0;
}
const char *cornet_program_entry_name(const cornet_program *program, size_t entry) {
  const fb::Entry *found = entryOf(program, entry);
  return found ? found->name()->c_str() : nullptr;
}
size_t cornet_program_input_count(const cornet_program *program, size_t entry) {
  const fb::Entry *found = entryOf(program, entry);
  return found ? found->inputs()->size() : 0;
}
size_t cornet_program_output_count(const cornet_program *program, size_t entry) {
  const fb::Entry *found = entryOf(program, entry);
  return found ? found->outputs()->size() : 0;
}
cornet_status *cornet_program_input(const cornet_program *program, size_t entry, size_t index,
                                    cornet_tensor_spec *spec) {
  const fb::Entry *found = entryOf(program, entry);
  return describe(found ? found->inputs() : nullptr, index, spec);
}
cornet_status *cornet_program_output(const cornet_program *program, size_t entry, size_t index,
                                     cornet_tensor_spec *spec) {
  const fb::Entry *found = entryOf(program, entry);
  return describe(found ? found->outputs() : nullptr, index, spec);
}

int cornet_program_entry_whole(const cornet_program *program, size_t entry) {
  const fb::Entry *found = entryOf(program, entry);
  return found && found->whole();
}

size_t cornet_program_plan_count(const cornet_program *program, size_t entry) {
  const fb::Entry *found = entryOf(program, entry);
  return found ? found->plans()->size() : 0;
}
uint64_t cornet_program_plan_batch(const cornet_program *program, size_t entry, size_t plan) {
  const fb::Plan *found = planOf(program, entry, plan);
  return found ? found->batch() : 0;
}
uint64_t cornet_program_plan_arena(const cornet_program *program, size_t entry, size_t plan) {
  const fb::Plan *found = planOf(program, entry, plan);
  uint64_t scratch = 0;
  for (unsigned s = 0; found && s < found->steps()->size(); ++s)
    scratch = std::max(scratch, found->steps()->Get(s)->scratch());
  return !found                    ? 0
         : found->rings_size() > 0 ? found->banded_size() + found->rings_size() + scratch
                                   : found->arena_size() + scratch;
}
size_t cornet_program_step_count(const cornet_program *program, size_t entry, size_t plan) {
  const fb::Plan *found = planOf(program, entry, plan);
  return found ? found->steps()->size() : 0;
}
cornet_status *cornet_program_step(const cornet_program *program, size_t entry, size_t plan,
                                   size_t step, cornet_step_spec *spec) {
  return guarded([&]() -> cornet_status * {
    const fb::Step *s = stepOf(program, entry, plan, step);
    if (!s || !spec)
      return fail(CORNET_INVALID_ARGUMENT,
                  "there is no step " + std::to_string(step) + ", or spec is NULL");
    *spec = {s->layer()->c_str(), s->summary()->c_str(), s->implementation()->c_str(), s->tiles()};
    return nullptr;
  });
}

cornet_status *cornet_program_step_work(const cornet_program *program, size_t entry, size_t plan,
                                        size_t step, cornet_step_work *work) {
  return guarded([&]() -> cornet_status * {
    const fb::Step *s = stepOf(program, entry, plan, step);
    if (!s || !work)
      return fail(CORNET_INVALID_ARGUMENT,
                  "there is no step " + std::to_string(step) + ", or work is NULL");
    *work = {s->flops(), s->bytes_read(), s->bytes_written(), s->weight_bytes()};
    return nullptr;
  });
}
}
