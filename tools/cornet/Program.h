// SPDX-License-Identifier: Apache-2.0
// An opened artifact: the runtime's program handle, and its statuses as UserErrors.
#pragma once

#include <cornet_runtime.h>
#include <memory>
#include <string>

namespace cornet::cli {

/// Throws the status's sentence as a UserError, unless it is NULL; destroys it.
void check(cornet_status *status);

struct DestroyProgram {
  void operator()(cornet_program *program) const { cornet_program_destroy(program); }
};
struct DestroySession {
  void operator()(cornet_session *session) const { cornet_session_destroy(session); }
};
using ProgramHandle = std::unique_ptr<cornet_program, DestroyProgram>;
using SessionHandle = std::unique_ptr<cornet_session, DestroySession>;

ProgramHandle openProgram(const std::string &path);
SessionHandle openSession(const cornet_program &program, unsigned threads);

/// The index of the entry point of that name; throws UserError listing those there are.
size_t entryNamed(const cornet_program &program, const std::string &name);

} // namespace cornet::cli
