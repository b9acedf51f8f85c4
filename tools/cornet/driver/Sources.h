// SPDX-License-Identifier: Apache-2.0
// Model sources as modules of the cornet dialect.
#pragma once

#include "driver/Models.h"

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/IR/OwningOpRef.h"

#include <memory>
#include <string>

namespace cornet::cli {

/// A context in which a source becomes a module, and what was diagnosed in it.
class Workshop {
public:
  Workshop();
  ~Workshop();

  /// The source's module, with the weights of the Keras file `weights` unless that is empty. Null
  /// when it does not work; then problems() says why.
  mlir::OwningOpRef<mlir::ModuleOp> load(const Source &source, const std::string &weights = "");
  /// Everything reported so far, a line each.
  std::string problems() const { return text; }

private:
  std::unique_ptr<mlir::MLIRContext> context;
  std::string text;
};

} // namespace cornet::cli
