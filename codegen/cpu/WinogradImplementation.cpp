// SPDX-License-Identifier: Apache-2.0
//
// `winograd`: convolutions by patches, as Winograd.h blocks them.
#include "codegen/cpu/Implementation.h"
#include "codegen/cpu/Winograd.h"

using namespace mlir;

namespace cornet::cpu {
namespace {

using Values = SmallVector<Value>;

/// The arithmetic of transforms on vectors.
struct VectorOps {
  const Code &c;
  VectorType type;
  Value splat(double v) const {
    return arith::ConstantOp::create(c.b, c.loc,
                                     DenseElementsAttr::get(type, c.b.getF32FloatAttr(v)));
  }
  Value add(Value x, Value y) { return arith::AddFOp::create(c.b, c.loc, x, y); }
  Value sub(Value x, Value y) { return arith::SubFOp::create(c.b, c.loc, x, y); }
  Value mul(double s, Value x) { return arith::MulFOp::create(c.b, c.loc, splat(s), x); }
  Value fma(double s, Value x, Value y) {
    return vector::FMAOp::create(c.b, c.loc, splat(s), x, y);
  }
};

/// my cells mx^T of `cells`, rows of an image of vectors as wide as mx is.
Values transformed(const Matrix &my, const Matrix &mx, ArrayRef<Value> cells, VectorOps &ops) {
  size_t height = my.front().size(), width = mx.front().size();
  assert(cells.size() == height * width);
  std::vector<Values> columns;
  for (size_t x = 0; x < width; ++x) {
    Values column;
    for (size_t y = 0; y < height; ++y)
      column.push_back(cells[y * width + x]);
    columns.push_back(multiply<Value>(my, column, ops));
  }
  Values out;
  for (size_t y = 0; y < my.size(); ++y) {
    Values row;
    for (size_t x = 0; x < width; ++x)
      row.push_back(columns[x][y]);
    llvm::append_range(out, multiply<Value>(mx, row, ops));
  }
  return out;
}

class Emitter {
public:
  Emitter(const Code &c, const Winograd &w, Epilogue &epilogue, const Isa &isa, Value scratch)
      : c(c), w(w), k(w.k), epilogue(epilogue), lanes(isa.lanes), ops{c, epilogue.vector()},
        input(epilogue.flat(k.input)), weights(epilogue.flat(k.weights)), scratch(scratch),
        inputAt(0), weightAt(w.inputCells()), sumAt(weightAt + w.weightCells()),
        pixelAt(sumAt + w.sumCells()) {}

  /// The tiles [begin, end).
  void emit(Value begin, Value end) {
    int64_t all = w.blockTiles();
    Value last = c.add(c.div(c.sub(end, c.index(1)), all), 1);
    c.loop(c.div(begin, all), last, [&](Value block) {
      Value first = c.mul(block, w.block), tile = c.mul(block, all);
      Value here = c.index(w.block);
      if (w.patches % w.block)
        here = c.min(here, c.sub(c.index(w.patches), first));
      emitBlock(first, here, c.max(c.sub(begin, tile), c.index(0)),
                c.min(c.sub(end, tile), c.index(all)));
    });
  }

private:
  struct Place {
    Value image, y, x; ///< of a patch: its image and its first output pixel
  };

  Place placeOf(Value patch) {
    Value inImage = c.rem(patch, w.patchesY * w.patchesX);
    return {c.div(patch, w.patchesY * w.patchesX), c.mul(c.div(inImage, w.patchesX), w.y.m),
            c.mul(c.rem(inImage, w.patchesX), w.x.m)};
  }

  /// The tiles [low, high) of the block of `here` patches that begins with patch `first`.
  void emitBlock(Value first, Value here, Value low, Value high) {
    int64_t groups = w.groups(), panels = w.panels(), inner = w.byGroups ? panels : groups;
    Value outerLow = c.div(low, inner), outerHigh = c.div(c.add(high, inner - 1), inner);
    // Of a single outer one the inner ones are a range, of several all of them.
    Value base = c.mul(outerLow, inner);
    Value single = c.equal(c.sub(outerHigh, outerLow), c.index(1));
    Value innerLow = c.choose(single, c.sub(low, base), c.index(0));
    Value innerHigh = c.choose(single, c.sub(high, base), c.index(inner));
    if (!w.byGroups)
      std::swap(outerLow, innerLow), std::swap(outerHigh, innerHigh);
    auto patchesOf = [&](Value group) { return c.min(c.mul(group, w.tile.rows), here); };
    c.loop(patchesOf(outerLow), patchesOf(outerHigh),
           [&](Value i) { transformInput(c.add(first, i), i); });
    c.loop(innerLow, innerHigh, [&](Value panel) {
      Range groups = groupsOf(panel, low, high);
      groups.high = c.min(groups.high, c.div(c.add(here, w.tile.rows - 1), w.tile.rows));
      c.either(
          c.less(groups.low, groups.high),
          [&] {
            if (w.chunks() > 1)
              clearSums();
            c.loop(c.index(0), c.index(w.chunks()), [&](Value chunk) {
              transformWeights(panel, chunk);
              multiplyProducts(panel, chunk, groups);
            });
            c.loop(patchesOf(groups.low), patchesOf(groups.high),
                   [&](Value i) { transformSums(c.add(first, i), i, panel); });
          },
          [] {});
    });
  }

  struct Range {
    Value low, high;
  };

  /// The groups of a panel among the tiles [low, high) of a block.
  Range groupsOf(Value panel, Value low, Value high) {
    if (!w.byGroups) {
      Value tile = c.mul(panel, w.groups());
      return {c.max(c.sub(low, tile), c.index(0)), c.min(c.sub(high, tile), c.index(w.groups()))};
    }
    int64_t panels = w.panels(); // of tiles panel, panel + panels, ... those from `tile` on
    auto from = [&](Value tile) {
      return c.div(c.add(c.max(c.sub(tile, panel), c.index(0)), panels - 1), panels);
    };
    return {from(low), from(high)};
  }

  Value load(Value at) { return epilogue.load(scratch, at, {}); }
  void store(Value vector, Value at) {
    vector::StoreOp::create(c.b, c.loc, vector, scratch, ValueRange{at});
  }

  /// The channels that chunk `chunk` has.
  Value channelsOf(Value chunk) {
    if (k.channels % w.chunk == 0)
      return c.index(w.chunk);
    return c.min(c.index(w.chunk), c.sub(c.index(k.channels), c.mul(chunk, w.chunk)));
  }

  /// Which lanes from channel `channel` on exist; null when all of every vector do.
  Value channelMask(Value channel) {
    if (k.channels % lanes == 0)
      return {};
    return c.firstLanes(lanes, c.sub(c.index(k.channels), channel));
  }

  void transformInput(Value patch, Value place) {
    Place at = placeOf(patch);
    Value top = c.sub(at.y, c.index(k.padY)), left = c.sub(at.x, c.index(k.padX));
    // Whether all of the patch's input cells exist, as one comparison an axis.
    auto whole = [&](Value first, int64_t count, int64_t extent) {
      return c.inside(first, std::max<int64_t>(extent - count + 1, 0));
    };
    Value inner = c.both(whole(top, w.y.alpha, k.inHeight), whole(left, w.x.alpha, k.inWidth));
    auto walk = [&](function_ref<Value(int64_t, int64_t, Value, Value)> cell) {
      c.loop(c.index(0), c.index(w.chunks()), [&](Value chunk) {
        Value vectors = c.div(c.add(channelsOf(chunk), lanes - 1), lanes);
        c.loop(c.index(0), vectors, [&](Value v) {
          Value inChunk = c.mul(v, lanes), channel = c.add(c.mul(chunk, w.chunk), inChunk);
          Value mask = channelMask(channel);
          Values cells;
          for (int64_t y = 0; y < w.y.alpha; ++y)
            for (int64_t x = 0; x < w.x.alpha; ++x)
              cells.push_back(cell(y, x, channel, mask));
          Values done = transformed(w.y.input, w.x.input, cells, ops);
          Value base = c.mul(chunk, w.products() * w.inputPitch());
          base = c.add(c.add(base, c.add(c.mul(place, w.chunk), inChunk)), inputAt);
          for (auto [p, value] : llvm::enumerate(done))
            store(value, c.add(base, int64_t(p) * w.inputPitch()));
        });
      });
    };
    Value corner = c.mul(c.add(c.mul(at.image, k.inHeight), top), k.inWidth);
    corner = c.mul(c.add(corner, left), k.pixel);
    c.either(
        inner,
        [&] {
          walk([&](int64_t y, int64_t x, Value channel, Value mask) {
            int64_t offset = (y * k.inWidth + x) * k.pixel;
            return epilogue.load(input, c.add(c.add(corner, channel), offset), mask);
          });
        },
        [&] {
          Values rows, columns;
          for (int64_t y = 0; y < w.y.alpha; ++y)
            rows.push_back(c.inside(c.add(top, y), k.inHeight));
          for (int64_t x = 0; x < w.x.alpha; ++x)
            columns.push_back(c.inside(c.add(left, x), k.inWidth));
          auto bits = VectorType::get({lanes}, c.b.getI1Type());
          walk([&](int64_t y, int64_t x, Value channel, Value mask) {
            int64_t offset = (y * k.inWidth + x) * k.pixel;
            Value exists = vector::BroadcastOp::create(c.b, c.loc, bits,
                                                       c.both(rows[size_t(y)], columns[size_t(x)]));
            if (mask)
              exists = arith::AndIOp::create(c.b, c.loc, exists, mask);
            return epilogue.load(input, c.add(c.add(corner, channel), offset), exists);
          });
        });
  }

  /// U of a panel's chunk, from packed weights [panel][channel][tap][lane].
  void transformWeights(Value panel, Value chunk) {
    int64_t taps = k.R * k.S;
    Value from = c.add(c.mul(panel, k.channels), c.mul(chunk, w.chunk));
    c.loop(c.index(0), channelsOf(chunk), [&](Value channel) {
      Value base = c.mul(c.add(from, channel), taps * w.width);
      Value to = c.add(c.mul(channel, w.width), weightAt);
      for (int64_t j = 0; j < w.width; j += lanes) {
        Values cells;
        for (int64_t tap = 0; tap < taps; ++tap)
          cells.push_back(epilogue.load(weights, c.add(base, tap * w.width + j), {}));
        Values done = transformed(w.y.weights, w.x.weights, cells, ops);
        for (auto [p, value] : llvm::enumerate(done))
          store(value, c.add(to, int64_t(p) * w.weightPitch() + j));
      }
    });
  }

  void clearSums() {
    c.loop(c.index(0), c.index(w.sumCells() / lanes),
           [&](Value i) { store(epilogue.splat(0), c.add(c.mul(i, lanes), sumAt)); });
  }

  /// Y += V U of a chunk, product by product, or Y = V U of the only one. Meanwhile the next
  /// chunk's weights are fetched: the hardware looks ahead no further than a page.
  void multiplyProducts(Value panel, Value chunk, Range groups) {
    int64_t lines = k.R * k.S * w.chunk * w.width / 16,
            each = (lines + w.products() - 1) / w.products();
    Value next = c.add(c.mul(panel, k.channels), c.mul(c.add(chunk, 1), w.chunk));
    next = c.mul(next, k.R * k.S * w.width);
    Value channels = channelsOf(chunk), count = c.sub(groups.high, groups.low);
    Value firstInput = c.add(c.mul(groups.low, w.tile.rows * w.chunk), inputAt);
    Value firstSum = c.add(c.mul(groups.low, w.tile.rows * w.width), sumAt);
    c.loop(c.index(0), c.index(w.products()), [&](Value p) {
      for (int64_t line = 0; line < each; ++line)
        memref::PrefetchOp::create(c.b, c.loc, weights,
                                   ValueRange{c.add(next, c.add(c.mul(p, each * 16), line * 16))},
                                   false, 2, true);
      Value left = c.add(c.mul(c.add(c.mul(chunk, w.products()), p), w.inputPitch()), firstInput);
      Value right = c.add(c.mul(p, w.weightPitch()), weightAt);
      Value sums = c.add(c.mul(p, w.sumPitch()), firstSum);
      c.loop(c.index(0), count, [&](Value t) {
        Value rows = c.add(left, c.mul(t, w.tile.rows * w.chunk));
        Value out = c.add(sums, c.mul(t, w.tile.rows * w.width));
        Values acc;
        for (int64_t i = 0; i < w.tile.rows; ++i)
          for (int64_t j = 0; j < w.width; j += lanes)
            acc.push_back(w.chunks() > 1 ? load(c.add(out, i * w.width + j)) : epilogue.splat(0));
        acc = c.loop(c.index(0), channels, acc, [&](Value s, ValueRange carried) {
          Values row, next;
          Value weight = c.add(right, c.mul(s, w.width)), cell = c.add(rows, s);
          for (int64_t j = 0; j < w.width; j += lanes)
            row.push_back(load(c.add(weight, j)));
          for (int64_t i = 0; i < w.tile.rows; ++i) {
            Value one =
                memref::LoadOp::create(c.b, c.loc, scratch, ValueRange{c.add(cell, i * w.chunk)});
            Value spread = vector::BroadcastOp::create(c.b, c.loc, epilogue.vector(), one);
            for (size_t j = 0; j < row.size(); ++j)
              next.push_back(vector::FMAOp::create(c.b, c.loc, spread, row[j],
                                                   carried[size_t(i) * row.size() + j]));
          }
          return next;
        });
        for (int64_t i = 0; i < w.tile.rows; ++i)
          for (int64_t j = 0; j < w.tile.columns; ++j)
            store(acc[size_t(i * w.tile.columns + j)], c.add(out, i * w.width + j * lanes));
      });
    });
  }

  /// Y of a patch to its pixels, those inside the image by the epilogue.
  void transformSums(Value patch, Value place, Value panel) {
    Value from = c.add(c.mul(place, w.width), sumAt);
    for (int64_t j = 0; j < w.width; j += lanes) {
      Values products;
      for (int64_t p = 0; p < w.products(); ++p)
        products.push_back(load(c.add(from, p * w.sumPitch() + j)));
      Values done = transformed(w.y.output, w.x.output, products, ops);
      for (auto [i, value] : llvm::enumerate(done))
        store(value, c.index(pixelAt + int64_t(i) * w.width + j));
    }
    Place at = placeOf(patch);
    auto count = [&](Value first, int64_t size, int64_t extent) {
      return extent % size ? c.min(c.index(size), c.sub(c.index(extent), first)) : c.index(size);
    };
    Value height = count(at.y, w.y.m, k.perLine), width = count(at.x, w.x.m, k.width);
    Value column = c.mul(panel, w.width);
    Value corner = c.add(c.mul(c.add(c.mul(at.image, k.perLine), at.y), k.width), at.x);
    c.loop(c.index(0), height, [&](Value y) {
      c.loop(c.index(0), width, [&](Value x) {
        Value row = c.add(c.add(corner, c.mul(y, k.width)), x);
        Value pixel = c.add(c.mul(c.add(c.mul(y, w.x.m), x), w.width), pixelAt);
        for (int64_t j = 0; j < w.width; j += lanes) {
          Value mask;
          if (k.outputs % w.width)
            mask = c.firstLanes(lanes, c.sub(c.index(k.outputs), c.add(column, j)));
          epilogue.finish(load(c.add(pixel, j)), row, c.add(column, j), mask);
        }
      });
    });
  }

  const Code &c;
  const Winograd &w;
  const Contraction &k;
  Epilogue &epilogue;
  int64_t lanes;
  VectorOps ops;
  Value input, weights, scratch;
  int64_t inputAt, weightAt, sumAt, pixelAt; ///< in the scratch
};

class WinogradImplementation final : public Implementation {
public:
  StringRef name() const override { return "winograd"; }

  std::optional<std::string> refuse(DispatchOp dispatch, const Isa &isa) const override {
    std::string why;
    std::optional<Winograd> w = winogradOf(dispatch, isa, why);
    if (!w)
      return why;
    if (!llvm::isa<BlockArgument>(w->k.input) || !llvm::isa<BlockArgument>(w->k.weights))
      return "an operand is computed in the group";
    if (w->k.input == w->k.weights)
      return "one tensor is both sides";
    for (Value operand : {w->k.input, w->k.weights})
      if (!isReal(operand))
        return "an operand is no real of 16 or 32 bits";
    return refuseEpilogue(dispatch, rootOf(dispatch));
  }

  std::vector<Way> ways(DispatchOp dispatch, const Isa &isa) const override {
    return winogradWays(dispatch, isa);
  }
  std::string variant(DispatchOp dispatch, const Isa &isa) const override {
    return planOf(dispatch, isa)->variant().text();
  }

  RankedTensorType packedType(DispatchOp dispatch, unsigned index, const Isa &isa) const override {
    Winograd w = *planOf(dispatch, isa);
    auto type = cast<RankedTensorType>(dispatch.getInputs()[index].getType());
    if (cast<BlockArgument>(w.k.weights).getArgNumber() != index)
      return type;
    return RankedTensorType::get({w.panels(), w.k.depth(), w.width}, type.getElementType());
  }

  ElementsAttr pack(DispatchOp dispatch, unsigned index, ElementsAttr value,
                    const Isa &isa) const override {
    RankedTensorType packed = packedType(dispatch, index, isa);
    if (packed == value.getType())
      return value;
    return packedBy(planOf(dispatch, isa)->k.panels, cast<DenseElementsAttr>(value), packed);
  }

  int64_t packTiles(DispatchOp dispatch, unsigned, const Isa &isa) const override {
    return planOf(dispatch, isa)->k.panels.tiles();
  }

  void emitPack(DispatchOp dispatch, unsigned, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    Value from = flatten(c, kernel.getArgument(0)), to = flatten(c, kernel.getArgument(1));
    Panels panels = planOf(dispatch, isa)->k.panels;
    c.loop(kernel.getArgument(2), kernel.getArgument(3),
           [&](Value t) { panels.emit(c, isa, from, to, t); });
  }

  int64_t tiles(DispatchOp dispatch, const Isa &isa) const override {
    return planOf(dispatch, isa)->tiles();
  }

  std::optional<Sweep> sweep(DispatchOp dispatch, const Isa &isa) const override {
    const Winograd w = *planOf(dispatch, isa);
    // Lines of patches, of all images, that so many blocks complete and touch.
    auto completed = [=](int64_t blocks) {
      return std::min(blocks * w.block, w.patches) / w.patchesX;
    };
    auto begun = [=](int64_t blocks) {
      return (std::min(blocks * w.block, w.patches) + w.patchesX - 1) / w.patchesX;
    };
    auto cells = [=](int64_t lines) {
      int64_t image = lines / w.patchesY, y = lines % w.patchesY * w.y.m;
      return (image * w.k.perLine + y) * w.k.width * w.k.outputs;
    };
    // Cells of the input above its line `y` of an image.
    auto above = [=](int64_t image, int64_t y) {
      return (image * w.k.inHeight + std::clamp<int64_t>(y, 0, w.k.inHeight)) * w.k.inWidth *
             w.k.channels;
    };
    auto read = [=](int64_t blocks) {
      int64_t last = begun(blocks) - 1;
      return last < 0 ? int64_t(0)
                      : above(last / w.patchesY, last % w.patchesY * w.y.m - w.k.padY + w.y.alpha);
    };
    auto passed = [=](int64_t blocks) {
      int64_t next = completed(blocks);
      return above(next / w.patchesY, next % w.patchesY * w.y.m - w.k.padY);
    };
    return Sweep{cast<BlockArgument>(w.k.input).getArgNumber(),
                 w.blockTiles(),
                 w.blocks(),
                 read,
                 passed,
                 [=](int64_t blocks) { return cells(completed(blocks)); },
                 [=](int64_t blocks) { return cells(begun(blocks)); }};
  }

  int64_t scratch(DispatchOp dispatch, const Isa &isa) const override {
    return planOf(dispatch, isa)->scratch();
  }

  bool takesPitch(DispatchOp dispatch, unsigned argument, const Isa &) const override {
    return argument >= dispatch.getInputs().size();
  }

  void emit(DispatchOp dispatch, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    Winograd w = *planOf(dispatch, isa);
    Epilogue epilogue(c, dispatch, rootOf(dispatch), kernel, isa.lanes);
    unsigned count = kernel.getNumArguments();
    Emitter(c, w, epilogue, isa, kernel.getArgument(count - 3))
        .emit(kernel.getArgument(count - 2), kernel.getArgument(count - 1));
  }

private:
  static std::optional<Winograd> planOf(DispatchOp dispatch, const Isa &isa) {
    std::string why;
    return winogradOf(dispatch, isa, why);
  }
};

} // namespace

const Implementation &winogradImplementation() {
  static const WinogradImplementation instance;
  return instance;
}

} // namespace cornet::cpu
