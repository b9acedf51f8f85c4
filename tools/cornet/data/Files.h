// SPDX-License-Identifier: Apache-2.0
// Reading and writing whole files and the formats of data the command line understands.
// Every function throws UserError naming the file when it cannot be read or is malformed; writers
// write beside the target and rename, so that a failure leaves no partial output.
#pragma once

#include "data/Array.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace cornet::cli {

using NamedArrays = std::vector<std::pair<std::string, Array>>;

std::string extensionOf(const std::string &path); ///< lower case, with its dot; "" if none
std::string readFile(const std::string &path);
void writeFile(const std::string &path, std::string_view bytes);
/// Calls `write` with a temporary name beside `path`, then renames it to `path`.
void replaceFile(const std::string &path, const std::function<void(const std::string &)> &write);

Array readNpy(const std::string &path);
void writeNpy(const std::string &path, const Array &array);
/// `where` names the bytes in messages.
Array parseNpy(std::string_view bytes, const std::string &where);
std::string formatNpy(const Array &array);

NamedArrays readNpz(const std::string &path);
void writeNpz(const std::string &path, const NamedArrays &arrays);

/// Rows of numbers, separated by commas, semicolons or blanks: f32 of shape (rows, columns). A
/// first line that is not numbers is a heading and is skipped.
Array readCsv(const std::string &path);
/// One line per row of dimension 0, the rest flattened.
void writeCsv(const std::string &path, const Array &array);
std::string formatCsv(const Array &array);

/// A PNG or JPEG image as u8 of shape (height, width, channels); channels is 1 or 3 (alpha is
/// dropped).
Array readImage(const std::string &path);

} // namespace cornet::cli
