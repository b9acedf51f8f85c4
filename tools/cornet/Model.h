// SPDX-License-Identifier: Apache-2.0
// What the MODEL argument of a verb means. A word without a known ending is a zoo name; a .cpp is
// built with the user's own compiler ($CXX, else c++), and FILE.cpp:NAME is one of several models
// that it defines; everything that is not an artifact yet is
// compiled to one in a temporary folder when a verb needs to run it.
#pragma once

#include "Context.h"
#include "Paths.h"
#include "driver/Driver.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace cornet::cli {

struct ModelFile {
  std::string name;                        ///< "resnet50", for titles and default outputs
  std::string artifact;                    ///< path, when it is a .cornet
  std::optional<Source> source;            ///< otherwise
  std::shared_ptr<TemporaryFolder> folder; ///< owns what was built for it
};

struct ZooModel {
  std::string name, library;
};

/// The models that are built beside the executable, by name.
std::vector<ZooModel> zoo();

/// Resolves the argument; builds a .cpp. Throws UserError saying what is wrong with it.
ModelFile resolveModel(const std::string &argument);

/// The path of an artifact for the argument: itself, or compiled now with default options for these
/// batch sizes. `owner` keeps the temporary file alive.
struct Artifact {
  std::string name, path;
  std::shared_ptr<TemporaryFolder> owner;
};
Artifact resolveArtifact(const std::string &argument, const std::vector<int64_t> &batches,
                         const Context &context);

} // namespace cornet::cli
