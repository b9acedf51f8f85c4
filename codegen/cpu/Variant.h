// SPDX-License-Identifier: Apache-2.0
//
// The attribute `variant` of a dispatch's root: which implementation is asked for and, for those
// that have several ways, in which sizes. Written by tuning and by hand; where there is none, the
// implementations choose by their own estimates.
#pragma once

#include "mlir/IR/Operation.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace cornet::cpu {

/// What is 0 is left to the implementation.
struct Variant {
  std::string implementation;     ///< empty: nothing is asked for
  int64_t patchY = 0, patchX = 0; ///< of winograd: output pixels of a patch, down and across
  int64_t rows = 0;               ///< of contract's register tile
  int64_t columns = 0;            ///< vectors of a register tile
  int64_t chunk = 0;              ///< of winograd: channels transformed together

  /// "contract", "contract ROWSxCOLUMNS", "winograd", "winograd MxN", "winograd MxN COLUMNS",
  /// "winograd MxN COLUMNS CHUNK"; anything else is an error that names these forms.
  static llvm::Expected<Variant> parse(llvm::StringRef text);
  std::string text() const;

  /// What `root` asks for; nothing where it has no attribute or one that does not parse, which
  /// compileToFile() has refused before.
  static Variant of(mlir::Operation *root);

  /// Whether an implementation of that name may serve.
  bool allows(llvm::StringRef name) const {
    return implementation.empty() || implementation == name;
  }
};

/// One way to compute a dispatch: a variant whose sizes are all given, and its estimated cycles.
struct Way {
  Variant variant;
  double cycles = 0;
};
/// The cheapest first, equal ones by their text.
void sortWays(std::vector<Way> &ways);

} // namespace cornet::cpu
