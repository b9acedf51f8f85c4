// SPDX-License-Identifier: Apache-2.0
#include "codegen/cpu/Panels.h"

#include <cstring>

using namespace mlir;

namespace cornet::cpu {
namespace {

template <class Cell> void packOne(const Panels &p, ArrayRef<Cell> from, MutableArrayRef<Cell> to) {
  for (int64_t block = 0; block < p.parts * p.panels(); ++block)
    for (int64_t tap = 0; tap < p.R * p.S; ++tap)
      for (int64_t ch = 0; ch < p.words() * p.word; ++ch) {
        int64_t part = block / p.panels(), o = block % p.panels() * p.width;
        int64_t source = p.base + part * p.partStep + tap / p.S * p.rStep + tap % p.S * p.sStep +
                         ch * p.channelStep + o * p.outputStep;
        int64_t target = p.first + block * p.depth() * p.width + tap * p.packedTap() +
                         ch / p.word * p.packedChannel() + ch % p.word;
        for (int64_t lane = 0; lane < p.width; ++lane)
          to[size_t(target + lane * p.word)] = o + lane >= p.outputs || ch >= p.channels
                                                   ? Cell(0)
                                                   : from[size_t(source + lane * p.outputStep)];
      }
}

/// `Cell` has the bits of the type's elements, and zero is zero.
template <class Cell>
ElementsAttr packAll(ArrayRef<Panels> panels, DenseElementsAttr value, RankedTensorType packed) {
  ArrayRef<char> raw = value.getRawData();
  std::vector<Cell> from(size_t(value.getNumElements())), to(size_t(packed.getNumElements()));
  for (size_t i = 0; i < from.size(); ++i)
    std::memcpy(&from[i], raw.data() + (value.isSplat() ? 0 : i * sizeof(Cell)), sizeof(Cell));
  for (const Panels &p : panels)
    packOne<Cell>(p, from, to);
  auto bytes = ArrayRef(reinterpret_cast<const char *>(to.data()), to.size() * sizeof(Cell));
  return DenseElementsAttr::getFromRawBuffer(packed, bytes);
}

} // namespace

ElementsAttr packedBy(ArrayRef<Panels> panels, DenseElementsAttr value, RankedTensorType packed) {
  switch (packed.getElementTypeBitWidth()) {
  case 8:
    return packAll<uint8_t>(panels, value, packed);
  case 16:
    return packAll<uint16_t>(panels, value, packed);
  default:
    return packAll<float>(panels, value, packed);
  }
}

SmallVector<Value> transposeSquare(const Code &c, ArrayRef<Value> rows) {
  SmallVector<Value> now(rows);
  size_t n = rows.size();
  for (size_t h = n / 2; h > 0; h /= 2)
    for (size_t i = 0; i < n; ++i) {
      if (i & h)
        continue;
      SmallVector<int64_t> low, high; // quarters of the square change places across the diagonal
      for (size_t l = 0; l < n; ++l) {
        low.push_back(int64_t(l & h ? n + l - h : l));
        high.push_back(int64_t(l & h ? n + l : l + h));
      }
      Value x = now[i], y = now[i + h];
      now[i] = vector::ShuffleOp::create(c.b, c.loc, x, y, low);
      now[i + h] = vector::ShuffleOp::create(c.b, c.loc, x, y, high);
    }
  return now;
}

void Panels::emit(const Code &c, const Isa &isa, Value from, Value to, Value tile) const {
  int64_t lanes = isa.lanes;
  Type element = cast<MemRefType>(from.getType()).getElementType();
  Value tap = c.rem(tile, R * S), s = c.rem(tap, S), r = c.div(tap, S);
  Value block = c.div(tile, R * S), panel = c.rem(block, panels()), part = c.div(block, panels());
  Value column = c.mul(panel, width);
  Value source = c.add(c.add(c.mul(part, partStep), c.mul(column, outputStep)),
                       c.add(c.add(c.mul(r, rStep), c.mul(s, sStep)), base));
  Value target = c.add(c.add(c.mul(block, depth() * width), c.mul(tap, packedTap())), first);
  bool ragged = outputs % width != 0;
  Value left = c.sub(c.index(outputs), column); // outputs of this panel and after
  /// The first `count` of `cells` cells at `at`, all of them where it is null, and zeros.
  auto load = [&](Value at, int64_t cells, Value count) -> Value {
    auto type = VectorType::get({cells}, element);
    if (!count)
      return vector::LoadOp::create(c.b, c.loc, type, from, ValueRange{at});
    Value mask = c.firstLanes(cells, count);
    Value zeros = arith::ConstantOp::create(c.b, c.loc, c.b.getZeroAttr(type));
    return vector::MaskedLoadOp::create(c.b, c.loc, type, from, ValueRange{at}, mask, zeros);
  };
  auto store = [&](Value vector, Value at) {
    vector::StoreOp::create(c.b, c.loc, vector, to, ValueRange{at});
  };
  for (int64_t pair = (channels + word - 1) / word; pair < words(); ++pair)
    for (int64_t j = 0; j < width * word; j += lanes)
      store(
          arith::ConstantOp::create(c.b, c.loc, c.b.getZeroAttr(VectorType::get({lanes}, element))),
          c.add(target, pair * packedChannel() + j));
  if (outputStep == 1) {
    auto row = [&](Value pair, int64_t count) { // of the word's channels
      for (int64_t j = 0; j < width; j += lanes) {
        SmallVector<Value> halves;
        for (int64_t i = 0; i < count; ++i)
          halves.push_back(
              load(c.add(c.add(source, c.mul(c.add(c.mul(pair, word), i), channelStep)), j), lanes,
                   ragged ? c.sub(left, c.index(j)) : Value()));
        if (count < word)
          halves.push_back(
              arith::ConstantOp::create(c.b, c.loc, c.b.getZeroAttr(halves[0].getType())));
        store(word == 1 ? halves[0]
                        : Value(vector::InterleaveOp::create(c.b, c.loc, halves[0], halves[1])),
              c.add(c.add(target, c.mul(pair, packedChannel())), j * word));
      }
    };
    c.loop(c.index(0), c.index(channels / word), [&](Value pair) { row(pair, word); });
    if (channels % word)
      row(c.index(channels / word), 1);
    return;
  }
  // Squares of words: rows are outputs, columns channels.
  assert(channelStep == 1 && "weights are contiguous in channels or outputs");
  auto square = [&](Value pair, int64_t count) { // of channels
    for (int64_t j = 0; j < width; j += lanes) {
      SmallVector<Value> rows;
      for (int64_t i = 0; i < lanes; ++i) {
        Value many = count == lanes * word ? Value() : c.index(count);
        Value at = c.add(c.add(source, c.mul(pair, word)), (j + i) * outputStep);
        if (ragged) { // rows past the last output are zeros, and not touched
          Value inside =
              arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::sgt, left, c.index(j + i));
          many = c.choose(inside, c.index(count), c.index(0));
          at = c.choose(inside, at, source);
        }
        Value row = load(at, lanes * word, many);
        if (word == 2)
          row = vector::BitCastOp::create(c.b, c.loc, VectorType::get({lanes}, c.b.getF32Type()),
                                          row);
        rows.push_back(row);
      }
      rows = transposeSquare(c, rows);
      for (int64_t i = 0; i * word < count; ++i) {
        Value row = rows[size_t(i)];
        if (word == 2)
          row =
              vector::BitCastOp::create(c.b, c.loc, VectorType::get({lanes * word}, element), row);
        store(row, c.add(c.add(target, c.mul(c.add(pair, i), packedChannel())), j * word));
      }
    }
  };
  int64_t whole = channels / (lanes * word);
  c.loop(c.index(0), c.index(whole), [&](Value i) { square(c.mul(i, lanes), lanes * word); });
  if (int64_t rest = channels - whole * lanes * word)
    square(c.index(whole * lanes), rest);
}

} // namespace cornet::cpu
