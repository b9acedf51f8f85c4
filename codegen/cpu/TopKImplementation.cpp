// SPDX-License-Identifier: Apache-2.0
//
// `top_k`: the k largest cells of each row in one sweep. A tile is a row. The k largest so far lie
// sorted in the scratch: a vector of INT32_MAX, their orders (Code::order), their indices. A vector
// of cells is passed over at one comparison where none is larger than the last of them. A cell that
// is larger is put in its place by vectors: what is as large stays, what is smaller moves down by
// one.
#include "codegen/cpu/Epilogue.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <numeric>

using namespace mlir;

namespace cornet::cpu {
namespace {

ArrayRef<int64_t> shapeOf(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }

constexpr int64_t kShort = 16; ///< vectors

/// Cells of a list of `k` in whole vectors.
int64_t listOf(TopKOp op, const Isa &isa) {
  return int64_t(llvm::alignTo(uint64_t(op.getK()), uint64_t(isa.lanes)));
}

class Sorting {
public:
  Sorting(const Code &c, TopKOp op, Epilogue &epilogue, Value scratch, Value result, const Isa &isa)
      : c(c), epilogue(epilogue), input(epilogue.flat(op.getInput())), scratch(scratch),
        result(result), n(shapeOf(op.getInput()).back()), k(int64_t(op.getK())),
        list(listOf(op, isa)), lanes(isa.lanes), i32(c.b.getI32Type()) {}

  void emit(Value row) {
    Value none = splat(INT32_MIN);
    store(splat(INT32_MAX), c.index(0));
    c.loop(c.index(1), c.index(list / lanes + 1), [&](Value j) { store(none, c.mul(j, lanes)); });
    Value begin = c.mul(row, n), least = c.i32(INT32_MIN);
    Value whole = c.index(n / lanes * lanes);
    least = c.loop(c.index(0), c.index(n / lanes), least, [&](Value i, ValueRange least) {
      return SmallVector<Value>{vector(begin, c.mul(i, lanes), {}, least[0])};
    })[0];
    if (n % lanes)
      vector(begin, whole, c.firstLanes(lanes, c.index(n % lanes)), least);
    c.loop(c.index(0), c.index(list / lanes), [&](Value j) {
      Value column = c.mul(j, lanes);
      Value mask = k % lanes ? c.firstLanes(lanes, c.sub(c.index(k), column)) : Value();
      epilogue.store(load(c.add(column, lanes + list)), result, c.add(c.mul(row, k), column), mask);
    });
  }

private:
  /// Takes up the cells from `column` on that are larger than `least`, the order of the k-th
  /// largest before; returns that after.
  Value vector(Value begin, Value column, Value mask, Value least) {
    Value cells = epilogue.load(input, c.add(begin, column), mask);
    // An order that is no number's is unordered to all, which are looked at one by one.
    Value bound = vector::BroadcastOp::create(c.b, c.loc, epilogue.vector(), c.ordered(least));
    Value larger = arith::CmpFOp::create(c.b, c.loc, arith::CmpFPredicate::UGT, cells, bound);
    if (mask)
      larger = c.both(larger, mask);
    Type word = c.b.getIntegerType(unsigned(lanes));
    Value all = vector::BitCastOp::create(c.b, c.loc, VectorType::get({1}, word), larger);
    all = vector::ExtractOp::create(c.b, c.loc, all, ArrayRef<int64_t>{0});
    Value zero = arith::ConstantOp::create(c.b, c.loc, c.b.getIntegerAttr(word, 0));
    Value one = arith::ConstantOp::create(c.b, c.loc, c.b.getIntegerAttr(word, 1));
    auto loop = scf::WhileOp::create(
        c.b, c.loc, TypeRange{word, i32}, ValueRange{all, least},
        [&](OpBuilder &b, Location loc, ValueRange carried) {
          Value some = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, carried[0], zero);
          scf::ConditionOp::create(b, loc, some, carried);
        },
        [&](OpBuilder &b, Location loc, ValueRange carried) {
          Value lane = math::CountTrailingZerosOp::create(b, loc, carried[0]);
          lane = arith::IndexCastUIOp::create(b, loc, b.getIndexType(), lane);
          Value rest = c.both(carried[0], arith::SubIOp::create(b, loc, carried[0], one));
          Value next = cell(begin, c.add(column, lane), carried[1]);
          scf::YieldOp::create(b, loc, ValueRange{rest, next});
        });
    return loop.getResult(1);
  }

  /// The same of one cell.
  Value cell(Value begin, Value column, Value least) {
    Value order = c.order(epilogue.loadScalar(input, c.add(begin, column)));
    Value index = arith::IndexCastOp::create(c.b, c.loc, i32, column);
    auto branch = scf::IfOp::create(c.b, c.loc, i32, c.less(least, order), true);
    OpBuilder::InsertionGuard guard(c.b);
    c.b.setInsertionPointToStart(branch.thenBlock());
    insert(order, index, column);
    Value last = memref::LoadOp::create(c.b, c.loc, scratch, ValueRange{c.index(lanes + k - 1)});
    scf::YieldOp::create(c.b, c.loc, c.bits(last, i32));
    c.b.setInsertionPointToStart(branch.elseBlock());
    scf::YieldOp::create(c.b, c.loc, least);
    return branch.getResult(0);
  }

  /// Puts a cell behind all that are as large, which came before it: from the end of the list
  /// up, each vector beside itself moved down by one, until the cell has found its place.
  void insert(Value order, Value index, Value column) {
    auto spread = [&](Value x) -> Value {
      return vector::BroadcastOp::create(c.b, c.loc, VectorType::get({lanes}, i32), x);
    };
    Value orders = spread(order), indices = spread(index);
    SmallVector<int64_t> down(size_t(lanes), 0);
    std::iota(down.begin(), down.end(), lanes - 1);
    auto moved = [&](Value before, Value vector) -> Value {
      return vector::ShuffleOp::create(c.b, c.loc, before, vector, down);
    };
    // No more cells are in the list than came before this one.
    Value last = c.min(c.div(column, lanes), c.index(list / lanes - 1));
    last = c.add(c.mul(last, lanes), lanes);
    SmallVector<Value> end{last, load(last), load(c.add(last, list))};
    scf::WhileOp::create(
        c.b, c.loc, ValueRange(end).getTypes(), end,
        [&](OpBuilder &b, Location loc, ValueRange carried) {
          Value at = carried[0], old = carried[1], places = carried[2];
          Value next = c.sub(at, c.index(lanes)), before = load(next),
                placesBefore = load(c.add(next, list)), above = moved(before, old);
          Value stays = notLess(old, orders), here = notLess(above, orders);
          store(c.choose(stays, old, c.choose(here, orders, above)), at);
          store(c.choose(stays, places, c.choose(here, indices, moved(placesBefore, places))),
                c.add(at, list));
          // A short list is walked to its front: one vector more costs less than a wrong guess.
          Value more = c.less(c.index(0), next);
          if (list > kShort * lanes)
            more = c.less(vector::ExtractOp::create(b, loc, before, lanes - 1), order);
          scf::ConditionOp::create(b, loc, more, ValueRange{next, before, placesBefore});
        },
        [&](OpBuilder &b, Location loc, ValueRange carried) {
          scf::YieldOp::create(b, loc, carried);
        });
  }

  Value notLess(Value x, Value y) const {
    return arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::sge, x, y);
  }
  Value splat(int32_t v) const {
    auto type = VectorType::get({lanes}, i32);
    return arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(type, v));
  }
  Value load(Value at) const { return c.bits(epilogue.load(scratch, at, {}), i32); }
  void store(Value vector, Value at) const {
    epilogue.store(c.bits(vector, c.b.getF32Type()), scratch, at, {});
  }

  const Code &c;
  Epilogue &epilogue;
  Value input, scratch, result;
  int64_t n, k, list, lanes;
  Type i32;
};

class TopKImplementation final : public Implementation {
public:
  StringRef name() const override { return "top_k"; }

  std::optional<std::string> refuse(DispatchOp dispatch, const Isa &) const override {
    auto op = dyn_cast<TopKOp>(rootOf(dispatch));
    if (!op)
      return "no top_k";
    if (!isa<BlockArgument>(op.getInput()))
      return "its input is computed in the group";
    if (dispatch.getNumResults() != 1 || !op->hasOneUse() ||
        dispatch.getBody().front().getTerminator()->getOperand(0) != op.getResult())
      return "something is done with the indices in the group";
    return std::nullopt;
  }

  int64_t tiles(DispatchOp dispatch, const Isa &) const override {
    auto op = cast<TopKOp>(rootOf(dispatch));
    return op.getType().getNumElements() / int64_t(op.getK());
  }

  int64_t scratch(DispatchOp dispatch, const Isa &isa) const override {
    return 2 * listOf(cast<TopKOp>(rootOf(dispatch)), isa) + isa.lanes;
  }

  void emit(DispatchOp dispatch, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    auto op = cast<TopKOp>(rootOf(dispatch));
    Epilogue epilogue(c, dispatch, op, kernel, isa.lanes);
    unsigned count = kernel.getNumArguments();
    Sorting sorting(c, op, epilogue, kernel.getArgument(count - 3),
                    epilogue.flat(resultArgument(dispatch, 0)), isa);
    c.loop(kernel.getArgument(count - 2), kernel.getArgument(count - 1),
           [&](Value row) { sorting.emit(row); });
  }
};

} // namespace

const Implementation &topKImplementation() {
  static const TopKImplementation instance;
  return instance;
}

} // namespace cornet::cpu
