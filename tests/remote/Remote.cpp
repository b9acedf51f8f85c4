// SPDX-License-Identifier: Apache-2.0
//
// The near end of a remote runtime. Preloaded into a test program, it stands before
// libcornet_runtime: what this machine cannot run is sent to the server that the command in
// CORNET_REMOTE starts, everything else goes to the library. Tests that open an artifact, run it
// and look at its results need no change:
//
//     CORNET_REMOTE="qemu-aarch64 -L /usr/aarch64-linux-gnu build/aarch64/bin/remote_server"
//     CORNET_TEST_LEVELS=armv8-a LD_PRELOAD=build/release/lib/libcornet_remote.so
//
// Variables are read only. Calls come from one thread, as the tests' do.
#include "tests/remote/Channel.h"

#include "cornet_runtime.h"

#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <memory>
#include <set>
#include <spawn.h>

using namespace cornet::remote;

extern char **environ;

namespace {

struct Shaped {
  std::string name;
  cornet_dtype dtype;
  std::vector<int64_t> shape;

  uint64_t bytes(uint64_t rows) const {
    uint64_t size = dtype == CORNET_I1 ? 1 : dtype == CORNET_F32 || dtype == CORNET_I32 ? 4 : 8;
    for (int64_t extent : shape)
      size *= extent < 0 ? rows : uint64_t(extent);
    return size;
  }
};

struct Entry {
  std::string name;
  std::vector<Shaped> inputs, outputs;
};

struct Variable : Shaped {
  int trainable;
  uint64_t size;
};

struct Program {
  uint64_t handle;
  std::string isa;
  std::vector<Entry> entries;
  std::vector<Variable> variables;
};

struct Session {
  const Program *program;
  uint64_t handle;
  std::vector<std::vector<char>> values; ///< of variables, as last asked for
};

struct Status {
  cornet_code code;
  std::string message;
};

/// Handles given out here; all others are the library's.
std::set<const void *> ours;

template <class T> T *given(T *handle) { return ours.insert(handle).second ? handle : nullptr; }
template <class T> T *mine(const void *handle) {
  return ours.contains(handle) ? static_cast<T *>(const_cast<void *>(handle)) : nullptr;
}
template <class T> bool destroyed(const void *handle) {
  if (!ours.erase(handle))
    return false;
  delete static_cast<const T *>(handle);
  return true;
}

/// The library's own function behind the one of this name.
template <class F> F *real(F *, const char *name) {
  return reinterpret_cast<F *>(dlsym(RTLD_NEXT, name));
}
#define REAL(function) real(function, #function)

cornet_status *fail(cornet_code code, const std::string &message) {
  return reinterpret_cast<cornet_status *>(given(new Status{code, message}));
}

/// Starts the server, the first time; a channel that is not good where that fails.
Channel &server() {
  static Channel channel = [] {
    int there[2], back[2];
    const char *command = std::getenv("CORNET_REMOTE");
    if (!command || pipe(there) || pipe(back))
      return Channel(-1, -1);
    std::vector<char *> environment; // the preloaded library is for this program alone
    for (char **variable = environ; *variable; ++variable)
      if (std::strncmp(*variable, "LD_PRELOAD=", 11))
        environment.push_back(*variable);
    environment.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, there[0], 0);
    posix_spawn_file_actions_adddup2(&actions, back[1], 1);
    for (int end : {there[0], there[1], back[0], back[1]})
      posix_spawn_file_actions_addclose(&actions, end);
    std::string line = std::string("exec ") + command;
    char shell[] = "/bin/sh", option[] = "-c";
    char *arguments[] = {shell, option, line.data(), nullptr};
    pid_t child;
    bool started = !posix_spawn(&child, shell, &actions, nullptr, arguments, environment.data());
    posix_spawn_file_actions_destroy(&actions);
    close(there[0]), close(back[1]);
    return started ? Channel(back[0], there[1]) : Channel(-1, -1);
  }();
  return channel;
}

/// Sends what was put and reads the answer's status.
cornet_status *answer() {
  Channel &channel = server();
  channel.flush();
  auto code = cornet_code(channel.get());
  std::string message = channel.getString();
  if (!channel.good)
    return fail(CORNET_IO, "the remote runtime does not answer: is CORNET_REMOTE its command?");
  return code == CORNET_OK ? nullptr : fail(code, message);
}

Shaped getShaped() {
  Channel &channel = server();
  Shaped out{channel.getString(), cornet_dtype(channel.get()), {}};
  out.shape.resize(channel.get());
  channel.getRaw(out.shape.data(), out.shape.size() * sizeof(int64_t));
  return out;
}

std::vector<Shaped> getTensors() {
  std::vector<Shaped> out(server().get());
  for (Shaped &tensor : out)
    tensor = getShaped();
  return out;
}

cornet_status *openRemote(const char *path, cornet_program **program) {
  Channel &channel = server();
  channel.put(Call::open).put(std::string(path));
  if (cornet_status *status = answer())
    return status;
  auto opened = std::make_unique<Program>();
  opened->handle = channel.get(), opened->isa = channel.getString();
  opened->entries.resize(channel.get());
  for (Entry &entry : opened->entries)
    entry.name = channel.getString(), entry.inputs = getTensors(), entry.outputs = getTensors();
  for (uint64_t left = channel.get(); left; --left) {
    Variable variable{getShaped(), int(channel.get()), 0};
    variable.size = channel.get();
    opened->variables.push_back(std::move(variable));
  }
  *program = reinterpret_cast<cornet_program *>(given(opened.release()));
  return nullptr;
}

void tell(Call call, uint64_t handle) {
  server().put(call).put(handle);
  server().flush();
}

} // namespace

extern "C" {

cornet_code cornet_status_code(const cornet_status *status) {
  auto *own = mine<Status>(status);
  return own ? own->code : REAL(cornet_status_code)(status);
}

const char *cornet_status_message(const cornet_status *status) {
  auto *own = mine<Status>(status);
  return own ? own->message.c_str() : REAL(cornet_status_message)(status);
}

void cornet_status_destroy(cornet_status *status) {
  if (!destroyed<Status>(status))
    REAL(cornet_status_destroy)(status);
}

cornet_status *cornet_program_open(const char *path, cornet_program **program) {
  cornet_status *status = REAL(cornet_program_open)(path, program);
  if (cornet_status_code(status) != CORNET_UNSUPPORTED)
    return status;
  cornet_status_destroy(status);
  return openRemote(path, program);
}

void cornet_program_destroy(cornet_program *program) {
  if (auto *own = mine<Program>(program))
    tell(Call::close, own->handle);
  if (!destroyed<Program>(program))
    REAL(cornet_program_destroy)(program);
}

const char *cornet_program_isa(const cornet_program *program) {
  auto *own = mine<Program>(program);
  return own ? own->isa.c_str() : REAL(cornet_program_isa)(program);
}

size_t cornet_program_entry_count(const cornet_program *program) {
  auto *own = mine<Program>(program);
  return own ? own->entries.size() : REAL(cornet_program_entry_count)(program);
}

const char *cornet_program_entry_name(const cornet_program *program, size_t entry) {
  auto *own = mine<Program>(program);
  if (!own)
    return REAL(cornet_program_entry_name)(program, entry);
  return entry < own->entries.size() ? own->entries[entry].name.c_str() : nullptr;
}

size_t cornet_program_variable_count(const cornet_program *program) {
  auto *own = mine<Program>(program);
  return own ? own->variables.size() : REAL(cornet_program_variable_count)(program);
}

cornet_status *cornet_program_variable(const cornet_program *program, size_t index,
                                       cornet_variable_spec *spec) {
  auto *own = mine<Program>(program);
  if (!own)
    return REAL(cornet_program_variable)(program, index, spec);
  if (index >= own->variables.size())
    return fail(CORNET_INVALID_ARGUMENT, "there is no variable " + std::to_string(index));
  const Variable &v = own->variables[index];
  *spec = {v.name.c_str(), v.dtype, v.shape.size(), v.shape.data(), v.trainable, v.size};
  return nullptr;
}

cornet_status *cornet_session_create(const cornet_program *program,
                                     const cornet_session_options *options,
                                     cornet_session **session) {
  auto *own = mine<Program>(program);
  if (!own)
    return REAL(cornet_session_create)(program, options, session);
  server().put(Call::create).put(own->handle).put(uint64_t(options ? options->threads : 1));
  if (cornet_status *status = answer())
    return status;
  auto *created = new Session{own, server().get(), {}};
  created->values.resize(own->variables.size());
  *session = reinterpret_cast<cornet_session *>(given(created));
  return nullptr;
}

void cornet_session_destroy(cornet_session *session) {
  if (auto *own = mine<Session>(session))
    tell(Call::destroy, own->handle);
  if (!destroyed<Session>(session))
    REAL(cornet_session_destroy)(session);
}

cornet_status *cornet_session_invoke(cornet_session *session, size_t entry, uint64_t rows,
                                     const void *const *inputs, void *const *outputs) {
  auto *own = mine<Session>(session);
  if (!own)
    return REAL(cornet_session_invoke)(session, entry, rows, inputs, outputs);
  const Entry &called = own->program->entries.at(entry);
  Channel &channel = server();
  channel.put(Call::invoke).put(own->handle).put(entry).put(rows).put(called.inputs.size());
  for (size_t i = 0; i < called.inputs.size(); ++i) {
    uint64_t bytes = called.inputs[i].bytes(rows);
    channel.put(bytes).putRaw(inputs[i], bytes);
  }
  channel.put(called.outputs.size());
  for (const Shaped &output : called.outputs)
    channel.put(output.bytes(rows));
  if (cornet_status *status = answer())
    return status;
  for (size_t i = 0; i < called.outputs.size(); ++i)
    channel.getRaw(outputs[i], called.outputs[i].bytes(rows));
  return nullptr;
}

cornet_status *cornet_session_self_test(cornet_session *session, double *largest) {
  auto *own = mine<Session>(session);
  if (!own)
    return REAL(cornet_session_self_test)(session, largest);
  server().put(Call::selfTest).put(own->handle);
  if (cornet_status *status = answer())
    return status;
  double difference;
  server().getRaw(&difference, sizeof difference);
  if (largest)
    *largest = difference;
  return nullptr;
}

void *cornet_session_variable(cornet_session *session, size_t index) {
  auto *own = mine<Session>(session);
  if (!own)
    return REAL(cornet_session_variable)(session, index);
  if (index >= own->values.size())
    return nullptr;
  std::vector<char> &cells = own->values[index];
  cells.resize(own->program->variables[index].size);
  server().put(Call::variable).put(own->handle).put(index).put(cells.size());
  server().flush();
  server().getRaw(cells.data(), cells.size());
  return cells.data();
}
}
