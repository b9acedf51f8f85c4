// SPDX-License-Identifier: Apache-2.0
//
// The far end of a remote runtime: opens, runs and describes artifacts as it is told on standard
// input, through the C interface alone. Built for another kind of processor and run on it, or under
// an emulator, it lets the tests of this machine check that one's kernels. Trusts its caller.
#include "tests/remote/Channel.h"

#include "cornet_runtime.h"

using namespace cornet::remote;

namespace {

Channel channel(0, 1);

template <class T> T *getHandle() { return reinterpret_cast<T *>(channel.get()); }

/// Puts the status; true where the call went well.
bool put(cornet_status *status) {
  channel.put(uint64_t(cornet_status_code(status))).put(cornet_status_message(status));
  bool good = !status;
  cornet_status_destroy(status);
  return good;
}

template <class Spec> void putShaped(const Spec &spec) {
  channel.put(spec.name).put(uint64_t(spec.dtype)).put(spec.rank);
  channel.putRaw(spec.shape, spec.rank * sizeof *spec.shape);
}

void putTensors(const cornet_program *program, size_t entry, size_t count,
                decltype(cornet_program_input) *describe) {
  channel.put(count);
  for (size_t i = 0; i < count; ++i) {
    cornet_tensor_spec spec;
    cornet_status_destroy(describe(program, entry, i, &spec));
    putShaped(spec);
  }
}

void open() {
  cornet_program *program = nullptr;
  if (!put(cornet_program_open(channel.getString().c_str(), &program)))
    return;
  channel.put(reinterpret_cast<uintptr_t>(program)).put(cornet_program_isa(program));
  channel.put(cornet_program_entry_count(program));
  for (size_t e = 0; e < cornet_program_entry_count(program); ++e) {
    channel.put(cornet_program_entry_name(program, e));
    putTensors(program, e, cornet_program_input_count(program, e), cornet_program_input);
    putTensors(program, e, cornet_program_output_count(program, e), cornet_program_output);
  }
  channel.put(cornet_program_variable_count(program));
  for (size_t i = 0; i < cornet_program_variable_count(program); ++i) {
    cornet_variable_spec spec;
    cornet_status_destroy(cornet_program_variable(program, i, &spec));
    putShaped(spec);
    channel.put(uint64_t(spec.trainable)).put(spec.bytes);
  }
}

void create() {
  auto *program = getHandle<cornet_program>();
  cornet_session_options options{sizeof options, unsigned(channel.get())};
  cornet_session *session = nullptr;
  if (put(cornet_session_create(program, &options, &session)))
    channel.put(reinterpret_cast<uintptr_t>(session));
}

void invoke() {
  auto *session = getHandle<cornet_session>();
  uint64_t entry = channel.get(), rows = channel.get();
  std::vector<std::vector<char>> tensors[2];
  std::vector<void *> pointers[2];
  for (int side : {0, 1}) {
    tensors[side].resize(channel.get());
    for (std::vector<char> &bytes : tensors[side]) {
      bytes.resize(channel.get(), char(0xff)); // f32 cells that are not written are NaN
      if (side == 0)
        channel.getRaw(bytes.data(), bytes.size());
      pointers[side].push_back(bytes.data());
    }
  }
  if (put(cornet_session_invoke(session, entry, rows, pointers[0].data(), pointers[1].data())))
    for (const std::vector<char> &bytes : tensors[1])
      channel.putRaw(bytes.data(), bytes.size());
}

void selfTest() {
  double largest = 0;
  if (put(cornet_session_self_test(getHandle<cornet_session>(), &largest)))
    channel.putRaw(&largest, sizeof largest);
}

void variable() {
  auto *session = getHandle<cornet_session>();
  uint64_t index = channel.get(), bytes = channel.get();
  channel.putRaw(cornet_session_variable(session, index), bytes);
}

} // namespace

int main() {
  for (;;) {
    auto call = Call(channel.get());
    if (!channel.good) // the caller is gone
      return 0;
    switch (call) {
    case Call::open:
      open();
      break;
    case Call::close:
      cornet_program_destroy(getHandle<cornet_program>());
      break;
    case Call::create:
      create();
      break;
    case Call::destroy:
      cornet_session_destroy(getHandle<cornet_session>());
      break;
    case Call::invoke:
      invoke();
      break;
    case Call::selfTest:
      selfTest();
      break;
    case Call::variable:
      variable();
      break;
    }
    channel.flush();
  }
}
