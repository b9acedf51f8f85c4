// SPDX-License-Identifier: Apache-2.0
// Where things are: the command's own installation, found from its executable so that a tree can be
// moved, and temporary folders that go away with their owner.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace cornet::cli {

std::filesystem::path executablePath();
std::filesystem::path libraryFolder(); ///< <prefix>/lib beside <prefix>/bin

/// A fresh folder under $TMPDIR, removed with everything in it by the destructor.
class TemporaryFolder {
public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;
  const std::filesystem::path &path() const { return folder; }

private:
  std::filesystem::path folder;
};

/// Runs a program found on $PATH with these arguments, no shell between; its exit code (128 +
/// signal when killed). Its output goes to standard error.
int execute(const std::vector<std::string> &command);

} // namespace cornet::cli
