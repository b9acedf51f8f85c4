// SPDX-License-Identifier: Apache-2.0
//
// Builds cornet ops by name with inferred result types: what gradients and decompositions are
// written in.
#pragma once

#include "ir/Ops/Ops.h"

namespace cornet {

struct Build {
  mlir::OpBuilder &b;
  mlir::Location loc;

  /// The op `name` on `operands`; its result type is inferred, which must succeed.
  mlir::Value op(llvm::StringRef name, mlir::ValueRange operands,
                 llvm::ArrayRef<mlir::NamedAttribute> attributes = {}) const;

  /// A scalar of the element type of `like`, which broadcasts.
  mlir::Value constant(double value, mlir::Value like) const;

  mlir::Value add(mlir::Value x, mlir::Value y) const { return op("add", {x, y}); }
  mlir::Value sub(mlir::Value x, mlir::Value y) const { return op("sub", {x, y}); }
  mlir::Value mul(mlir::Value x, mlir::Value y) const { return op("mul", {x, y}); }
  mlir::Value div(mlir::Value x, mlir::Value y) const { return op("div", {x, y}); }
  mlir::Value mul(mlir::Value x, double y) const { return mul(x, constant(y, x)); }
  mlir::Value add(mlir::Value x, double y) const { return add(x, constant(y, x)); }
  mlir::Value exp(mlir::Value x) const { return op("exp", {x}); }
  mlir::Value neg(mlir::Value x) const { return op("neg", {x}); }
  /// 1 - x
  mlir::Value rest(mlir::Value x) const { return sub(constant(1, x), x); }
  mlir::Value compare(llvm::StringRef predicate, mlir::Value x, mlir::Value y) const {
    return op("compare", {x, y}, {b.getNamedAttr("predicate", b.getStringAttr(predicate))});
  }
  mlir::Value compare(llvm::StringRef predicate, mlir::Value x, double y) const {
    return compare(predicate, x, constant(y, x));
  }
  mlir::Value select(mlir::Value c, mlir::Value x, mlir::Value y) const {
    return op("select", {c, x, y});
  }
  /// x where the condition holds, else 0.
  mlir::Value where(mlir::Value c, mlir::Value x) const { return select(c, x, constant(0, x)); }
  /// x in the element type of `like`.
  mlir::Value cast(mlir::Value x, mlir::Value like) const;
  mlir::Value matmul(mlir::Value x, mlir::Value y, bool transposeX, bool transposeY) const;
  mlir::Value reshape(mlir::Value x, llvm::ArrayRef<int64_t> shape) const;
  mlir::Value transpose(mlir::Value x, llvm::ArrayRef<int64_t> permutation) const;
  mlir::Value broadcast(mlir::Value x, llvm::ArrayRef<int64_t> shape) const;
  mlir::Value slice(mlir::Value x, llvm::ArrayRef<int64_t> start,
                    llvm::ArrayRef<int64_t> size) const;
  mlir::Value pad(mlir::Value x, llvm::ArrayRef<int64_t> low, llvm::ArrayRef<int64_t> high,
                  double value = 0) const;
  mlir::Value sum(mlir::Value x, llvm::ArrayRef<int64_t> axes, bool keepdims) const;
  /// Sums what broadcasting had copied: `gradient` in the shape of `operand`.
  mlir::Value sumTo(mlir::Value gradient, mlir::Value operand) const;

  static llvm::ArrayRef<int64_t> shape(mlir::Value x) {
    return mlir::cast<mlir::RankedTensorType>(x.getType()).getShape();
  }
};

} // namespace cornet
