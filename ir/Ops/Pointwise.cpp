// SPDX-License-Identifier: Apache-2.0
//
// What each pointwise op is: its scalar code for kernels (on scalars and vectors alike) and its
// value in double for the reference. One op, two lines.
#include "ir/Ops/Ops.h"
#include "ir/Reference/Loops.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>

using namespace mlir;

namespace cornet {
namespace {

/// Builds scalar or vector code; constants take the type of the operands.
struct Code {
  OpBuilder &b;
  Location loc;
  Type type;

  Value constant(double value) const {
    Type element = getElementTypeOrSelf(type);
    TypedAttr attr = isa<FloatType>(element) ? TypedAttr(FloatAttr::get(element, value))
                                             : TypedAttr(IntegerAttr::get(element, int64_t(value)));
    if (auto vector = dyn_cast<VectorType>(type))
      attr = DenseElementsAttr::get(vector, Attribute(attr));
    return arith::ConstantOp::create(b, loc, attr);
  }
  bool integer() const { return !isa<FloatType>(getElementTypeOrSelf(type)); }
  /// `Real` of reals, `Integer` of integers.
  template <class Real, class Integer> Value either(Value x, Value y) const {
    return integer() ? Value(Integer::create(b, loc, x, y)) : Value(Real::create(b, loc, x, y));
  }
  Value add(Value x, Value y) const { return either<arith::AddFOp, arith::AddIOp>(x, y); }
  Value sub(Value x, Value y) const { return either<arith::SubFOp, arith::SubIOp>(x, y); }
  Value mul(Value x, Value y) const { return either<arith::MulFOp, arith::MulIOp>(x, y); }
  Value div(Value x, Value y) const { return arith::DivFOp::create(b, loc, x, y); }
  Value max(Value x, Value y) const { return either<arith::MaximumFOp, arith::MaxSIOp>(x, y); }
  Value min(Value x, Value y) const { return either<arith::MinimumFOp, arith::MinSIOp>(x, y); }
  Value exp(Value x) const { return math::ExpOp::create(b, loc, x); }
  Value positive(Value x) const {
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, constant(0));
  }
  Value choose(Value c, Value x, Value y) const { return arith::SelectOp::create(b, loc, c, x, y); }
  /// The real x as one that has no fraction and lies within the 8 bits of `to`: kernels compute
  /// with bytes as reals.
  Value byte(Value x, Type to) const {
    auto [low, high] = rangeOfByte(to);
    auto than = [&](arith::CmpFPredicate p, double bound) -> Value {
      return arith::CmpFOp::create(b, loc, p, x, constant(bound));
    };
    x = choose(than(arith::CmpFPredicate::OGT, low), x, constant(low)); // NaN is the lowest
    x = choose(than(arith::CmpFPredicate::OLT, high), x, constant(high));
    Type whole = b.getI32Type();
    if (auto vector = dyn_cast<VectorType>(type))
      whole = vector.clone(whole);
    return arith::SIToFPOp::create(b, loc, type, arith::FPToSIOp::create(b, loc, whole, x));
  }
  /// e^x / (1 + e^x), which is 1 from 18 on; `arcp` says that the divisor is far from overflow.
  Value sigmoid(Value x) const {
    Value most = constant(20); // NaN stays
    Value above = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, most, x);
    Value power = exp(choose(above, most, x));
    return arith::DivFOp::create(b, loc, power, add(constant(1), power),
                                 arith::FastMathFlags::arcp);
  }
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

} // namespace

#define CORNET_UNARY(OP, CODE, VALUE)                                                              \
  Value OP::emitScalar(OpBuilder &b, Location loc, ValueRange v) {                                 \
    Value x = v[0];                                                                                \
    [[maybe_unused]] Code c{b, loc, x.getType()};                                                  \
    return CODE;                                                                                   \
  }                                                                                                \
  LogicalResult OP::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {                   \
    return reference::map(in, out, [&](const double *v) {                                          \
      double x = v[0];                                                                             \
      return VALUE;                                                                                \
    });                                                                                            \
  }

CORNET_UNARY(NegOp, arith::NegFOp::create(b, loc, x), -x)
CORNET_UNARY(AbsOp, math::AbsFOp::create(b, loc, x), std::fabs(x))
CORNET_UNARY(ExpOp, c.exp(x), std::exp(x))
CORNET_UNARY(LogOp, math::LogOp::create(b, loc, x), std::log(x))
CORNET_UNARY(SqrtOp, math::SqrtOp::create(b, loc, x), std::sqrt(x))
CORNET_UNARY(RsqrtOp, math::RsqrtOp::create(b, loc, x), 1 / std::sqrt(x))
CORNET_UNARY(TanhOp, math::TanhOp::create(b, loc, x), std::tanh(x))
CORNET_UNARY(SigmoidOp, c.sigmoid(x), sigmoid(x))
CORNET_UNARY(ErfOp, math::ErfOp::create(b, loc, x), std::erf(x))
CORNET_UNARY(FloorOp, math::FloorOp::create(b, loc, x), std::floor(x))
CORNET_UNARY(CeilOp, math::CeilOp::create(b, loc, x), std::ceil(x))
CORNET_UNARY(RoundOp, math::RoundEvenOp::create(b, loc, x), std::nearbyint(x))
CORNET_UNARY(SinOp, math::SinOp::create(b, loc, x), std::sin(x))
CORNET_UNARY(CosOp, math::CosOp::create(b, loc, x), std::cos(x))
CORNET_UNARY(StopGradientOp, x, x)
CORNET_UNARY(ReluOp, c.max(x, c.constant(0)), x > 0 || std::isnan(x) ? x : 0)
CORNET_UNARY(SiluOp, c.mul(x, c.sigmoid(x)), x *sigmoid(x))
CORNET_UNARY(SoftplusOp,
             c.add(c.max(x, c.constant(0)),
                   math::Log1pOp::create(
                       b, loc,
                       c.exp(arith::NegFOp::create(b, loc, math::AbsFOp::create(b, loc, x))))),
             std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))))
CORNET_UNARY(ClampOp,
             c.min(c.max(x, c.constant(getMin().convertToDouble())),
                   c.constant(getMax().convertToDouble())),
             std::min(std::max(x, getMin().convertToDouble()), getMax().convertToDouble()))
CORNET_UNARY(LeakyReluOp,
             c.choose(c.positive(x), x, c.mul(x, c.constant(getNegativeSlope().convertToDouble()))),
             x > 0 ? x : x * getNegativeSlope().convertToDouble())
CORNET_UNARY(EluOp,
             c.choose(c.positive(x), x,
                      c.mul(c.constant(getAlpha().convertToDouble()),
                            math::ExpM1Op::create(b, loc, x))),
             x > 0 ? x : getAlpha().convertToDouble() * std::expm1(x))

Value CastOp::emitScalar(OpBuilder &b, Location loc, ValueRange v) {
  Value x = v[0];
  Type to = getElementTypeOrSelf(getType()), from = getElementTypeOrSelf(x.getType()), type = to;
  if (auto vector = dyn_cast<VectorType>(x.getType()))
    type = vector.clone(to);
  Code c{b, loc, x.getType()};
  if (isByte(to)) {
    if (c.integer()) {
      Type real = b.getF32Type();
      if (auto vector = dyn_cast<VectorType>(x.getType()))
        real = vector.clone(real);
      x = from.isInteger(1) ? Value(arith::UIToFPOp::create(b, loc, real, x))
                            : Value(arith::SIToFPOp::create(b, loc, real, x));
    }
    return Code{b, loc, x.getType()}.byte(x, to);
  }
  if (from == to)
    return x;
  if (to.isInteger(1))
    return c.integer()
               ? Value(arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, x, c.constant(0)))
               : Value(arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, x, c.constant(0)));
  if (!c.integer() && isa<FloatType>(to))
    return to.getIntOrFloatBitWidth() < from.getIntOrFloatBitWidth()
               ? Value(arith::TruncFOp::create(b, loc, type, x))
               : Value(arith::ExtFOp::create(b, loc, type, x));
  if (!c.integer())
    return arith::FPToSIOp::create(b, loc, type, x);
  if (from.isInteger(1))
    return isa<FloatType>(to) ? Value(arith::UIToFPOp::create(b, loc, type, x))
                              : Value(arith::ExtUIOp::create(b, loc, type, x));
  return arith::SIToFPOp::create(b, loc, type, x);
}

LogicalResult CastOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  Type to = getElementTypeOrSelf(getType());
  if (isByte(to)) {
    auto [low, high] = rangeOfByte(to);
    return reference::map(in, out, [low = low, high = high](const double *v) -> double {
      return std::trunc(std::min(std::max(low, v[0]), high));
    });
  }
  return reference::map(in, out, [&](const double *v) -> double {
    return to.isInteger(1) ? v[0] != 0 : to.isInteger(32) ? std::trunc(v[0]) : v[0];
  });
}

Value GeluOp::emitScalar(OpBuilder &b, Location loc, ValueRange v) {
  Value x = v[0];
  Code c{b, loc, x.getType()};
  Value half = c.mul(x, c.constant(0.5)), bent;
  if (getApproximate()) {
    Value cube = c.mul(x, c.mul(x, x));
    Value inner =
        c.mul(c.constant(0.7978845608028654), c.add(x, c.mul(c.constant(0.044715), cube)));
    bent = math::TanhOp::create(b, loc, inner);
  } else {
    bent = math::ErfOp::create(b, loc, c.mul(x, c.constant(0.7071067811865476)));
  }
  return c.mul(half, c.add(c.constant(1), bent));
}

LogicalResult GeluOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  bool approximate = getApproximate();
  return reference::map(in, out, [&](const double *v) {
    double x = v[0];
    double bent = approximate ? std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x))
                              : std::erf(x * 0.7071067811865476);
    return 0.5 * x * (1 + bent);
  });
}

#define CORNET_BINARY(OP, CODE, VALUE)                                                             \
  Value OP::emitScalar(OpBuilder &b, Location loc, ValueRange v) {                                 \
    Value x = v[0], y = v[1];                                                                      \
    [[maybe_unused]] Code c{b, loc, x.getType()};                                                  \
    return CODE;                                                                                   \
  }                                                                                                \
  LogicalResult OP::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {                   \
    return reference::map(in, out, [&](const double *v) {                                          \
      double x = v[0], y = v[1];                                                                   \
      return VALUE;                                                                                \
    });                                                                                            \
  }

CORNET_BINARY(AddOp, c.add(x, y), x + y)
CORNET_BINARY(SubOp, c.sub(x, y), x - y)
CORNET_BINARY(MulOp, c.mul(x, y), x *y)
CORNET_BINARY(DivOp, c.div(x, y), x / y)
CORNET_BINARY(MaximumOp, c.max(x, y), std::isnan(y) ? y : std::max(x, y))
CORNET_BINARY(MinimumOp, c.min(x, y), std::isnan(y) ? y : std::min(x, y))
CORNET_BINARY(PowOp, math::PowFOp::create(b, loc, x, y), std::pow(x, y))

Value CompareOp::emitScalar(OpBuilder &b, Location loc, ValueRange v) {
  if (getElementTypeOrSelf(v[0]).isIntOrIndex()) {
    using P = arith::CmpIPredicate;
    P predicate = llvm::StringSwitch<P>(getPredicate())
                      .Case("eq", P::eq)
                      .Case("ne", P::ne)
                      .Case("lt", P::slt)
                      .Case("le", P::sle)
                      .Case("gt", P::sgt)
                      .Default(P::sge);
    return arith::CmpIOp::create(b, loc, predicate, v[0], v[1]);
  }
  using P = arith::CmpFPredicate;
  P predicate = llvm::StringSwitch<P>(getPredicate())
                    .Case("eq", P::OEQ)
                    .Case("ne", P::UNE)
                    .Case("lt", P::OLT)
                    .Case("le", P::OLE)
                    .Case("gt", P::OGT)
                    .Default(P::OGE);
  return arith::CmpFOp::create(b, loc, predicate, v[0], v[1]);
}

LogicalResult CompareOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  StringRef p = getPredicate();
  return reference::map(in, out, [&](const double *v) -> double {
    double x = v[0], y = v[1];
    return p == "eq"   ? x == y
           : p == "ne" ? x != y
           : p == "lt" ? x < y
           : p == "le" ? x <= y
           : p == "gt" ? x > y
                       : x >= y;
  });
}

Value SelectOp::emitScalar(OpBuilder &b, Location loc, ValueRange v) {
  return arith::SelectOp::create(b, loc, v[0], v[1], v[2]);
}

LogicalResult SelectOp::evaluate(ArrayRef<const HostTensor *> in, HostTensor &out) {
  return reference::map(in, out, [](const double *v) { return v[0] != 0 ? v[1] : v[2]; });
}

} // namespace cornet

#define GET_OP_CLASSES
#include "ir/Ops/Pointwise.cpp.inc"
