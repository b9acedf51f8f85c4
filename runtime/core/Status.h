// SPDX-License-Identifier: Apache-2.0
//
// Building the statuses of the C ABI. Out of memory while reporting is itself a (static) status.
#pragma once

#include "cornet_runtime.h"

#include <string>

struct cornet_status {
  cornet_code code;
  std::string message;
};

namespace cornet::runtime {

cornet_status *fail(cornet_code code, std::string message);

/// Every function of the C ABI runs its body through this: nothing is thrown across.
template <class F> cornet_status *guarded(F &&body) {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return fail(CORNET_OUT_OF_MEMORY, "out of memory");
  } catch (...) {
    return fail(CORNET_INVALID_FILE, "the file could not be read");
  }
}

} // namespace cornet::runtime
