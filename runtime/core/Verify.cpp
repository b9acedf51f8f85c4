// SPDX-License-Identifier: Apache-2.0
//
// The semantic pass, one function per table of the schema.
#include "runtime/core/Verify.h"

#include "runtime/core/Program.h"
#include "runtime/schema/Header.h"

namespace cornet::runtime {
namespace {

template <class T> using List = flatbuffers::Vector<flatbuffers::Offset<T>>;

bool fits(uint64_t offset, uint64_t size, uint64_t whole) {
  return offset <= whole && size <= whole - offset;
}

std::string spec(const fb::TensorSpec *tensor, const std::string &where) {
  if (!tensor->name() || !tensor->shape() || tensor->shape()->size() == 0 ||
      tensor->shape()->size() > 16)
    return where + ": name or shape is missing";
  if (tensor->dtype() > fb::DType_MAX)
    return where + ".dtype is unknown";
  uint64_t elements = 1;
  for (unsigned d = 0; d < tensor->shape()->size(); ++d) {
    int64_t extent = tensor->shape()->Get(d);
    if (d == 0 ? extent != -1
               : extent < 0 || (extent > 0 && elements > (uint64_t(1) << 40) / uint64_t(extent)))
      return where + ".shape has a bad extent";
    elements *= d == 0 ? 1 : uint64_t(extent);
  }
  return "";
}

std::string buffer(const fb::Buffer *b, const fb::Entry *entry, const fb::Plan *plan,
                   uint64_t weights, const std::string &where) {
  if (b->offset() % artifact::kBufferAlignment)
    return where + ".offset is not aligned";
  const List<fb::TensorSpec> *specs =
      b->storage() == fb::Storage_input ? entry->inputs() : entry->outputs();
  switch (b->storage()) {
  case fb::Storage_arena:
    return fits(b->offset(), b->size(), plan->arena_size()) ? ""
                                                            : where + " lies outside the arena";
  case fb::Storage_weights:
    return fits(b->offset(), b->size(), weights) ? "" : where + " lies outside the weights";
  case fb::Storage_input:
  case fb::Storage_output:
    if (b->index() >= specs->size() || b->offset() != 0)
      return where + ".index names no input or output";
    if (b->size() / plan->batch() != rowBytes(specs->Get(b->index())) || b->size() % plan->batch())
      return where + ".size is not that of the tensor";
    return "";
  }
  return where + ".storage is unknown";
}

std::string verifyPlan(const fb::Plan *plan, const fb::Entry *entry, const fb::Variant *variant,
                       uint64_t weights, const std::string &where) {
  if (plan->batch() < 1 || plan->batch() > (1 << 24) || plan->arena_size() > (uint64_t(1) << 40) ||
      !plan->buffers() || !plan->steps())
    return where + ": batch, arena, buffers or steps are missing or out of range";
  for (unsigned i = 0; i < plan->buffers()->size(); ++i)
    if (std::string e = buffer(plan->buffers()->Get(i), entry, plan, weights,
                               where + ".buffers[" + std::to_string(i) + "]");
        !e.empty())
      return e;
  for (unsigned i = 0; i < plan->steps()->size(); ++i) {
    const fb::Step *step = plan->steps()->Get(i);
    std::string at = where + ".steps[" + std::to_string(i) + "]";
    if (!step->layer() || !step->summary() || !step->implementation() || !step->buffers() ||
        step->buffers()->size() > 4096)
      return at + " lacks a field";
    if (step->kernel() >= variant->kernels()->size() || step->tiles() > (uint64_t(1) << 40))
      return at + ".kernel or .tiles is out of range";
    for (uint32_t index : *step->buffers())
      if (index >= plan->buffers()->size())
        return at + ".buffers is out of range";
  }
  return "";
}

std::string verifyEntry(const fb::Entry *entry, const fb::Variant *variant, uint64_t weights,
                        const std::string &where) {
  if (!entry->name() || !entry->inputs() || !entry->outputs() || !entry->plans() ||
      entry->plans()->size() == 0)
    return where + " lacks a field";
  for (const List<fb::TensorSpec> *specs : {entry->inputs(), entry->outputs()})
    for (unsigned i = 0; i < specs->size(); ++i)
      if (std::string e =
              spec(specs->Get(i), where + (specs == entry->inputs() ? ".inputs[" : ".outputs[") +
                                      std::to_string(i) + "]");
          !e.empty())
        return e;
  uint64_t last = 0;
  for (unsigned i = 0; i < entry->plans()->size(); ++i) {
    if (std::string e = verifyPlan(entry->plans()->Get(i), entry, variant, weights,
                                   where + ".plans[" + std::to_string(i) + "]");
        !e.empty())
      return e;
    if (entry->plans()->Get(i)->batch() <= last)
      return where + ".plans are not in ascending order of batch";
    last = entry->plans()->Get(i)->batch();
  }
  return "";
}

} // namespace

std::string verifyProgram(const fb::Program *program, uint64_t fileSize) {
  if (program->schema() != artifact::kSchema)
    return "schema " + std::to_string(program->schema()) + " where this runtime reads " +
           std::to_string(artifact::kSchema);
  if (!program->model() || !program->variants() || program->variants()->size() == 0 ||
      !program->segments())
    return "model, variants or segments are missing";
  for (unsigned i = 0; i < program->segments()->size(); ++i) {
    const fb::Segment *s = program->segments()->Get(i);
    if (s->offset() % artifact::kSegmentAlignment || !fits(s->offset(), s->size(), fileSize) ||
        !s->sha256() || s->sha256()->size() != 32)
      return "segments[" + std::to_string(i) + "] lies outside the file or lacks its hash";
  }
  for (unsigned v = 0; v < program->variants()->size(); ++v) {
    const fb::Variant *variant = program->variants()->Get(v);
    std::string where = "variants[" + std::to_string(v) + "]";
    if (!variant->isa() || !variant->kernels() || !variant->entries() ||
        variant->code() >= program->segments()->size() ||
        variant->weights() >= program->segments()->size())
      return where + " lacks a field or names no segment";
    uint64_t weights = program->segments()->Get(variant->weights())->size();
    for (unsigned e = 0; e < variant->entries()->size(); ++e)
      if (std::string error = verifyEntry(variant->entries()->Get(e), variant, weights,
                                          where + ".entries[" + std::to_string(e) + "]");
          !error.empty())
        return error;
  }
  if (const fb::SelfTest *test = program->self_test())
    if (!test->entry() || test->segment() >= program->segments()->size() || test->batch() < 1 ||
        test->batch() > (1 << 24))
      return "self_test lacks a field or names no segment";
  if (program->provenance())
    for (const fb::KeyValue *fact : *program->provenance())
      if (!fact->key() || !fact->value())
        return "provenance lacks a key or value";
  return "";
}

} // namespace cornet::runtime
