// SPDX-License-Identifier: Apache-2.0
// Opening artifacts and sessions through the C interface.
#include "Program.h"
#include "Errors.h"

#include <fmt/format.h>

namespace cornet::cli {

void check(cornet_status *status) {
  if (!status)
    return;
  std::string message = cornet_status_message(status);
  cornet_status_destroy(status);
  throw UserError(message);
}

ProgramHandle openProgram(const std::string &path) {
  cornet_program *program = nullptr;
  check(cornet_program_open(path.c_str(), &program));
  return ProgramHandle(program);
}

SessionHandle openSession(const cornet_program &program, unsigned threads) {
  cornet_session_options options{sizeof(options), threads};
  cornet_session *session = nullptr;
  check(cornet_session_create(&program, &options, &session));
  return SessionHandle(session);
}

size_t entryNamed(const cornet_program &program, const std::string &name) {
  std::string known;
  for (size_t i = 0, end = cornet_program_entry_count(&program); i < end; ++i) {
    std::string each = cornet_program_entry_name(&program, i);
    if (each == name)
      return i;
    known += (known.empty() ? "" : ", ") + each;
  }
  throw UserError(fmt::format("the artifact has no entry point '{}'; it has: {}", name, known));
}

} // namespace cornet::cli
