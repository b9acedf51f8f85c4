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

// Small enough that sums of thousands and products with a thread count stay below 2^64.
constexpr uint64_t kMost = uint64_t(1) << 40;
constexpr uint64_t kMostRows = uint64_t(1) << 24;
constexpr unsigned kMostTensors = 4096;

/// a * b, or kMost + 1 where that is more than kMost.
uint64_t times(uint64_t a, uint64_t b) { return b && a > kMost / b ? kMost + 1 : a * b; }

std::string item(const std::string &where, const char *list, unsigned index) {
  return where + "." + list + "[" + std::to_string(index) + "]";
}

/// Checks name, element type and extents of a tensor or variable, the extents from `first` on.
template <class T> std::string extents(const T *tensor, unsigned first, const std::string &where) {
  uint64_t bytes = sizeOf(tensor->dtype());
  for (unsigned d = first; d < tensor->shape()->size(); ++d) {
    int64_t extent = tensor->shape()->Get(d);
    bytes = extent < 0 ? kMost + 1 : times(bytes, uint64_t(extent));
    if (bytes > kMost)
      return where + ".shape[" + std::to_string(d) + "] is negative or too large";
  }
  return "";
}

template <class T> std::string described(const T *tensor, const std::string &where) {
  if (!tensor->name() || !tensor->shape())
    return where + ": name or shape is missing";
  if (tensor->dtype() > fb::DType_MAX)
    return where + ".dtype is unknown";
  return tensor->shape()->size() > 16 ? where + ".shape has too many extents" : "";
}

std::string spec(const fb::TensorSpec *tensor, bool whole, const std::string &where) {
  if (std::string e = described(tensor, where); !e.empty())
    return e;
  if (!whole && !hasBatch(tensor))
    return where + ".shape has no batch first, or too many extents";
  return extents(tensor, hasBatch(tensor), where);
}

std::string verifyVariable(const fb::Variable *variable, uint64_t size, const std::string &where) {
  if (std::string e = described(variable, where); !e.empty())
    return e;
  if (std::string e = extents(variable, 0, where); !e.empty())
    return e;
  if (variable->offset() % artifact::kBufferAlignment)
    return where + ".offset is not aligned";
  return fits(variable->offset(), bytesOf(variable), size) ? ""
                                                           : where + " lies outside the variables";
}

/// Bytes of `batch` rows of all `specs`.
uint64_t allBytes(const List<fb::TensorSpec> *specs, uint64_t batch) {
  uint64_t sum = 0;
  for (const fb::TensorSpec *spec : *specs)
    sum += times(hasBatch(spec) ? batch : 1, rowBytes(spec));
  return sum;
}

/// What the buffers of a variant's plans lie in, besides the caller's tensors.
struct Places {
  uint64_t weights;
  const List<fb::Variable> *variables; ///< may be null
};

std::string buffer(const fb::Buffer *b, const fb::Entry *entry, const fb::Plan *plan,
                   const Places &places, const std::string &where) {
  if (b->offset() % artifact::kBufferAlignment)
    return where + ".offset is not aligned";
  const List<fb::TensorSpec> *specs =
      b->storage() == fb::Storage_input ? entry->inputs() : entry->outputs();
  switch (b->storage()) {
  case fb::Storage_arena:
    return fits(b->offset(), b->size(), plan->arena_size()) ? ""
                                                            : where + " lies outside the arena";
  case fb::Storage_weights:
    return fits(b->offset(), b->size(), places.weights) ? "" : where + " lies outside the weights";
  case fb::Storage_input:
  case fb::Storage_output:
    if (b->index() >= specs->size())
      return where + ".index names no input or output";
    if (b->offset() != 0)
      return where + ".offset is not 0";
    if (b->size() != bytesOf(specs->Get(b->index()), plan->batch()))
      return where + ".size is not that of the tensor";
    return "";
  case fb::Storage_variable:
    if (!places.variables || b->index() >= places.variables->size())
      return where + ".index names no variable";
    if (b->offset() != 0 || b->size() != bytesOf(places.variables->Get(b->index())))
      return where + " is not the whole variable";
    return "";
  }
  return where + ".storage is unknown";
}

/// A buffer that may be a ring: `bands` are those of the group of steps that use it.
std::string verifyRing(const fb::Buffer *b, const fb::Plan *plan, unsigned bands,
                       const std::string &where) {
  if (b->storage() != fb::Storage_arena)
    return where + ".period: only buffers of the arena are rings";
  if (b->ring() % artifact::kRingAlignment || b->period() % artifact::kRingAlignment ||
      !fits(b->ring(), b->period(), plan->rings_size()))
    return where + ".period: the ring is not aligned or lies outside the rings";
  if (!b->turns() || b->turns()->size() != bands)
    return where + ".turns: there is one for each band of the steps that use it";
  for (uint64_t turn : *b->turns())
    if (turn > b->size() / b->period())
      return where + ".turns: a ring turns no further than its buffer is long";
  return "";
}

/// The rings of a plan whose steps are good: each is used by one group of steps.
std::string verifyRings(const fb::Plan *plan, const std::string &where) {
  std::vector<unsigned> groups(plan->buffers()->size());
  unsigned group = 0;
  for (unsigned s = 0; s < plan->steps()->size(); ++s) {
    const fb::Step *step = plan->steps()->Get(s);
    group += !step->follows();
    for (uint32_t index : *step->buffers()) {
      const fb::Buffer *b = plan->buffers()->Get(index);
      if (b->period() == 0)
        continue;
      if (groups[index] != 0 && groups[index] != group)
        return item(where, "buffers", index) + ".period: steps of several groups use the ring";
      groups[index] = group;
      if (std::string e = verifyRing(b, plan, step->bands() ? step->bands()->size() : 0,
                                     item(where, "buffers", index));
          !e.empty())
        return e;
    }
  }
  return "";
}

/// `before`: the step before, or null.
std::string verifyBands(const fb::Step *step, const fb::Step *before, const std::string &where) {
  const flatbuffers::Vector<uint64_t> *ends = step->bands();
  if (step->follows() &&
      (!ends || !before || !before->bands() || before->bands()->size() != ends->size()))
    return where + ".follows a step with another number of bands";
  uint64_t last = 0;
  for (unsigned i = 0; ends && i < ends->size(); ++i) {
    if (ends->Get(i) < last || ends->Get(i) > step->tiles())
      return where + ".bands do not ascend to the number of tiles";
    last = ends->Get(i);
  }
  if (ends && last != step->tiles())
    return where + ".bands do not end with the last tile";
  return "";
}

std::string verifyPlan(const fb::Plan *plan, const fb::Entry *entry, const fb::Variant *variant,
                       const Places &places, uint64_t &arguments, const std::string &where) {
  if (!plan->buffers() || !plan->steps())
    return where + ": buffers or steps are missing";
  if (plan->batch() < 1 || plan->batch() > kMostRows)
    return where + ".batch is out of range";
  if (plan->arena_size() > kMost || plan->rings_size() > kMost)
    return where + ".arena_size or .rings_size is out of range";
  for (const List<fb::TensorSpec> *specs : {entry->inputs(), entry->outputs()})
    if (allBytes(specs, plan->batch()) > kMost)
      return where + ".batch makes the inputs or outputs too large";
  for (unsigned i = 0; i < plan->buffers()->size(); ++i)
    if (std::string e =
            buffer(plan->buffers()->Get(i), entry, plan, places, item(where, "buffers", i));
        !e.empty())
      return e;
  for (unsigned i = 0; i < plan->steps()->size(); ++i) {
    const fb::Step *step = plan->steps()->Get(i);
    std::string at = item(where, "steps", i);
    if (!step->layer() || !step->summary() || !step->implementation() || !step->buffers())
      return at + ": layer, summary, implementation or buffers are missing";
    if (step->kernel() >= variant->kernels()->size())
      return at + ".kernel names no kernel";
    if (step->tiles() > kMost)
      return at + ".tiles is out of range";
    if (step->scratch() > kMost || step->scratch() % artifact::kBufferAlignment)
      return at + ".scratch is out of range or not aligned";
    // Lists may share their bytes, so their sum is not bounded by the file unless this is checked.
    if (step->buffers()->size() > arguments)
      return at + ".buffers: the steps have more arguments than the program has bytes";
    arguments -= step->buffers()->size();
    for (uint32_t index : *step->buffers())
      if (index >= plan->buffers()->size())
        return at + ".buffers names no buffer";
    if (step->bands() && step->bands()->size() > arguments)
      return at + ".bands: the steps have more bands than the program has bytes";
    arguments -= step->bands() ? step->bands()->size() : 0;
    if (std::string e = verifyBands(step, i ? plan->steps()->Get(i - 1) : nullptr, at); !e.empty())
      return e;
  }
  return verifyRings(plan, where);
}

std::string verifyEntry(const fb::Entry *entry, const fb::Variant *variant, const Places &places,
                        uint64_t &arguments, const std::string &where) {
  if (!entry->name() || !entry->inputs() || !entry->outputs() || !entry->plans())
    return where + ": name, inputs, outputs or plans are missing";
  if (entry->plans()->size() == 0)
    return where + ".plans is empty";
  if (entry->inputs()->size() > kMostTensors || entry->outputs()->size() > kMostTensors)
    return where + ".inputs or .outputs has too many tensors";
  for (const List<fb::TensorSpec> *specs : {entry->inputs(), entry->outputs()})
    for (unsigned i = 0; i < specs->size(); ++i)
      if (std::string e = spec(specs->Get(i), entry->whole(),
                               item(where, specs == entry->inputs() ? "inputs" : "outputs", i));
          !e.empty())
        return e;
  uint64_t last = 0;
  for (unsigned i = 0; i < entry->plans()->size(); ++i) {
    if (std::string e = verifyPlan(entry->plans()->Get(i), entry, variant, places, arguments,
                                   item(where, "plans", i));
        !e.empty())
      return e;
    if (entry->plans()->Get(i)->batch() <= last)
      return where + ".plans are not in ascending order of batch";
    last = entry->plans()->Get(i)->batch();
  }
  return "";
}

std::string verifySegment(const fb::Segment *segment, uint64_t fileSize, const std::string &where) {
  if (segment->offset() % artifact::kSegmentAlignment)
    return where + ".offset is not aligned";
  if (!fits(segment->offset(), segment->size(), fileSize))
    return where + " lies outside the file";
  if (!segment->sha256() || segment->sha256()->size() != 32)
    return where + ".sha256 is missing";
  return "";
}

std::string verifyVariant(const fb::Variant *variant, const List<fb::Segment> *segments,
                          const List<fb::Variable> *variables, uint64_t &arguments,
                          const std::string &where) {
  if (!variant->isa() || !variant->kernels() || !variant->entries())
    return where + ": isa, kernels or entries are missing";
  if (variant->code() >= segments->size())
    return where + ".code names no segment";
  if (variant->weights() >= segments->size())
    return where + ".weights names no segment";
  Places places{segments->Get(variant->weights())->size(), variables};
  for (unsigned e = 0; e < variant->entries()->size(); ++e)
    if (std::string error = verifyEntry(variant->entries()->Get(e), variant, places, arguments,
                                        item(where, "entries", e));
        !error.empty())
      return error;
  return "";
}

/// The test's segment must be exactly its rows, for every variant.
std::string verifySelfTest(const fb::SelfTest *test, const fb::Program *program) {
  if (!test->entry())
    return "self_test.entry is missing";
  if (test->segment() >= program->segments()->size())
    return "self_test.segment names no segment";
  if (test->batch() < 1 || test->batch() > kMostRows)
    return "self_test.batch is out of range";
  uint64_t size = program->segments()->Get(test->segment())->size();
  for (const fb::Variant *variant : *program->variants()) {
    bool found = false;
    for (const fb::Entry *entry : *variant->entries()) {
      if (entry->name()->string_view() != test->entry()->string_view())
        continue;
      found = true;
      if (allBytes(entry->inputs(), test->batch()) + allBytes(entry->outputs(), test->batch()) !=
          size)
        return "self_test.segment does not have the bytes of self_test.batch rows";
    }
    if (!found)
      return "self_test.entry names no entry point";
  }
  return "";
}

} // namespace

std::string verifyProgram(const fb::Program *program, uint64_t programSize, uint64_t fileSize) {
  if (program->schema() != artifact::kSchema)
    return "schema " + std::to_string(program->schema()) + " where this runtime reads " +
           std::to_string(artifact::kSchema);
  if (!program->model() || !program->segments() || !program->variants())
    return "model, segments or variants are missing";
  if (program->variants()->size() == 0)
    return "variants is empty";
  for (unsigned i = 0; i < program->segments()->size(); ++i)
    if (std::string error = verifySegment(program->segments()->Get(i), fileSize,
                                          "segments[" + std::to_string(i) + "]");
        !error.empty())
      return error;
  if (program->variables_size() > kMost)
    return "variables_size is out of range";
  for (unsigned i = 0; program->variables() && i < program->variables()->size(); ++i)
    if (std::string error = verifyVariable(program->variables()->Get(i), program->variables_size(),
                                           "variables[" + std::to_string(i) + "]");
        !error.empty())
      return error;
  uint64_t arguments = programSize;
  for (unsigned v = 0; v < program->variants()->size(); ++v)
    if (std::string error =
            verifyVariant(program->variants()->Get(v), program->segments(), program->variables(),
                          arguments, "variants[" + std::to_string(v) + "]");
        !error.empty())
      return error;
  if (const fb::SelfTest *test = program->self_test())
    if (std::string error = verifySelfTest(test, program); !error.empty())
      return error;
  if (program->provenance())
    for (const fb::KeyValue *fact : *program->provenance())
      if (!fact->key() || !fact->value())
        return "provenance lacks a key or value";
  return "";
}

} // namespace cornet::runtime
