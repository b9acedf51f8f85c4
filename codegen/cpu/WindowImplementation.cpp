// SPDX-License-Identifier: Apache-2.0
//
// `window`: depthwise convolutions and pools. Channels are independent, so vectors run along them.
// A tile of a depthwise convolution is a few neighbouring columns, of two lines where windows
// overlap, times one vector of channels: each input cell is loaded once and added to every output
// of the tile that it stands under. A tile of a pool combines the cells of each column of the
// window first, and then columns: neighbours share them. Whatever the tile, an output's cells are
// combined in the same order.
#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Geometry.h"

#include <limits>

using namespace mlir;

namespace cornet::cpu {
namespace {

struct Window : Geometry {
  Value input, weights; ///< no weights: a pool
  bool largest = false; ///< of pools: the maximum, else the mean
};

ArrayRef<int64_t> shapeOf(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }

template <class Op> Geometry geometryOf(Op op, ArrayRef<int64_t> window) {
  return Geometry::of(shapeOf(op.getInput()), shapeOf(op.getResult()), window, op.getStrides(),
                      op.getDilations(), op.getPadding());
}

std::optional<Window> describe(Operation *root) {
  Window out;
  if (shapeOf(root->getResult(0)).size() > 4 || shapeOf(root->getResult(0)).size() < 3)
    return std::nullopt;
  if (auto conv = dyn_cast<DepthwiseConvOp>(root)) {
    ArrayRef<int64_t> kernel = shapeOf(conv.getKernel());
    if (kernel.back() != 1)
      return std::nullopt;
    static_cast<Geometry &>(out) = geometryOf(conv, kernel.drop_back(2));
    out.weights = storedAs(conv.getKernel());
  } else if (auto pool = dyn_cast<MaxPoolOp>(root)) {
    static_cast<Geometry &>(out) = geometryOf(pool, pool.getWindow());
    out.largest = true;
  } else if (auto pool = dyn_cast<AvgPoolOp>(root)) {
    static_cast<Geometry &>(out) = geometryOf(pool, pool.getWindow());
  } else {
    return std::nullopt;
  }
  out.input = storedAs(root->getOperand(0));
  return out;
}

int64_t ceilDiv(int64_t x, int64_t y) { return (x + y - 1) / y; }

/// How the work is cut.
struct Cut {
  int64_t rows = 1;    ///< output lines of a tile
  int64_t columns = 1; ///< most columns of a tile
  int64_t bands = 1;   ///< groups of `rows` lines of one image
  int64_t blocks = 1;  ///< vectors of channels
  int64_t chunk = 1;   ///< of which so many neighbours are a task

  Cut(const Window &w, const Isa &isa) {
    bool wide = isa.registers == 32;
    int64_t most = wide ? 14 : 8;
    if (w.weights && w.R <= 4 && w.S <= 4 && w.dilationY == 1 && w.strideY < w.R && w.perLine > 1) {
      // Sums of two lines, two window rows of weights and a cell share the registers.
      rows = 2, most = wide ? 7 : 4;
    } else if (!w.weights) {
      // The cells under a tile's columns share them.
      int64_t cells = (wide ? 24 : 12) - (w.S - 1) * w.dilationX - 1;
      most = std::clamp<int64_t>(cells / w.strideX + 1, 1, most);
    }
    columns = ceilDiv(w.width, ceilDiv(w.width, most));
    bands = ceilDiv(w.perLine, rows);
    blocks = chunk = ceilDiv(w.channels, isa.lanes);
    // Few lines are cut along the channels too, so that there are tasks for many threads.
    if (int64_t all = w.lines / w.perLine * bands; all < 32)
      chunk = std::clamp<int64_t>(blocks * all / 32, std::min<int64_t>(blocks, 4), blocks);
  }
  int64_t chunks() const { return ceilDiv(blocks, chunk); }
};

class WindowImplementation final : public Implementation {
public:
  StringRef name() const override { return "window"; }

  std::optional<std::string> refuse(DispatchOp dispatch, const Isa &isa) const override {
    Operation *root = rootOf(dispatch);
    std::optional<Window> w = describe(root);
    if (!w)
      return "no pool, nor a depthwise convolution with multiplier 1 over one or two dimensions";
    if (!llvm::isa<BlockArgument>(w->input) ||
        (w->weights && !llvm::isa<BlockArgument>(w->weights)))
      return "an operand is computed in the group";
    if (w->guardedTiles(Cut(*w, isa).columns) > 8 || w->R * w->S > 128)
      return "the window or its border is too wide";
    return refuseEpilogue(dispatch, root);
  }

  int64_t tiles(DispatchOp dispatch, const Isa &isa) const override {
    Window w = *describe(rootOf(dispatch));
    Cut cut(w, isa);
    return w.lines / w.perLine * cut.bands * cut.chunks();
  }

  std::optional<Sweep> sweep(DispatchOp dispatch, const Isa &isa) const override {
    Window w = *describe(rootOf(dispatch));
    Cut cut(w, isa);
    auto linesOf = [=](int64_t blocks) { // each image's last band may be short
      return blocks / cut.bands * w.perLine + blocks % cut.bands * cut.rows;
    };
    int64_t line = w.inWidth * w.channels;
    auto written = [=](int64_t blocks) { return linesOf(blocks) * w.width * w.channels; };
    return Sweep{cast<BlockArgument>(w.input).getArgNumber(),
                 cut.chunks(),
                 w.lines / w.perLine * cut.bands,
                 [=](int64_t blocks) { return w.linesRead(linesOf(blocks)) * line; },
                 [=](int64_t blocks) { return w.linesPassed(linesOf(blocks)) * line; },
                 written,
                 written};
  }

  bool takesPitch(DispatchOp dispatch, unsigned argument, const Isa &) const override {
    return argument >= dispatch.getInputs().size();
  }

  void emit(DispatchOp dispatch, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    Operation *root = rootOf(dispatch);
    Window w = *describe(root);
    Epilogue epilogue(c, dispatch, root, kernel, isa.lanes);
    unsigned count = kernel.getNumArguments();
    Emitter(c, w, Cut(w, isa), epilogue, isa)
        .emit(kernel.getArgument(count - 2), kernel.getArgument(count - 1));
  }

private:
  class Emitter {
  public:
    Emitter(const Code &c, const Window &w, const Cut &cut, Epilogue &epilogue, const Isa &isa)
        : c(c), w(w), cut(cut), epilogue(epilogue), lanes(isa.lanes), input(epilogue.flat(w.input)),
          weights(w.weights ? epilogue.flat(w.weights) : Value()) {}

    void emit(Value begin, Value end) {
      c.loop(begin, end, [&](Value task) {
        Value all = c.div(task, cut.chunks());
        Value band = c.rem(all, cut.bands), image = c.div(all, cut.bands);
        Value y = c.mul(band, cut.rows), line = c.add(c.mul(image, w.perLine), y);
        firstBlock = c.mul(c.rem(task, cut.chunks()), cut.chunk);
        lastBlock = c.add(firstBlock, cut.chunk);
        if (cut.blocks % cut.chunk)
          lastBlock = c.min(lastBlock, c.index(cut.blocks));
        auto lines = [&](int64_t rows) {
          forEachTile(line, [&](const Geometry::Tile &tile, const Geometry::Line &at,
                                Value channel) {
            w.weights ? sumTile(line, at, tile, channel, rows) : poolTile(line, at, tile, channel);
          });
        };
        if (w.perLine % cut.rows == 0)
          return lines(cut.rows);
        Value whole = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::sle,
                                            c.add(y, cut.rows), c.index(w.perLine));
        c.either(
            whole, [&] { lines(cut.rows); }, [&] { lines(1); });
      });
    }

  private:
    using Values = SmallVector<Value>;
    static constexpr int64_t kFar = 1 << 20; ///< bytes of an image

    void forEachTile(
        Value line,
        function_ref<void(const Geometry::Tile &, const Geometry::Line &, Value channel)> body) {
      Geometry::Line at = w.lineAt(c, line);
      w.forEachTile(c, cut.columns, [&](const Geometry::Tile &tile) {
        c.loop(firstBlock, lastBlock, [&](Value block) { body(tile, at, c.mul(block, lanes)); });
      });
    }

    /// Place of the cell of a tile's first column under the window's first, in an input line.
    Value leftOf(const Geometry::Tile &tile, Value channel) {
      Value left = c.add(c.mul(c.mul(tile.first, w.strideX), w.channels), channel);
      return c.sub(left, c.index(w.padX * w.channels));
    }
    Value lineOf(const Geometry::Line &at, Value row) {
      return c.mul(c.add(at.inputLine, row), w.inWidth * w.channels);
    }
    /// The window column of column `m` of a tile that stands over cell `x` of its input line; -1
    /// when there is none.
    int64_t tapOf(const Geometry::Tile &tile, int64_t m, int64_t x) const {
      int64_t s = x - m * w.strideX;
      if (s < 0 || s % w.dilationX || s / w.dilationX >= w.S)
        return -1;
      s /= w.dilationX;
      return tile.guarded && w.outside(tile.at + m, s) ? -1 : s;
    }
    int64_t reach(const Geometry::Tile &tile) const {
      return (tile.columns - 1) * w.strideX + (w.S - 1) * w.dilationX + 1;
    }

    /// Of images that the second cache does not hold, the lines below the tile's, which the next
    /// tiles read: those on the way come from afar, and windows walk in steps that the hardware
    /// does not foresee.
    void fetchAhead(const Geometry::Line &at, const Geometry::Tile &tile, Value channel,
                    int64_t rows) {
      if (w.inHeight * w.inWidth * w.channels * 4 < kFar)
        return;
      Value left = c.add(leftOf(tile, channel), w.padX * w.channels);
      int64_t seen = (rows - 1) * w.strideY + (w.R - 1) * w.dilationY + 1;
      for (int64_t row = seen; row < seen + rows * w.strideY; ++row) {
        Value base = c.add(lineOf(at, c.index(row)), left);
        for (int64_t x = 0; x < tile.columns * w.strideX; ++x)
          memref::PrefetchOp::create(c.b, c.loc, input, ValueRange{c.add(base, x * w.channels)},
                                     false, 2, true);
      }
    }

    /// Sums after the input rows [from, to) (counted from the first line's first window row, in
    /// steps of the dilation), which lines [first, last) of the tile see.
    Values rowsOfSums(const Geometry::Line &at, const Geometry::Tile &tile, Value channel,
                      Value mask, Value from, Value to, const Values &sums, int64_t first,
                      int64_t last) {
      Value left = leftOf(tile, channel);
      return c.loop(from, to, sums, [&](Value i, ValueRange carried) {
        Values now(carried);
        SmallVector<Values> taps;
        for (int64_t p = first; p < last; ++p) {
          taps.emplace_back();
          Value r = c.sub(i, c.index(p * w.strideY));
          for (int64_t s = 0; s < w.S; ++s) {
            Value place = c.add(c.mul(c.add(c.mul(r, w.S), s), w.channels), channel);
            taps.back().push_back(epilogue.load(weights, place, mask));
          }
        }
        Value base = c.add(lineOf(at, c.mul(i, w.dilationY)), left);
        for (int64_t x = 0; x < reach(tile); ++x) {
          Value cell;
          for (int64_t m = 0; m < tile.columns; ++m) {
            int64_t s = tapOf(tile, m, x);
            if (s < 0)
              continue;
            if (!cell)
              cell = epilogue.load(input, c.add(base, x * w.channels), mask);
            for (int64_t p = first; p < last; ++p) {
              Value &sum = now[size_t(p * tile.columns + m)];
              sum =
                  vector::FMAOp::create(c.b, c.loc, cell, taps[size_t(p - first)][size_t(s)], sum);
            }
          }
        }
        return now;
      });
    }

    void sumTile(Value line, const Geometry::Line &at, const Geometry::Tile &tile, Value channel,
                 int64_t rows) {
      Value mask = epilogue.mask(channel, lanes);
      fetchAhead(at, tile, channel, rows);
      Values sums(size_t(rows * tile.columns), epilogue.splat(0));
      if (rows == 1) {
        sums = rowsOfSums(at, tile, channel, mask, at.low, at.high, sums, 0, 1);
      } else {
        // Rows that the first line sees alone, both see, the second sees alone.
        Value high = w.highOf(c, at, w.R + w.strideY);
        Value bounds[] = {at.low, c.index(w.strideY), c.index(w.R), high};
        for (int64_t part = 0; part < 3; ++part)
          sums = rowsOfSums(at, tile, channel, mask, c.max(at.low, bounds[part]),
                            c.min(high, bounds[part + 1]), sums, part / 2, part ? 2 : 1);
      }
      for (int64_t p = 0; p < rows; ++p)
        finish(ArrayRef(sums).slice(size_t(p * tile.columns), size_t(tile.columns)), c.add(line, p),
               tile, channel, mask);
    }

    Value combine(Value x, Value y) {
      if (w.largest)
        return arith::MaximumFOp::create(c.b, c.loc, x, y);
      return c.accumulate(x, y);
    }

    void poolTile(Value line, const Geometry::Line &at, const Geometry::Tile &tile, Value channel) {
      Value mask = epilogue.mask(channel, lanes), left = leftOf(tile, channel);
      fetchAhead(at, tile, channel, 1);
      SmallVector<int64_t> cells; // of an input line, that some window has
      SmallVector<size_t> place(size_t(reach(tile)));
      for (int64_t x = 0; x < reach(tile); ++x)
        for (int64_t m = 0; m < tile.columns; ++m)
          if (tapOf(tile, m, x) >= 0) {
            place[size_t(x)] = cells.size(), cells.push_back(x);
            break;
          }
      double start = w.largest ? -std::numeric_limits<double>::infinity() : 0;
      auto load = [&](Value r) {
        Value base = c.add(lineOf(at, c.mul(r, w.dilationY)), left);
        Values row;
        for (int64_t x : cells)
          row.push_back(epilogue.load(input, c.add(base, x * w.channels), mask));
        return row;
      };
      // Each window has a row, except with padding as high as itself.
      bool always = w.hasRows();
      Values columns = always ? load(at.low) : Values(cells.size(), epilogue.splat(start));
      columns = c.loop(always ? c.add(at.low, 1) : at.low, at.high, columns,
                       [&](Value r, ValueRange carried) {
                         Values now = load(r);
                         for (auto [cell, column] : llvm::zip(now, carried))
                           cell = combine(column, cell);
                         return now;
                       });
      Values outputs;
      Value rows = c.sub(at.high, at.low);
      for (int64_t m = 0; m < tile.columns; ++m) {
        Value all;
        int64_t real = 0;
        for (int64_t x = 0; x < reach(tile); ++x)
          if (tapOf(tile, m, x) >= 0) {
            Value column = columns[place[size_t(x)]];
            all = real++ ? combine(all, column) : column;
          }
        if (!real)
          all = epilogue.splat(start);
        outputs.push_back(w.largest ? all : meanOf(all, c.mul(rows, real)));
      }
      finish(outputs, line, tile, channel, mask);
    }

    /// The mean of the cells that exist.
    Value meanOf(Value sum, Value cells) {
      Value count = arith::IndexCastOp::create(c.b, c.loc, c.b.getI32Type(), cells);
      count = arith::SIToFPOp::create(c.b, c.loc, c.b.getF32Type(), count);
      Value share = arith::DivFOp::create(c.b, c.loc, c.f32(1), count);
      share = vector::BroadcastOp::create(c.b, c.loc, epilogue.vector(), share);
      return arith::MulFOp::create(c.b, c.loc, sum, share);
    }

    void finish(ArrayRef<Value> outputs, Value line, const Geometry::Tile &tile, Value channel,
                Value mask) {
      Value first = c.add(c.mul(line, w.width), tile.first);
      for (auto [m, output] : llvm::enumerate(outputs))
        epilogue.finish(output, c.add(first, int64_t(m)), channel, mask);
    }

    const Code &c;
    const Window &w;
    Cut cut;
    Epilogue &epilogue;
    int64_t lanes;
    Value input, weights, firstBlock, lastBlock;
  };
};

} // namespace

const Implementation &windowImplementation() {
  static const WindowImplementation instance;
  return instance;
}

} // namespace cornet::cpu
