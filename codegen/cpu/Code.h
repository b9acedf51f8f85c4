// SPDX-License-Identifier: Apache-2.0
//
// Short names for the loops and index arithmetic that emitters build. Everything is index-typed
// unless a name says otherwise.
#pragma once

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace cornet::cpu {

struct Code {
  mlir::OpBuilder &b;
  mlir::Location loc;

  mlir::Value index(int64_t v) const { return mlir::arith::ConstantIndexOp::create(b, loc, v); }
  mlir::Value f32(double v) const {
    return mlir::arith::ConstantOp::create(b, loc, b.getF32FloatAttr(v));
  }
  mlir::Value add(mlir::Value x, mlir::Value y) const {
    return mlir::arith::AddIOp::create(b, loc, x, y);
  }
  mlir::Value sub(mlir::Value x, mlir::Value y) const {
    return mlir::arith::SubIOp::create(b, loc, x, y);
  }
  mlir::Value mul(mlir::Value x, mlir::Value y) const {
    return mlir::arith::MulIOp::create(b, loc, x, y);
  }
  mlir::Value div(mlir::Value x, int64_t y) const {
    return y == 1 ? x : mlir::Value(mlir::arith::DivUIOp::create(b, loc, x, index(y)));
  }
  mlir::Value rem(mlir::Value x, int64_t y) const {
    return y == 1 ? index(0) : mlir::Value(mlir::arith::RemUIOp::create(b, loc, x, index(y)));
  }
  mlir::Value add(mlir::Value x, int64_t y) const { return y == 0 ? x : add(x, index(y)); }
  mlir::Value mul(mlir::Value x, int64_t y) const { return y == 1 ? x : mul(x, index(y)); }
  mlir::Value min(mlir::Value x, mlir::Value y) const {
    return mlir::arith::MinSIOp::create(b, loc, x, y);
  }
  mlir::Value max(mlir::Value x, mlir::Value y) const {
    return mlir::arith::MaxSIOp::create(b, loc, x, y);
  }
  /// x + y of reals, one of several sums side by side that stay apart: reassociated, they would all
  /// become one long chain when a loop is unrolled.
  mlir::Value accumulate(mlir::Value x, mlir::Value y) const {
    return mlir::arith::AddFOp::create(b, loc, x, y, mlir::arith::FastMathFlags::contract);
  }
  /// 0 <= x < extent as i1.
  mlir::Value inside(mlir::Value x, int64_t extent) const {
    return mlir::arith::CmpIOp::create(b, loc, mlir::arith::CmpIPredicate::ult, x, index(extent));
  }
  mlir::Value equal(mlir::Value x, mlir::Value y) const {
    return mlir::arith::CmpIOp::create(b, loc, mlir::arith::CmpIPredicate::eq, x, y);
  }
  mlir::Value less(mlir::Value x, mlir::Value y) const {
    return mlir::arith::CmpIOp::create(b, loc, mlir::arith::CmpIPredicate::slt, x, y);
  }
  mlir::Value both(mlir::Value x, mlir::Value y) const {
    return mlir::arith::AndIOp::create(b, loc, x, y);
  }
  mlir::Value choose(mlir::Value c, mlir::Value x, mlir::Value y) const {
    return mlir::arith::SelectOp::create(b, loc, c, x, y);
  }
  mlir::Value i32(int32_t v) const {
    return mlir::arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(v));
  }
  /// The f32 `x` as an i32 in the order of the reals, above INT32_MIN: 0 and -0 are equal, what is
  /// no number is larger than all.
  mlir::Value order(mlir::Value x) const {
    namespace arith = mlir::arith;
    mlir::Value order = mirrored(bits(x, b.getI32Type()));
    order = choose(equal(order, i32(-1)), i32(0), order); // of -0
    mlir::Value isNone = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
    return choose(isNone, i32(INT32_MAX), order);
  }
  /// The f32 of that order; none at INT32_MIN and INT32_MAX.
  mlir::Value ordered(mlir::Value order) const { return bits(mirrored(order), b.getF32Type()); }
  /// The i32 `x` with the other bits of a negative one inverted: those of reals, which fall as the
  /// reals rise.
  mlir::Value mirrored(mlir::Value x) const {
    namespace arith = mlir::arith;
    mlir::Value sign = arith::ShRSIOp::create(b, loc, x, i32(31));
    mlir::Value flip = both(sign, i32(INT32_MAX));
    return arith::XOrIOp::create(b, loc, x, flip);
  }
  /// The mask of the first `count` of `lanes` lanes, of all where there are fewer.
  mlir::Value firstLanes(int64_t lanes, mlir::Value count) const {
    return mlir::vector::CreateMaskOp::create(b, loc, mlir::VectorType::get({lanes}, b.getI1Type()),
                                              mlir::ValueRange{count});
  }
  /// `value` as cells of type `element`.
  mlir::Value bits(mlir::Value value, mlir::Type element) const {
    mlir::Type to = element;
    if (auto vector = mlir::dyn_cast<mlir::VectorType>(value.getType()))
      to = mlir::VectorType::get(vector.getShape(), element);
    return mlir::arith::BitcastOp::create(b, loc, to, value);
  }
  /// `value`, a real or a vector of reals, as reals of type `element`, rounded to nearest even. In
  /// memory a bf16 is the i16 with its bits, which every level can load and store under a mask.
  mlir::Value real(mlir::Value value, mlir::Type element) const {
    mlir::Type from = mlir::getElementTypeOrSelf(value.getType()), to = element;
    if (from == element)
      return value;
    if (from.isInteger(16))
      return real(bits(value, b.getBF16Type()), element);
    if (element.isInteger(16))
      return bits(real(value, b.getBF16Type()), element);
    if (auto vector = mlir::dyn_cast<mlir::VectorType>(value.getType()))
      to = mlir::VectorType::get(vector.getShape(), element);
    if (element.getIntOrFloatBitWidth() > from.getIntOrFloatBitWidth())
      return mlir::arith::ExtFOp::create(b, loc, to, value);
    // What was widened is narrowed to itself.
    if (auto wide = value.getDefiningOp<mlir::arith::ExtFOp>();
        wide && wide.getIn().getType() == to)
      return wide.getIn();
    return mlir::arith::TruncFOp::create(b, loc, to, value);
  }

  /// What is stored in cells of a tensor of `element`, as the f32 that kernels compute with.
  mlir::Value widened(mlir::Value stored, mlir::Type element) const {
    auto integer = mlir::dyn_cast<mlir::IntegerType>(element);
    if (!integer || integer.getWidth() != 8)
      return real(stored, b.getF32Type());
    mlir::Value whole =
        integer.isUnsigned()
            ? mlir::Value(mlir::arith::ExtUIOp::create(b, loc, as(stored, b.getI32Type()), stored))
            : mlir::Value(mlir::arith::ExtSIOp::create(b, loc, as(stored, b.getI32Type()), stored));
    return mlir::arith::SIToFPOp::create(b, loc, as(stored, b.getF32Type()), whole);
  }
  /// The reverse, for a number that `element` has.
  mlir::Value narrowed(mlir::Value value, mlir::Type element) const {
    if (!element.isInteger(8) && !element.isUnsignedInteger(8))
      return real(value, element);
    mlir::Value whole = mlir::arith::FPToSIOp::create(b, loc, as(value, b.getI32Type()), value);
    return mlir::arith::TruncIOp::create(b, loc, as(value, b.getI8Type()), whole);
  }
  /// The type of `value` with other elements.
  static mlir::Type as(mlir::Value value, mlir::Type element) {
    auto vector = mlir::dyn_cast<mlir::VectorType>(value.getType());
    return vector ? mlir::Type(vector.clone(element)) : element;
  }

  /// for (i = from; i < to; ++i) carrying `values`; `body` returns the next ones.
  llvm::SmallVector<mlir::Value>
  loop(mlir::Value from, mlir::Value to, mlir::ValueRange values,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body)
      const {
    auto op = mlir::scf::ForOp::create(b, loc, from, to, index(1), values);
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(op.getBody());
    llvm::SmallVector<mlir::Value> next = body(op.getInductionVar(), op.getRegionIterArgs());
    if (!values.empty())
      mlir::scf::YieldOp::create(b, loc, next);
    return llvm::SmallVector<mlir::Value>(op.getResults());
  }
  void loop(mlir::Value from, mlir::Value to, llvm::function_ref<void(mlir::Value)> body) const {
    loop(from, to, {}, [&](mlir::Value i, mlir::ValueRange) {
      body(i);
      return llvm::SmallVector<mlir::Value>();
    });
  }
  /// if (condition) yes else no.
  void either(mlir::Value condition, llvm::function_ref<void()> yes,
              llvm::function_ref<void()> no) const {
    auto branch = mlir::scf::IfOp::create(b, loc, mlir::TypeRange{}, condition, true);
    mlir::OpBuilder::InsertionGuard guard(b);
    b.setInsertionPointToStart(branch.thenBlock());
    yes();
    b.setInsertionPointToStart(branch.elseBlock());
    no();
  }
  /// Splits a linear position into the coordinates of `shape`, outermost first.
  llvm::SmallVector<mlir::Value> coordinates(mlir::Value linear,
                                             llvm::ArrayRef<int64_t> shape) const {
    llvm::SmallVector<mlir::Value> out(shape.size());
    for (size_t d = shape.size(); d-- > 0;) {
      out[d] = d == 0 ? linear : rem(linear, shape[d]);
      linear = d == 0 ? linear : div(linear, shape[d]);
    }
    return out;
  }
};

} // namespace cornet::cpu
