// SPDX-License-Identifier: Apache-2.0
//
// What is written where something else has been: variables' new values, and pointwise results over
// their inputs. Steps that do so say it by `in_place`: for each result an input or -1.
#pragma once

#include "codegen/Plan.h"

namespace cornet {

/// The value whose memory `value` is: reshapes looked through.
mlir::Value root(mlir::Value value);

/// Decides who writes each returned value. Afterwards every returned value but an unchanged
/// variable is a dispatch's result, each another one; a variable's new value may be written in its
/// place.
void settleReturns(mlir::func::FuncOp entry, const Variables &variables);

/// Lets chains of pointwise ops write over inputs that nobody reads later: what is read and written
/// is in the cache once, and the arena is smaller. A large image that the next step reads as the
/// two may take turns stays apart: a ring is better than any place in the arena.
void writeInPlace(mlir::func::FuncOp entry, const cpu::Isa &level);

} // namespace cornet
