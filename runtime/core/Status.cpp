// SPDX-License-Identifier: Apache-2.0
#include "runtime/core/Status.h"

namespace cornet::runtime {
namespace {

cornet_status exhausted{CORNET_OUT_OF_MEMORY, "out of memory"}; // short enough to need none

} // namespace

cornet_status *outOfMemory() { return &exhausted; }

cornet_status *fail(cornet_code code, std::string message) {
  cornet_status *status = new (std::nothrow) cornet_status{code, std::move(message)};
  return status ? status : &exhausted;
}

} // namespace cornet::runtime

using namespace cornet::runtime;

extern "C" {

cornet_code cornet_status_code(const cornet_status *status) {
  return status ? status->code : CORNET_OK;
}
const char *cornet_status_message(const cornet_status *status) {
  return status ? status->message.c_str() : "";
}
void cornet_status_destroy(cornet_status *status) {
  if (status != outOfMemory())
    delete status;
}
}
