// SPDX-License-Identifier: Apache-2.0
//
// `rows`: softmax, layer normalization and whatever else reduces rows and goes on with what comes
// out. A tile is a row. It is walked once for each reduction that needs the one before it, and once
// more for what needs them all; after the first time it lies in L1. A phase is one such walk: it
// accumulates the reductions and stores the results that can be had by then. What is dear and
// wanted again in a later phase (an exponential, a quotient) is kept, in its result's place or in a
// row on the stack; what is cheap is computed again.
#include "codegen/cpu/Epilogue.h"
#include "ir/Ops/Rows.h"

#include "llvm/ADT/SetVector.h"

#include <limits>

using namespace mlir;

namespace cornet::cpu {
namespace {

ArrayRef<int64_t> shapeOf(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }

/// The rows of a group's first reduction that has any.
std::optional<Rows> rowsOf(DispatchOp dispatch) {
  for (auto reduce : dispatch.getBody().front().getOps<ReduceOp>())
    if (std::optional<Rows> rows = Rows::of(reduce))
      return rows;
  return std::nullopt;
}

bool isDear(Operation *op) {
  return isa<ExpOp, LogOp, TanhOp, ErfOp, SigmoidOp, SiluOp, SoftplusOp, GeluOp, EluOp, PowOp,
             SinOp, CosOp, DivOp, SqrtOp, RsqrtOp>(op);
}

/// e^(x - max x) summed: at least 1, so that its reciprocal may stand for a division.
bool isSumOfPowers(Value value) {
  auto sum = value.getDefiningOp<ReduceOp>();
  auto power = sum && sum.getKind() == "sum" ? sum.getInput().getDefiningOp<ExpOp>() : ExpOp();
  auto shifted = power ? power->getOperand(0).getDefiningOp<SubOp>() : SubOp();
  auto most = shifted ? shifted->getOperand(1).getDefiningOp<ReduceOp>() : ReduceOp();
  return most && most.getKind() == "max" && most.getInput() == shifted->getOperand(0);
}

/// What is computed when.
class Phases {
public:
  Phases(DispatchOp dispatch, const Rows &rows) : rows(rows) {
    Block &body = dispatch.getBody().front();
    for (Operation &op : body.without_terminator()) {
      int64_t level = 0;
      for (Value operand : op.getOperands())
        level = std::max(level, levels.lookup(operand));
      if (isa<ReduceOp>(op)) {
        while (int64_t(reductions.size()) <= level)
          reductions.emplace_back();
        reductions[size_t(level++)].push_back(&op);
      }
      levels[op.getResult(0)] = level;
    }
    for (Value result : body.getTerminator()->getOperands())
      if (isWide(result))
        results.insert(result);
    for (int64_t phase = count() - 1; phase >= 0; --phase)
      for (Value root : rootsOf(phase))
        keep(root, phase);
  }

  int64_t count() const {
    int64_t out = int64_t(reductions.size());
    for (Value result : results)
      out = std::max(out, levels.lookup(result) + 1);
    return out;
  }
  int64_t level(Value value) const { return levels.lookup(value); }
  ArrayRef<Operation *> reductionsOf(int64_t phase) const {
    return phase < int64_t(reductions.size()) ? ArrayRef<Operation *>(reductions[size_t(phase)])
                                              : ArrayRef<Operation *>();
  }
  /// Whether `value` is the result of a wide op of the group.
  bool isWide(Value value) const {
    return value.getDefiningOp() && !value.getDefiningOp<ConstantOp>() &&
           rows.isWide(value.getType());
  }
  bool isResult(Value value) const { return results.contains(value); }

  /// Wide values that phase `phase` stores, in results or for later.
  SmallVector<Value> storesOf(int64_t phase) const {
    SmallVector<Value> out;
    for (Value value : results)
      if (level(value) == phase)
        out.push_back(value);
    for (Value value : kept)
      if (level(value) == phase && !isResult(value))
        out.push_back(value);
    return out;
  }
  /// Those of them that are no results.
  ArrayRef<Value> keptValues() const { return kept.getArrayRef(); }
  bool isStoredBefore(Value value, int64_t phase) const {
    return level(value) < phase && (isResult(value) || kept.contains(value));
  }

private:
  SmallVector<Value> rootsOf(int64_t phase) const {
    SmallVector<Value> out = storesOf(phase);
    for (Operation *reduce : reductionsOf(phase))
      out.push_back(reduce->getOperand(0));
    return out;
  }

  /// Marks what phase `phase` wants of an earlier one to compute `value`.
  void keep(Value value, int64_t phase) {
    if (!isWide(value))
      return;
    if (level(value) < phase && (isResult(value) || isDear(value.getDefiningOp()))) {
      if (!isResult(value))
        kept.insert(value);
      return;
    }
    for (Value operand : value.getDefiningOp()->getOperands())
      keep(operand, phase);
  }

  const Rows &rows;
  llvm::DenseMap<Value, int64_t> levels;            ///< the first phase in which a value can be had
  std::vector<SmallVector<Operation *>> reductions; ///< by phase
  llvm::SetVector<Value> results, kept;
};

class Walk {
public:
  Walk(const Code &c, DispatchOp dispatch, const Rows &rows, func::FuncOp kernel, const Isa &isa)
      : c(c), dispatch(dispatch), rows(rows), kernel(kernel), lanes(isa.lanes),
        columns(rows.shape.back()), inner(rows.cells() / columns), phases(dispatch, rows),
        epilogue(c, dispatch, nullptr, kernel, isa.lanes) {
    for (int64_t d = 0; d < int64_t(rows.shape.size()); ++d) {
      if (!rows.isReduced(d))
        keptExtents.push_back(rows.shape[size_t(d)]);
      else if (d + 1 < int64_t(rows.shape.size()))
        innerExtents.push_back(rows.shape[size_t(d)]);
    }
    pitch = (columns + lanes - 1) / lanes * lanes;
    for (Value value : phases.keptValues())
      scratch[value] =
          memref::AllocaOp::create(c.b, c.loc, MemRefType::get({inner * pitch}, c.b.getF32Type()));
  }

  void emit(Value begin, Value end) {
    c.loop(begin, end, [&](Value tile) {
      row = tile, outer = c.coordinates(tile, keptExtents), scalars.clear(), reciprocals.clear();
      for (int64_t phase = 0; phase < phases.count(); ++phase)
        narrow(phase), walk(phase);
      narrow(phases.count());
      for (auto [i, result] :
           llvm::enumerate(dispatch.getBody().front().getTerminator()->getOperands()))
        if (!phases.isResult(result))
          memref::StoreOp::create(c.b, c.loc, scalars.lookup(result),
                                  epilogue.flat(resultArgument(dispatch, i)), ValueRange{tile});
    });
  }

private:
  /// Computes the pointwise ops on one cell a row that are to be had before phase `phase`.
  void narrow(int64_t phase) {
    for (Operation &op : dispatch.getBody().front().without_terminator()) {
      auto pointwise = dyn_cast<Pointwise>(op);
      Value result = op.getResult(0);
      if (!pointwise || phases.isWide(result) || phases.level(result) > phase ||
          scalars.contains(result))
        continue;
      SmallVector<Value> operands;
      for (Value operand : op.getOperands())
        operands.push_back(scalar(operand, shapeOf(result)));
      scalars[result] = pointwise.emitScalar(c.b, c.loc, operands);
    }
    for (Operation &op : dispatch.getBody().front().without_terminator())
      if (isa<DivOp>(op) && phases.isWide(op.getResult(0)) && isSumOfPowers(op.getOperand(1)) &&
          scalars.contains(op.getOperand(1)) && !reciprocals.contains(op.getOperand(1)))
        reciprocals[op.getOperand(1)] =
            arith::DivFOp::create(c.b, c.loc, c.f32(1), scalars.lookup(op.getOperand(1)));
  }

  static Attribute cellOf(ConstantOp constant) {
    return cast<DenseElementsAttr>(constant.getValue()).getSplatValue<Attribute>();
  }

  /// The one cell of `value` for this row, as an operand of an op of shape `shape`.
  Value scalar(Value value, ArrayRef<int64_t> shape) {
    if (auto constant = value.getDefiningOp<ConstantOp>())
      return arith::ConstantOp::create(c.b, c.loc, cast<TypedAttr>(cellOf(constant)));
    if (value.getDefiningOp())
      return scalars.lookup(value);
    ArrayRef<int64_t> extents = shapeOf(value);
    SmallVector<Value> place;
    for (size_t d = 0, kept = 0; d < rows.shape.size(); ++d)
      if (!rows.isReduced(int64_t(d)))
        place.push_back(outer[kept++]);
      else if (shape.size() == rows.shape.size())
        place.push_back(c.index(0));
    Value at = c.index(0);
    for (size_t d = 0, shift = place.size() - extents.size(); d < extents.size(); ++d)
      at = extents[d] == 1 ? at : c.add(c.mul(at, extents[d]), place[d + shift]);
    return memref::LoadOp::create(c.b, c.loc, epilogue.flat(value), ValueRange{at});
  }

  static double start(StringRef kind) {
    double infinity = std::numeric_limits<double>::infinity();
    return kind == "max" ? -infinity : kind == "min" ? infinity : 0;
  }
  Value combine(StringRef kind, Value x, Value y) const {
    if (kind == "max")
      return arith::MaximumFOp::create(c.b, c.loc, x, y);
    if (kind == "min")
      return arith::MinimumFOp::create(c.b, c.loc, x, y);
    return c.accumulate(x, y);
  }

  /// One pass over the row: whole vectors, four at a time while there are as many, then the rest.
  void walk(int64_t phase) {
    ArrayRef<Operation *> reductions = phases.reductionsOf(phase);
    SmallVector<Value> stores = phases.storesOf(phase);
    if (reductions.empty() && stores.empty())
      return;
    constexpr int64_t sets = 4;
    SmallVector<Value> sums;
    for (Operation *reduce : reductions)
      sums.append(size_t(sets), epilogue.splat(start(cast<ReduceOp>(reduce).getKind())));
    int64_t whole = columns / lanes, rest = columns % lanes;
    auto step = [&](Value line, Value column, Value mask, int64_t set, MutableArrayRef<Value> now) {
      at = {line, column, mask};
      vectors.clear();
      for (auto [i, op] : llvm::enumerate(reductions)) {
        StringRef kind = cast<ReduceOp>(op).getKind();
        Value cell = wide(op->getOperand(0), phase);
        if (mask)
          cell = c.choose(mask, cell, epilogue.splat(start(kind)));
        Value &sum = now[i * sets + size_t(set)];
        sum = combine(kind, sum, cell);
      }
      for (Value value : stores)
        store(value, wide(value, phase));
    };
    auto line = [&](Value line, ValueRange carried) {
      SmallVector<Value> now(carried);
      if (whole >= sets)
        now = c.loop(c.index(0), c.index(whole / sets), now, [&](Value i, ValueRange carried) {
          SmallVector<Value> next(carried);
          for (int64_t set = 0; set < sets; ++set)
            step(line, c.mul(c.add(c.mul(i, sets), set), lanes), {}, set, next);
          return next;
        });
      if (int64_t done = whole / sets * sets; whole - done == 1)
        step(line, c.index(done * lanes), {}, 0, now);
      else if (whole > done)
        now = c.loop(c.index(done), c.index(whole), now, [&](Value i, ValueRange carried) {
          SmallVector<Value> next(carried);
          step(line, c.mul(i, lanes), {}, 0, next);
          return next;
        });
      if (rest) {
        step(line, c.index(whole * lanes), c.firstLanes(lanes, c.index(rest)), 1, now);
      }
      return now;
    };
    sums = inner == 1 ? line(c.index(0), sums) : c.loop(c.index(0), c.index(inner), sums, line);
    for (auto [i, op] : llvm::enumerate(reductions))
      scalars[op->getResult(0)] = total(cast<ReduceOp>(op), ArrayRef(sums).slice(i * sets, sets));
  }

  Value total(ReduceOp reduce, ArrayRef<Value> sums) const {
    StringRef kind = reduce.getKind();
    Value sum = combine(kind, combine(kind, sums[0], sums[1]), combine(kind, sums[2], sums[3]));
    auto how = kind == "max"   ? vector::CombiningKind::MAXIMUMF
               : kind == "min" ? vector::CombiningKind::MINIMUMF
                               : vector::CombiningKind::ADD;
    Value out = vector::ReductionOp::create(c.b, c.loc, how, sum);
    if (kind == "mean")
      out = arith::MulFOp::create(c.b, c.loc, out, c.f32(1 / double(rows.cells())));
    return out;
  }

  Value spread(Value scalar) const {
    auto vector = VectorType::get({lanes}, scalar.getType());
    return vector::BroadcastOp::create(c.b, c.loc, vector, scalar);
  }

  /// `value` as a vector at the current place, computed or loaded.
  Value wide(Value value, int64_t phase) {
    if (auto it = vectors.find(value); it != vectors.end())
      return it->second;
    Value made = make(value, phase);
    return vectors[value] = made;
  }

  Value make(Value value, int64_t phase) {
    if (auto constant = value.getDefiningOp<ConstantOp>()) {
      auto cell = cast<TypedAttr>(cellOf(constant));
      auto vector = VectorType::get({lanes}, cell.getType());
      return arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(vector, Attribute(cell)));
    }
    Operation *op = value.getDefiningOp();
    if (!op)
      return load(value);
    if (!phases.isWide(value))
      return spread(scalars.lookup(value));
    if (phases.isStoredBefore(value, phase))
      return epilogue.load(placeOf(value), cell(value), at.mask);
    if (isa<DivOp>(op) && reciprocals.contains(op->getOperand(1)))
      return arith::MulFOp::create(c.b, c.loc, wide(op->getOperand(0), phase),
                                   spread(reciprocals.lookup(op->getOperand(1))));
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(wide(operand, phase));
    return cast<Pointwise>(op).emitScalar(c.b, c.loc, operands);
  }

  /// An operand from memory, right-aligned against the wide shape.
  Value load(Value value) {
    ArrayRef<int64_t> extents = shapeOf(value);
    Value buffer = epilogue.flat(value);
    if (extents == ArrayRef(rows.shape))
      return epilogue.load(buffer, wideCell(), at.mask);
    SmallVector<Value> place = coordinates();
    Value from = c.index(0);
    for (size_t d = 0, shift = place.size() - extents.size(); d < extents.size(); ++d)
      from = extents[d] == 1 ? from : c.add(c.mul(from, extents[d]), place[d + shift]);
    if (extents.empty() || extents.back() == 1)
      return spread(memref::LoadOp::create(c.b, c.loc, buffer, ValueRange{from}));
    return epilogue.load(buffer, from, at.mask);
  }

  SmallVector<Value> coordinates() {
    SmallVector<Value> place, lines = c.coordinates(at.line, innerExtents);
    for (size_t d = 0, kept = 0, reduced = 0; d + 1 < rows.shape.size(); ++d)
      place.push_back(rows.isReduced(int64_t(d)) ? lines[reduced++] : outer[kept++]);
    place.push_back(at.column);
    return place;
  }

  /// The place of the current cell among all wide cells.
  Value wideCell() {
    bool trailing = rows.axes.front() + int64_t(rows.axes.size()) == int64_t(rows.shape.size());
    if (trailing)
      return c.add(c.mul(c.add(c.mul(row, inner), at.line), columns), at.column);
    Value out = c.index(0);
    for (auto [extent, place] : llvm::zip(rows.shape, coordinates()))
      out = c.add(c.mul(out, extent), place);
    return out;
  }

  Value placeOf(Value value) {
    for (auto [i, result] :
         llvm::enumerate(dispatch.getBody().front().getTerminator()->getOperands()))
      if (result == value)
        return epilogue.flat(resultArgument(dispatch, i));
    return scratch.lookup(value);
  }
  Value cell(Value value) {
    return phases.isResult(value) ? wideCell() : c.add(c.mul(at.line, pitch), at.column);
  }
  void store(Value value, Value vector) {
    for (auto [i, result] :
         llvm::enumerate(dispatch.getBody().front().getTerminator()->getOperands()))
      if (result == value)
        epilogue.store(vector, epilogue.flat(resultArgument(dispatch, i)), wideCell(), at.mask);
    if (!phases.isResult(value))
      epilogue.store(vector, scratch.lookup(value), cell(value), at.mask);
  }

  struct Place {
    Value line, column, mask; ///< the vector within the row: `line` counts its last dimensions
  };

  const Code &c;
  DispatchOp dispatch;
  const Rows &rows;
  func::FuncOp kernel;
  int64_t lanes, columns, inner, pitch;
  Phases phases;
  Epilogue epilogue;
  SmallVector<int64_t> keptExtents, innerExtents;
  llvm::DenseMap<Value, Value> scratch, scalars, reciprocals, vectors;
  Value row;
  SmallVector<Value> outer;
  Place at;
};

class RowsImplementation final : public Implementation {
public:
  StringRef name() const override { return "rows"; }

  std::optional<std::string> refuse(DispatchOp dispatch, const Isa &) const override {
    std::optional<Rows> rows = rowsOf(dispatch);
    if (!rows)
      return "no reduction of rows";
    Block &body = dispatch.getBody().front();
    auto isInside = [&](Value value) {
      return value.getDefiningOp() && !value.getDefiningOp<ConstantOp>();
    };
    for (Operation &op : body.without_terminator())
      if (!isa<ConstantOp>(op) && !rows->fit(&op, isInside))
        return op.getName().stripDialect().str() + " does not go along the rows";
    auto last = body.getTerminator()->getOperand(0).getDefiningOp<ReduceOp>();
    auto reductions = body.getOps<ReduceOp>();
    bool neighbours = rows->axes.back() - rows->axes.front() + 1 == int64_t(rows->axes.size());
    if (last && neighbours && dispatch.getNumResults() == 1 &&
        std::distance(reductions.begin(), reductions.end()) == 1)
      return "nothing follows the reduction";
    for (Type type : dispatch.getResultTypes())
      if (!getElementTypeOrSelf(type).isF32() && rows->isWide(type))
        return "a result is not f32";
    if (dispatch->hasAttr("in_place"))
      return "a row is read again after it is written";
    return std::nullopt;
  }

  int64_t tiles(DispatchOp dispatch, const Isa &) const override {
    return rowsOf(dispatch)->count();
  }

  void emit(DispatchOp dispatch, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    Rows rows = *rowsOf(dispatch);
    unsigned count = kernel.getNumArguments();
    Walk walk(c, dispatch, rows, kernel, isa);
    walk.emit(kernel.getArgument(count - 2), kernel.getArgument(count - 1));
  }
};

} // namespace

const Implementation &rowsImplementation() {
  static const RowsImplementation instance;
  return instance;
}

} // namespace cornet::cpu
