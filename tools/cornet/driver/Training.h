// SPDX-License-Identifier: Apache-2.0
// Training of a model with layers, for the driver.
#pragma once

#include "driver/Driver.h"

namespace cornet::cli {

/// Loads the source, trains it and writes the outputs. What was given wrong is in the reply's
/// error; throws only what a bug of ours would.
TrainReply trainModel(const TrainRequest &request);

} // namespace cornet::cli
