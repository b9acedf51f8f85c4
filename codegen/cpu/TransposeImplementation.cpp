// SPDX-License-Identifier: Apache-2.0
//
// `transpose`: permutations by squares of vectors. Dimensions that stay neighbours are one. Where
// the last dimension moves, a square is read along the input's last dimension, turned in registers
// and written along the result's; where it stays, runs are copied.
#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Panels.h"

using namespace mlir;

namespace cornet::cpu {
namespace {

ArrayRef<int64_t> shapeOf(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }
int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// A dimension of the result, with the steps it makes in both tensors.
struct Dimension {
  int64_t extent, from, to;
};

struct Permutation {
  SmallVector<Dimension> outer; ///< all but the two below
  Dimension last{1, 1, 1};      ///< of the result
  Dimension inputLast{1, 1, 1}; ///< of the input; extent 1 where it is the result's, too
};

/// `alone`: nothing follows the op, so its last dimension may be merged with others.
Permutation describe(TransposeOp op, bool alone) {
  ArrayRef<int64_t> in = shapeOf(op.getInput()), out = shapeOf(op.getResult());
  SmallVector<int64_t> strides(in.size(), 1);
  for (size_t d = in.size(); d-- > 1;)
    strides[d - 1] = strides[d] * in[d];
  SmallVector<Dimension> all;
  int64_t to = 1;
  for (size_t d = out.size(); d-- > 0;) {
    Dimension here{out[d], strides[size_t(op.getPermutation()[d])], to};
    to *= out[d];
    bool isLast = all.size() == 1 && !alone;
    if (here.extent == 1 && !(all.empty() && !alone))
      continue;
    if (!all.empty() && !isLast && here.from == all.back().from * all.back().extent)
      all.back().extent *= here.extent;
    else
      all.push_back(here);
  }
  Permutation result;
  if (all.empty())
    return result;
  result.last = all[0];
  // The input's last dimension is the one of step 1 that has cells.
  for (Dimension d : ArrayRef(all).drop_front())
    if (d.from == 1 && result.last.from != 1)
      result.inputLast = d;
    else
      result.outer.push_back(d);
  std::reverse(result.outer.begin(), result.outer.end());
  return result;
}

class Emitter {
public:
  Emitter(const Code &c, const Permutation &p, Epilogue &epilogue, bool alone, Value input,
          Value output, const Isa &isa)
      : c(c), p(p), epilogue(epilogue), alone(alone), input(input), output(output),
        lanes(isa.lanes) {}

  /// Squares of a tile, one below the other.
  static constexpr int64_t kSquares = 8;
  static int64_t tiles(const Permutation &p, const Isa &isa) {
    int64_t count =
        ceilDiv(p.last.extent, isa.lanes) * ceilDiv(p.inputLast.extent, kSquares * isa.lanes);
    for (Dimension d : p.outer)
      count *= d.extent;
    return count;
  }

  void emit(Value begin, Value end) {
    int64_t across = ceilDiv(p.last.extent, lanes);
    int64_t down = ceilDiv(p.inputLast.extent, kSquares * lanes);
    SmallVector<int64_t> extents;
    for (Dimension d : p.outer)
      extents.push_back(d.extent);
    c.loop(begin, end, [&](Value tile) {
      Value block = c.rem(tile, across), rest = c.div(tile, across);
      Value first = c.mul(c.rem(rest, down), kSquares * lanes);
      SmallVector<Value> place = c.coordinates(c.div(rest, down), extents);
      from = c.index(0), to = c.index(0);
      for (auto [d, at] : llvm::zip(p.outer, place))
        from = c.add(from, c.mul(at, d.from)), to = c.add(to, c.mul(at, d.to));
      column = c.mul(block, lanes);
      from = c.add(from, c.mul(column, p.last.from));
      int64_t whole = p.last.extent / lanes, ragged = p.last.extent % lanes;
      if (ragged == 0)
        return squares(first, lanes);
      if (whole == 0)
        return squares(first, ragged);
      Value isLast = c.equal(block, c.index(whole));
      auto branch = scf::IfOp::create(c.b, c.loc, TypeRange{}, isLast, true);
      OpBuilder::InsertionGuard guard(c.b);
      c.b.setInsertionPointToStart(branch.thenBlock());
      squares(first, ragged);
      c.b.setInsertionPointToStart(branch.elseBlock());
      squares(first, lanes);
    });
  }

private:
  Value mask(int64_t count) {
    if (count == lanes)
      return {};
    return c.firstLanes(lanes, c.index(count));
  }

  /// The squares of the tile, `count` cells wide.
  void squares(Value first, int64_t count) {
    if (p.last.from == 1) // the last dimension stays
      return store(epilogue.load(input, from, mask(count)), c.index(0), count);
    int64_t whole = p.inputLast.extent / lanes, ragged = p.inputLast.extent % lanes;
    Value begin = c.div(first, lanes);
    Value end = c.min(c.add(begin, kSquares), c.index(whole));
    c.loop(begin, end, [&](Value i) { square(c.mul(i, lanes), count, lanes); });
    if (ragged == 0)
      return;
    if (whole < kSquares)
      return square(c.index(whole * lanes), count, ragged);
    Value isLast = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::sgt,
                                         c.add(begin, kSquares), c.index(whole));
    auto branch = scf::IfOp::create(c.b, c.loc, TypeRange{}, isLast, false);
    OpBuilder::InsertionGuard guard(c.b);
    c.b.setInsertionPointToStart(branch.thenBlock());
    square(c.index(whole * lanes), count, ragged);
  }

  /// `wide` cells of the result's last dimension by `high` of the input's.
  void square(Value at, int64_t wide, int64_t high) {
    SmallVector<Value> rows;
    for (int64_t i = 0; i < lanes; ++i)
      rows.push_back(i < wide
                         ? epilogue.load(input, c.add(c.add(from, at), i * p.last.from), mask(high))
                         : epilogue.splat(0));
    rows = transposeSquare(c, rows);
    for (int64_t i = 0; i < high; ++i)
      store(rows[size_t(i)], c.add(at, i), wide);
  }

  /// `value` at cell `at` of the input's last dimension.
  void store(Value value, Value at, int64_t count) {
    Value place = c.add(to, c.mul(at, p.inputLast.to));
    if (alone)
      return epilogue.store(value, output, c.add(place, column), mask(count));
    epilogue.finish(value, c.div(place, p.last.extent), column, mask(count));
  }

  const Code &c;
  const Permutation &p;
  Epilogue &epilogue;
  bool alone;
  Value input, output;
  int64_t lanes;
  Value from, to, column; ///< of the current tile
};

bool isAlone(DispatchOp dispatch) {
  return llvm::hasSingleElement(dispatch.getBody().front().without_terminator());
}

class TransposeImplementation final : public Implementation {
public:
  StringRef name() const override { return "transpose"; }

  std::optional<std::string> refuse(DispatchOp dispatch, const Isa &) const override {
    auto op = dyn_cast<TransposeOp>(rootOf(dispatch));
    if (!op)
      return "no permutation";
    if (!llvm::isa<BlockArgument>(storedAs(op.getInput())))
      return "the operand is computed in the group";
    if (shapeOf(op.getResult()).empty())
      return "a scalar";
    return refuseEpilogue(dispatch, op);
  }

  int64_t tiles(DispatchOp dispatch, const Isa &isa) const override {
    auto op = cast<TransposeOp>(rootOf(dispatch));
    return Emitter::tiles(describe(op, isAlone(dispatch)), isa);
  }

  void emit(DispatchOp dispatch, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    auto op = cast<TransposeOp>(rootOf(dispatch));
    bool alone = isAlone(dispatch);
    Epilogue epilogue(c, dispatch, op, kernel, isa.lanes);
    Permutation p = describe(op, alone);
    unsigned count = kernel.getNumArguments();
    Emitter(c, p, epilogue, alone, epilogue.flat(op.getInput()),
            epilogue.flat(resultArgument(dispatch, 0)), isa)
        .emit(kernel.getArgument(count - 2), kernel.getArgument(count - 1));
  }
};

} // namespace

const Implementation &transposeImplementation() {
  static const TransposeImplementation instance;
  return instance;
}

} // namespace cornet::cpu
