// SPDX-License-Identifier: Apache-2.0
//
// The plan dialect: include this to build, read or verify plans.
#pragma once

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"

#include "ir/Plan/PlanDialect.h.inc"
#define GET_TYPEDEF_CLASSES
#include "ir/Plan/PlanTypes.h.inc"
#define GET_OP_CLASSES
#include "ir/Plan/Plan.h.inc"
