// SPDX-License-Identifier: Apache-2.0
//
// `element`: the implementation that serves everything. Each cell of the result is computed from
// its coordinates: a pointwise op asks its operands for their cells, a movement asks at other
// coordinates, a reduction or contraction loops. So any group fuses into one loop nest without
// temporaries; the innermost loop runs over the last dimension, which LLVM vectorizes where memory
// is contiguous. A tile is one row (all dimensions but the last).
#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Implementation.h"

#include "llvm/ADT/TypeSwitch.h"

#include "mlir/Dialect/Math/IR/Math.h"

#include <limits>
#include <numbers>

using namespace mlir;

namespace cornet::cpu {
namespace {

using Place = SmallVector<Value>;

/// Emits the cell of `value` at `at`.
class Cells {
public:
  Cells(Code code, ValueRange buffers) : c(code), buffers(buffers) {}

  /// From here on cells of `op` lie in its input `index`, which begins at `begin` on the axis.
  void inPart(ConcatOp op, size_t index, int64_t begin) {
    concat = op, part = index, partBegin = begin;
  }

  /// From here on cells at `at`, in the block where they are asked for, are computed once.
  void begin(const Place &at) { top = at, computed.clear(); }

  Value cell(Value value, const Place &at) {
    if (depth > 0 || at != top)
      return compute(value, at);
    if (auto it = computed.find(value); it != computed.end())
      return it->second;
    Value result = compute(value, at);
    computed[value] = result;
    return result;
  }

private:
  /// Narrow reals are computed with as f32 and rounded to the type of the op that computes them.
  Value compute(Value value, const Place &at) {
    Value result = computeAsIs(value, at);
    if (!isReal(value))
      return result;
    return c.real(c.real(result, getElementTypeOrSelf(value)), c.b.getF32Type());
  }

  Value computeAsIs(Value value, const Place &at) {
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

  static ArrayRef<int64_t> shape(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }
  static int64_t positive(int64_t axis, int64_t rank) { return axis < 0 ? axis + rank : axis; }

  Value pointwise(Pointwise op, const Place &at) {
    SmallVector<Value> operands;
    for (Value operand : op->getOperands())
      operands.push_back(cell(operand, broadcast(operand, at)));
    return op.emitScalar(c.b, c.loc, operands);
  }

  /// The cell of `operand` that stands behind `at` of the wider result.
  Place broadcast(Value operand, const Place &at) {
    Place out;
    ArrayRef<int64_t> extents = shape(operand);
    for (size_t d = 0, shift = at.size() - extents.size(); d < extents.size(); ++d)
      out.push_back(extents[d] == 1 ? c.index(0) : at[d + shift]);
    return out;
  }

  Value emit(ConstantOp op, const Place &) {
    auto value = cast<DenseElementsAttr>(op.getValue());
    return arith::ConstantOp::create(c.b, c.loc, value.getSplatValue<TypedAttr>());
  }

  /// Nested loops over `extents` that carry one value.
  Value fold(ArrayRef<int64_t> extents, Value init, function_ref<Value(const Place &, Value)> step,
             Place outer = {}) {
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

  Value emit(ReduceOp op, const Place &at) {
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

  Value emit(ReshapeOp op, const Place &at) {
    ArrayRef<int64_t> out = op.getType().getShape();
    Value linear = c.index(0);
    for (size_t d = 0; d < out.size(); ++d)
      linear = c.add(c.mul(linear, out[d]), at[d]);
    return cell(op.getInput(), c.coordinates(linear, shape(op.getInput())));
  }

  Value emit(RecomputeOp op, const Place &at) { return cell(op.getX(), at); }

  Value emit(TransposeOp op, const Place &at) {
    Place from(at.size());
    for (auto [d, p] : llvm::enumerate(op.getPermutation()))
      from[p] = at[d];
    return cell(op.getInput(), from);
  }

  /// The cell at `at` when it lies inside `extents`, else `otherwise`; the load itself stays
  /// inside.
  Value guarded(ArrayRef<int64_t> extents, Place at, Value otherwise,
                function_ref<Value(const Place &)> load) {
    Value inside = arith::ConstantOp::create(c.b, c.loc, c.b.getBoolAttr(true));
    for (size_t d = 0; d < extents.size(); ++d) {
      Value ok = c.inside(at[d], extents[d]);
      inside = c.both(inside, ok);
      at[d] = c.choose(ok, at[d], c.index(0));
    }
    return c.choose(inside, load(at), otherwise);
  }

  Value emit(PadOp op, const Place &at) {
    Place from;
    for (auto [d, low] : llvm::enumerate(op.getLow()))
      from.push_back(c.sub(at[d], c.index(low)));
    return guarded(shape(op.getInput()), from, c.f32(op.getValue().convertToDouble()),
                   [&](const Place &p) { return cell(op.getInput(), p); });
  }

  Value emit(ConcatOp op, const Place &at) {
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

  Value product(Value sum, Value x, Value y) {
    return arith::AddFOp::create(c.b, c.loc, sum, arith::MulFOp::create(c.b, c.loc, x, y));
  }

  Value emit(MatmulOp op, const Place &at) {
    size_t rank = shape(op.getLhs()).size();
    int64_t K = shape(op.getLhs())[op.getTransposeLhs() ? rank - 2 : rank - 1];
    return fold({K}, c.f32(0), [&](const Place &k, Value sum) {
      auto place = [&](Value operand, Value row, Value column, bool swap) {
        Place p = broadcastBatch(operand, at);
        p.push_back(swap ? column : row);
        p.push_back(swap ? row : column);
        return p;
      };
      Value x =
          cell(op.getLhs(), place(op.getLhs(), at[at.size() - 2], k[0], op.getTransposeLhs()));
      return product(sum, x,
                     cell(op.getRhs(), place(op.getRhs(), k[0], at.back(), op.getTransposeRhs())));
    });
  }

  Place broadcastBatch(Value operand, const Place &at) {
    Place out;
    ArrayRef<int64_t> batch = shape(operand).drop_back(2);
    for (size_t d = 0, shift = at.size() - 2 - batch.size(); d < batch.size(); ++d)
      out.push_back(batch[d] == 1 ? c.index(0) : at[d + shift]);
    return out;
  }

  /// The place of input pixel under tap `k` of output pixel `at`, without the channel.
  template <class Op> Place pixel(Op op, const Place &at, ArrayRef<Value> k) {
    Place out{at[0]};
    for (size_t d = 0; d < k.size(); ++d)
      out.push_back(
          c.sub(c.add(c.mul(at[d + 1], op.getStrides()[d]), c.mul(k[d], op.getDilations()[d])),
                c.index(op.getPadding()[2 * d])));
    return out;
  }

  Value emit(ConvOp op, const Place &at) {
    ArrayRef<int64_t> in = shape(op.getInput()), kernel = shape(op.getKernel());
    int64_t c1 = kernel[kernel.size() - 2], perGroup = kernel.back() / op.getGroups();
    return fold(kernel.drop_back(), c.f32(0), [&](const Place &k, Value sum) {
      Place from = pixel(op, at, ArrayRef(k).drop_back()), weight = k;
      from.push_back(
          c.add(c.mul(c.div(at.back(), perGroup), op.getGroups() == 1 ? 0 : c1), k.back()));
      weight.push_back(at.back());
      Value x = guarded(in, from, c.f32(0), [&](const Place &p) { return cell(op.getInput(), p); });
      return product(sum, x, cell(op.getKernel(), weight));
    });
  }

  Value emit(ConvFilterGradientOp op, const Place &at) {
    ArrayRef<int64_t> in = shape(op.getInput()), places = shape(op.getGradient()).drop_back();
    return fold(places, c.f32(0), [&](const Place &i, Value sum) {
      Place tap(ArrayRef(at).drop_back(2)), from = pixel(op, i, tap), to = i;
      from.push_back(at[at.size() - 2]), to.push_back(at.back());
      Value x = guarded(in, from, c.f32(0), [&](const Place &p) { return cell(op.getInput(), p); });
      return product(sum, x, cell(op.getGradient(), to));
    });
  }

  Value emit(DepthwiseConvOp op, const Place &at) {
    ArrayRef<int64_t> in = shape(op.getInput()), kernel = shape(op.getKernel());
    return fold(kernel.drop_back(2), c.f32(0), [&](const Place &k, Value sum) {
      Place from = pixel(op, at, k), weight = k;
      from.push_back(c.div(at.back(), kernel.back()));
      weight.push_back(c.div(at.back(), kernel.back()));
      weight.push_back(c.rem(at.back(), kernel.back()));
      Value x = guarded(in, from, c.f32(0), [&](const Place &p) { return cell(op.getInput(), p); });
      return product(sum, x, cell(op.getKernel(), weight));
    });
  }

  Value emit(MaxPoolOp op, const Place &at) {
    Value lowest = c.f32(-std::numeric_limits<double>::infinity());
    return fold(op.getWindow(), lowest, [&](const Place &k, Value best) -> Value {
      Place from = pixel(op, at, k);
      from.push_back(at.back());
      Value x = guarded(shape(op.getInput()), from, lowest,
                        [&](const Place &p) { return cell(op.getInput(), p); });
      return arith::MaximumFOp::create(c.b, c.loc, best, x);
    });
  }

  Value emit(AvgPoolOp op, const Place &at) {
    auto sum = [&](bool count) {
      return fold(op.getWindow(), c.f32(0), [&](const Place &k, Value total) -> Value {
        Place from = pixel(op, at, k);
        from.push_back(at.back());
        Value x = guarded(shape(op.getInput()), from, c.f32(0), [&](const Place &p) {
          return count ? c.f32(1) : cell(op.getInput(), p);
        });
        return arith::AddFOp::create(c.b, c.loc, total, x);
      });
    };
    return arith::DivFOp::create(c.b, c.loc, sum(false), sum(true));
  }

  /// The places of a window over (N, spatial..., C) whose tap `k` is the cell at `at`: calls `add`
  /// with the place, which is 0 where there is none, and whether there is one.
  template <class Op>
  Value places(Op op, ArrayRef<int64_t> extents, const Place &at,
               function_ref<Value(const Place &, const Place &, Value, Value)> add) {
    return fold(op.getWindow(), c.f32(0), [&](const Place &k, Value sum) {
      Place place{at[0]};
      Value real = arith::ConstantOp::create(c.b, c.loc, c.b.getBoolAttr(true));
      for (size_t d = 0; d < k.size(); ++d) {
        // Unsigned division sends a negative position far outside.
        Value position =
            c.sub(c.add(at[d + 1], op.getPadding()[2 * d]), c.mul(k[d], op.getDilations()[d]));
        Value q = c.div(position, op.getStrides()[d]);
        real = c.both(real, c.inside(c.rem(position, op.getStrides()[d]), 1));
        Value inside = c.inside(q, extents[d + 1]);
        real = c.both(real, inside);
        place.push_back(c.choose(inside, q, c.index(0)));
      }
      place.push_back(at.back());
      return add(k, place, real, sum);
    });
  }

  Value emit(MaxPoolGradientOp op, const Place &at) {
    ArrayRef<int64_t> in = shape(op.getInput());
    auto linear = [&](const Place &k) {
      Value out = c.index(0);
      for (size_t d = 0; d < k.size(); ++d)
        out = c.add(c.mul(out, op.getWindow()[d]), k[d]);
      return out;
    };
    Value here = cell(op.getInput(), at), lowest = c.f32(-std::numeric_limits<double>::infinity());
    return places(op, shape(op.getGradient()), at,
                  [&](const Place &k, const Place &place, Value real, Value sum) -> Value {
                    // Taps that keep the gradient from this one.
                    Value wins = fold(op.getWindow(), real, [&](const Place &other, Value wins) {
                      Place from = pixel(op, place, other);
                      from.push_back(at.back());
                      Value x = guarded(in, from, lowest,
                                        [&](const Place &p) { return cell(op.getInput(), p); });
                      auto compare = [&](arith::CmpFPredicate p) {
                        return arith::CmpFOp::create(c.b, c.loc, p, here, x);
                      };
                      Value before = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::slt,
                                                           linear(other), linear(k));
                      return c.both(wins, c.choose(before, compare(arith::CmpFPredicate::OGT),
                                                   compare(arith::CmpFPredicate::OGE)));
                    });
                    Value g = c.choose(wins, cell(op.getGradient(), place), c.f32(0));
                    return arith::AddFOp::create(c.b, c.loc, sum, g);
                  });
  }

  Value emit(AvgPoolGradientOp op, const Place &at) {
    return places(op, shape(op.getGradient()), at,
                  [&](const Place &, const Place &place, Value real, Value sum) -> Value {
                    Value count = fold(op.getWindow(), c.f32(0), [&](const Place &k, Value n) {
                      Place from = pixel(op, place, k);
                      from.push_back(at.back());
                      Value one = guarded(op.getType().getShape(), from, c.f32(0),
                                          [&](const Place &) { return c.f32(1); });
                      return Value(arith::AddFOp::create(c.b, c.loc, n, one));
                    });
                    Value g = cell(op.getGradient(), place);
                    g = arith::DivFOp::create(c.b, c.loc, g, count);
                    return arith::AddFOp::create(c.b, c.loc, sum, c.choose(real, g, c.f32(0)));
                  });
  }

  Value emit(ResizeGradientOp op, const Place &at) {
    ArrayRef<int64_t> in = shape(op.getGradient());
    auto number = [&](Value i) -> Value {
      Value narrow = arith::IndexCastOp::create(c.b, c.loc, c.b.getI32Type(), i);
      return arith::SIToFPOp::create(c.b, c.loc, c.b.getF32Type(), narrow);
    };
    // The share of place i of the result of resize that cell `x` of dimension d has.
    auto share = [&](size_t d, Value i, Value x) -> Value {
      int64_t extent = op.getSize()[d];
      Value p = arith::AddFOp::create(c.b, c.loc, number(i), c.f32(0.5));
      p = arith::MulFOp::create(c.b, c.loc, p, c.f32(float(double(extent) / double(in[d + 1]))));
      p = arith::SubFOp::create(c.b, c.loc, p, c.f32(0.5));
      p = arith::MaximumFOp::create(c.b, c.loc, p, c.f32(0));
      p = arith::MinimumFOp::create(c.b, c.loc, p, c.f32(double(extent - 1)));
      Value far = math::AbsFOp::create(c.b, c.loc, arith::SubFOp::create(c.b, c.loc, p, number(x)));
      return arith::MaximumFOp::create(c.b, c.loc, arith::SubFOp::create(c.b, c.loc, c.f32(1), far),
                                       c.f32(0));
    };
    // Places near enough, one more at either end.
    auto range = [&](size_t d, Value x) -> std::pair<Value, Value> {
      int64_t extent = op.getSize()[d], places = in[d + 1];
      Value low = c.sub(c.mul(c.sub(c.mul(x, 2), c.index(1)), places), c.index(extent));
      low = c.div(c.max(low, c.index(0)), 2 * extent);
      low = c.max(c.sub(low, c.index(1)), c.index(0));
      Value high = c.div(c.mul(c.add(c.mul(x, 2), 3), places), 2 * extent);
      return {low, c.min(c.add(high, 2), c.index(places))};
    };
    auto [top, bottom] = range(0, at[1]);
    auto [left, right] = range(1, at[2]);
    return c.loop(top, bottom, c.f32(0), [&](Value y, ValueRange sum) -> SmallVector<Value> {
      Value mine = share(0, y, at[1]);
      return c.loop(left, right, sum, [&](Value x, ValueRange sum) -> SmallVector<Value> {
        Value weight = arith::MulFOp::create(c.b, c.loc, mine, share(1, x, at[2]));
        return {product(sum[0], weight, cell(op.getGradient(), {at[0], y, x, at[3]}))};
      });
    })[0];
  }

  Value emit(SliceOp op, const Place &at) {
    Place from;
    for (auto [d, start] : llvm::enumerate(op.getStart()))
      from.push_back(c.add(at[d], start));
    return cell(op.getInput(), from);
  }

  Value emit(BroadcastOp op, const Place &at) {
    return cell(op.getInput(), broadcast(op.getInput(), at));
  }

  Value emit(GatherOp op, const Place &at) {
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
  Value emit(ScatterOp op, const Place &at) {
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

  Value emit(TakeAlongAxisOp op, const Place &at) {
    ArrayRef<int64_t> in = shape(op.getInput());
    size_t axis = size_t(positive(int64_t(op.getAxis()), int64_t(in.size())));
    Place from = at;
    from[axis] =
        arith::IndexCastOp::create(c.b, c.loc, c.b.getIndexType(), cell(op.getIndices(), at));
    from[axis] = c.min(c.max(from[axis], c.index(0)), c.index(in[axis] - 1));
    return cell(op.getInput(), from);
  }

  /// The j-th largest cell of a row is the largest of those that come after the (j - 1)-th.
  Value emit(TopKOp op, const Place &at) {
    auto before = [&](Value order, Value place, Value than, Value other) {
      Value equal = c.both(c.equal(order, than), c.less(place, other));
      return Value(arith::OrIOp::create(c.b, c.loc, c.less(than, order), equal));
    };
    Value most = c.i32(INT32_MAX), least = c.i32(INT32_MIN), none = c.index(-1);
    ++depth;
    Value found =
        c.loop(c.index(0), c.add(at.back(), 1), {most, none}, [&](Value, ValueRange last) {
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

  Value emit(RandomOp op, const Place &at) {
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

  Value emit(ResizeOp op, const Place &at) {
    ArrayRef<int64_t> in = shape(op.getInput());
    auto number = [&](Value i) {
      Value narrow = arith::IndexCastOp::create(c.b, c.loc, c.b.getI32Type(), i);
      return arith::SIToFPOp::create(c.b, c.loc, c.b.getF32Type(), narrow);
    };
    Value low[2], high[2], share[2];
    for (int d = 0; d < 2; ++d) {
      float scale = float(double(in[d + 1]) / double(op.getSize()[d]));
      Value x = arith::AddFOp::create(c.b, c.loc, number(at[d + 1]), c.f32(0.5));
      x = arith::SubFOp::create(c.b, c.loc, arith::MulFOp::create(c.b, c.loc, x, c.f32(scale)),
                                c.f32(0.5));
      x = arith::MaximumFOp::create(c.b, c.loc, x, c.f32(0));
      x = arith::MinimumFOp::create(c.b, c.loc, x, c.f32(in[d + 1] - 1));
      Value floor = arith::FPToSIOp::create(c.b, c.loc, c.b.getI32Type(), x);
      low[d] = arith::IndexCastOp::create(c.b, c.loc, c.b.getIndexType(), floor);
      high[d] = c.min(c.add(low[d], 1), c.index(in[d + 1] - 1));
      share[d] = arith::SubFOp::create(c.b, c.loc, x, number(low[d]));
    }
    auto mix = [&](Value a, Value b, Value t) -> Value {
      Value step = arith::MulFOp::create(c.b, c.loc, t, arith::SubFOp::create(c.b, c.loc, b, a));
      return arith::AddFOp::create(c.b, c.loc, a, step);
    };
    auto row = [&](Value y) {
      return mix(cell(op.getInput(), {at[0], y, low[1], at[3]}),
                 cell(op.getInput(), {at[0], y, high[1], at[3]}), share[1]);
    };
    return mix(row(low[0]), row(high[0]), share[0]);
  }

  /// Index `i` brought into `extent` cells by the fill mode; of `constant` also whether it was
  /// inside.
  std::pair<Value, Value> filled(Value i, int64_t extent, StringRef mode) {
    auto cycle = [&](int64_t period) {
      Value rest = arith::RemSIOp::create(c.b, c.loc, i, c.index(period));
      return c.rem(c.add(rest, period), period);
    };
    if (mode == "nearest")
      return {c.min(c.max(i, c.index(0)), c.index(extent - 1)), Value()};
    if (mode == "wrap")
      return {cycle(extent), Value()};
    Value ok;
    if (mode == "reflect") {
      Value place = cycle(2 * extent);
      ok = c.inside(place, extent);
      return {c.choose(ok, place, c.sub(c.index(2 * extent - 1), place)), Value()};
    }
    ok = c.inside(i, extent);
    return {c.choose(ok, i, c.index(0)), ok};
  }

  Value emit(GridSampleOp op, const Place &at) {
    ArrayRef<int64_t> in = shape(op.getInput());
    bool bilinear = op.getInterpolation() == "bilinear";
    SmallVector<std::pair<Value, Value>> taps[2]; // index and, where it may be outside, whether not
    Value share[2];
    for (int d = 0; d < 2; ++d) {
      Value x = cell(op.getCoordinates(), {at[0], at[1], at[2], c.index(d)});
      // The bounds win over what is no number, so that no index is outside the image.
      x = arith::MaxNumFOp::create(c.b, c.loc, x, c.f32(-0x1p23));
      x = arith::MinNumFOp::create(c.b, c.loc, x, c.f32(0x1p23));
      Value low = x;
      if (bilinear) {
        low = math::FloorOp::create(c.b, c.loc, x);
        share[d] = arith::SubFOp::create(c.b, c.loc, x, low);
      } else { // towards 0 after the largest number below a half away from it
        Value half = math::CopySignOp::create(c.b, c.loc, c.f32(0x1.fffffep-2), x);
        low = arith::AddFOp::create(c.b, c.loc, x, half);
      }
      low = arith::FPToSIOp::create(c.b, c.loc, c.b.getI32Type(), low);
      low = arith::IndexCastOp::create(c.b, c.loc, c.b.getIndexType(), low);
      for (int64_t tap = 0; tap <= bilinear; ++tap)
        taps[d].push_back(filled(c.add(low, tap), in[d + 1], op.getFillMode()));
    }
    auto load = [&](size_t y, size_t x) -> Value {
      Value value = cell(op.getInput(), {at[0], taps[0][y].first, taps[1][x].first, at[3]});
      if (!taps[0][y].second)
        return value;
      return c.choose(c.both(taps[0][y].second, taps[1][x].second), value,
                      c.f32(op.getFillValue().convertToDouble()));
    };
    if (!bilinear)
      return load(0, 0);
    auto mix = [&](Value a, Value b, Value t) -> Value {
      Value rest = arith::SubFOp::create(c.b, c.loc, c.f32(1), t);
      return arith::AddFOp::create(c.b, c.loc, Value(arith::MulFOp::create(c.b, c.loc, rest, a)),
                                   Value(arith::MulFOp::create(c.b, c.loc, t, b)));
    };
    return mix(mix(load(0, 0), load(0, 1), share[1]), mix(load(1, 0), load(1, 1), share[1]),
               share[0]);
  }

  Value emit(ConvTransposeOp op, const Place &at) {
    ArrayRef<int64_t> in = shape(op.getInput()), kernel = shape(op.getKernel());
    SmallVector<int64_t> loops(kernel.drop_back(2));
    loops.push_back(kernel.back());
    return fold(loops, c.f32(0), [&](const Place &k, Value sum) {
      Place from{at[0]}, weight(ArrayRef(k).drop_back());
      Value onGrid = arith::ConstantOp::create(c.b, c.loc, c.b.getBoolAttr(true));
      for (size_t d = 0; d + 1 < k.size(); ++d) {
        // Unsigned division sends a negative position far outside.
        Value position =
            c.sub(c.add(at[d + 1], op.getPadding()[2 * d]), c.mul(k[d], op.getDilations()[d]));
        from.push_back(c.div(position, op.getStrides()[d]));
        onGrid = c.both(onGrid, c.inside(c.rem(position, op.getStrides()[d]), 1));
      }
      from.push_back(k.back());
      weight.push_back(at.back()), weight.push_back(k.back());
      Value x = guarded(in, from, c.f32(0), [&](const Place &p) { return cell(op.getInput(), p); });
      return product(sum, c.choose(onGrid, x, c.f32(0)), cell(op.getKernel(), weight));
    });
  }

  Code c;
  ValueRange buffers;
  Place top;
  llvm::DenseMap<Value, Value> computed;
  int depth = 0; ///< of loops around the current cell
  ConcatOp concat;
  size_t part = 0;
  int64_t partBegin = 0;
};

class ElementImplementation final : public Implementation {
public:
  StringRef name() const override { return "element"; }
  std::optional<std::string> refuse(DispatchOp, const Isa &) const override { return std::nullopt; }

  /// A concatenation along the last dimension of the result, if the group has one.
  static ConcatOp lastAxisConcat(DispatchOp dispatch) {
    auto type = cast<RankedTensorType>(dispatch.getResult(0).getType());
    for (auto concat : dispatch.getBody().front().getOps<ConcatOp>())
      if (concat.getType() == type &&
          (concat.getAxis() == uint64_t(-1) || int64_t(concat.getAxis()) == type.getRank() - 1))
        return concat;
    return {};
  }

  int64_t tiles(DispatchOp dispatch, const Isa &) const override {
    auto type = cast<RankedTensorType>(dispatch.getResult(0).getType());
    return type.getRank() == 0
               ? 1
               : type.getNumElements() / std::max<int64_t>(type.getShape().back(), 1);
  }

  void emit(DispatchOp dispatch, const Isa &, func::FuncOp kernel) const override {
    Block &entry = kernel.front();
    OpBuilder builder = OpBuilder::atBlockEnd(&entry);
    Code c{builder, kernel.getLoc()};
    unsigned inputs = dispatch.getInputs().size();
    ArrayRef<int64_t> shape = cast<RankedTensorType>(dispatch.getResult(0).getType()).getShape();
    ValueRange yielded = dispatch.getBody().front().getTerminator()->getOperands();
    Cells cells(c, ValueRange(entry.getArguments()).take_front(inputs));
    unsigned count = entry.getNumArguments();
    c.loop(entry.getArgument(count - 2), entry.getArgument(count - 1), [&](Value row) {
      auto store = [&](const Place &at) {
        SmallVector<Value> results;
        cells.begin(at);
        for (Value value : yielded)
          results.push_back(cells.cell(value, at));
        for (auto [i, result] : llvm::enumerate(results)) {
          Value buffer = entry.getArgument(resultArgument(dispatch, i));
          if (isReal(yielded[i]))
            result = c.real(result, getElementTypeOrSelf(buffer));
          memref::StoreOp::create(builder, c.loc, result, buffer, at);
        }
      };
      if (shape.empty())
        return store({});
      Place at = c.coordinates(row, shape.drop_back());
      auto columns = [&](int64_t from, int64_t to) {
        c.loop(c.index(from), c.index(to), [&](Value last) {
          Place cell = at;
          cell.push_back(last);
          store(cell);
        });
      };
      ConcatOp concat = lastAxisConcat(dispatch);
      if (!concat)
        return columns(0, shape.back());
      int64_t begin = 0;
      for (auto [i, input] : llvm::enumerate(concat.getInputs())) {
        int64_t extent = cast<RankedTensorType>(input.getType()).getShape().back();
        cells.inPart(concat, i, begin);
        columns(begin, begin + extent);
        begin += extent;
      }
    });
  }
};

} // namespace

const Implementation &elementImplementation() {
  static const ElementImplementation instance;
  return instance;
}

} // namespace cornet::cpu
