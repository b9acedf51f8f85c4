// SPDX-License-Identifier: Apache-2.0
//
// `amx`: products and convolutions of bf16 by tile registers, 16 pixels by 32 cells of k times 32
// cells of k by 16 outputs; two tiles of pixels and two of outputs make a step.
//
// Blocking. A block of output lines has its input copied to scratch once: lines with their border
// of zeros, so that no tap is ever outside, and pixels at a pitch that is no power of two. Where
// channels come in 32s the taps of a kernel row read one copied line at different pixels; else, and
// where a row has one tap, each output pixel gets its own run of the row's cells, filled up with
// zeros to 32s. A tile is then 16 rows at one pitch anywhere in the scratch. It may run past the
// end of a line into the border of the next one: what it computes there is dropped. A product whose
// rows lie well is read in place.
//
// Weights are panels of 32 outputs in words of two, as `contract` has them, k in 32s for each
// kernel row. Panels that together stay in the second cache pass by under each pair of pixel
// tiles; larger ones are taken one after another, the next being fetched meanwhile.
//
// A tile of work is a panel of a block. What a thread does between its first tile register and the
// last is one kernel call, which releases them.
#include "codegen/cpu/Contraction.h"
#include "codegen/cpu/Implementation.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;

namespace cornet::cpu {
namespace {

int64_t ceilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

constexpr int64_t kDepth = 32;            ///< cells of k in a tile's row
constexpr int64_t kLanes = 16;            ///< outputs of a tile
constexpr int64_t kRows = 16;             ///< most pixels of a tile
constexpr int64_t kBlockBytes = 768000;   ///< of copied input, within the second cache
constexpr int64_t kPanelBytes = 24576;    ///< of a panel that stays in the first
constexpr int64_t kWeightBytes = 1250000; ///< of weights that stay in the second
/// Cycles that two loads of weights take, which pixels must outlast.
constexpr int64_t kLoadCycles = 43;

struct Amx {
  Contraction k;
  bool copied = true;   ///< the input goes through the scratch
  bool unrolled = true; ///< each output pixel has a run of its own, `depth` cells
  int64_t depth = 0;    ///< cells of k for a kernel row, in tiles
  int64_t pixels = 0;   ///< of the result; lines may end short of them
  int64_t pitch = 0;    ///< cells from pixel to pixel in the scratch, or in the input
  int64_t linePixels = 0,
          lineStep = 1; ///< pixels of a copied line; lines from one output to the next
  bool running = false; ///< tiles run through the ends of lines
  int64_t rows = 0;     ///< pixels of a tile
  int64_t blockLines = 0, blockImages = 1;

  int64_t images() const { return k.lines / k.perLine; }
  int64_t columns() const { return k.panels.width / kLanes; }
  int64_t tilesX() const { return ceilDiv(k.width, rows); }
  /// Pixel tiles of `lines` lines of one image.
  int64_t tilesOf(int64_t lines) const {
    return running ? ceilDiv((lines - 1) * linePixels + k.width, rows) : lines * tilesX();
  }
  int64_t copiedLines() const { return (blockLines - 1) * lineStep + (k.R - 1) * k.dilationY + 1; }
  /// Lines of input from one copied line to the next.
  int64_t sourceStep() const { return k.R == 1 ? k.strideY : 1; }
  int64_t blocksOfImage() const { return ceilDiv(k.perLine, blockLines); }
  int64_t blocks() const { return ceilDiv(images(), blockImages) * blocksOfImage(); }
  int64_t tiles() const { return blocks() * k.panels.panels(); }
  int64_t panelCells() const { return k.panels.depth() * k.panels.width; }
  bool panelsPassBy() const {
    return panelCells() * 2 > kPanelBytes && k.panels.panels() * panelCells() * 2 <= kWeightBytes;
  }
  // The scratch, in cells of f32: the configuration, sums of a step, copied input with room for
  // the rows of a last tile that are dropped.
  int64_t sumsAt() const { return 16; }
  int64_t inputAt() const { return sumsAt() + 2 * rows * k.panels.width; }
  int64_t imageCells() const { return copiedLines() * linePixels * pitch; }
  int64_t scratch() const {
    int64_t past = kRows * k.strideX * pitch + k.S * k.dilationX * pitch;
    return inputAt() + (copied ? (blockImages * imageCells() + past) / 2 : 0);
  }
};

bool isBF16(Value v) { return getElementTypeOrSelf(v).isBF16(); }

/// Tiles of rows or tiles through line ends, whichever take less time.
void chooseRows(Amx &a) {
  auto cycles = [&] {
    int64_t pairs = ceilDiv(a.tilesOf(a.k.perLine), 2);
    return pairs * std::max(4 * a.rows, kLoadCycles);
  };
  a.rows = ceilDiv(a.k.width, ceilDiv(a.k.width, kRows));
  int64_t byLines = cycles();
  if (a.lineStep != 1 || (!a.unrolled && a.k.strideX != 1))
    return;
  int64_t rows = a.rows;
  a.running = true, a.rows = kRows;
  if (cycles() >= byLines)
    a.running = false, a.rows = rows;
}

std::optional<Amx> amxOf(DispatchOp dispatch, const Isa &isa, std::string &whyNot) {
  whyNot = "no tile registers at this level";
  if (!isa.tiles)
    return std::nullopt;
  whyNot = "another implementation is asked for";
  if (rootOf(dispatch)->hasAttr("variant"))
    return std::nullopt;
  std::vector<Contraction> all = contractionsOf(dispatch, isa);
  whyNot = "no product or convolution of bf16 without groups, with packed weights";
  if (all.size() != 1)
    return std::nullopt;
  Amx a{all[0]};
  Contraction &k = a.k;
  if (k.parts != 1 || !k.packed || k.word != 2 || !isBF16(k.input) || !isBF16(k.weights) ||
      !(k.flat() || k.plain()) || k.R * k.S == 0)
    return std::nullopt;
  a.unrolled = k.S == 1 || k.channels % kDepth != 0;
  whyNot = "channels are neither in 32s nor side by side";
  if (a.unrolled && k.S > 1 && k.dilationX != 1)
    return std::nullopt;
  whyNot = "too few pixels";
  if (k.width * k.lines < 8)
    return std::nullopt;
  a.pixels = k.width * k.lines;
  k.panels.word = 2, k.panels.first = 0;
  k.panels.width = k.outputs <= kLanes ? kLanes : 2 * kLanes;
  k.panels.R = k.R, k.panels.S = a.unrolled ? 1 : k.S;
  k.panels.channels = a.unrolled ? k.S * k.channels : k.channels, k.panels.unit = kDepth;
  a.depth = k.panels.S * k.panels.words() * 2;
  if (k.flat()) { // one long line: as lines of a tile
    for (a.rows = kRows; a.rows > 8 && k.width % a.rows;)
      --a.rows;
    a.copied = k.width % a.rows || k.channels % kDepth || k.channels * 2 % 1024 == 0;
    if (a.copied)
      a.rows = std::min(kRows, k.width);
    k.lines = k.perLine = k.inHeight = ceilDiv(k.width, a.rows);
    k.width = k.inWidth = a.rows;
    a.pitch = a.copied ? a.depth : k.pixel;
    a.linePixels = a.rows;
  } else {
    a.lineStep = k.R == 1 ? 1 : k.strideY;
    a.linePixels = k.width;
    a.pitch = a.depth;
    if (!a.unrolled) {
      a.linePixels = (k.width - 1) * k.strideX + (k.S - 1) * k.dilationX + 1;
      a.pitch = k.channels;
    }
    chooseRows(a);
  }
  if (a.copied && a.pitch * 2 % 1024 == 0)
    a.pitch += kDepth;
  // As many lines as fit, or whole images.
  auto fits = [&] { return a.blockImages * a.imageCells() * 2 <= kBlockBytes; };
  for (a.blockLines = k.perLine; a.blockLines > 1 && !fits();)
    a.blockLines = ceilDiv(a.blockLines, 2);
  if (a.blockLines == k.perLine)
    for (a.blockImages = a.images(); a.blockImages > 1 && !fits();)
      a.blockImages = ceilDiv(a.blockImages, 2);
  return a;
}

class Emitter {
public:
  Emitter(const Code &c, const Amx &a, Epilogue &epilogue, Value scratch)
      : c(c), a(a), k(a.k), epilogue(epilogue), input(epilogue.flat(k.input)),
        weights(epilogue.flat(k.weights)), scratch(scratch) {}

  void emit(Value begin, Value end) {
    configure();
    int64_t panels = k.panels.panels(), perImage = a.blocksOfImage();
    Value last = c.add(c.div(c.sub(end, c.index(1)), panels), 1);
    c.loop(c.div(begin, panels), last, [&](Value block) {
      firstImage = c.mul(c.div(block, perImage), a.blockImages);
      firstLine = c.mul(c.rem(block, perImage), a.blockLines);
      linesHere = rest(a.blockLines, k.perLine, firstLine);
      Value images = rest(a.blockImages, a.images(), firstImage);
      if (a.copied)
        copyInput(images);
      Value tile = c.mul(block, panels);
      Value low = c.max(c.sub(begin, tile), c.index(0));
      Value high = c.min(c.sub(end, tile), c.index(panels));
      perBlockImage = a.running ? c.div(c.add(c.mul(c.sub(linesHere, c.index(1)), a.linePixels),
                                              k.width + a.rows - 1),
                                        a.rows)
                                : c.mul(linesHere, a.tilesX());
      Value count = arith::MulIOp::create(c.b, c.loc, images, perBlockImage);
      Value pairs = c.div(c.add(count, 1), 2);
      auto panelsOf = [&](function_ref<void(Value)> body) { c.loop(low, high, body); };
      auto pairsOf = [&](function_ref<void(Value)> body) { c.loop(c.index(0), pairs, body); };
      if (a.panelsPassBy())
        pairsOf([&](Value pair) { panelsOf([&](Value panel) { step(panel, pair, count); }); });
      else
        panelsOf([&](Value panel) {
          pairsOf([&](Value pair) {
            fetchNext(panel, pair, pairs);
            step(panel, pair, count);
          });
        });
    });
    intrinsic("tilerelease", {});
  }

private:
  /// What is left of `extent` from `first` on, at most `most`.
  Value rest(int64_t most, int64_t extent, Value first) {
    if (extent % most == 0)
      return c.index(most);
    return c.min(c.index(most), c.sub(c.index(extent), first));
  }

  void intrinsic(const std::string &name, ValueRange operands) {
    LLVM::CallIntrinsicOp::create(c.b, c.loc, c.b.getStringAttr("llvm.x86." + name), operands);
  }
  Value tileNumber(int64_t number) {
    return arith::ConstantOp::create(c.b, c.loc, c.b.getI8IntegerAttr(int8_t(number)));
  }
  /// The address of cell `at` of `buffer`, whose cells have `bytes`.
  Value address(Value buffer, Value at, int64_t bytes) {
    Value base = memref::ExtractAlignedPointerAsIndexOp::create(c.b, c.loc, buffer);
    Value sum = c.add(base, c.mul(at, bytes));
    Value integer = arith::IndexCastOp::create(c.b, c.loc, c.b.getI64Type(), sum);
    return LLVM::IntToPtrOp::create(c.b, c.loc, LLVM::LLVMPointerType::get(c.b.getContext()),
                                    integer);
  }
  Value bytes(int64_t count) {
    return arith::ConstantIntOp::create(c.b, c.loc, c.b.getI64Type(), count);
  }
  void loadTile(int64_t number, Value from, int64_t pitch) {
    intrinsic("tileloadd64", {tileNumber(number), from, bytes(pitch)});
  }

  /// Palette 1; a tile has so many bytes a row (16 bits each, from byte 16 on) and so many rows (8
  /// bits each, from byte 48 on). Tiles 0 to 3 are sums, 4 and 5 pixels, 6 and 7 weights.
  void configure() {
    uint8_t config[64] = {1};
    for (size_t t = 0; t < 8; ++t)
      config[16 + 2 * t] = 64, config[48 + t] = uint8_t(t < 6 ? a.rows : 16);
    auto type = VectorType::get({64}, c.b.getI8Type());
    Value value = arith::ConstantOp::create(
        c.b, c.loc,
        DenseElementsAttr::getFromRawBuffer(
            type, ArrayRef(reinterpret_cast<const char *>(config), sizeof(config))));
    Value reals =
        vector::BitCastOp::create(c.b, c.loc, VectorType::get({16}, c.b.getF32Type()), value);
    vector::StoreOp::create(c.b, c.loc, reals, scratch, ValueRange{c.index(0)});
    intrinsic("ldtilecfg", {address(scratch, c.index(0), 4)});
  }

  /// 32 cells of bf16 to place `at` of the copied input.
  void put(Value cells, Value at) {
    Value reals =
        vector::BitCastOp::create(c.b, c.loc, VectorType::get({16}, c.b.getF32Type()), cells);
    vector::StoreOp::create(c.b, c.loc, reals, scratch,
                            ValueRange{c.add(c.div(at, 2), a.inputAt())});
  }
  VectorType run() { return VectorType::get({kDepth}, c.b.getI16Type()); }
  Value zeros() { return arith::ConstantOp::create(c.b, c.loc, c.b.getZeroAttr(run())); }

  void copyInput(Value images) {
    int64_t lines = a.copiedLines();
    // A last block needs fewer lines.
    Value needed = c.index(lines);
    if (k.perLine % a.blockLines)
      needed = c.sub(c.add(c.mul(linesHere, a.lineStep), (k.R - 1) * k.dilationY + 1),
                     c.index(a.lineStep));
    c.loop(c.index(0), images, [&](Value image) {
      c.loop(c.index(0), needed, [&](Value line) {
        Value y =
            c.sub(c.add(c.mul(firstLine, k.strideY), c.mul(line, a.sourceStep())), c.index(k.padY));
        Value to = c.mul(c.add(c.mul(image, lines), line), a.linePixels * a.pitch);
        Value source = c.add(c.mul(c.add(firstImage, image), k.inHeight), y);
        source = c.mul(source, k.inWidth * k.pixel);
        c.either(
            c.inside(y, k.inHeight),
            [&] { a.unrolled ? copyRuns(source, to) : copyPixels(source, to); },
            [&] { clear(to, a.linePixels); });
      });
    });
  }

  /// `count` pixels of zeros.
  void clear(Value to, int64_t count) {
    int64_t runs = a.pitch / kDepth;
    c.loop(c.index(0), c.index(count * runs),
           [&](Value i) { put(zeros(), c.add(to, c.mul(i, kDepth))); });
  }

  /// The line at `source` with zeros before and after it.
  void copyPixels(Value source, Value to) {
    int64_t before = std::min(std::max<int64_t>(k.padX, 0), a.linePixels);
    int64_t skipped = std::max<int64_t>(-k.padX, 0);
    int64_t inside = std::clamp<int64_t>(k.inWidth - skipped, 0, a.linePixels - before);
    clear(to, before);
    c.loop(c.index(0), c.index(inside), [&](Value x) {
      Value from = c.add(source, c.mul(c.add(x, skipped), k.pixel));
      Value at = c.add(to, c.mul(c.add(x, before), a.pitch));
      for (int64_t i = 0; i < k.channels; i += kDepth)
        put(vector::LoadOp::create(c.b, c.loc, run(), input, ValueRange{c.add(from, i)}),
            c.add(at, i));
    });
    clear(c.add(to, (before + inside) * a.pitch), a.linePixels - before - inside);
  }

  /// For each output pixel the cells that a kernel row reads of the line at `source`.
  void copyRuns(Value source, Value to) {
    int64_t cells = k.S * k.channels;
    // The last line of a product may be short.
    Value end = c.index(k.inWidth * k.pixel);
    if (a.pixels < k.width * k.lines)
      end = c.min(end, c.sub(c.index(a.pixels * k.pixel), source));
    bool whole = k.padX == 0 && a.pixels == k.width * k.lines &&
                 ((k.width - 1) * k.strideX + k.S) * k.pixel <= k.inWidth * k.pixel;
    c.loop(c.index(0), c.index(k.width), [&](Value x) {
      Value from = c.sub(c.mul(x, k.strideX * k.pixel), c.index(k.padX * k.pixel));
      Value at = c.add(to, c.mul(x, a.pitch));
      for (int64_t i = 0; i < a.depth; i += kDepth) {
        Value first = c.add(from, i), place = c.add(source, first), value;
        if (whole && i + kDepth <= cells) {
          value = vector::LoadOp::create(c.b, c.loc, run(), input, ValueRange{place});
        } else { // cells [0, end) of the line, of them as many as the row has
          Value high = c.min(c.sub(end, first), c.index(cells - i));
          Value exists = c.firstLanes(kDepth, high);
          Value low = c.firstLanes(kDepth, c.sub(c.index(0), first));
          auto bits = VectorType::get({kDepth}, c.b.getI1Type());
          Value all = arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(bits, true));
          exists = arith::AndIOp::create(c.b, c.loc, exists,
                                         arith::XOrIOp::create(c.b, c.loc, low, all));
          value = vector::MaskedLoadOp::create(c.b, c.loc, run(), input, ValueRange{place}, exists,
                                               zeros());
        }
        put(value, c.add(at, i));
      }
    });
  }

  /// Where pixel tile `tile` begins: its image and line and pixel in the block.
  struct Place {
    Value image, line, x;
  };
  Place placeOf(Value tile) {
    Value image = arith::DivUIOp::create(c.b, c.loc, tile, perBlockImage);
    Value inImage = arith::RemUIOp::create(c.b, c.loc, tile, perBlockImage);
    if (a.running)
      return {image, c.index(0), c.mul(inImage, a.rows)};
    return {image, c.div(inImage, a.tilesX()), c.mul(c.rem(inImage, a.tilesX()), a.rows)};
  }

  /// Cells before the pixels of `place`, in the scratch or in the input.
  Value cellsBefore(const Place &place) {
    if (!a.copied)
      return c.mul(c.add(c.mul(c.add(firstLine, place.line), k.width), place.x), a.pitch);
    Value line = c.add(c.mul(place.image, a.copiedLines()), c.mul(place.line, a.lineStep));
    Value x = c.mul(place.x, a.unrolled ? 1 : k.strideX);
    return c.mul(c.add(c.mul(line, a.linePixels), x), a.pitch);
  }

  /// Two tiles of pixels, or the last one alone, times a panel.
  void step(Value panel, Value pair, Value count) {
    Value first = c.mul(pair, 2), second = c.add(first, 1);
    // Where there is no second tile the first one is computed twice and finished once.
    Value exists = arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::ult, second, count);
    Place places[] = {placeOf(first), placeOf(c.choose(exists, second, first))};
    Value cells[] = {cellsBefore(places[0]), cellsBefore(places[1])};
    int64_t columns = a.columns(), width = k.panels.width;
    Value weight = c.mul(panel, a.panelCells());
    for (int64_t t = 0; t < 2; ++t)
      for (int64_t j = 0; j < columns; ++j)
        intrinsic("tilezero", {tileNumber(2 * t + j)});
    int64_t taps = a.unrolled ? 1 : k.S, each = a.depth / taps;
    Value source = a.copied ? scratch : input;
    Value base = a.copied ? c.index(a.inputAt() * 2) : c.index(0);
    int64_t pitch = a.pitch * (a.unrolled ? 1 : k.strideX) * 2;
    c.loop(c.index(0), c.index(k.R), [&](Value r) {
      Value line = c.mul(c.mul(r, k.dilationY), a.linePixels * a.pitch);
      c.loop(c.index(0), c.index(taps), [&](Value s) {
        Value tap = c.add(line, c.mul(s, k.dilationX * a.pitch));
        Value row = c.add(c.mul(r, a.depth), c.mul(s, each));
        c.loop(c.index(0), c.index(each / kDepth), [&](Value i) {
          Value inTap = c.mul(i, kDepth);
          Value right = c.add(weight, c.mul(c.add(row, inTap), width));
          for (int64_t j = 0; j < columns; ++j)
            loadTile(6 + j, address(weights, c.add(right, 2 * j * kLanes), 2), width * 4);
          for (int64_t t = 0; t < 2; ++t) {
            Value left = c.add(c.add(base, cells[t]), c.add(tap, inTap));
            loadTile(4 + t, address(source, left, 2), pitch);
            for (int64_t j = 0; j < columns; ++j)
              intrinsic("tdpbf16ps", {tileNumber(2 * t + j), tileNumber(4 + t), tileNumber(6 + j)});
          }
        });
      });
    });
    for (int64_t t = 0; t < 2; ++t)
      for (int64_t j = 0; j < columns; ++j)
        intrinsic("tilestored64",
                  {tileNumber(2 * t + j),
                   address(scratch, c.index(a.sumsAt() + t * a.rows * width + j * kLanes), 4),
                   bytes(width * 4)});
    finish(places[0], 0, panel);
    c.either(
        exists, [&] { finish(places[1], 1, panel); }, [] {});
  }

  /// The sums of pixel tile `t` to their pixels, those that exist by the epilogue.
  void finish(const Place &place, int64_t t, Value panel) {
    int64_t width = k.panels.width;
    Value column = c.mul(panel, width);
    Value image = c.add(firstImage, place.image);
    c.loop(c.index(0), c.index(a.rows), [&](Value row) {
      Value line = place.line, x = c.add(place.x, row);
      if (a.running)
        line = c.div(x, a.linePixels), x = c.rem(x, a.linePixels);
      Value inImage = c.add(firstLine, line);
      Value pixel = c.add(c.mul(c.add(c.mul(image, k.perLine), inImage), k.width), x);
      Value exists = c.inside(x, k.width);
      if (a.running)
        exists = c.both(
            exists, arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::ult, line, linesHere));
      if (a.pixels < k.width * k.lines)
        exists = c.both(exists, c.inside(pixel, a.pixels));
      c.either(
          exists,
          [&] {
            for (int64_t j = 0; j < a.columns(); ++j) {
              Value at = c.add(c.mul(c.add(row, t * a.rows), width), a.sumsAt() + j * kLanes);
              Value mask;
              if (k.outputs % width)
                mask = c.firstLanes(kLanes, c.sub(c.index(k.outputs), c.add(column, j * kLanes)));
              epilogue.finish(epilogue.load(scratch, at, {}), pixel, c.add(column, j * kLanes),
                              mask);
            }
          },
          [] {});
    });
  }

  /// This pair's share of the next panel, on its way to the second cache.
  void fetchNext(Value panel, Value pair, Value pairs) {
    int64_t lines = a.panelCells() * 2 / 64;
    if (lines < 64)
      return;
    Value each = c.add(arith::DivUIOp::create(c.b, c.loc, c.index(lines), pairs), 1);
    Value first = arith::MulIOp::create(c.b, c.loc, each, pair);
    Value base = c.mul(c.add(panel, 1), a.panelCells());
    c.loop(first, c.add(first, each), [&](Value line) {
      memref::PrefetchOp::create(c.b, c.loc, weights, ValueRange{c.add(base, c.mul(line, kDepth))},
                                 false, 2, true);
    });
  }

  const Code &c;
  const Amx &a;
  const Contraction &k;
  Epilogue &epilogue;
  Value input, weights, scratch;
  Value firstImage, firstLine, linesHere, perBlockImage; ///< of the current block
};

class AmxImplementation final : public Implementation {
public:
  StringRef name() const override { return "amx"; }

  std::optional<std::string> refuse(DispatchOp dispatch, const Isa &isa) const override {
    std::string why;
    std::optional<Amx> a = amxOf(dispatch, isa, why);
    if (!a)
      return why;
    if (!llvm::isa<BlockArgument>(a->k.input) || !llvm::isa<BlockArgument>(a->k.weights))
      return "an operand is computed in the group";
    if (a->k.input == a->k.weights)
      return "one tensor is both sides";
    return refuseEpilogue(dispatch, rootOf(dispatch));
  }

  RankedTensorType packedType(DispatchOp dispatch, unsigned index, const Isa &isa) const override {
    Contraction k = planOf(dispatch, isa).k;
    auto type = cast<RankedTensorType>(dispatch.getInputs()[index].getType());
    if (cast<BlockArgument>(k.weights).getArgNumber() != index)
      return type;
    return RankedTensorType::get({k.panels.panels(), k.panels.depth(), k.panels.width},
                                 type.getElementType());
  }

  ElementsAttr pack(DispatchOp dispatch, unsigned index, ElementsAttr value,
                    const Isa &isa) const override {
    RankedTensorType packed = packedType(dispatch, index, isa);
    if (packed == value.getType())
      return value;
    return packedBy(planOf(dispatch, isa).k.panels, cast<DenseElementsAttr>(value), packed);
  }

  int64_t packTiles(DispatchOp dispatch, unsigned, const Isa &isa) const override {
    return planOf(dispatch, isa).k.panels.tiles();
  }

  void emitPack(DispatchOp dispatch, unsigned, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    Value from = flatten(c, kernel.getArgument(0)), to = flatten(c, kernel.getArgument(1));
    Panels panels = planOf(dispatch, isa).k.panels;
    c.loop(kernel.getArgument(2), kernel.getArgument(3),
           [&](Value t) { panels.emit(c, isa, from, to, t); });
  }

  int64_t tiles(DispatchOp dispatch, const Isa &isa) const override {
    return planOf(dispatch, isa).tiles();
  }

  int64_t scratch(DispatchOp dispatch, const Isa &isa) const override {
    return planOf(dispatch, isa).scratch();
  }

  bool takesPitch(DispatchOp dispatch, unsigned argument, const Isa &) const override {
    return argument >= dispatch.getInputs().size();
  }

  void emit(DispatchOp dispatch, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    Amx a = planOf(dispatch, isa);
    Epilogue epilogue(c, dispatch, rootOf(dispatch), kernel, isa.lanes);
    unsigned count = kernel.getNumArguments();
    Emitter(c, a, epilogue, kernel.getArgument(count - 3))
        .emit(kernel.getArgument(count - 2), kernel.getArgument(count - 1));
  }

private:
  static Amx planOf(DispatchOp dispatch, const Isa &isa) {
    std::string why;
    return *amxOf(dispatch, isa, why);
  }
};

} // namespace

const Implementation &amxImplementation() {
  static const AmxImplementation instance;
  return instance;
}

} // namespace cornet::cpu
