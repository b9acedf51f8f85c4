// SPDX-License-Identifier: Apache-2.0
// An artifact opened and ready to be called, and what went wrong first.
#pragma once

#include "cornet_runtime.h"

#include <string>

namespace cornet::test {

struct Session {
  cornet_program *program = nullptr;
  cornet_session *session = nullptr;
  std::string problem; ///< the sentences of all that failed, or ""

  Session(const std::string &path, unsigned threads) {
    cornet_session_options options{sizeof(cornet_session_options), threads};
    if (check(cornet_program_open(path.c_str(), &program)))
      check(cornet_session_create(program, &options, &session));
  }
  Session(const Session &) = delete;
  ~Session() {
    cornet_session_destroy(session);
    cornet_program_destroy(program);
  }

  /// Takes `status`; whether it says that all is well.
  bool check(cornet_status *status) {
    problem += cornet_status_message(status);
    bool good = !status;
    cornet_status_destroy(status);
    return good;
  }
  bool selfTest(double *largest = nullptr) {
    return problem.empty() && check(cornet_session_self_test(session, largest));
  }
};

} // namespace cornet::test
