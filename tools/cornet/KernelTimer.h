// SPDX-License-Identifier: Apache-2.0
// Runs kernels that tuning compiles, in this process, and tells how long they take.
#pragma once

#include "codegen/tune/Trial.h"

namespace cornet::cli {

/// A tune::Measure. Kernels run as in a session: on a pool of `threads`, each in a scratch of its
/// own. Every call finds other weights, so that they come from the last cache or from memory, and
/// its other inputs where the call before left them. Medians of at least five turns.
std::vector<double> timeKernels(const std::vector<tune::Trial> &trials, unsigned threads,
                                double seconds, std::string &error);

} // namespace cornet::cli
