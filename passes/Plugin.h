// SPDX-License-Identifier: Apache-2.0
//
// Passes of others: a shared library that registers its passes when it is loaded.
//
//     static void registerMine() { mlir::PassRegistration<MyPass>(); }
//     CORNET_PASS_PLUGIN("mine", registerMine)
//
// MLIR's C++ interfaces are not stable, so a plug-in works with the Cornet it was built against and
// with no other; loading one that was built for another version is refused.
#pragma once

#include "mlir/Pass/PassRegistry.h"
#include "mlir/Tools/Plugins/PassPlugin.h"
#include "llvm/Config/llvm-config.h"

#include <string>

#define CORNET_PLUGIN_VERSION "Cornet " CORNET_VERSION " with LLVM " LLVM_VERSION_STRING

/// Defines the one symbol of a plug-in: its name and the function that registers its passes.
#define CORNET_PASS_PLUGIN(NAME, REGISTER)                                                         \
  extern "C" ::mlir::PassPluginLibraryInfo LLVM_ATTRIBUTE_WEAK mlirGetPassPluginInfo() {           \
    return {MLIR_PLUGIN_API_VERSION, NAME, CORNET_PLUGIN_VERSION, REGISTER};                       \
  }

namespace cornet {

/// Loads the plug-in at `path` and registers its passes. Errors: no plug-in, or one for another
/// version, with both versions named.
llvm::Error loadPassPlugin(const std::string &path);

} // namespace cornet
