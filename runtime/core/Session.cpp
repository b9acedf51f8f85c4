// SPDX-License-Identifier: Apache-2.0
//
// The executor: binds buffers, walks steps, splits each step's tiles evenly over the threads.
#include "runtime/core/Session.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <memory>

using namespace cornet;
using namespace cornet::runtime;

namespace {

uint64_t now() {
  return uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(
                      std::chrono::steady_clock::now().time_since_epoch())
                      .count());
}

uint64_t aligned(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

/// Bytes that one padded batch of every input and output needs: only the smallest batch is padded.
uint64_t paddingBytes(const fb::Entry *entry) {
  uint64_t batch = entry->plans()->Get(0)->batch(), bytes = 0;
  if (batch == 1 || entry->whole())
    return 0;
  for (const auto *specs : {entry->inputs(), entry->outputs()})
    for (const fb::TensorSpec *spec : *specs)
      bytes += aligned(batch * rowBytes(spec));
  return bytes;
}

struct StepCall {
  Kernel kernel;
  void *const *buffers; ///< of share 0; those of the next share are `stride` further
  size_t stride;
  uint64_t begin, end; ///< tiles
  unsigned shares;
};

/// Into how many shares the tiles of a step are split. A long step has some for each thread, where
/// none needs a space of its own: whose processor is slower, or is taken away for a moment,
/// computes fewer of them.
unsigned sharesOf(const fb::Step *step, uint64_t tiles, const Pool &pool) {
  constexpr unsigned kEach = 4;
  constexpr uint64_t kLong = 4 << 20; // operations, and bytes as 8 of them: some 20 us of a core
  bool isLong = step->flops() + 8 * (step->bytes_read() + step->bytes_written()) > kLong;
  unsigned shares = step->scratch() || !isLong
                        ? pool.threads()
                        : std::min(kEach * pool.threads(), pool.mostShares());
  return unsigned(std::min<uint64_t>(shares, tiles));
}

void runShare(void *data, unsigned share) {
  const StepCall &call = *static_cast<const StepCall *>(data);
  uint64_t tiles = call.end - call.begin, begin = call.begin + tiles * share / call.shares,
           end = call.begin + tiles * (share + 1) / call.shares;
  if (begin < end)
    call.kernel(call.buffers + share * call.stride, int64_t(begin), int64_t(end));
}

/// Where the group of steps that take turns with step `first` ends.
unsigned groupEnd(const fb::Plan *plan, unsigned first) {
  unsigned end = first + 1;
  while (end < plan->steps()->size() && plan->steps()->Get(end)->follows())
    ++end;
  return end;
}

/// The plan for exactly `rows` rows, or null.
const fb::Plan *planOf(const fb::Entry *entry, uint64_t rows) {
  for (const fb::Plan *plan : *entry->plans())
    if (plan->batch() == rows)
      return plan;
  return nullptr;
}

const fb::Entry *entryOf(const cornet_program *program, size_t index) {
  return index < program->variant->entries()->size()
             ? program->variant->entries()->Get(unsigned(index))
             : nullptr;
}

} // namespace

Needs::Needs(const cornet_program &program) {
  variables = program.program->variables_size();
  for (const fb::Entry *entry : *program.variant->entries()) {
    padding = std::max(padding, paddingBytes(entry));
    inputs = std::max<size_t>(inputs, entry->inputs()->size());
    outputs = std::max<size_t>(outputs, entry->outputs()->size());
    for (const fb::Plan *plan : *entry->plans()) {
      arena = std::max(arena, plan->arena_size());
      rings = std::max(rings, plan->rings_size());
      buffers = std::max<size_t>(buffers, plan->buffers()->size());
      for (const fb::Step *step : *plan->steps())
        arguments = std::max<size_t>(arguments, step->buffers()->size() + 1),
        scratch = std::max(scratch, step->scratch());
    }
  }
}

cornet_session::cornet_session(const cornet_program &program, unsigned threads, const Needs &needs)
    : program(program), pool(threads), arena(needs.arena), padding(needs.padding),
      state(needs.variables), scratch(needs.scratch * threads), scratchBytes(needs.scratch),
      argumentCount(needs.arguments), bound(needs.buffers), arguments(needs.arguments * threads),
      rowInputs(needs.inputs), rowOutputs(needs.outputs) {
  hasRings = needs.rings > 0 && threads == 1 && rings.reserve(needs.rings);
  for (const fb::Entry *entry : *program.variant->entries())
    for (const fb::Plan *plan : *entry->plans())
      for (const fb::Buffer *buffer : *plan->buffers())
        if (hasRings && buffer->period() > 0)
          hasRings = rings.map(buffer->ring(), buffer->period());
  rings.close();
}

void cornet_session::run(const fb::Plan *plan, const void *const *inputs, void *const *outputs,
                         uint64_t *nanoseconds) {
  uint8_t *weights =
      const_cast<uint8_t *>(program.weights()); // mapped read-only; kernels only read inputs
  for (unsigned i = 0; i < plan->buffers()->size(); ++i) {
    const fb::Buffer *buffer = plan->buffers()->Get(i);
    switch (buffer->storage()) {
    case fb::Storage_arena:
      bound[i] = arena.data() + buffer->offset();
      break;
    case fb::Storage_weights:
      bound[i] = weights + buffer->offset();
      break;
    case fb::Storage_variable:
      bound[i] = variable(buffer->index());
      break;
    case fb::Storage_input:
      bound[i] = const_cast<void *>(inputs[buffer->index()]);
      break;
    case fb::Storage_output:
      bound[i] = outputs[buffer->index()];
      break;
    }
  }
  for (unsigned first = 0, end; first < plan->steps()->size(); first = end) {
    end = groupEnd(plan, first);
    for (unsigned s = first; nanoseconds && s < end; ++s)
      nanoseconds[s] = 0;
    // Several threads would wait for each other after every band, which costs more than it saves.
    if (end > first + 1 && pool.threads() == 1) {
      runInTurns(plan, first, end, nanoseconds);
      continue;
    }
    for (unsigned s = first; s < end; ++s)
      runTiles(plan->steps()->Get(s), 0, plan->steps()->Get(s)->tiles(),
               nanoseconds ? nanoseconds + s : nullptr);
  }
}

void cornet_session::runInTurns(const fb::Plan *plan, unsigned first, unsigned end,
                                uint64_t *nanoseconds) {
  for (unsigned band = 0; band < plan->steps()->Get(first)->bands()->size(); ++band) {
    for (unsigned s = first; s < end && hasRings; ++s)
      for (uint32_t index : *plan->steps()->Get(s)->buffers())
        if (const fb::Buffer *buffer = plan->buffers()->Get(index); buffer->period() > 0)
          bound[index] = rings.at(buffer->ring(), buffer->period()) -
                         buffer->turns()->Get(band) * buffer->period();
    for (unsigned s = first; s < end; ++s) {
      const fb::Step *step = plan->steps()->Get(s);
      runTiles(step, band ? step->bands()->Get(band - 1) : 0, step->bands()->Get(band),
               nanoseconds ? nanoseconds + s : nullptr);
    }
  }
}

void cornet_session::runTiles(const fb::Step *step, uint64_t begin, uint64_t end,
                              uint64_t *nanoseconds) {
  if (begin == end)
    return;
  // Who works in a space of his own has a list of arguments of his own.
  unsigned count = step->buffers()->size(), lists = step->scratch() ? pool.threads() : 1;
  for (unsigned t = 0; t < lists; ++t) {
    void **list = &arguments[t * argumentCount];
    for (unsigned i = 0; i < count; ++i)
      list[i] = bound[step->buffers()->Get(i)];
    if (step->scratch())
      list[count] = scratch.data() + t * scratchBytes;
  }
  uint64_t start = nanoseconds ? now() : 0;
  StepCall call{
      program.kernels[step->kernel()],  arguments.data(), lists > 1 ? argumentCount : 0, begin, end,
      sharesOf(step, end - begin, pool)};
  if (pool.threads() == 1 || end - begin == 1)
    call.kernel(call.buffers, int64_t(begin), int64_t(end));
  else
    pool.run(runShare, &call, call.shares);
  if (nanoseconds)
    *nanoseconds += now() - start;
}

void cornet_session::serve(const fb::Entry *entry, uint64_t rows, const void *const *inputs,
                           void *const *outputs) {
  const auto &ins = *entry->inputs(), &outs = *entry->outputs();
  const auto &plans = *entry->plans();
  pool.begin();
  if (entry->whole()) {
    run(planOf(entry, rows), inputs, outputs, nullptr);
    return pool.end();
  }
  for (uint64_t done = 0; done < rows;) {
    // The largest batch that the remaining rows fill, else the smallest one, padded.
    const fb::Plan *plan = plans.Get(0);
    for (const fb::Plan *candidate : plans)
      if (candidate->batch() <= rows - done)
        plan = candidate;
    uint64_t take = std::min(plan->batch(), rows - done);
    bool padded = take < plan->batch();
    uint8_t *space = padding.data();
    auto place = [&](const fb::TensorSpec *spec) {
      uint8_t *at = space;
      space += aligned(plan->batch() * rowBytes(spec));
      return at;
    };
    for (unsigned i = 0; i < ins.size(); ++i) {
      const uint8_t *from = static_cast<const uint8_t *>(inputs[i]) + done * rowBytes(ins[i]);
      rowInputs[i] = from;
      if (padded) {
        uint8_t *to = place(ins[i]);
        std::memcpy(to, from, take * rowBytes(ins[i]));
        std::memset(to + take * rowBytes(ins[i]), 0, (plan->batch() - take) * rowBytes(ins[i]));
        rowInputs[i] = to;
      }
    }
    for (unsigned i = 0; i < outs.size(); ++i)
      rowOutputs[i] =
          padded ? place(outs[i]) : static_cast<uint8_t *>(outputs[i]) + done * rowBytes(outs[i]);
    run(plan, rowInputs.data(), rowOutputs.data(), nullptr);
    for (unsigned i = 0; padded && i < outs.size(); ++i)
      std::memcpy(static_cast<uint8_t *>(outputs[i]) + done * rowBytes(outs[i]), rowOutputs[i],
                  take * rowBytes(outs[i]));
    done += take;
  }
  pool.end();
}

namespace {

double elementAt(const uint8_t *bytes, fb::DType dtype, uint64_t index) {
  auto read = [&](auto value) {
    std::memcpy(&value, bytes + index * sizeof value, sizeof value);
    return double(value);
  };
  switch (dtype) {
  case fb::DType_f64:
    return read(double());
  case fb::DType_i32:
    return read(int32_t());
  case fb::DType_i64:
    return read(int64_t());
  case fb::DType_i1:
    return read(uint8_t());
  default:
    return read(float());
  }
}

/// The largest |got - want|; NaN if one of them alone is NaN. `good` says whether all are close
/// enough.
double compare(const uint8_t *got, const uint8_t *want, uint64_t bytes, fb::DType dtype,
               const fb::SelfTest *test, bool &good) {
  double worst = 0;
  for (uint64_t k = 0; k < bytes / sizeOf(dtype); ++k) {
    double g = elementAt(got, dtype, k), w = elementAt(want, dtype, k);
    if (g == w || (std::isnan(g) && std::isnan(w)))
      continue;
    double difference = std::fabs(g - w);
    worst = difference <= worst ? worst : difference;
    good &= difference <= test->absolute() + test->relative() * std::fabs(w); // false for NaN
  }
  return worst;
}

cornet_status *selfTest(cornet_session &session, double *largest) {
  const fb::SelfTest *test = session.program.program->self_test();
  if (!test)
    return fail(CORNET_UNSUPPORTED,
                "the artifact has no self-test; compile it without --no-self-test");
  const fb::Entry *entry = nullptr; // there is one, and its rows are the segment: verified
  for (const fb::Entry *candidate : *session.program.variant->entries())
    if (candidate->name()->string_view() == test->entry()->string_view())
      entry = candidate;
  const uint8_t *at =
      session.program.file + session.program.program->segments()->Get(test->segment())->offset();
  std::vector<const void *> inputs;
  for (const fb::TensorSpec *spec : *entry->inputs())
    inputs.push_back(at), at += test->batch() * rowBytes(spec);
  std::vector<std::vector<uint8_t>> results;
  for (const fb::TensorSpec *spec : *entry->outputs())
    results.emplace_back(test->batch() * rowBytes(spec));
  std::vector<void *> outputs;
  for (auto &result : results)
    outputs.push_back(result.data());
  session.serve(entry, test->batch(), inputs.data(), outputs.data());
  double worst = 0;
  bool good = true;
  for (unsigned i = 0; i < results.size(); ++i) {
    double difference = compare(results[i].data(), at, results[i].size(),
                                entry->outputs()->Get(i)->dtype(), test, good);
    worst = difference <= worst ? worst : difference;
    at += results[i].size();
  }
  if (!good)
    return fail(CORNET_WRONG_RESULT,
                "self-test: results differ from the stored ones by up to " + std::to_string(worst));
  if (largest)
    *largest = worst;
  return nullptr;
}

cornet_status *checkCall(const cornet_session *session, size_t entry, uint64_t rows,
                         const void *const *inputs, void *const *outputs) {
  const fb::Entry *found = session ? entryOf(&session->program, entry) : nullptr;
  if (!found)
    return fail(CORNET_INVALID_ARGUMENT,
                "session or entry point " + std::to_string(entry) + " does not exist");
  if (found->whole() && !planOf(found, rows)) {
    std::string sizes;
    for (const fb::Plan *plan : *found->plans())
      sizes += (sizes.empty() ? "" : ", ") + std::to_string(plan->batch());
    return fail(CORNET_INVALID_ARGUMENT,
                "entry point '" + found->name()->str() + "' takes a whole batch of " + sizes +
                    " rows, got " + std::to_string(rows) + "; compile for that batch, too");
  }
  for (unsigned i = 0; rows && i < found->inputs()->size(); ++i)
    if (!inputs || !inputs[i])
      return fail(CORNET_INVALID_ARGUMENT, "input " + std::to_string(i) + " '" +
                                               found->inputs()->Get(i)->name()->str() +
                                               "' is NULL");
  for (unsigned i = 0; rows && i < found->outputs()->size(); ++i)
    if (!outputs || !outputs[i])
      return fail(CORNET_INVALID_ARGUMENT, "output " + std::to_string(i) + " '" +
                                               found->outputs()->Get(i)->name()->str() +
                                               "' is NULL");
  return nullptr;
}

} // namespace

extern "C" {

cornet_status *cornet_session_create(const cornet_program *program,
                                     const cornet_session_options *options,
                                     cornet_session **session) {
  return guarded([&]() -> cornet_status * {
    if (!program || !session || (options && options->size < sizeof(cornet_session_options)))
      return fail(
          CORNET_INVALID_ARGUMENT,
          "cornet_session_create: program and session must not be NULL, options->size must be set");
    unsigned threads = options ? options->threads : 1;
    if (threads > 1024)
      return fail(CORNET_INVALID_ARGUMENT,
                  "cornet_session_create: at most 1024 threads, got " + std::to_string(threads));
    Needs needs(*program);
    if (uint64_t bytes =
            needs.arena + needs.padding + needs.variables + needs.scratch * std::max(threads, 1u);
        bytes > physicalMemory())
      return fail(CORNET_OUT_OF_MEMORY,
                  "a session of '" + program->program->model()->str() + "' needs " +
                      std::to_string(bytes) + " bytes, this machine has " +
                      std::to_string(physicalMemory()) + "; compile for smaller batches");
    auto created = std::make_unique<cornet_session>(*program, std::max(threads, 1u), needs);
    for (const fb::Entry *entry : *program->variant->entries())
      if (entry->name()->string_view() == "initialize" && entry->whole() &&
          entry->inputs()->size() == 0 && entry->outputs()->size() == 0)
        created->serve(entry, entry->plans()->Get(0)->batch(), nullptr, nullptr);
    *session = created.release();
    return nullptr;
  });
}

void cornet_session_destroy(cornet_session *session) { delete session; }

cornet_status *cornet_session_invoke(cornet_session *session, size_t entry, uint64_t rows,
                                     const void *const *inputs, void *const *outputs) {
  return guarded([&]() -> cornet_status * {
    if (cornet_status *status = checkCall(session, entry, rows, inputs, outputs))
      return status;
    for (const auto *specs : {entryOf(&session->program, entry)->inputs(),
                              entryOf(&session->program, entry)->outputs()})
      for (const fb::TensorSpec *spec : *specs)
        if (rows > PTRDIFF_MAX / std::max<uint64_t>(rowBytes(spec), 1))
          return fail(CORNET_INVALID_ARGUMENT, std::to_string(rows) + " rows of '" +
                                                   spec->name()->str() + "' fit no memory");
    session->serve(entryOf(&session->program, entry), rows, inputs, outputs);
    return nullptr;
  });
}

cornet_status *cornet_session_profile(cornet_session *session, size_t entry, size_t plan,
                                      const void *const *inputs, void *const *outputs,
                                      uint64_t *nanoseconds) {
  return guarded([&]() -> cornet_status * {
    const fb::Entry *found = session ? entryOf(&session->program, entry) : nullptr;
    uint64_t rows = found && found->whole() && plan < found->plans()->size()
                        ? found->plans()->Get(unsigned(plan))->batch()
                        : 1;
    if (cornet_status *status = checkCall(session, entry, rows, inputs, outputs))
      return status;
    if (plan >= found->plans()->size() || !nanoseconds)
      return fail(CORNET_INVALID_ARGUMENT,
                  "plan " + std::to_string(plan) + " does not exist, or nanoseconds is NULL");
    session->pool.begin();
    session->run(found->plans()->Get(unsigned(plan)), inputs, outputs, nanoseconds);
    session->pool.end();
    return nullptr;
  });
}

cornet_status *cornet_session_self_test(cornet_session *session, double *largest) {
  return guarded([&]() -> cornet_status * {
    return session ? selfTest(*session, largest)
                   : fail(CORNET_INVALID_ARGUMENT,
                          "cornet_session_self_test: session must not be NULL");
  });
}
}
