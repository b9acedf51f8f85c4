// SPDX-License-Identifier: Apache-2.0
//
// `row`: pointwise chains and reductions on whole vectors. A chain runs over the rows of its
// result. A reduction over dimensions before the last keeps vectors of the last and sums over the
// others; one over the last dimensions sums vectors and, at the end, their lanes.
#include "codegen/cpu/Epilogue.h"

#include <limits>

using namespace mlir;

namespace cornet::cpu {
namespace {

ArrayRef<int64_t> shapeOf(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }

int64_t cells(ArrayRef<int64_t> extents) {
  int64_t out = 1;
  for (int64_t extent : extents)
    out *= extent;
  return out;
}

/// A reduction of (outer, reduced, inner), inner = 1 when it takes the last dimensions.
struct Reduction {
  Value input;
  int64_t outer, reduced, inner;
  StringRef kind;
};

std::optional<Reduction> describe(ReduceOp op) {
  ArrayRef<int64_t> in = shapeOf(op.getInput());
  SmallVector<int64_t> axes;
  for (int64_t axis : op.getAxes())
    axes.push_back(axis < 0 ? axis + int64_t(in.size()) : axis);
  llvm::sort(axes);
  if (axes.empty() || axes.back() - axes.front() + 1 != int64_t(axes.size()))
    return std::nullopt;
  return Reduction{op.getInput(), cells(in.take_front(axes.front())),
                   cells(in.slice(axes.front(), axes.size())),
                   cells(in.drop_front(axes.back() + 1)), op.getKind()};
}

class RowImplementation final : public Implementation {
public:
  StringRef name() const override { return "row"; }

  std::optional<std::string> refuse(DispatchOp dispatch, const Isa &isa) const override {
    Operation *root = rootOf(dispatch);
    if (llvm::isa<Pointwise>(root))
      return shapeOf(dispatch.getResult(0)).empty() ? std::optional<std::string>("a scalar")
                                                    : refuseEpilogue(dispatch, nullptr);
    auto reduce = dyn_cast<ReduceOp>(root);
    if (!reduce)
      return "neither a pointwise chain nor a reduction";
    std::optional<Reduction> r = describe(reduce);
    if (!r || !llvm::isa<BlockArgument>(r->input))
      return "the reduced dimensions are not neighbours";
    if (r->inner == 1 && llvm::hasSingleElement(dispatch.getBody().front().without_terminator()))
      return std::nullopt;
    if (r->inner == 1)
      return "a reduction of rows takes no epilogue";
    if (r->inner != shapeOf(dispatch.getResult(0)).back())
      return "more than one dimension is left after the reduced ones";
    return refuseEpilogue(dispatch, root);
  }

  int64_t tiles(DispatchOp dispatch, const Isa &isa) const override {
    auto reduce = dyn_cast<ReduceOp>(rootOf(dispatch));
    if (!reduce)
      return cells(shapeOf(dispatch.getResult(0)).drop_back());
    Reduction r = *describe(reduce);
    return r.inner == 1 ? r.outer : r.outer * ((r.inner + isa.lanes - 1) / isa.lanes);
  }

  void emit(DispatchOp dispatch, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    auto reduce = dyn_cast<ReduceOp>(rootOf(dispatch));
    Epilogue epilogue(c, dispatch, reduce, kernel, isa.lanes);
    unsigned count = kernel.getNumArguments();
    Value begin = kernel.getArgument(count - 2), end = kernel.getArgument(count - 1);
    if (!reduce)
      return chain(c, epilogue, begin, end, isa);
    Reduction r = *describe(reduce);
    r.inner == 1 ? overRows(c, epilogue, r, begin, end, isa)
                 : keepRows(c, epilogue, r, begin, end, isa);
  }

private:
  static void chain(const Code &c, Epilogue &epilogue, Value begin, Value end, const Isa &isa) {
    int64_t blocks = (epilogue.columns() + isa.lanes - 1) / isa.lanes;
    c.loop(begin, end, [&](Value row) {
      c.loop(c.index(0), c.index(blocks), [&](Value block) {
        Value column = c.mul(block, isa.lanes);
        epilogue.finish({}, row, column, epilogue.mask(column, isa.lanes));
      });
    });
  }

  static double start(const Reduction &r) {
    double infinity = std::numeric_limits<double>::infinity();
    return r.kind == "max" ? -infinity : r.kind == "min" ? infinity : 0;
  }
  static Value combine(const Code &c, const Reduction &r, Value x, Value y) {
    if (r.kind == "max")
      return arith::MaximumFOp::create(c.b, c.loc, x, y);
    if (r.kind == "min")
      return arith::MinimumFOp::create(c.b, c.loc, x, y);
    return arith::AddFOp::create(c.b, c.loc, x, y);
  }

  static void keepRows(const Code &c, Epilogue &epilogue, const Reduction &r, Value begin,
                       Value end, const Isa &isa) {
    int64_t blocks = (r.inner + isa.lanes - 1) / isa.lanes, sets = r.reduced % 4 == 0 ? 4 : 1;
    c.loop(begin, end, [&](Value tile) {
      Value row = c.div(tile, blocks), column = c.mul(c.rem(tile, blocks), isa.lanes);
      Value mask = epilogue.mask(column, isa.lanes), base = c.mul(row, r.reduced * r.inner);
      SmallVector<Value> sums(size_t(sets), epilogue.splat(start(r)));
      sums = c.loop(c.index(0), c.index(r.reduced / sets), sums, [&](Value i, ValueRange carried) {
        SmallVector<Value> now;
        for (int64_t s = 0; s < sets; ++s) {
          Value at = c.add(base, c.mul(c.add(c.mul(i, sets), s), r.inner));
          now.push_back(combine(c, r, carried[size_t(s)],
                                epilogue.load(epilogue.flat(r.input), c.add(at, column), mask)));
        }
        return now;
      });
      Value sum = sums[0];
      for (Value other : ArrayRef(sums).drop_front())
        sum = combine(c, r, sum, other);
      if (r.kind == "mean")
        sum = arith::DivFOp::create(c.b, c.loc, sum, epilogue.splat(double(r.reduced)));
      epilogue.finish(sum, row, column, mask);
    });
  }

  static void overRows(const Code &c, Epilogue &epilogue, const Reduction &r, Value begin,
                       Value end, const Isa &isa) {
    int64_t whole = r.reduced / isa.lanes, rest = r.reduced % isa.lanes;
    Value input = epilogue.flat(r.input), output = epilogue.flat(1);
    c.loop(begin, end, [&](Value row) {
      Value base = c.mul(row, r.reduced);
      Value sum = c.loop(c.index(0), c.index(whole), epilogue.splat(start(r)),
                         [&](Value i, ValueRange carried) -> SmallVector<Value> {
                           Value at = c.add(base, c.mul(i, isa.lanes));
                           return {combine(c, r, carried[0], epilogue.load(input, at, {}))};
                         })[0];
      auto kind = r.kind == "max"   ? vector::CombiningKind::MAXIMUMF
                  : r.kind == "min" ? vector::CombiningKind::MINIMUMF
                                    : vector::CombiningKind::ADD;
      Value total = vector::ReductionOp::create(c.b, c.loc, kind, sum);
      total = c.loop(c.index(0), c.index(rest), total,
                     [&](Value i, ValueRange carried) -> SmallVector<Value> {
                       Value at = c.add(c.add(base, whole * isa.lanes), i);
                       Value cell = memref::LoadOp::create(c.b, c.loc, input, ValueRange{at});
                       return {combine(c, r, carried[0], cell)};
                     })[0];
      if (r.kind == "mean")
        total = arith::DivFOp::create(c.b, c.loc, total, c.f32(double(r.reduced)));
      memref::StoreOp::create(c.b, c.loc, total, output, ValueRange{row});
    });
  }
};

} // namespace

const Implementation &rowImplementation() {
  static const RowImplementation instance;
  return instance;
}

} // namespace cornet::cpu
