// SPDX-License-Identifier: Apache-2.0
//
// exp, expm1, log, log1p, tanh, erf, rsqrt and marked quotients of f32 as straight code without
// branches or calls, on scalars and vectors of any length; vectors of 16 may use the instructions
// of AVX-512 for powers of two and reciprocals. Errors against the exact value, over all of f32
// with infinities, NaN and denormals (tests/codegen/MathTest.cpp holds them):
//
//     exp 1.1 ulp   expm1 1.6   log 1.6   log1p 1.6   tanh 4.5   erf 6   rsqrt 1.5   quotient 1
#pragma once

#include "mlir/IR/PatternMatch.h"

namespace cornet::cpu {

/// Patterns that take precedence over MLIR's own. A quotient is expanded where it carries `arcp`:
/// by this its maker promises that the divisor is between 2^-60 and 2^120.
void populateMathExpansions(mlir::RewritePatternSet &patterns, bool avx512);

} // namespace cornet::cpu
