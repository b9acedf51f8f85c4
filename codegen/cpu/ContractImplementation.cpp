// SPDX-License-Identifier: Apache-2.0
//
// `contract`: products, convolutions and transposed convolutions by register tiles. Weights become
// panels of `columns` vectors, [panel][k][lane], so that a panel is read in one sweep; a tile holds
// `rows` output pixels times one panel in registers and runs over k = (kernel row, kernel column,
// channel). Pixels are neighbours in memory, so their addresses differ by constants. Columns of the
// border are tiles of their own whose missing cells are never touched; missing rows shorten a loop.
//
// A product, and a 1x1 convolution that touches every pixel, is one long row of pixels. Groups of a
// convolution and batches of a product are parts, each a contraction of its own; so are the phases
// of a strided transposed convolution. The right side of a plain product of two computed tensors is
// read where it lies; other computed weights are packed by a step of their own.
//
// Cells of bf16 go in words of two along k where the level multiplies and adds pairs to f32, ui8
// and constant weights of i8 in words of four that are added to i32; else they are widened one by
// one, and sums are f32.
#include "codegen/cpu/Contraction.h"
#include "codegen/cpu/Implementation.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace cornet::cpu {
namespace {

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

class ContractImplementation final : public Implementation {
public:
  StringRef name() const override { return "contract"; }
  bool knowsBytes() const override { return true; }

  std::optional<std::string> refuse(DispatchOp dispatch, const Isa &isa) const override {
    if (!Variant::of(rootOf(dispatch)).allows("contract"))
      return "another implementation is asked for";
    std::vector<Contraction> all = contractionsOf(dispatch, isa);
    if (all.empty())
      return "no product, or of a form it does not know (transposed data, broadcast batches, wide "
             "strides, 3-D)";
    if (!llvm::isa<BlockArgument>(all[0].input) || !llvm::isa<BlockArgument>(all[0].weights))
      return "an operand is computed in the group";
    if (all[0].packed && all[0].input == all[0].weights)
      return "one tensor is both sides, and cannot be packed as weights and lie as data";
    if (auto reason = refuseEpilogue(dispatch, rootOf(dispatch)))
      return reason;
    for (const Contraction &k : all)
      if (!k.tile.fits(isa))
        return "its register tile takes more registers than the level has";
      else if (!k.flat() && k.S > 0 && k.guardedTiles(k.tile.rows) > 8)
        return "the border is too wide";
    return std::nullopt;
  }

  std::vector<Way> ways(DispatchOp dispatch, const Isa &isa) const override {
    return contractWays(dispatch, isa);
  }
  std::string variant(DispatchOp dispatch, const Isa &isa) const override {
    return variantOf(contractionsOf(dispatch, isa).front().tile).text();
  }

  RankedTensorType packedType(DispatchOp dispatch, unsigned index, const Isa &isa) const override {
    std::vector<Contraction> all = contractionsOf(dispatch, isa);
    auto type = cast<RankedTensorType>(dispatch.getInputs()[index].getType());
    if (!all[0].packed || cast<BlockArgument>(all[0].weights).getArgNumber() != index)
      return type;
    const Panels &last = all.back().panels;
    if (all.size() > 1)
      return RankedTensorType::get({last.first + last.cells()}, type.getElementType());
    return RankedTensorType::get({last.parts * last.panels(), last.depth(), last.width},
                                 type.getElementType());
  }

  ElementsAttr pack(DispatchOp dispatch, unsigned index, ElementsAttr value,
                    const Isa &isa) const override {
    RankedTensorType packed = packedType(dispatch, index, isa);
    if (packed == value.getType())
      return value;
    SmallVector<Panels> panels;
    for (const Contraction &k : contractionsOf(dispatch, isa))
      panels.push_back(k.panels);
    return packedBy(panels, cast<DenseElementsAttr>(value), packed);
  }

  int64_t packTiles(DispatchOp dispatch, unsigned, const Isa &isa) const override {
    int64_t count = 0;
    for (const Contraction &k : contractionsOf(dispatch, isa))
      count += k.panels.tiles();
    return count;
  }

  void emitPack(DispatchOp dispatch, unsigned, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    Value from = flatten(c, kernel.getArgument(0)), to = flatten(c, kernel.getArgument(1));
    inTurn(
        c, contractionsOf(dispatch, isa), kernel.getArgument(2), kernel.getArgument(3),
        [](const Contraction &k) { return k.panels.tiles(); },
        [&](const Contraction &k, Value begin, Value end) {
          c.loop(begin, end, [&](Value t) { k.panels.emit(c, isa, from, to, t); });
        });
  }

  int64_t tiles(DispatchOp dispatch, const Isa &isa) const override {
    int64_t count = 0;
    for (const Contraction &k : contractionsOf(dispatch, isa))
      count += k.tiles(isa);
    return count;
  }

  std::optional<Sweep> sweep(DispatchOp dispatch, const Isa &isa) const override {
    std::vector<Contraction> all = contractionsOf(dispatch, isa);
    const Contraction k = all[0];
    if (all.size() > 1 || k.parts > 1 || !k.packed || !(k.flat() || k.plain()))
      return std::nullopt;
    int64_t panels = ceilDiv(k.outputs, k.columnsOf(isa)), units = k.units();
    int64_t bytes = ceilDiv(getElementTypeOrSelf(k.input).getIntOrFloatBitWidth(), 8);
    int64_t block = panels > 1 ? k.block(bytes) : 1;
    auto unitsOf = [=](int64_t blocks) { return std::min(blocks * block, units); };
    auto pixels = [=](int64_t blocks) { // of the result
      return k.flat() ? std::min(unitsOf(blocks) * k.tile.rows, k.width)
                      : unitsOf(blocks) * k.width;
    };
    auto read = [=](int64_t blocks) {
      int64_t seen = k.flat() ? pixels(blocks) : k.linesRead(unitsOf(blocks)) * k.inWidth;
      return seen * k.pixel;
    };
    auto passed = [=](int64_t blocks) {
      int64_t seen = k.flat() ? pixels(blocks) : k.linesPassed(unitsOf(blocks)) * k.inWidth;
      return seen * k.pixel;
    };
    auto written = [=](int64_t blocks) { return pixels(blocks) * k.outputs; };
    return Sweep{cast<BlockArgument>(k.input).getArgNumber(),
                 block * panels,
                 ceilDiv(units, block),
                 read,
                 passed,
                 written,
                 written};
  }

  bool takesPitch(DispatchOp dispatch, unsigned argument, const Isa &) const override {
    return argument >= dispatch.getInputs().size();
  }

  void emit(DispatchOp dispatch, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    Epilogue epilogue(c, dispatch, rootOf(dispatch), kernel, isa.lanes);
    unsigned count = kernel.getNumArguments();
    inTurn(
        c, contractionsOf(dispatch, isa), kernel.getArgument(count - 2),
        kernel.getArgument(count - 1), [&](const Contraction &k) { return k.tiles(isa); },
        [&](const Contraction &k, Value begin, Value end) {
          Emitter(c, k, epilogue, isa).emit(begin, end);
        });
  }

private:
  /// Cuts the tiles [begin, end) at the bounds between contractions.
  static void inTurn(const Code &c, ArrayRef<Contraction> all, Value begin, Value end,
                     function_ref<int64_t(const Contraction &)> count,
                     function_ref<void(const Contraction &, Value, Value)> body) {
    if (all.size() == 1)
      return body(all[0], begin, end);
    int64_t first = 0;
    for (const Contraction &k : all) {
      int64_t tiles = count(k);
      Value base = c.index(first), none = c.index(0), most = c.index(tiles);
      if (tiles > 0)
        body(k, c.max(c.sub(begin, base), none), c.min(c.sub(end, base), most));
      first += tiles;
    }
  }

  class Emitter {
  public:
    Emitter(const Code &c, const Contraction &k, Epilogue &epilogue, const Isa &isa)
        : c(c), k(k), tile(k.tile), epilogue(epilogue), lanes(isa.lanes), width(k.columnsOf(isa)),
          weightPitch(k.packed ? width : k.outputs), registers(isa.registers),
          broadcastsFromMemory(isa.broadcastsFromMemory()), input(epilogue.flat(k.input)),
          weights(epilogue.flat(k.weights)),
          bytes(cast<MemRefType>(input.getType()).getElementTypeBitWidth() / 8) {}

    /// Block by block, panel by panel, unit by unit.
    void emit(Value begin, Value end) {
      int64_t units = k.units();
      int64_t panels = ceilDiv(k.outputs, width), block = k.block(bytes);
      // Where every panel is read once, its units fetch the next one, a share each: what follows
      // the last are most often the next step's weights.
      if (k.packed && block >= units && units > 1 && units <= width)
        fetchStep = k.word * ceilDiv(width, units);
      c.loop(begin, end, [&](Value all) {
        Value part = c.div(all, units * panels), t = c.rem(all, units * panels);
        Value first = c.mul(c.div(t, block * panels), block), inBlock = c.rem(t, block * panels);
        Value here = units % block ? c.min(c.index(block), c.sub(c.index(units), first)) : Value();
        Value panel =
            here ? Value(arith::DivUIOp::create(c.b, c.loc, inBlock, here)) : c.div(inBlock, block);
        Value unit =
            here ? Value(arith::RemUIOp::create(c.b, c.loc, inBlock, here)) : c.rem(inBlock, block);
        unit = c.add(first, unit);
        column = c.mul(panel, width);
        weightBase = k.packed ? c.add(c.mul(c.add(c.mul(part, panels), panel), k.depth() * width),
                                      k.panels.first)
                              : c.add(c.mul(part, k.depth() * k.outputs), column);
        if (fetchStep > 0)
          fetchBase = c.add(c.add(weightBase, k.depth() * width),
                            c.mul(unit, k.depth() / k.word * fetchStep));
        inputBase = c.mul(part, k.inputPart), columnBase = c.mul(part, k.columnPart);
        rowBase = c.mul(part, k.rowPart);
        k.flat() ? flatTile(unit, units) : line(unit);
      });
    }

  private:
    using Values = SmallVector<Value>;
    /// A panel of so many bytes does not stay in the first cache; its lines are fetched so many
    /// words before their turn.
    static constexpr int64_t kStreamed = 65536, kAhead = 48;
    using Line = Geometry::Line;

    /// The weights of the word of k that begins at `at`, for vector `j`; `cells` of it exist.
    Value weightsOf(Value at, int64_t j, int64_t cells) {
      Value mask = k.packed ? Value() : maskAt(j);
      if (k.word == 1)
        return epilogue.load(weights, c.add(at, j * lanes), mask);
      if (k.word == 4)
        return vector::LoadOp::create(c.b, c.loc, VectorType::get({4 * lanes}, c.b.getI8Type()),
                                      weights, ValueRange{c.add(at, 4 * j * lanes)});
      auto pairs = VectorType::get({2 * lanes}, c.b.getI16Type());
      Value words;
      if (k.packed) {
        words = vector::LoadOp::create(c.b, c.loc, pairs, weights,
                                       ValueRange{c.add(at, 2 * j * lanes)});
      } else {
        Value low = epilogue.loadStored(weights, c.add(at, j * lanes), mask);
        Value high = cells < k.word
                         ? arith::ConstantOp::create(c.b, c.loc, c.b.getZeroAttr(low.getType()))
                         : epilogue.loadStored(weights, c.add(at, j * lanes + k.outputs), mask);
        words = vector::InterleaveOp::create(c.b, c.loc, low, high);
      }
      return c.bits(words, c.b.getBF16Type());
    }

    /// The word of bytes at `at` in every lane, of which `cells` exist and the others are zeros.
    Value spreadBytes(Value at, int64_t cells) {
      Type i32 = c.b.getI32Type();
      Value word;
      if (cells == k.word) {
        word = vector::LoadOp::create(c.b, c.loc, VectorType::get({4}, c.b.getI8Type()), input,
                                      ValueRange{at});
        word = vector::BitCastOp::create(c.b, c.loc, VectorType::get({1}, i32), word);
        word = vector::ExtractOp::create(c.b, c.loc, word, ArrayRef<int64_t>{0});
      } else {
        word = c.i32(0);
        for (int64_t i = 0; i < cells; ++i) {
          Value cell = memref::LoadOp::create(c.b, c.loc, input, ValueRange{c.add(at, i)});
          cell = arith::ExtUIOp::create(c.b, c.loc, i32, cell);
          cell = arith::ShLIOp::create(c.b, c.loc, cell, c.i32(int32_t(8 * i)));
          word = arith::OrIOp::create(c.b, c.loc, word, cell);
        }
      }
      word = vector::BroadcastOp::create(c.b, c.loc, VectorType::get({lanes}, i32), word);
      return vector::BitCastOp::create(c.b, c.loc, VectorType::get({4 * lanes}, c.b.getI8Type()),
                                       word);
    }

    /// The input's word at `at` in every lane, `cells` of it, from the second on where it is
    /// `high`; beside them are zeros.
    Value spread(Value at, int64_t cells, bool high = false) {
      if (k.word == 1)
        return epilogue.loadSpread(input, at);
      if (k.word == 4)
        return spreadBytes(at, cells);
      Type i32 = c.b.getI32Type(), bf16 = c.b.getBF16Type();
      Value word;
      if (cells < k.word) {
        word = memref::LoadOp::create(c.b, c.loc, input, ValueRange{c.add(at, high)});
        word = arith::ExtUIOp::create(c.b, c.loc, i32, word);
        if (high)
          word = arith::ShLIOp::create(c.b, c.loc, word,
                                       arith::ConstantIntOp::create(c.b, c.loc, i32, 16));
      } else {
        word = vector::LoadOp::create(c.b, c.loc, VectorType::get({2}, c.b.getI16Type()), input,
                                      ValueRange{at});
        word = vector::BitCastOp::create(c.b, c.loc, VectorType::get({1}, i32), word);
        word = vector::ExtractOp::create(c.b, c.loc, word, ArrayRef<int64_t>{0});
      }
      word = vector::BroadcastOp::create(c.b, c.loc, VectorType::get({lanes}, i32), word);
      return vector::BitCastOp::create(c.b, c.loc, VectorType::get({2 * lanes}, bf16), word);
    }

    Value multiplyAdd(Value x, Value w, Value sum) {
      if (k.word == 1)
        return vector::FMAOp::create(c.b, c.loc, x, w, sum);
      const char *dot =
          k.word == 4 ? "llvm.x86.avx512.vpdpbusd.512" : "llvm.x86.avx512bf16.dpbf16ps.512";
      return LLVM::CallIntrinsicOp::create(c.b, c.loc, sum.getType(), c.b.getStringAttr(dot),
                                           ValueRange{sum, x, w})
          .getResult(0);
    }

    /// One word of k: sums[m][j] + input[bases[m] + step] * weights[weight + step ...].
    /// `cells` of the word exist.
    void step(Value step, ArrayRef<Value> bases, Value weight, ValueRange sums, Values &next,
              int64_t cells) {
      Value at = c.add(weight, c.mul(step, weightPitch * k.word));
      if (fetchFrom)
        memref::PrefetchOp::create(c.b, c.loc, weights,
                                   ValueRange{c.add(fetchFrom, c.mul(step, fetchStep))}, false, 2,
                                   true);
      // A panel read once streams from memory, and the hardware looks ahead no further than a page.
      int64_t line = 64 / bytes;
      if (k.packed && fetchStep == 0 && k.depth() * width * bytes >= kStreamed)
        for (int64_t cell = 0; cell < width * k.word; cell += line)
          memref::PrefetchOp::create(c.b, c.loc, weights,
                                     ValueRange{c.add(at, kAhead * width * k.word + cell)}, false,
                                     2, true);
      Values row;
      for (int64_t j = 0; j < tile.columns; ++j)
        row.push_back(weightsOf(at, j, cells));
      for (size_t m = 0; m < bases.size(); ++m) {
        Value cell = spread(c.add(bases[m], c.mul(step, k.word)), cells);
        for (size_t j = 0; j < size_t(tile.columns); ++j)
          next.push_back(multiplyAdd(cell, row[j], sums[m * size_t(tile.columns) + j]));
      }
    }

    /// The sums after the part of a word that is left of `count` channels, if there is one.
    Values multiplyRest(Values sums, int64_t count, ArrayRef<Value> bases, Value weight) {
      if (count % k.word == 0)
        return sums;
      Values next;
      step(c.index(count / k.word), bases, weight, sums, next, count % k.word);
      return next;
    }

    /// The sums after `count` channels.
    Values multiply(const Values &sums, int64_t count, ArrayRef<Value> bases, Value weight) {
      Values now =
          c.loop(c.index(0), c.index(count / k.word), sums, [&](Value i, ValueRange carried) {
            Values next;
            step(i, bases, weight, carried, next, k.word);
            return next;
          });
      if (sums.size() + 8 > registers && !broadcastsFromMemory)
        stayRolled(now[0].getDefiningOp());
      return multiplyRest(now, count, bases, weight);
    }

    /// Neighbouring pixels share the cells of a few steps that are unrolled together, and where an
    /// instruction reads none from memory such cells drive sums out of the registers.
    void stayRolled(Operation *loop) {
      MLIRContext *context = loop->getContext();
      auto unroll =
          LLVM::LoopUnrollAttr::get(context, c.b.getBoolAttr(true), {}, {}, {}, {}, {}, {});
      auto annotation = LLVM::LoopAnnotationAttr::get(context, {}, {}, {}, unroll, {}, {}, {}, {},
                                                      {}, {}, {}, {}, {}, {}, {});
      loop->setAttr("llvm.loop_annotation", annotation);
    }

    /// Few sums leave the multipliers waiting: several sets of them take turns and are added up.
    Values multiplyLong(int64_t rows, int64_t channels, ArrayRef<Value> bases, Value weight) {
      int64_t sets = std::min<int64_t>(ceilDiv(12, rows * tile.columns), 8);
      int64_t count = channels / k.word;
      while (sets > 1 && count % sets)
        --sets;
      size_t size = size_t(rows * tile.columns);
      Values all(size * size_t(sets), zero());
      all = c.loop(c.index(0), c.index(count / sets), all, [&](Value i, ValueRange carried) {
        Values next;
        for (int64_t s = 0; s < sets; ++s)
          step(c.add(c.mul(i, sets), s), bases, weight, carried.slice(size_t(s) * size, size), next,
               k.word);
        return next;
      });
      for (size_t s = 1; s < size_t(sets); ++s)
        for (size_t i = 0; i < size; ++i)
          all[i] = k.word == 4
                       ? Value(arith::AddIOp::create(c.b, c.loc, all[i], all[s * size + i]))
                       : Value(arith::AddFOp::create(c.b, c.loc, all[i], all[s * size + i]));
      all.truncate(size);
      return multiplyRest(all, channels, bases, weight);
    }

    /// Which lanes of vector `j` of the panel are outputs; null when all of every panel's are.
    Value maskAt(int64_t j) {
      if (k.outputs % width == 0)
        return {};
      return c.firstLanes(lanes, c.sub(c.index(k.outputs), c.add(column, j * lanes)));
    }

    /// An empty sum: of bytes in i32, else in f32.
    Value zero() {
      if (k.word != 4)
        return epilogue.splat(0);
      return arith::ConstantOp::create(c.b, c.loc,
                                       c.b.getZeroAttr(VectorType::get({lanes}, c.b.getI32Type())));
    }
    Values zeros(int64_t rows) { return Values(size_t(rows * tile.columns), zero()); }

    void finish(const Values &sums, int64_t rows, Value firstRow) {
      for (int64_t m = 0; m < rows; ++m)
        for (int64_t j = 0; j < tile.columns; ++j) {
          Value sum = sums[size_t(m * tile.columns + j)];
          if (k.word == 4)
            sum = arith::SIToFPOp::create(c.b, c.loc, epilogue.vector(), sum);
          epilogue.finish(sum, c.add(c.add(rowBase, firstRow), m * k.pixelStep),
                          c.add(c.add(columnBase, column), j * lanes), maskAt(j));
        }
    }
    void flatTile(Value unit, int64_t units) {
      auto body = [&](int64_t rows) {
        Value first = c.mul(unit, tile.rows), base = c.add(inputBase, c.mul(first, k.pixel));
        Values bases;
        for (int64_t m = 0; m < rows; ++m)
          bases.push_back(c.add(base, m * k.pixel));
        fetchFrom = fetchBase;
        finish(multiplyLong(rows, k.channels, bases, weightBase), rows, first);
      };
      int64_t rest = k.width - (units - 1) * tile.rows;
      if (rest == tile.rows)
        return body(tile.rows);
      c.either(
          c.equal(unit, c.index(units - 1)), [&] { body(rest); }, [&] { body(tile.rows); });
    }

    void line(Value unit) {
      if (k.S == 0) // a phase without taps
        return c.loop(c.index(0), c.index(k.width), [&](Value x) {
          lineTile({x, 0, 1, false}, unit, {c.index(0), c.index(0), c.index(0)});
        });
      Line line = k.lineAt(c, unit);
      k.forEachTile(c, tile.rows, [&](const Geometry::Tile &t) { lineTile(t, unit, line); });
    }

    /// A kernel row whose words run through its taps, of which a tile at the border lacks some.
    Values borderRow(const Geometry::Tile &t, Values now, Value base, Value weight) {
      int64_t cells = k.S * k.channels;
      for (int64_t cell = 0; cell < cells; cell += 2) {
        Values row;
        for (int64_t j = 0; j < tile.columns; ++j)
          row.push_back(weightsOf(c.add(weight, cell * width), j, k.word));
        for (int64_t m = 0; m < t.columns; ++m) {
          bool low = !k.outside(t.at + m, cell / k.channels);
          bool high = cell + 1 < cells && !k.outside(t.at + m, (cell + 1) / k.channels);
          if (!low && !high)
            continue;
          Value word =
              spread(c.add(base, m * k.strideX * k.pixel + cell), low && high ? 2 : 1, high);
          for (int64_t j = 0; j < tile.columns; ++j) {
            Value &sum = now[size_t(m * tile.columns + j)];
            sum = multiplyAdd(word, row[size_t(j)], sum);
          }
        }
      }
      return now;
    }

    void lineTile(const Geometry::Tile &t, Value unit, const Line &line) {
      int64_t pixel = k.strideX * k.pixel;
      Value left = c.sub(c.add(inputBase, c.mul(t.first, pixel)), c.index(k.padX * k.pixel));
      Values sums = c.loop(line.low, line.high, zeros(t.columns), [&](Value r, ValueRange carried) {
        Value inLine = c.add(line.inputLine, c.mul(r, k.dilationY));
        Value base = c.add(c.mul(inLine, k.inWidth * k.pixel), left);
        Value weight = c.add(weightBase, c.mul(r, k.rowDepth() * width));
        Values now(carried);
        // A kernel row is contiguous in input and weights.
        if (k.through && t.guarded)
          return borderRow(t, now, base, weight);
        bool whole = !t.guarded && k.dilationX == 1 && k.parts == 1 &&
                     (k.through || k.padded() == k.channels);
        for (int64_t s = 0; s < (whole ? 1 : k.S); ++s) {
          Values bases, part;
          SmallVector<size_t> places;
          for (int64_t m = 0; m < t.columns; ++m) {
            if (t.guarded && k.outside(t.at + m, s))
              continue;
            bases.push_back(c.add(base, m * pixel + s * k.dilationX * k.pixel));
            for (int64_t j = 0; j < tile.columns; ++j)
              places.push_back(size_t(m * tile.columns + j));
          }
          for (size_t place : places)
            part.push_back(now[place]);
          if (part.empty())
            continue;
          fetchFrom = Value();
          if (fetchBase && !t.guarded)
            fetchFrom = c.add(fetchBase, c.mul(c.add(c.mul(r, k.rowDepth()), s * k.padded()),
                                               fetchStep / k.word));
          part = multiply(part, whole ? k.S * k.channels : k.channels, bases,
                          c.add(weight, s * k.padded() * width));
          for (auto [place, value] : llvm::zip(places, part))
            now[place] = value;
        }
        return now;
      });
      if (k.plain())
        return finish(sums, t.columns, c.add(c.mul(unit, k.width), t.first));
      Value image = c.div(unit, k.perLine), y = c.rem(unit, k.perLine);
      Value first = c.add(c.mul(image, k.imageStep), c.mul(y, k.lineStep));
      finish(sums, t.columns, c.add(c.add(first, c.mul(t.first, k.pixelStep)), k.firstPixel));
    }

    const Code &c;
    const Contraction &k;
    RegisterTile tile;
    Epilogue &epilogue;
    int64_t lanes, width, weightPitch;
    size_t registers;
    bool broadcastsFromMemory;
    Value input, weights;
    int64_t bytes;                                            ///< of a cell of the input
    Value column, weightBase, inputBase, columnBase, rowBase; ///< of the current tile
    int64_t fetchStep = 0;      ///< cells of the next panel that a word of k fetches; 0: none
    Value fetchBase, fetchFrom; ///< of the tile's share, and of the sum that is computed now
  };
};

} // namespace

const Implementation &contractImplementation() {
  static const ContractImplementation instance;
  return instance;
}

} // namespace cornet::cpu
