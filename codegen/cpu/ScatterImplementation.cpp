// SPDX-License-Identifier: Apache-2.0
//
// `scatter`: rows of updates added to the rows their indices name. A tile is a range of rows and a
// block of columns whose sums wait on the stack: it looks through all indices once and adds those
// that hit its range, in order. So bits depend on no thread, and the rows may be an epilogue's.
#include "codegen/cpu/Epilogue.h"

using namespace mlir;

namespace cornet::cpu {
namespace {

ArrayRef<int64_t> shapeOf(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }
int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

struct Scatter {
  int64_t rows, columns, updates;
  int64_t vectors, range; ///< of a tile: vectors to a row, and rows

  Scatter(ScatterOp op, const Isa &isa) {
    auto type = op.getType();
    rows = type.getDimSize(0), columns = type.getNumElements() / rows;
    updates = cast<RankedTensorType>(op.getIndices().getType()).getNumElements();
    vectors = std::min<int64_t>(ceilDiv(columns, isa.lanes), 4);
    constexpr int64_t stack = 64 << 10;
    range = std::min<int64_t>(stack / (4 * vectors * isa.lanes), rows);
  }
  int64_t blocks(const Isa &isa) const { return ceilDiv(columns, vectors * isa.lanes); }
  int64_t tiles(const Isa &isa) const { return ceilDiv(rows, range) * blocks(isa); }
};

class ScatterImplementation final : public Implementation {
public:
  StringRef name() const override { return "scatter"; }

  std::optional<std::string> refuse(DispatchOp dispatch, const Isa &) const override {
    auto op = dyn_cast<ScatterOp>(rootOf(dispatch));
    if (!op)
      return "no scatter";
    if (!llvm::isa<BlockArgument>(op.getUpdates()) || !llvm::isa<BlockArgument>(op.getIndices()))
      return "an operand is computed in the group";
    // The result's rows, as an epilogue counts them, are the table's.
    if (shapeOf(op.getResult()).size() != 2)
      return "the table has more than two dimensions";
    if (auto reason = refuseNarrow(dispatch))
      return reason;
    return refuseEpilogue(dispatch, op);
  }

  int64_t tiles(DispatchOp dispatch, const Isa &isa) const override {
    return Scatter(cast<ScatterOp>(rootOf(dispatch)), isa).tiles(isa);
  }

  void emit(DispatchOp dispatch, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    auto op = cast<ScatterOp>(rootOf(dispatch));
    Epilogue epilogue(c, dispatch, op, kernel, isa.lanes);
    Scatter k(op, isa);
    unsigned count = kernel.getNumArguments();
    int64_t lanes = isa.lanes, width = k.vectors * lanes;
    Value updates = epilogue.flat(op.getUpdates()), indices = epilogue.flat(op.getIndices());
    auto type = MemRefType::get({k.range * width}, builder.getF32Type());
    Value stack =
        memref::AllocaOp::create(builder, c.loc, type, ValueRange{}, builder.getI64IntegerAttr(64));
    c.loop(kernel.getArgument(count - 2), kernel.getArgument(count - 1), [&](Value tile) {
      Value first = c.mul(c.div(tile, k.blocks(isa)), k.range);
      Value column = c.mul(c.rem(tile, k.blocks(isa)), width);
      Value rows = c.min(c.index(k.range), c.sub(c.index(k.rows), first));
      auto maskAt = [&](int64_t j) -> Value {
        if (k.columns % width == 0)
          return {};
        return c.firstLanes(lanes, c.sub(c.index(k.columns), c.add(column, j * lanes)));
      };
      c.loop(c.index(0), c.mul(rows, k.vectors),
             [&](Value i) { epilogue.store(epilogue.splat(0), stack, c.mul(i, lanes), {}); });
      c.loop(c.index(0), c.index(k.updates), [&](Value i) {
        Value row = memref::LoadOp::create(builder, c.loc, indices, ValueRange{i});
        row = arith::IndexCastOp::create(builder, c.loc, builder.getIndexType(), row);
        row = c.sub(c.min(c.max(row, c.index(0)), c.index(k.rows - 1)), first);
        Value hit = arith::CmpIOp::create(builder, c.loc, arith::CmpIPredicate::ult, row, rows);
        auto branch = scf::IfOp::create(builder, c.loc, TypeRange{}, hit, false);
        OpBuilder::InsertionGuard guard(builder);
        builder.setInsertionPointToStart(branch.thenBlock());
        for (int64_t j = 0; j < k.vectors; ++j) {
          Value at = c.add(c.mul(row, width), j * lanes);
          Value update = epilogue.load(
              updates, c.add(c.add(c.mul(i, k.columns), column), j * lanes), maskAt(j));
          update = arith::AddFOp::create(builder, c.loc, epilogue.load(stack, at, {}), update);
          epilogue.store(update, stack, at, {});
        }
      });
      c.loop(c.index(0), rows, [&](Value row) {
        for (int64_t j = 0; j < k.vectors; ++j)
          epilogue.finish(epilogue.load(stack, c.add(c.mul(row, width), j * lanes), {}),
                          c.add(first, row), c.add(column, j * lanes), maskAt(j));
      });
    });
  }
};

} // namespace

const Implementation &scatterImplementation() {
  static const ScatterImplementation instance;
  return instance;
}

} // namespace cornet::cpu
