// SPDX-License-Identifier: Apache-2.0
//
// The executor: binds buffers, walks steps, splits each step's tiles evenly over the threads.
#include "runtime/core/Session.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <cstring>

using namespace cornet;
using namespace cornet::runtime;

namespace {

uint64_t now() {
  return uint64_t(std::chrono::duration_cast<std::chrono::nanoseconds>(
                      std::chrono::steady_clock::now().time_since_epoch())
                      .count());
}

uint64_t aligned(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

/// Bytes that one padded batch of every input and output needs.
uint64_t paddingBytes(const fb::Entry *entry) {
  uint64_t batch = entry->plans()->Get(entry->plans()->size() - 1)->batch(), bytes = 0;
  for (const auto *specs : {entry->inputs(), entry->outputs()})
    for (const fb::TensorSpec *spec : *specs)
      bytes += aligned(batch * rowBytes(spec));
  return bytes;
}

uint8_t *allocate(uint64_t bytes) {
  void *memory = std::aligned_alloc(64, aligned(std::max<uint64_t>(bytes, 1)));
  if (!memory)
    throw std::bad_alloc();
  return static_cast<uint8_t *>(memory);
}

struct StepCall {
  Kernel kernel;
  void *const *buffers;
  uint64_t tiles;
  unsigned threads;
};

void runShare(void *data, unsigned thread) {
  const StepCall &call = *static_cast<const StepCall *>(data);
  uint64_t begin = call.tiles * thread / call.threads,
           end = call.tiles * (thread + 1) / call.threads;
  if (begin < end)
    call.kernel(call.buffers, int64_t(begin), int64_t(end));
}

const fb::Entry *entryOf(const cornet_program *program, size_t index) {
  return index < program->variant->entries()->size()
             ? program->variant->entries()->Get(unsigned(index))
             : nullptr;
}

} // namespace

void cornet_session::Free::operator()(void *memory) const { std::free(memory); }

cornet_session::cornet_session(const cornet_program &program, unsigned threads)
    : program(program), pool(threads) {
  uint64_t arenaBytes = 0, padBytes = 0;
  size_t buffers = 0, inputs = 0, outputs = 0, widest = 0;
  for (const fb::Entry *entry : *program.variant->entries()) {
    padBytes = std::max(padBytes, paddingBytes(entry));
    inputs = std::max<size_t>(inputs, entry->inputs()->size());
    outputs = std::max<size_t>(outputs, entry->outputs()->size());
    for (const fb::Plan *plan : *entry->plans()) {
      arenaBytes = std::max(arenaBytes, plan->arena_size());
      buffers = std::max<size_t>(buffers, plan->buffers()->size());
      for (const fb::Step *step : *plan->steps())
        widest = std::max<size_t>(widest, step->buffers()->size());
    }
  }
  arena.reset(allocate(arenaBytes));
  padding.reset(allocate(padBytes));
  bound.resize(buffers), arguments.resize(widest), rowInputs.resize(inputs),
      rowOutputs.resize(outputs);
}

void cornet_session::run(const fb::Plan *plan, const void *const *inputs, void *const *outputs,
                         uint64_t *nanoseconds) {
  uint8_t *weights =
      const_cast<uint8_t *>(program.weights()); // mapped read-only; kernels only read inputs
  for (unsigned i = 0; i < plan->buffers()->size(); ++i) {
    const fb::Buffer *buffer = plan->buffers()->Get(i);
    switch (buffer->storage()) {
    case fb::Storage_arena:
      bound[i] = arena.get() + buffer->offset();
      break;
    case fb::Storage_weights:
      bound[i] = weights + buffer->offset();
      break;
    case fb::Storage_input:
      bound[i] = const_cast<void *>(inputs[buffer->index()]);
      break;
    case fb::Storage_output:
      bound[i] = outputs[buffer->index()];
      break;
    }
  }
  for (unsigned s = 0; s < plan->steps()->size(); ++s) {
    const fb::Step *step = plan->steps()->Get(s);
    for (unsigned i = 0; i < step->buffers()->size(); ++i)
      arguments[i] = bound[step->buffers()->Get(i)];
    uint64_t start = nanoseconds ? now() : 0;
    StepCall call{program.kernels[step->kernel()], arguments.data(), step->tiles(), pool.threads()};
    if (pool.threads() == 1 || step->tiles() == 1)
      call.kernel(call.buffers, 0, int64_t(call.tiles));
    else
      pool.run(runShare, &call);
    if (nanoseconds)
      nanoseconds[s] = now() - start;
  }
}

void cornet_session::serve(const fb::Entry *entry, uint64_t rows, const void *const *inputs,
                           void *const *outputs) {
  const auto &ins = *entry->inputs(), &outs = *entry->outputs();
  const auto &plans = *entry->plans();
  pool.begin();
  for (uint64_t done = 0; done < rows;) {
    // The largest batch that the remaining rows fill, else the smallest one, padded.
    const fb::Plan *plan = plans.Get(0);
    for (const fb::Plan *candidate : plans)
      if (candidate->batch() <= rows - done)
        plan = candidate;
    uint64_t take = std::min(plan->batch(), rows - done);
    bool padded = take < plan->batch();
    uint8_t *space = padding.get();
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

cornet_status *selfTest(cornet_session &session, double *largest) {
  const fb::SelfTest *test = session.program.program->self_test();
  if (!test)
    return fail(CORNET_UNSUPPORTED,
                "the artifact has no self-test; compile it without --no-self-test");
  const fb::Entry *entry = nullptr;
  for (const fb::Entry *candidate : *session.program.variant->entries())
    if (candidate->name()->str() == test->entry()->str())
      entry = candidate;
  const fb::Segment *segment = session.program.program->segments()->Get(test->segment());
  uint64_t wanted = 0;
  for (const auto *specs : entry ? std::initializer_list{entry->inputs(), entry->outputs()}
                                 : std::initializer_list<decltype(entry->inputs())>{})
    for (const fb::TensorSpec *spec : *specs)
      wanted += test->batch() * rowBytes(spec);
  if (!entry || wanted != segment->size())
    return fail(CORNET_INVALID_FILE,
                "self_test: its segment does not fit the entry point; compile the model again");
  const uint8_t *at = session.program.file + segment->offset();
  std::vector<const void *> inputs;
  for (const fb::TensorSpec *spec : *entry->inputs())
    inputs.push_back(at), at += test->batch() * rowBytes(spec);
  std::vector<std::vector<uint8_t>> results;
  std::vector<void *> outputs;
  for (const fb::TensorSpec *spec : *entry->outputs())
    results.emplace_back(test->batch() * rowBytes(spec));
  for (auto &result : results)
    outputs.push_back(result.data());
  session.serve(entry, test->batch(), inputs.data(), outputs.data());
  double worst = 0;
  bool good = true;
  for (size_t i = 0; i < results.size(); ++i) {
    for (size_t k = 0;
         entry->outputs()->Get(unsigned(i))->dtype() == fb::DType_f32 && k < results[i].size();
         k += 4) {
      float got, want;
      std::memcpy(&got, results[i].data() + k, 4);
      std::memcpy(&want, at + k, 4);
      double difference = std::fabs(double(got) - double(want));
      worst = std::max(worst, difference);
      good &= difference <=
              test->absolute() + test->relative() * std::fabs(double(want)); // false for NaN
    }
    at += results[i].size();
  }
  if (largest)
    *largest = worst;
  return good ? nullptr
              : fail(CORNET_WRONG_RESULT,
                     "self-test: results differ from the stored ones by up to " +
                         std::to_string(worst));
}

cornet_status *checkCall(const cornet_session *session, size_t entry, const void *const *inputs,
                         void *const *outputs) {
  const fb::Entry *found = session ? entryOf(&session->program, entry) : nullptr;
  if (!found)
    return fail(CORNET_INVALID_ARGUMENT,
                "session or entry point " + std::to_string(entry) + " does not exist");
  for (unsigned i = 0; i < found->inputs()->size(); ++i)
    if (!inputs || !inputs[i])
      return fail(CORNET_INVALID_ARGUMENT, "input " + std::to_string(i) + " '" +
                                               found->inputs()->Get(i)->name()->str() +
                                               "' is NULL");
  for (unsigned i = 0; i < found->outputs()->size(); ++i)
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
    *session = new cornet_session(*program, std::max(threads, 1u));
    return nullptr;
  });
}

void cornet_session_destroy(cornet_session *session) { delete session; }

cornet_status *cornet_session_invoke(cornet_session *session, size_t entry, uint64_t rows,
                                     const void *const *inputs, void *const *outputs) {
  return guarded([&]() -> cornet_status * {
    if (rows == 0 && session && entryOf(&session->program, entry))
      return nullptr; // nothing to read, so that an empty batch may come without pointers
    if (cornet_status *status = checkCall(session, entry, inputs, outputs))
      return status;
    session->serve(entryOf(&session->program, entry), rows, inputs, outputs);
    return nullptr;
  });
}

cornet_status *cornet_session_profile(cornet_session *session, size_t entry, size_t plan,
                                      const void *const *inputs, void *const *outputs,
                                      uint64_t *nanoseconds) {
  return guarded([&]() -> cornet_status * {
    if (cornet_status *status = checkCall(session, entry, inputs, outputs))
      return status;
    const fb::Entry *found = entryOf(&session->program, entry);
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
