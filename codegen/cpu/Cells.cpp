// SPDX-License-Identifier: Apache-2.0
//
// Pointwise ops, movements, reductions, products, and what chooses or draws cells.
#include "codegen/cpu/Cells.h"

#include "codegen/cpu/Epilogue.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "llvm/ADT/TypeSwitch.h"

#include <limits>
#include <numbers>

using namespace mlir;

namespace cornet::cpu {

Value Cells::cell(Value value, const Place &at) {
  if (depth > 0 || at != top)
    return compute(value, at);
  if (auto it = computed.find(value); it != computed.end())
    return it->second;
  Value result = compute(value, at);
  computed[value] = result;
  return result;
}

Value Cells::compute(Value value, const Place &at) {
  Value result = computeAsIs(value, at);
  if (isByte(value.getType()))
    return isa<BlockArgument>(value) ? c.widened(result, getElementTypeOrSelf(value)) : result;
  if (!isReal(value))
    return result;
  return c.real(c.real(result, getElementTypeOrSelf(value)), c.b.getF32Type());
}

Value Cells::computeAsIs(Value value, const Place &at) {
  if (auto argument = dyn_cast<BlockArgument>(value))
    return memref::LoadOp::create(c.b, c.loc, buffers[argument.getArgNumber()], at);
  Operation *op = value.getDefiningOp();
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case<ConstantOp, ReduceOp, ReshapeOp, TransposeOp, PadOp, ConcatOp, MatmulOp, ConvOp,
            DepthwiseConvOp, MaxPoolOp, AvgPoolOp, SliceOp, BroadcastOp, GatherOp, ResizeOp,
            ConvTransposeOp, ConvFilterGradientOp, MaxPoolGradientOp, AvgPoolGradientOp,
            ResizeGradientOp, ScatterOp, TakeAlongAxisOp, TopKOp, RandomOp, GridSampleOp,
            RecomputeOp>([&](auto typed) { return emit(typed, at); })
      .Default([&](Operation *other) { return pointwise(cast<Pointwise>(other), at); });
}

Value Cells::pointwise(Pointwise op, const Place &at) {
  SmallVector<Value> operands;
  for (Value operand : op->getOperands())
    operands.push_back(cell(operand, broadcast(operand, at)));
  return op.emitScalar(c.b, c.loc, operands);
}

Place Cells::broadcast(Value operand, const Place &at) {
  Place out;
  ArrayRef<int64_t> extents = shape(operand);
  for (size_t d = 0, shift = at.size() - extents.size(); d < extents.size(); ++d)
    out.push_back(extents[d] == 1 ? c.index(0) : at[d + shift]);
  return out;
}

Value Cells::emit(ConstantOp op, const Place &) {
  auto value = cast<DenseElementsAttr>(op.getValue());
  if (isByte(value.getType()))
    return c.f32(numberOf(value));
  return arith::ConstantOp::create(c.b, c.loc, value.getSplatValue<TypedAttr>());
}

Value Cells::fold(ArrayRef<int64_t> extents, Value init,
                  function_ref<Value(const Place &, Value)> step, Place outer) {
  if (extents.empty())
    return step(outer, init);
  ++depth;
  Value result = c.loop(c.index(0), c.index(extents[0]), init,
                        [&](Value i, ValueRange carried) -> SmallVector<Value> {
                          Place inner = outer;
                          inner.push_back(i);
                          return {fold(extents.drop_front(), carried[0], step, inner)};
                        })[0];
  --depth;
  return result;
}

Value Cells::emit(ReduceOp op, const Place &at) {
  ArrayRef<int64_t> in = shape(op.getInput());
  SmallVector<bool> reduced(in.size(), false);
  SmallVector<int64_t> extents;
  int64_t count = 1;
  for (int64_t axis : op.getAxes())
    reduced[positive(axis, in.size())] = true;
  for (size_t d = 0; d < in.size(); ++d)
    if (reduced[d])
      extents.push_back(in[d]), count *= in[d];
  double infinity = std::numeric_limits<double>::infinity();
  bool max = op.getKind() == "max", min = op.getKind() == "min";
  Value total = fold(extents,
                     c.f32(max   ? -infinity
                           : min ? infinity
                                 : 0),
                     [&](const Place &inner, Value carried) -> Value {
                       Place from;
                       for (size_t d = 0, i = 0, o = 0; d < in.size(); ++d) {
                         from.push_back(reduced[d] ? inner[i++] : at[o]);
                         o += !reduced[d] || op.getKeepdims();
                       }
                       Value x = cell(op.getInput(), from);
                       if (max)
                         return arith::MaximumFOp::create(c.b, c.loc, carried, x);
                       if (min)
                         return arith::MinimumFOp::create(c.b, c.loc, carried, x);
                       return arith::AddFOp::create(c.b, c.loc, carried, x);
                     });
  return op.getKind() == "mean" ? Value(arith::DivFOp::create(c.b, c.loc, total, c.f32(count)))
                                : total;
}

Value Cells::emit(ReshapeOp op, const Place &at) {
  ArrayRef<int64_t> out = op.getType().getShape();
  Value linear = c.index(0);
  for (size_t d = 0; d < out.size(); ++d)
    linear = c.add(c.mul(linear, out[d]), at[d]);
  return cell(op.getInput(), c.coordinates(linear, shape(op.getInput())));
}

Value Cells::emit(RecomputeOp op, const Place &at) { return cell(op.getX(), at); }

Value Cells::emit(TransposeOp op, const Place &at) {
  Place from(at.size());
  for (auto [d, p] : llvm::enumerate(op.getPermutation()))
    from[p] = at[d];
  return cell(op.getInput(), from);
}

Value Cells::guarded(ArrayRef<int64_t> extents, Place at, Value otherwise,
                     function_ref<Value(const Place &)> load) {
  Value inside = arith::ConstantOp::create(c.b, c.loc, c.b.getBoolAttr(true));
  for (size_t d = 0; d < extents.size(); ++d) {
    Value ok = c.inside(at[d], extents[d]);
    inside = c.both(inside, ok);
    at[d] = c.choose(ok, at[d], c.index(0));
  }
  return c.choose(inside, load(at), otherwise);
}

Value Cells::emit(PadOp op, const Place &at) {
  Place from;
  for (auto [d, low] : llvm::enumerate(op.getLow()))
    from.push_back(c.sub(at[d], c.index(low)));
  return guarded(shape(op.getInput()), from, c.f32(op.getValue().convertToDouble()),
                 [&](const Place &p) { return cell(op.getInput(), p); });
}

Value Cells::emit(ConcatOp op, const Place &at) {
  int64_t axis = positive(op.getAxis(), at.size()), base = 0;
  if (op == concat) { // it is known which part the cell lies in
    Place from = at;
    from[axis] = c.sub(at[axis], c.index(partBegin));
    return cell(op.getInputs()[part], from);
  }
  Value out;
  for (Value part : op.getInputs()) {
    Place from = at;
    from[axis] = c.sub(at[axis], c.index(base));
    out = guarded(shape(part), from, out ? out : c.f32(0),
                  [&](const Place &p) { return cell(part, p); });
    base += shape(part)[axis];
  }
  return out;
}

Value Cells::product(Value sum, Value x, Value y) {
  return arith::AddFOp::create(c.b, c.loc, sum, arith::MulFOp::create(c.b, c.loc, x, y));
}

Value Cells::emit(MatmulOp op, const Place &at) {
  size_t rank = shape(op.getLhs()).size();
  int64_t K = shape(op.getLhs())[op.getTransposeLhs() ? rank - 2 : rank - 1];
  return fold({K}, c.f32(0), [&](const Place &k, Value sum) {
    auto place = [&](Value operand, Value row, Value column, bool swap) {
      Place p = broadcastBatch(operand, at);
      p.push_back(swap ? column : row);
      p.push_back(swap ? row : column);
      return p;
    };
    Value x = cell(op.getLhs(), place(op.getLhs(), at[at.size() - 2], k[0], op.getTransposeLhs()));
    return product(sum, x,
                   cell(op.getRhs(), place(op.getRhs(), k[0], at.back(), op.getTransposeRhs())));
  });
}

Place Cells::broadcastBatch(Value operand, const Place &at) {
  Place out;
  ArrayRef<int64_t> batch = shape(operand).drop_back(2);
  for (size_t d = 0, shift = at.size() - 2 - batch.size(); d < batch.size(); ++d)
    out.push_back(batch[d] == 1 ? c.index(0) : at[d + shift]);
  return out;
}

Value Cells::emit(SliceOp op, const Place &at) {
  Place from;
  for (auto [d, start] : llvm::enumerate(op.getStart()))
    from.push_back(c.add(at[d], start));
  return cell(op.getInput(), from);
}

Value Cells::emit(BroadcastOp op, const Place &at) {
  return cell(op.getInput(), broadcast(op.getInput(), at));
}

Value Cells::emit(GatherOp op, const Place &at) {
  size_t rank = shape(op.getIndices()).size();
  Place from = Place(ArrayRef(at).take_front(rank));
  Value row =
      arith::IndexCastOp::create(c.b, c.loc, c.b.getIndexType(), cell(op.getIndices(), from));
  from = Place(ArrayRef(at).drop_front(rank));
  from.insert(from.begin(), c.min(c.max(row, c.index(0)), c.index(shape(op.getTable())[0] - 1)));
  return cell(op.getTable(), from);
}

/// Each cell looks through all indices: rows of a table that few updates touch have no better
/// way here.
Value Cells::emit(ScatterOp op, const Place &at) {
  ArrayRef<int64_t> indices = shape(op.getIndices());
  Value rows = c.index(int64_t(op.getRows()) - 1);
  return fold(indices, c.f32(0), [&](const Place &i, Value sum) -> Value {
    Value row =
        arith::IndexCastOp::create(c.b, c.loc, c.b.getIndexType(), cell(op.getIndices(), i));
    row = c.min(c.max(row, c.index(0)), rows);
    Value hit = c.equal(row, at[0]);
    Place from = i;
    from.append(at.begin() + 1, at.end());
    Value update = c.choose(hit, cell(op.getUpdates(), from), c.f32(0));
    return arith::AddFOp::create(c.b, c.loc, sum, update);
  });
}

Value Cells::emit(TakeAlongAxisOp op, const Place &at) {
  ArrayRef<int64_t> in = shape(op.getInput());
  size_t axis = size_t(positive(int64_t(op.getAxis()), int64_t(in.size())));
  Place from = at;
  from[axis] =
      arith::IndexCastOp::create(c.b, c.loc, c.b.getIndexType(), cell(op.getIndices(), at));
  from[axis] = c.min(c.max(from[axis], c.index(0)), c.index(in[axis] - 1));
  return cell(op.getInput(), from);
}

/// The j-th largest cell of a row is the largest of those that come after the (j - 1)-th.
Value Cells::emit(TopKOp op, const Place &at) {
  auto before = [&](Value order, Value place, Value than, Value other) {
    Value equal = c.both(c.equal(order, than), c.less(place, other));
    return Value(arith::OrIOp::create(c.b, c.loc, c.less(than, order), equal));
  };
  Value most = c.i32(INT32_MAX), least = c.i32(INT32_MIN), none = c.index(-1);
  ++depth;
  Value found = c.loop(c.index(0), c.add(at.back(), 1), {most, none}, [&](Value, ValueRange last) {
    return c.loop(c.index(0), c.index(shape(op.getInput()).back()), {least, none},
                  [&](Value i, ValueRange best) -> SmallVector<Value> {
                    Place from = at;
                    from.back() = i;
                    Value order = c.order(cell(op.getInput(), from));
                    Value better = c.both(before(last[0], last[1], order, i),
                                          before(order, i, best[0], best[1]));
                    return {c.choose(better, order, best[0]), c.choose(better, i, best[1])};
                  });
  })[1];
  --depth;
  return arith::IndexCastOp::create(c.b, c.loc, c.b.getI32Type(), found);
}

Value Cells::emit(RandomOp op, const Place &at) {
  Type i64 = c.b.getI64Type();
  auto word = [&](uint64_t value) {
    return arith::ConstantOp::create(c.b, c.loc, c.b.getI64IntegerAttr(int64_t(value)));
  };
  auto low = [&](Value x) -> Value {
    return arith::AndIOp::create(c.b, c.loc, x, word(0xffffffff));
  };
  auto high = [&](Value x) -> Value { return arith::ShRUIOp::create(c.b, c.loc, x, word(32)); };
  auto mix = [&](Value x, Value y, uint32_t key) -> Value {
    Value mixed = arith::XOrIOp::create(c.b, c.loc, x, y);
    return arith::XOrIOp::create(c.b, c.loc, mixed, word(key));
  };
  Value linear = c.index(0);
  ArrayRef<int64_t> extents = op.getType().getShape();
  for (size_t d = 0; d < extents.size(); ++d)
    linear = c.add(c.mul(linear, extents[d]), at[d]);
  Value step = arith::ExtUIOp::create(c.b, c.loc, i64, cell(op.getStep(), {}));
  Value w[4] = {low(arith::IndexCastOp::create(c.b, c.loc, i64, linear)), word(0), step, word(0)};
  uint32_t k0 = uint32_t(op.getSeed()), k1 = uint32_t(op.getSeed() >> 32);
  for (int round = 0; round < 10; ++round) {
    Value p0 = arith::MulIOp::create(c.b, c.loc, w[0], word(0xD2511F53));
    Value p1 = arith::MulIOp::create(c.b, c.loc, w[2], word(0xCD9E8D57));
    Value a = mix(high(p1), w[1], k0), b = mix(high(p0), w[3], k1);
    w[0] = a, w[1] = low(p1), w[2] = b, w[3] = low(p0);
    k0 += 0x9E3779B9, k1 += 0xBB67AE85;
  }
  auto unit = [&](Value x, double shift) -> Value { // (the high 24 bits + shift) / 2^24
    Value bits = arith::ShRUIOp::create(c.b, c.loc, x, word(8));
    bits = arith::TruncIOp::create(c.b, c.loc, c.b.getI32Type(), bits);
    Value real = arith::SIToFPOp::create(c.b, c.loc, c.b.getF32Type(), bits);
    real = shift == 0 ? real : Value(arith::AddFOp::create(c.b, c.loc, real, c.f32(shift)));
    return arith::MulFOp::create(c.b, c.loc, real, c.f32(1.0 / (1 << 24)));
  };
  if (op.getDistribution() == "uniform")
    return unit(w[0], 0);
  Value log = math::LogOp::create(c.b, c.loc, unit(w[0], 1));
  Value radius =
      math::SqrtOp::create(c.b, c.loc, arith::MulFOp::create(c.b, c.loc, log, c.f32(-2)));
  Value angle = arith::MulFOp::create(c.b, c.loc, unit(w[1], 0), c.f32(2 * std::numbers::pi));
  return arith::MulFOp::create(c.b, c.loc, radius, math::CosOp::create(c.b, c.loc, angle));
}

} // namespace cornet::cpu
