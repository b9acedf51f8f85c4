// SPDX-License-Identifier: Apache-2.0
//
// The coefficients are minimax fits of the relative error by tools/dev/fit-math. Where an order of
// rounding matters it is written with fused multiply-adds, which no later pass reorders; sums and
// products may be reassociated.
#include "codegen/cpu/Math.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;

namespace cornet::cpu {
namespace {

/// Builds code of one type, f32 or a vector of it.
struct Real {
  OpBuilder &b;
  Location loc;
  Type type;
  bool avx512;

  Type integers() const {
    auto vector = dyn_cast<VectorType>(type);
    return vector ? Type(vector.clone(b.getI32Type())) : b.getI32Type();
  }
  Value constant(double value) const { return splat(type, b.getF32FloatAttr(float(value))); }
  Value integer(int32_t value) const { return splat(integers(), b.getI32IntegerAttr(value)); }
  Value splat(Type type, TypedAttr cell) const {
    if (auto vector = dyn_cast<VectorType>(type))
      cell = DenseElementsAttr::get(vector, Attribute(cell));
    return arith::ConstantOp::create(b, loc, cell);
  }
  Value add(Value x, Value y) const { return arith::AddFOp::create(b, loc, x, y); }
  Value sub(Value x, Value y) const { return arith::SubFOp::create(b, loc, x, y); }
  Value mul(Value x, Value y) const { return arith::MulFOp::create(b, loc, x, y); }
  Value fma(Value x, Value y, Value z) const { return math::FmaOp::create(b, loc, x, y, z); }
  Value round(Value x) const { return math::RoundEvenOp::create(b, loc, x); }
  Value bits(Value x) const { return arith::BitcastOp::create(b, loc, integers(), x); }
  Value real(Value x) const { return arith::BitcastOp::create(b, loc, type, x); }
  Value choose(Value c, Value x, Value y) const { return arith::SelectOp::create(b, loc, c, x, y); }
  Value is(arith::CmpFPredicate p, Value x, Value y) const {
    return arith::CmpFOp::create(b, loc, p, x, y);
  }
  /// x between the bounds; NaN stays.
  Value clamp(Value x, double low, double high) const {
    using P = arith::CmpFPredicate;
    x = choose(is(P::OLT, constant(high), x), constant(high), x);
    return choose(is(P::OGT, constant(low), x), constant(low), x);
  }
  /// c0 + c1 x + c2 x^2 + ...
  Value polynomial(Value x, ArrayRef<double> c) const {
    Value sum = constant(c.back());
    for (double next : llvm::reverse(c.drop_back()))
      sum = fma(sum, x, constant(next));
    return sum;
  }

  bool wide() const {
    auto vector = dyn_cast<VectorType>(type);
    return avx512 && vector && vector.getShape() == ArrayRef<int64_t>{16};
  }
  Value call(StringRef name, ValueRange x, bool rounds) const {
    SmallVector<Value> operands(x);
    operands.push_back(constant(0));
    operands.push_back(arith::ConstantOp::create(b, loc, b.getI16IntegerAttr(-1)));
    if (rounds) // as the control register says
      operands.push_back(arith::ConstantOp::create(b, loc, b.getI32IntegerAttr(4)));
    return LLVM::CallIntrinsicOp::create(b, loc, type, b.getStringAttr(name), operands)
        .getResult(0);
  }

  /// x 2^n for a whole n in [-152, 128] and x in [1/4, 4].
  Value scale(Value x, Value n) const {
    if (wide())
      return call("llvm.x86.avx512.mask.scalef.ps.512", {x, n}, true);
    Value whole = arith::FPToSIOp::create(b, loc, integers(), n);
    Value half = arith::ShRSIOp::create(b, loc, whole, integer(1));
    Value rest = arith::SubIOp::create(b, loc, whole, half);
    // The first half goes to the exponent of x, so that nobody multiplies the two factors first.
    Value first = arith::ShLIOp::create(b, loc, half, integer(23));
    return mul(real(arith::AddIOp::create(b, loc, bits(x), first)), power(rest));
  }
  /// 2^n for a whole n in [-126, 127] as i32.
  Value power(Value n) const {
    Value biased = arith::AddIOp::create(b, loc, n, integer(127));
    return real(arith::ShLIOp::create(b, loc, biased, integer(23)));
  }

  /// x / y, where y is neither tiny nor huge. The last step is one that no factor of the quotient
  /// is drawn into: z (x / y) does not become (z x) / y, which may overflow.
  Value quotient(Value x, Value y) const {
    Value reciprocal = wide() ? call("llvm.x86.avx512.rcp14.ps.512", {y}, false) // to 2^-14
                              : Value(arith::DivFOp::create(b, loc, constant(1), y));
    Value near = mul(x, reciprocal);
    Value missing = fma(negative(near), y, x);
    return fma(missing, reciprocal, near);
  }
  Value negative(Value x) const { return arith::NegFOp::create(b, loc, x); }
};

/// x = n ln 2 + r with |r| <= ln 2 / 2, and e^r - 1, for x in [-104, 89].
struct Exponential {
  Value n, rest;
  Exponential(const Real &c, Value x) {
    n = c.round(c.mul(x, c.constant(1.4426950408889634)));
    // ln 2 in two parts, the first of few bits.
    Value r = c.fma(n, c.constant(-0.693145751953125), x);
    r = c.fma(n, c.constant(-1.42860682030941723e-06), r);
    Value p = c.polynomial(
        r, {4.999999325e-01, 1.666652023e-01, 4.166842167e-02, 8.368752283e-03, 1.381316881e-03});
    rest = c.fma(c.mul(r, r), p, r);
  }
};

/// Whether `x` is a choice of a number below 89 and, as the choice must mean, what is no greater.
bool isBounded(Value x) {
  auto select = x.getDefiningOp<arith::SelectOp>();
  auto compare = select ? select.getCondition().getDefiningOp<arith::CmpFOp>() : arith::CmpFOp();
  FloatAttr bound;
  DenseElementsAttr splat;
  if (!compare || compare.getPredicate() != arith::CmpFPredicate::OLT ||
      compare.getLhs() != select.getTrueValue() || compare.getRhs() != select.getFalseValue())
    return false;
  if (matchPattern(select.getTrueValue(), m_Constant(&splat)) && splat.isSplat())
    return splat.getSplatValue<APFloat>().convertToDouble() <= 88;
  return matchPattern(select.getTrueValue(), m_Constant(&bound)) && bound.getValueAsDouble() <= 88;
}

Value exp(const Real &c, Value x) {
  using P = arith::CmpFPredicate;
  Value low = c.constant(-104);
  Exponential e(c, isBounded(x) ? c.choose(c.is(P::OGT, low, x), low, x) : c.clamp(x, -104, 89));
  return c.scale(c.add(e.rest, c.constant(1)), e.n);
}

/// 2 ((e^r - 1) 2^(n - 1) + 2^(n - 1) - 1/2): exact around 0, no overflow before its time.
Value expm1(const Real &c, Value x) {
  Exponential e(c, c.clamp(x, -104, 89));
  Value half = c.scale(c.constant(0.5), e.n);
  Value sum = c.fma(e.rest, half, c.sub(half, c.constant(0.5)));
  return c.add(sum, sum);
}

/// log(2^k (1 + f)) for f in [sqrt(1/2) - 1, sqrt(2) - 1].
Value logarithm(const Real &c, Value k, Value f) {
  Value p = c.polynomial(f, {3.333333181e-01, -2.500082147e-01, 2.000122289e-01, -1.662334284e-01,
                             1.420180230e-01, -1.316033275e-01, 1.276143816e-01, -7.634037783e-02});
  Value square = c.mul(f, f);
  Value tail = c.fma(c.mul(square, f), p, c.mul(k, c.constant(1.42860682030941723e-06)));
  tail = c.fma(square, c.constant(-0.5), tail);
  return c.fma(k, c.constant(0.693145751953125), c.add(f, tail));
}

/// k such that y 2^-k is in [sqrt(1/2), sqrt(2)), as i32, for a normal positive y.
Value exponentOf(const Real &c, Value y) {
  Value shifted = arith::SubIOp::create(c.b, c.loc, c.bits(y), c.integer(0x3f3504f3));
  return arith::ShRSIOp::create(c.b, c.loc, shifted, c.integer(23));
}

/// What the logarithm of y is at the ends: `inside` for real positive y.
Value logarithmAtEnds(const Real &c, Value y, Value inside) {
  using P = arith::CmpFPredicate;
  double infinity = std::numeric_limits<double>::infinity();
  Value out = c.choose(c.is(P::OLT, y, c.constant(infinity)), inside, y); // infinity and NaN stay
  out = c.choose(c.is(P::OEQ, y, c.constant(0)), c.constant(-infinity), out);
  return c.choose(c.is(P::OLT, y, c.constant(0)),
                  c.constant(std::numeric_limits<double>::quiet_NaN()), out);
}

Value real(const Real &c, Value integers) {
  return arith::SIToFPOp::create(c.b, c.loc, c.type, integers);
}

Value log(const Real &c, Value x) {
  Value tiny = c.is(arith::CmpFPredicate::OLT, x, c.constant(0x1p-126));
  Value normal = c.choose(tiny, c.mul(x, c.constant(0x1p24)), x);
  Value k = exponentOf(c, normal);
  Value mantissa = c.real(arith::SubIOp::create(
      c.b, c.loc, c.bits(normal), arith::ShLIOp::create(c.b, c.loc, k, c.integer(23))));
  Value n = c.add(real(c, k), c.choose(tiny, c.constant(-24), c.constant(0)));
  return logarithmAtEnds(c, x, logarithm(c, n, c.sub(mantissa, c.constant(1))));
}

/// By 1 + x = 2^k (1 + f), f = x 2^-k + (2^-k - 1): as exact near 0 as anywhere.
Value log1p(const Real &c, Value x) {
  Value y = c.add(x, c.constant(1));
  Value k = exponentOf(c, y);
  Value less = c.power(arith::SubIOp::create(c.b, c.loc, c.integer(0), k));
  Value f = c.fma(x, less, c.sub(less, c.constant(1)));
  return logarithmAtEnds(c, y, logarithm(c, real(c, k), f));
}

Value tanh(const Real &c, Value x) {
  x = c.clamp(x, -8.9856, 8.9856); // where the quotient below is 1 exactly
  Value z = c.mul(x, x);
  Value p =
      c.polynomial(z, {1, 1.337971927e-01, 3.494036105e-03, 2.058350535e-05, 1.331910263e-08});
  Value q =
      c.polynomial(z, {1, 4.671303451e-01, 2.587107916e-02, 3.283095309e-04, 7.762032579e-07});
  return c.quotient(c.mul(x, p), q);
}

Value erf(const Real &c, Value x) {
  x = c.clamp(x, -3.9039, 3.9039); // the same
  Value z = c.mul(x, x);
  Value p = c.polynomial(z, {1.128379145e+00, 1.907836184e-01, 5.279025837e-02, 3.779600208e-03,
                             2.848084139e-04, 2.041972613e-06});
  Value q = c.polynomial(
      z, {1, 5.024102991e-01, 1.142574349e-01, 1.499741936e-02, 1.165210551e-03, 3.800408396e-05});
  return c.quotient(c.mul(x, p), q);
}

/// Newton's step from 14 bits; what has no step (0, infinity) is exact as it is.
Value rsqrt(const Real &c, Value x) {
  Value near = c.call("llvm.x86.avx512.rsqrt14.ps.512", {x}, false);
  Value missing = c.fma(c.negative(c.mul(x, near)), near, c.constant(1));
  Value better = c.fma(c.mul(near, c.constant(0.5)), missing, near);
  return c.choose(c.is(arith::CmpFPredicate::ORD, better, better), better, near);
}

bool isReal(Type type) { return getElementTypeOrSelf(type).isF32(); }

template <class Op, Value (*code)(const Real &, Value), bool onlyWide = false>
struct Expand : OpRewritePattern<Op> {
  Expand(MLIRContext *context, bool avx512) : OpRewritePattern<Op>(context, 10), avx512(avx512) {}
  LogicalResult matchAndRewrite(Op op, PatternRewriter &rewriter) const override {
    Real c{rewriter, op.getLoc(), op.getType(), avx512};
    if (!isReal(op.getType()) || (onlyWide && !c.wide()))
      return failure();
    rewriter.replaceOp(op, code(c, op.getOperand()));
    return success();
  }
  bool avx512;
};

struct ExpandQuotient : OpRewritePattern<arith::DivFOp> {
  ExpandQuotient(MLIRContext *context, bool avx512) : OpRewritePattern(context), avx512(avx512) {}
  LogicalResult matchAndRewrite(arith::DivFOp op, PatternRewriter &rewriter) const override {
    Real c{rewriter, op.getLoc(), op.getType(), avx512};
    if (!isReal(op.getType()) || !bitEnumContainsAll(op.getFastmath(), arith::FastMathFlags::arcp))
      return failure();
    rewriter.replaceOp(op, c.quotient(op.getLhs(), op.getRhs()));
    return success();
  }
  bool avx512;
};

} // namespace

void populateMathExpansions(RewritePatternSet &patterns, bool avx512) {
  patterns.add<Expand<math::ExpOp, exp>, Expand<math::ExpM1Op, expm1>, Expand<math::LogOp, log>,
               Expand<math::Log1pOp, log1p>, Expand<math::TanhOp, tanh>, Expand<math::ErfOp, erf>,
               Expand<math::RsqrtOp, rsqrt, true>, ExpandQuotient>(patterns.getContext(), avx512);
}

} // namespace cornet::cpu
