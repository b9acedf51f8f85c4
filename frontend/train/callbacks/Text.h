// SPDX-License-Identifier: Apache-2.0
//
// What callbacks say and write: numbers as Python writes them, names of files with values filled
// in, messages on standard output, warnings on standard error.
#pragma once

#include <cornet/callbacks.h>

namespace cornet::train {

/// The shortest digits that read back as `value`, as Python's repr(): "0.1", "1e-05", "3.0", "nan".
std::string pythonFloat(double value);

/// `path` with {epoch}, {batch} (when not negative) and the names of `logs` replaced, each
/// formatted by what follows its colon; {{ and }} are braces. Throws std::runtime_error, naming
/// `owner`, on an unknown name or a format that does not fit.
std::string fillPath(const std::string &owner, const std::string &path, int64_t epoch,
                     int64_t batch, const Logs &logs);

/// A line on standard output, shown at once.
void tell(const std::string &line);
/// A warning on standard error, shown at once.
void warn(const std::string &line);

} // namespace cornet::train
