// SPDX-License-Identifier: Apache-2.0
#include "passes/Plugin.h"

namespace cornet {

llvm::Error loadPassPlugin(const std::string &path) {
  llvm::Expected<mlir::PassPlugin> plugin = mlir::PassPlugin::load(path);
  if (!plugin)
    return llvm::createStringError(
        path + ": cannot be used as a pass plug-in: " + toString(plugin.takeError()));
  if (plugin->getPluginVersion() != CORNET_PLUGIN_VERSION)
    return llvm::createStringError(
        path + ": the plug-in was built for '" + plugin->getPluginVersion() +
        "', this is '" CORNET_PLUGIN_VERSION "'; build it anew against this version");
  plugin->registerPassRegistryCallbacks();
  return llvm::Error::success();
}

} // namespace cornet
