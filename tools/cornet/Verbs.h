// SPDX-License-Identifier: Apache-2.0
// The verbs of `cornet`, each in the file of its name under verbs/.
#pragma once

#include "Context.h"

namespace cornet::cli {

void addCompile(CLI::App &, Context &);
void addTrain(CLI::App &, Context &);
void addRun(CLI::App &, Context &);
void addEvaluate(CLI::App &, Context &);
void addBench(CLI::App &, Context &);
void addProfile(CLI::App &, Context &);
void addInspect(CLI::App &, Context &);
void addImport(CLI::App &, Context &);
void addModels(CLI::App &, Context &);
void addDoctor(CLI::App &, Context &);
void addCompletion(CLI::App &, Context &);

} // namespace cornet::cli
