// SPDX-License-Identifier: Apache-2.0
#include "codegen/cpu/Panels.h"

using namespace mlir;

namespace cornet::cpu {

void Panels::pack(ArrayRef<float> from, MutableArrayRef<float> to) const {
  for (int64_t block = 0; block < parts * panels(); ++block)
    for (int64_t tap = 0; tap < R * S; ++tap)
      for (int64_t ch = 0; ch < channels; ++ch) {
        int64_t part = block / panels(), o = block % panels() * width;
        int64_t source = base + part * partStep + tap / S * rStep + tap % S * sStep +
                         ch * channelStep + o * outputStep;
        int64_t target = first + block * depth() * width + tap * packedTap() + ch * packedChannel();
        for (int64_t lane = 0; lane < width; ++lane)
          to[size_t(target + lane)] =
              o + lane >= outputs ? 0 : from[size_t(source + lane * outputStep)];
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
  auto type = VectorType::get({lanes}, c.b.getF32Type());
  auto bits = VectorType::get({lanes}, c.b.getI1Type());
  Value zero =
      arith::ConstantOp::create(c.b, c.loc, DenseElementsAttr::get(type, c.b.getF32FloatAttr(0)));
  Value tap = c.rem(tile, R * S), s = c.rem(tap, S), r = c.div(tap, S);
  Value block = c.div(tile, R * S), panel = c.rem(block, panels()), part = c.div(block, panels());
  Value column = c.mul(panel, width);
  Value source = c.add(c.add(c.mul(part, partStep), c.mul(column, outputStep)),
                       c.add(c.add(c.mul(r, rStep), c.mul(s, sStep)), base));
  Value target = c.add(c.add(c.mul(block, depth() * width), c.mul(tap, packedTap())), first);
  bool ragged = outputs % width != 0;
  Value left = c.sub(c.index(outputs), column); // outputs of this panel and after
  auto load = [&](Value at, Value count) -> Value {
    if (!count)
      return vector::LoadOp::create(c.b, c.loc, type, from, ValueRange{at});
    Value mask = vector::CreateMaskOp::create(c.b, c.loc, bits, ValueRange{count});
    return vector::MaskedLoadOp::create(c.b, c.loc, type, from, ValueRange{at}, mask, zero);
  };
  auto store = [&](Value vector, Value at) {
    vector::StoreOp::create(c.b, c.loc, vector, to, ValueRange{at});
  };
  if (outputStep == 1) {
    c.loop(c.index(0), c.index(channels), [&](Value ch) {
      for (int64_t j = 0; j < width; j += lanes)
        store(load(c.add(c.add(source, c.mul(ch, channelStep)), j),
                   ragged ? c.sub(left, c.index(j)) : Value()),
              c.add(c.add(target, c.mul(ch, packedChannel())), j));
    });
    return;
  }
  // Squares of lanes: rows are outputs, columns channels.
  assert(channelStep == 1 && "weights are contiguous in channels or outputs");
  auto square = [&](Value ch, int64_t count) {
    for (int64_t j = 0; j < width; j += lanes) {
      SmallVector<Value> rows;
      for (int64_t i = 0; i < lanes; ++i) {
        Value many = count == lanes ? Value() : c.index(count);
        Value at = c.add(c.add(source, ch), (j + i) * outputStep);
        if (ragged) { // rows past the last output are zeros, and not touched
          Value inside =
              arith::CmpIOp::create(c.b, c.loc, arith::CmpIPredicate::sgt, left, c.index(j + i));
          many = c.choose(inside, c.index(count), c.index(0));
          at = c.choose(inside, at, source);
        }
        rows.push_back(load(at, many));
      }
      rows = transposeSquare(c, rows);
      for (int64_t i = 0; i < count; ++i)
        store(rows[size_t(i)], c.add(c.add(target, c.mul(c.add(ch, i), packedChannel())), j));
    }
  };
  int64_t whole = channels / lanes * lanes;
  c.loop(c.index(0), c.index(whole / lanes), [&](Value i) { square(c.mul(i, lanes), lanes); });
  if (whole < channels)
    square(c.index(whole), channels - whole);
}

} // namespace cornet::cpu
