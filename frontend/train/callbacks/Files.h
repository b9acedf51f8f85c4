// SPDX-License-Identifier: Apache-2.0
//
// Files that are whole under their name or not there: written beside it, brought to the disk, then
// renamed.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

namespace cornet::train {

/// Makes the folder of `file`, and those above it.
void makeFolderOf(const std::filesystem::path &file);

/// Calls `write` with a path beside `file` (the same extension) and gives what it wrote the name of
/// `file`, in place of what had it. A kill, or an exception, at any moment leaves the old file or
/// the new one. Throws std::runtime_error, naming `owner` and the file, when the system refuses.
void replaceFile(const std::string &owner, const std::filesystem::path &file,
                 const std::function<void(const std::string &)> &write);

} // namespace cornet::train
