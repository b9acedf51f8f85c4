// SPDX-License-Identifier: Apache-2.0
//
// `row`: pointwise chains and reductions on whole vectors. A chain runs over the rows of its
// result. A reduction over dimensions before the last keeps vectors of the last and sums over the
// others; one over the last dimensions sums vectors and, at the end, their lanes. What is reduced
// may be a pointwise chain: it is computed cell by cell as it is summed, and never written.
#include "codegen/cpu/Epilogue.h"

#include <limits>
#include <numeric>

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
  return Reduction{storedAs(op.getInput()), cells(in.take_front(axes.front())),
                   cells(in.slice(axes.front(), axes.size())),
                   cells(in.drop_front(axes.back() + 1)), op.getKind()};
}

/// A chain over rows much shorter than vectors, as one long row: after `phases` vectors columns and
/// lanes meet again as in the first.
struct LongRow {
  int64_t cells, columns, phases;
  SmallVector<BlockArgument> rows;          ///< operands that are one row, which repeats
  static constexpr int64_t kTile = 1 << 10; ///< about as many cells

  static std::optional<LongRow> of(DispatchOp dispatch, const Isa &isa) {
    ArrayRef<int64_t> shape = shapeOf(dispatch.getResult(0));
    if (shape.size() < 2 || !isa_and_present<Pointwise>(rootOf(dispatch)))
      return std::nullopt;
    LongRow out;
    int64_t lanes = isa.lanes;
    out.columns = shape.back(), out.cells = cornet::cpu::cells(shape);
    out.phases = out.columns / std::gcd(out.columns, lanes);
    if (out.columns > 2 * lanes || out.columns % lanes == 0 || out.phases > 8 ||
        out.cells < 8 * out.phases * lanes)
      return std::nullopt;
    for (BlockArgument argument : dispatch.getBody().getArguments()) {
      ArrayRef<int64_t> extents = shapeOf(argument);
      int64_t count = cornet::cpu::cells(extents);
      if (extents == shape || (count == 1 && (extents.empty() || out.columns != 1)))
        continue;
      if (count != out.columns || extents.back() != out.columns)
        return std::nullopt;
      out.rows.push_back(argument);
    }
    return out;
  }
  int64_t step(const Isa &isa) const { return phases * isa.lanes; }
  int64_t tile(const Isa &isa) const { return std::max<int64_t>(kTile / step(isa), 1) * step(isa); }
};

class RowImplementation final : public Implementation {
public:
  StringRef name() const override { return "row"; }
  bool knowsBytes() const override { return true; }

  std::optional<std::string> refuse(DispatchOp dispatch, const Isa &isa) const override {
    Operation *root = rootOf(dispatch);
    if (llvm::isa<Pointwise>(root))
      return shapeOf(dispatch.getResult(0)).empty() ? std::optional<std::string>("a scalar")
                                                    : refuseEpilogue(dispatch, nullptr);
    auto reduce = dyn_cast<ReduceOp>(root);
    if (!reduce)
      return "neither a pointwise chain nor a reduction";
    std::optional<Reduction> r = describe(reduce);
    if (!r)
      return "the reduced dimensions are not neighbours";
    if (r->inner == 1 &&
        dispatch.getBody().front().getTerminator()->getOperand(0) != reduce.getResult())
      return "a reduction of rows takes no epilogue";
    if (r->inner != 1 && r->inner != shapeOf(dispatch.getResult(0)).back())
      return "more than one dimension is left after the reduced ones";
    return refuseEpilogue(dispatch, root);
  }

  int64_t tiles(DispatchOp dispatch, const Isa &isa) const override {
    auto reduce = dyn_cast<ReduceOp>(rootOf(dispatch));
    if (std::optional<LongRow> row = LongRow::of(dispatch, isa))
      return (row->cells + row->tile(isa) - 1) / row->tile(isa);
    if (!reduce)
      return cells(shapeOf(dispatch.getResult(0)).drop_back());
    Reduction r = *describe(reduce);
    return r.inner == 1 ? r.outer : r.outer * blocksOf(r, isa) / vectorsOf(r, isa);
  }

  std::optional<Sweep> sweep(DispatchOp dispatch, const Isa &isa) const override {
    ArrayRef<int64_t> shape = shapeOf(dispatch.getResult(0));
    BlockArgument *image = llvm::find_if(dispatch.getBody().getArguments(), [&](Value argument) {
      return shapeOf(argument) == shape;
    });
    if (!isa_and_present<Pointwise>(rootOf(dispatch)) ||
        image == dispatch.getBody().getArguments().end())
      return std::nullopt;
    std::optional<LongRow> row = LongRow::of(dispatch, isa);
    int64_t tile = row ? row->tile(isa) : shape.back(), all = cells(shape);
    auto done = [=](int64_t blocks) { return std::min(blocks * tile, all); };
    return Sweep{image->getArgNumber(), 1, tiles(dispatch, isa), done, done, done, done};
  }

  /// Those of a chain, where it has the result's shape and is read as such.
  bool takesPitch(DispatchOp dispatch, unsigned argument, const Isa &isa) const override {
    if (!isa_and_present<Pointwise>(rootOf(dispatch)) || LongRow::of(dispatch, isa))
      return false;
    return argument >= dispatch.getInputs().size() ||
           shapeOf(dispatch.getInputs()[argument]) == shapeOf(dispatch.getResult(0));
  }

  void emit(DispatchOp dispatch, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    auto reduce = dyn_cast<ReduceOp>(rootOf(dispatch));
    Epilogue epilogue(c, dispatch, reduce, kernel, isa.lanes);
    unsigned count = kernel.getNumArguments();
    Value begin = kernel.getArgument(count - 2), end = kernel.getArgument(count - 1);
    if (std::optional<LongRow> row = LongRow::of(dispatch, isa))
      return longChain(c, epilogue, *row, begin, end, isa);
    if (!reduce)
      return chain(c, epilogue, begin, end, isa);
    Reduction r = *describe(reduce);
    r.inner == 1
        ? overRows(c, epilogue, r, begin, end, epilogue.flat(resultArgument(dispatch, 0)), isa)
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

  /// What repeats is spread over vectors once.
  static void longChain(const Code &c, Epilogue &epilogue, const LongRow &r, Value begin, Value end,
                        const Isa &isa) {
    int64_t lanes = isa.lanes, step = r.step(isa), tile = r.tile(isa);
    SmallVector<SmallVector<Value>> repeated; // of each operand, by phase
    for (BlockArgument argument : r.rows) {
      SmallVector<Value> cells, vectors;
      for (int64_t i = 0; i < r.columns; ++i)
        cells.push_back(epilogue.loadScalar(epilogue.flat(argument), c.index(i)));
      for (int64_t p = 0; p < r.phases; ++p) {
        SmallVector<Value> some;
        for (int64_t i = 0; i < lanes; ++i)
          some.push_back(cells[size_t((p * lanes + i) % r.columns)]);
        vectors.push_back(vector::FromElementsOp::create(c.b, c.loc, epilogue.vector(), some));
      }
      repeated.push_back(vectors);
    }
    auto some = [&](Value at, bool whole) {
      for (int64_t p = 0; p < r.phases; ++p) {
        for (auto [argument, vectors] : llvm::zip(r.rows, repeated))
          epilogue.give(argument, vectors[size_t(p)]);
        Value here = c.add(at, p * lanes), mask;
        if (!whole)
          mask = c.firstLanes(lanes, c.sub(c.index(r.cells), here));
        epilogue.finish({}, c.index(0), here, mask);
      }
    };
    c.loop(begin, end, [&](Value i) {
      Value first = c.mul(i, tile), last = c.min(c.add(first, tile), c.index(r.cells));
      Value steps = c.div(c.sub(last, first), step);
      c.loop(c.index(0), steps, [&](Value j) { some(c.add(first, c.mul(j, step)), true); });
      if (r.cells % step == 0)
        return;
      Value rest = c.add(first, c.mul(steps, step));
      Value left = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt, rest, last);
      c.either(
          left, [&] { some(rest, false); }, [] {});
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
    return c.accumulate(x, y);
  }

  static int64_t blocksOf(const Reduction &r, const Isa &isa) {
    return (r.inner + isa.lanes - 1) / isa.lanes;
  }
  /// Vectors that pass over the rows together: neighbours, as long as there are tiles for threads.
  static int64_t vectorsOf(const Reduction &r, const Isa &isa) {
    int64_t blocks = blocksOf(r, isa);
    for (int64_t vectors : {4, 3, 2})
      if (blocks % vectors == 0 && r.outer * blocks / vectors >= 16)
        return vectors;
    return 1;
  }

  static void keepRows(const Code &c, Epilogue &epilogue, const Reduction &r, Value begin,
                       Value end, const Isa &isa) {
    int64_t vectors = vectorsOf(r, isa), blocks = blocksOf(r, isa) / vectors;
    // Sums that do not wait for each other, as many as there are registers for.
    int64_t lanes = isa.lanes;
    int64_t sets = r.reduced >= 8 ? std::min<int64_t>(4, isa.registers / 2 / vectors) : 1;
    c.loop(begin, end, [&](Value tile) {
      Value row = c.div(tile, blocks), column = c.mul(c.rem(tile, blocks), vectors * lanes);
      Value first = c.mul(row, r.reduced);
      SmallVector<Value> masks, sums(size_t(sets * vectors), epilogue.splat(start(r)));
      for (int64_t v = 0; v < vectors; ++v)
        masks.push_back(epilogue.mask(c.add(column, v * lanes), lanes));
      sums = c.loop(c.index(0), c.index(r.reduced / sets), sums, [&](Value i, ValueRange carried) {
        SmallVector<Value> now;
        for (int64_t s = 0; s < sets; ++s)
          for (int64_t v = 0; v < vectors; ++v) {
            Value cell = epilogue.before(r.input, c.add(first, c.add(c.mul(i, sets), s)),
                                         c.add(column, v * lanes), masks[size_t(v)]);
            now.push_back(combine(c, r, carried[now.size()], cell));
          }
        return now;
      });
      for (int64_t i = r.reduced / sets * sets; i < r.reduced; ++i)
        for (int64_t v = 0; v < vectors; ++v) {
          Value &sum = sums[size_t(i % sets * vectors + v)];
          sum = combine(c, r, sum,
                        epilogue.before(r.input, c.add(first, i), c.add(column, v * lanes),
                                        masks[size_t(v)]));
        }
      for (int64_t v = 0; v < vectors; ++v) {
        Value sum = sums[size_t(v)];
        for (int64_t s = 1; s < sets; ++s)
          sum = combine(c, r, sum, sums[size_t(s * vectors + v)]);
        if (r.kind == "mean")
          sum = arith::DivFOp::create(c.b, c.loc, sum, epilogue.splat(double(r.reduced)));
        epilogue.finish(sum, row, c.add(column, v * lanes), masks[size_t(v)]);
      }
    });
  }

  /// Rows of a plain input follow each other, and are one long row.
  static void overRows(const Code &c, Epilogue &epilogue, const Reduction &r, Value begin,
                       Value end, Value output, const Isa &isa) {
    bool plain = llvm::isa<BlockArgument>(r.input);
    int64_t lanes = isa.lanes, width = plain ? r.reduced : shapeOf(r.input).back();
    int64_t rows = r.reduced / width, whole = width / lanes, rest = width % lanes, sets = 4;
    Value none = epilogue.splat(start(r));
    c.loop(begin, end, [&](Value tile) {
      auto cells = [&](Value row, Value column, Value mask) -> Value {
        if (!plain)
          return epilogue.before(r.input, row, column, mask);
        return epilogue.load(epilogue.flat(r.input), c.add(c.mul(row, width), column), mask);
      };
      Value first = c.mul(tile, rows);
      SmallVector<Value> sums(size_t(sets), none);
      sums = c.loop(first, c.add(first, rows), sums, [&](Value row, ValueRange carried) {
        SmallVector<Value> now =
            c.loop(c.index(0), c.index(whole / sets), carried, [&](Value i, ValueRange carried) {
              SmallVector<Value> next;
              for (int64_t s = 0; s < sets; ++s)
                next.push_back(combine(c, r, carried[size_t(s)],
                                       cells(row, c.mul(c.add(c.mul(i, sets), s), lanes), {})));
              return next;
            });
        for (int64_t i = whole / sets * sets; i < whole; ++i)
          now[size_t(i % sets)] =
              combine(c, r, now[size_t(i % sets)], cells(row, c.index(i * lanes), {}));
        if (rest) {
          Value mask = c.firstLanes(lanes, c.index(rest));
          Value last = cells(row, c.index(whole * lanes), mask);
          now[0] = combine(c, r, now[0], c.choose(mask, last, none));
        }
        return now;
      });
      Value sum = combine(c, r, combine(c, r, sums[0], sums[1]), combine(c, r, sums[2], sums[3]));
      auto kind = r.kind == "max"   ? vector::CombiningKind::MAXIMUMF
                  : r.kind == "min" ? vector::CombiningKind::MINIMUMF
                                    : vector::CombiningKind::ADD;
      Value total = vector::ReductionOp::create(c.b, c.loc, kind, sum);
      if (r.kind == "mean")
        total = arith::DivFOp::create(c.b, c.loc, total, c.f32(double(r.reduced)));
      memref::StoreOp::create(c.b, c.loc, total, output, ValueRange{tile});
    });
  }
};

} // namespace

const Implementation &rowImplementation() {
  static const RowImplementation instance;
  return instance;
}

} // namespace cornet::cpu
