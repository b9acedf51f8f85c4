// SPDX-License-Identifier: Apache-2.0
// Whole files as bytes, and the formats of cornet/data/files.h as bytes. Every function throws
// Error naming the file when it cannot be read or is malformed; writers write beside the target and
// rename, so that a failure leaves no partial output.
#pragma once

#include <cornet/data/files.h>

#include <functional>

namespace cornet::data {

std::string extensionOf(const std::string &path); ///< lower case, with its dot; "" if none
std::string readFile(const std::string &path);
void writeFile(const std::string &path, std::string_view bytes);
/// A name beside `path` that no other writer of it uses.
std::string temporaryName(const std::string &path);
/// Calls `write` with a temporary name beside `path`, then renames it to `path`.
void replaceFile(const std::string &path, const std::function<void(const std::string &)> &write);

/// `where` names the bytes in messages.
Array parseNpy(std::string_view bytes, const std::string &where);
std::string formatNpy(const Array &array);
std::string formatCsv(const Array &array);
/// A PNG or JPEG, as readImage().
Array parseImage(const std::string &bytes, const std::string &path, int channels = 0);

} // namespace cornet::data
