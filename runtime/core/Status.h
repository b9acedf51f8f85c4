// SPDX-License-Identifier: Apache-2.0
//
// Building the statuses of the C ABI. Out of memory while reporting is itself a (static) status.
#pragma once

#include "cornet_runtime.h"

#include <new>
#include <string>
#include <system_error>

struct cornet_status {
  cornet_code code;
  std::string message;
};

namespace cornet::runtime {

cornet_status *fail(cornet_code code, std::string message);

/// The status that needs no memory.
cornet_status *outOfMemory();

/// Every function of the C ABI runs its body through this: nothing is thrown across.
template <class F> cornet_status *guarded(F &&body) {
  try {
    return body();
  } catch (const std::bad_alloc &) {
    return outOfMemory();
  } catch (const std::system_error &) { // std::thread's only error
    return fail(CORNET_IO, "no more threads; ask for fewer");
  } catch (...) { // std::length_error: a size that no memory holds
    return outOfMemory();
  }
}

} // namespace cornet::runtime
