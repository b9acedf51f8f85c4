// SPDX-License-Identifier: Apache-2.0
//
// A .keras file is a zip archive of config.json, metadata.json and model.weights.h5. This reads its
// members through libzip, within bounds: a member that declares more than 4 GiB, or a thousand
// times its stored size, is refused before anything is allocated.
#pragma once

#include <string>
#include <vector>

namespace cornet::import {

/// The bytes of `member` in the zip archive at `path`. Throws ImportError.
std::vector<char> readArchiveMember(const std::string &path, const std::string &member);

} // namespace cornet::import
