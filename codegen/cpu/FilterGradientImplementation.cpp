// SPDX-License-Identifier: Apache-2.0
//
// `filter_gradient`: sums of outer products over pixels, result[tap, c, o] = sum over p of
// x[p at tap, c] g[p, o]: the gradients of a convolution's kernel and of a product's right side
// (x^T g). A tile is one tap, a few neighbouring c and a panel of vectors of o, kept in registers
// while the pixels pass; a tap meets only the pixels whose cell exists.
//
// Where there are more pixels than the second cache holds, tiles take turns on one chunk of pixels
// after another, and their sums wait on the stack. A cell is summed by one thread in the order of
// pixels, so bits depend neither on threads nor on who shares a chunk.
//
// Cells of bf16 go in words of two neighbouring pixels where the level multiplies and adds pairs to
// f32; other narrow cells are widened.
#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Geometry.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace cornet::cpu {
namespace {

ArrayRef<int64_t> shapeOf(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }
int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// The op as images of perLine x width places of a window over x, each with `outputs` cells of g.
struct Outer : Geometry {
  Value input, gradient;
  int64_t images = 1, outputs = 1;
  int64_t parts = 1, inputPart = 0, gradientPart = 0; ///< a batch of products
  int64_t word = 1;                                   ///< pixels that are multiplied at once

  int64_t pixels() const { return images * perLine * width; }
  int64_t taps() const { return R * S; }
  /// Every cell of x stands under every place of its line: all pixels are one line.
  void flatten() {
    if (R == 1 && S == 1 && strideY == 1 && strideX == 1 && padY == 0 && padX == 0 &&
        width == inWidth && perLine == inHeight)
      width = inWidth = pixels(), images = perLine = inHeight = lines = 1;
  }
};

std::optional<Outer> describe(Operation *root, const Isa &isa) {
  Outer out;
  auto pairs = [&] {
    auto isBF16 = [](Value v) { return getElementTypeOrSelf(v).isBF16(); };
    out.word = isa.dots && isBF16(out.input) && isBF16(out.gradient) ? 2 : 1;
  };
  if (auto matmul = dyn_cast<MatmulOp>(root)) {
    ArrayRef<int64_t> a = shapeOf(matmul.getLhs()), b = shapeOf(matmul.getRhs());
    if (!matmul.getTransposeLhs() || matmul.getTransposeRhs() || a.drop_back(2) != b.drop_back(2))
      return std::nullopt;
    out.input = storedAs(matmul.getLhs()), out.gradient = storedAs(matmul.getRhs());
    out.channels = a.back(), out.outputs = b.back();
    out.width = out.inWidth = a[a.size() - 2];
    for (int64_t extent : a.drop_back(2))
      out.parts *= extent;
    out.inputPart = out.width * out.channels, out.gradientPart = out.width * out.outputs;
    pairs();
    return out;
  }
  auto op = dyn_cast<ConvFilterGradientOp>(root);
  if (!op || op.getWindow().size() > 2)
    return std::nullopt;
  static_cast<Geometry &>(out) =
      Geometry::of(shapeOf(op.getInput()), shapeOf(op.getGradient()), op.getWindow(),
                   op.getStrides(), op.getDilations(), op.getPadding());
  out.input = storedAs(op.getInput()), out.gradient = storedAs(op.getGradient());
  out.outputs = shapeOf(out.gradient).back(), out.images = shapeOf(out.gradient)[0];
  out.flatten();
  pairs();
  return out;
}

struct RegisterTile {
  int64_t rows, columns;
};

/// The least work by a count of multiplications and loads; ragged blocks are counted as such.
RegisterTile chooseTile(const Outer &k, const Isa &isa) {
  int64_t registers = isa.registers, best = -1;
  RegisterTile tile{1, 1};
  for (int64_t columns = 1; columns <= 4; ++columns) {
    int64_t most = std::min<int64_t>((registers - columns - 1) / columns, 14);
    if (most < 1)
      continue;
    int64_t blocks = ceilDiv(k.channels, most), rows = ceilDiv(k.channels, blocks);
    // A word is made of two cells, a panel's vector of two rows.
    auto cost = [&](int64_t r) {
      return std::max({r * columns, k.word * (r + columns), int64_t(8)}) + 1;
    };
    int64_t full = k.channels / rows, rest = k.channels % rows;
    int64_t all =
        (full * cost(rows) + (rest ? cost(rest) : 0)) * ceilDiv(k.outputs, columns * isa.lanes);
    if (best < 0 || all < best)
      best = all, tile = {rows, columns};
  }
  return tile;
}

class Emitter {
public:
  Emitter(const Code &c, const Outer &k, RegisterTile tile, Epilogue &epilogue, const Isa &isa)
      : c(c), k(k), tile(tile), epilogue(epilogue), lanes(isa.lanes), width(tile.columns * lanes),
        input(epilogue.flat(k.input)), gradient(epilogue.flat(k.gradient)) {
    // Pitches are mostly powers of two, so columns of a row share few sets of the cache: as if the
    // whole row were loaded.
    int64_t bytes = cast<MemRefType>(input.getType()).getElementTypeBitWidth() / 8;
    int64_t row = bytes * std::max(k.outputs, k.channels * k.strideY * k.strideX);
    int64_t most =
        std::clamp<int64_t>((isa.registers == 32 ? kCache : kNearCache) / row, 128, 2048);
    if (k.pixels() <= 2 * most)
      return;
    if (k.images == 1 && k.perLine == 1)
      chunkX = most, chunks = ceilDiv(k.width, chunkX);
    else if (k.perLine * k.width <= most)
      chunkN = most / (k.perLine * k.width), chunks = ceilDiv(k.images, chunkN);
    else
      chunkN = 1, chunkY = std::max<int64_t>(most / k.width, 1),
      chunks = k.images * ceilDiv(k.perLine, chunkY);
  }

  void emit(Value begin, Value end) {
    if (chunks == 1)
      return c.loop(begin, end, [&](Value t) {
        place(t);
        eachForm([&](int64_t rows) {
          Values sums(size_t(rows * tile.columns), epilogue.splat(0));
          finish(rows, accumulate(rows, sums, c.index(0)));
        });
      });
    int64_t cells = tile.rows * width, most = std::max<int64_t>(kStack / (4 * cells), 1);
    auto type = MemRefType::get({most * cells}, c.b.getF32Type());
    Value stack =
        memref::AllocaOp::create(c.b, c.loc, type, ValueRange{}, c.b.getI64IntegerAttr(64));
    Value groups = c.div(c.add(c.sub(end, begin), most - 1), most);
    c.loop(c.index(0), groups, [&](Value group) {
      Value first = c.add(begin, c.mul(group, most));
      Value count = c.min(c.sub(end, first), c.index(most));
      c.loop(c.index(0), c.mul(count, cells / lanes),
             [&](Value i) { epilogue.store(epilogue.splat(0), stack, c.mul(i, lanes), {}); });
      c.loop(c.index(0), c.index(chunks), [&](Value chunk) {
        c.loop(c.index(0), count, [&](Value i) {
          place(c.add(first, i));
          eachForm([&](int64_t rows) {
            Values sums = accumulate(rows, load(stack, c.mul(i, cells), rows), chunk);
            for (auto [j, sum] : llvm::enumerate(sums))
              epilogue.store(sum, stack, c.add(c.mul(i, cells), int64_t(j) * lanes), {});
          });
        });
      });
      c.loop(c.index(0), count, [&](Value i) {
        place(c.add(first, i));
        eachForm([&](int64_t rows) { finish(rows, load(stack, c.mul(i, cells), rows)); });
      });
    });
  }

private:
  using Values = SmallVector<Value>;
  /// Bytes of the second cache for a chunk, of the first where few registers make for so few
  /// multiplications per cell that the second is too slow, and of the stack for waiting sums.
  static constexpr int64_t kCache = 512 << 10, kNearCache = 32 << 10, kStack = 96 << 10;

  int64_t blocks() const { return ceilDiv(k.channels, tile.rows); }

  /// Finds tile `t`: taps pass first, then channels, then panels, so that a panel stays.
  void place(Value t) {
    tap = c.rem(t, k.taps()), t = c.div(t, k.taps());
    block = c.rem(t, blocks()), t = c.div(t, blocks());
    int64_t panels = ceilDiv(k.outputs, width);
    column = c.mul(c.rem(t, panels), width), part = c.div(t, panels);
    channel = c.mul(block, tile.rows);
  }

  /// The body for full blocks of channels, and for the last one where it is ragged.
  void eachForm(function_ref<void(int64_t)> body) {
    int64_t rest = k.channels % tile.rows;
    if (rest == 0)
      return body(tile.rows);
    Value last = c.equal(block, c.index(blocks() - 1));
    auto branch = scf::IfOp::create(c.b, c.loc, TypeRange{}, last, true);
    OpBuilder::InsertionGuard guard(c.b);
    c.b.setInsertionPointToStart(branch.thenBlock());
    body(rest);
    c.b.setInsertionPointToStart(branch.elseBlock());
    body(tile.rows);
  }

  Values load(Value stack, Value at, int64_t rows) {
    Values out;
    for (int64_t i = 0; i < rows * tile.columns; ++i)
      out.push_back(epilogue.load(stack, c.add(at, i * lanes), {}));
    return out;
  }

  Value maskAt(int64_t j) {
    if (k.outputs % width == 0)
      return {};
    return c.firstLanes(lanes, c.sub(c.index(k.outputs), c.add(column, j * lanes)));
  }

  /// The places [first, second) of `extent` whose tap lies in 0..in.
  std::pair<Value, Value> range(Value tap, int64_t window, int64_t extent, int64_t in,
                                int64_t stride, int64_t dilation, int64_t pad) {
    if (pad <= 0 && (extent - 1) * stride + (window - 1) * dilation - pad < in)
      return {c.index(0), c.index(extent)};
    Value shift = c.sub(c.index(pad), c.mul(tap, dilation));
    Value low = c.div(c.add(c.max(shift, c.index(0)), stride - 1), stride);
    Value high = c.div(c.max(c.add(shift, in - 1 + stride), c.index(0)), stride);
    return {low, c.min(high, c.index(extent))};
  }

  /// [low, high) cut to chunk `i` of `extent` cells.
  static std::pair<Value, Value> cut(const Code &c, std::pair<Value, Value> range, Value i,
                                     int64_t extent) {
    Value from = c.mul(i, extent);
    return {c.max(range.first, from), c.min(range.second, c.add(from, extent))};
  }

  Values accumulate(int64_t rows, const Values &sums, Value chunk) {
    Value r = c.div(tap, k.S), s = c.rem(tap, k.S);
    std::pair<Value, Value> images{c.index(0), c.index(k.images)};
    auto ys = range(r, k.R, k.perLine, k.inHeight, k.strideY, k.dilationY, k.padY);
    auto xs = range(s, k.S, k.width, k.inWidth, k.strideX, k.dilationX, k.padX);
    if (chunkX)
      xs = cut(c, xs, chunk, chunkX);
    if (chunkY)
      ys = cut(c, ys, c.rem(chunk, ceilDiv(k.perLine, chunkY)), chunkY);
    if (chunkN)
      images = cut(c, images, chunkY ? c.div(chunk, ceilDiv(k.perLine, chunkY)) : chunk, chunkN);
    Value top = c.sub(c.mul(r, k.dilationY), c.index(k.padY));
    Value left = c.sub(c.mul(s, k.dilationX), c.index(k.padX));
    Value inputBase = c.add(c.mul(part, k.inputPart), channel);
    Value gradientBase = c.add(c.mul(part, k.gradientPart), column);
    return c.loop(images.first, images.second, sums, [&](Value n, ValueRange now) {
      return c.loop(ys.first, ys.second, now, [&](Value y, ValueRange now) {
        Value inLine = c.add(c.mul(n, k.inHeight), c.add(c.mul(y, k.strideY), top));
        Value from = c.add(inputBase, c.mul(c.add(c.mul(inLine, k.inWidth), left), k.channels));
        Value line = c.add(c.mul(n, k.perLine), y);
        Value to = c.add(gradientBase, c.mul(line, k.width * k.outputs));
        auto cellOf = [&](Value x) { return c.add(from, c.mul(x, k.strideX * k.channels)); };
        auto placeOf = [&](Value x) { return c.add(to, c.mul(x, k.outputs)); };
        if (k.word == 2)
          return pairs(rows, xs, now, cellOf, placeOf);
        return c.loop(xs.first, xs.second, now, [&](Value x, ValueRange now) {
          return step(rows, cellOf(x), placeOf(x), now);
        });
      });
    });
  }

  /// One pixel.
  Values step(int64_t rows, Value from, Value to, ValueRange sums) {
    Values panel, next;
    for (int64_t j = 0; j < tile.columns; ++j)
      panel.push_back(epilogue.load(gradient, c.add(to, j * lanes), maskAt(j)));
    for (int64_t m = 0; m < rows; ++m) {
      Value spread = epilogue.loadSpread(input, c.add(from, m));
      for (int64_t j = 0; j < tile.columns; ++j)
        next.push_back(vector::FMAOp::create(c.b, c.loc, spread, panel[size_t(j)],
                                             sums[size_t(m * tile.columns + j)]));
    }
    return next;
  }

  using At = function_ref<Value(Value)>;

  /// Pixels two by two; where one is left over, it is alone.
  Values pairs(int64_t rows, std::pair<Value, Value> xs, ValueRange sums, At cellOf, At placeOf) {
    Value count = c.max(c.sub(xs.second, xs.first), c.index(0)), two = c.div(count, 2);
    Values now = c.loop(c.index(0), two, sums, [&](Value i, ValueRange now) {
      Value x = c.add(xs.first, c.mul(i, 2)), next = c.add(x, 1);
      return stepTwo(rows, cellOf(x), cellOf(next), placeOf(x), placeOf(next), now);
    });
    return c.loop(c.index(0), c.rem(count, 2), now, [&](Value, ValueRange now) {
      Value x = c.sub(xs.second, c.index(1));
      return stepTwo(rows, cellOf(x), {}, placeOf(x), {}, now);
    });
  }

  /// Two pixels, or one and zeros.
  Values stepTwo(int64_t rows, Value from, Value nextFrom, Value to, Value nextTo,
                 ValueRange sums) {
    Type i32 = c.b.getI32Type(), bf16 = c.b.getBF16Type();
    Values panel, next;
    for (int64_t j = 0; j < tile.columns; ++j) {
      Value mask = maskAt(j), low = epilogue.loadStored(gradient, c.add(to, j * lanes), mask);
      Value high = nextTo ? epilogue.loadStored(gradient, c.add(nextTo, j * lanes), mask)
                          : arith::ConstantOp::create(c.b, c.loc, c.b.getZeroAttr(low.getType()));
      panel.push_back(c.bits(vector::InterleaveOp::create(c.b, c.loc, low, high), bf16));
    }
    for (int64_t m = 0; m < rows; ++m) {
      auto cell = [&](Value at) -> Value {
        Value bits = memref::LoadOp::create(c.b, c.loc, input, ValueRange{c.add(at, m)});
        return arith::ExtUIOp::create(c.b, c.loc, i32, bits);
      };
      Value word = cell(from);
      if (nextFrom) {
        Value high = arith::ShLIOp::create(c.b, c.loc, cell(nextFrom),
                                           arith::ConstantIntOp::create(c.b, c.loc, i32, 16));
        word = arith::OrIOp::create(c.b, c.loc, word, high);
      }
      word = vector::BroadcastOp::create(c.b, c.loc, VectorType::get({lanes}, i32), word);
      word = vector::BitCastOp::create(c.b, c.loc, VectorType::get({2 * lanes}, bf16), word);
      for (int64_t j = 0; j < tile.columns; ++j) {
        Value sum = sums[size_t(m * tile.columns + j)];
        next.push_back(
            LLVM::CallIntrinsicOp::create(c.b, c.loc, sum.getType(),
                                          c.b.getStringAttr("llvm.x86.avx512bf16.dpbf16ps.512"),
                                          ValueRange{sum, word, panel[size_t(j)]})
                .getResult(0));
      }
    }
    return next;
  }

  void finish(int64_t rows, const Values &sums) {
    Value row = c.add(c.mul(c.add(c.mul(part, k.taps()), tap), k.channels), channel);
    for (int64_t m = 0; m < rows; ++m)
      for (int64_t j = 0; j < tile.columns; ++j)
        epilogue.finish(sums[size_t(m * tile.columns + j)], c.add(row, m), c.add(column, j * lanes),
                        maskAt(j));
  }

  const Code &c;
  const Outer &k;
  RegisterTile tile;
  Epilogue &epilogue;
  int64_t lanes, width;
  Value input, gradient;
  int64_t chunks = 1, chunkN = 0, chunkY = 0, chunkX = 0; ///< 0: not cut
  Value tap, block, column, part, channel;                ///< of the current tile
};

class FilterGradientImplementation final : public Implementation {
public:
  StringRef name() const override { return "filter_gradient"; }

  std::optional<std::string> refuse(DispatchOp dispatch, const Isa &isa) const override {
    std::optional<Outer> k = describe(rootOf(dispatch), isa);
    if (!k)
      return "no gradient of a kernel over one or two dimensions, nor a product x^T g";
    if (!llvm::isa<BlockArgument>(k->input) || !llvm::isa<BlockArgument>(k->gradient))
      return "an operand is computed in the group";
    return refuseEpilogue(dispatch, rootOf(dispatch));
  }

  int64_t tiles(DispatchOp dispatch, const Isa &isa) const override {
    Outer k = *describe(rootOf(dispatch), isa);
    RegisterTile t = chooseTile(k, isa);
    return k.parts * k.taps() * ceilDiv(k.channels, t.rows) *
           ceilDiv(k.outputs, t.columns * isa.lanes);
  }

  void emit(DispatchOp dispatch, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    Outer k = *describe(rootOf(dispatch), isa);
    Epilogue epilogue(c, dispatch, rootOf(dispatch), kernel, isa.lanes);
    unsigned count = kernel.getNumArguments();
    Emitter(c, k, chooseTile(k, isa), epilogue, isa)
        .emit(kernel.getArgument(count - 2), kernel.getArgument(count - 1));
  }
};

} // namespace

const Implementation &filterGradientImplementation() {
  static const FilterGradientImplementation instance;
  return instance;
}

} // namespace cornet::cpu
