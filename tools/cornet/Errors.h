// SPDX-License-Identifier: Apache-2.0
// The command line's two kinds of error and its exit codes.
// UserError: something given was wrong; the sentence says what, where and what to do (exit code 1).
// Readers of data throw the same type.
// Anything else that escapes a verb is a bug of ours and is reported as one (exit code 3).
#pragma once

#include <cornet/data/array.h>

namespace cornet::cli {

enum ExitCode { Success = 0, UserMistake = 1, UsageMistake = 2, InternalError = 3 };

using UserError = data::Error;

} // namespace cornet::cli
