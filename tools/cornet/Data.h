// SPDX-License-Identifier: Apache-2.0
// The names of data files and arrays that the command line uses as its own.
#pragma once

#include "Errors.h"
#include "frontend/data/Files.h"

namespace cornet::cli {
using namespace data;
} // namespace cornet::cli
