// SPDX-License-Identifier: Apache-2.0
// Opens the compiler's library at the first need and keeps it open until the process ends.
#include "Errors.h"
#include "Paths.h"
#include "driver/Driver.h"

#include <dlfcn.h>
#include <fmt/format.h>

namespace cornet::cli {

const Driver &driver() {
  static const Driver *instance = [] {
    std::string path = (libraryFolder() / "libcornet_driver.so").string();
    void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL);
    if (!library)
      throw UserError(fmt::format(
          "the compiler is not available here: {}; `cornet doctor` tells more. Artifacts (.cornet) "
          "run without it",
          dlerror()));
    auto *entry = reinterpret_cast<const Driver *(*)()>(dlsym(library, "cornet_cli_driver"));
    if (!entry)
      throw UserError(
          fmt::format("{} does not belong to this cornet: it lacks cornet_cli_driver", path));
    return entry();
  }();
  return *instance;
}

} // namespace cornet::cli
