// SPDX-License-Identifier: Apache-2.0
#include "codegen/cpu/Geometry.h"

using namespace mlir;

namespace cornet::cpu {

Geometry Geometry::of(ArrayRef<int64_t> in, ArrayRef<int64_t> out, ArrayRef<int64_t> window,
                      ArrayRef<int64_t> strides, ArrayRef<int64_t> dilations,
                      ArrayRef<int64_t> padding) {
  Geometry g;
  bool image = in.size() == 4;
  size_t x = image ? 1 : 0; // where the horizontal dimension stands in the attributes
  g.channels = in.back(), g.lines = in[0];
  g.inWidth = in[x + 1], g.width = out[x + 1], g.S = window[x];
  g.strideX = strides[x], g.dilationX = dilations[x], g.padX = padding[2 * x];
  if (image) {
    g.inHeight = in[1], g.R = window[0], g.perLine = out[1], g.lines *= out[1];
    g.strideY = strides[0], g.dilationY = dilations[0], g.padY = padding[0];
  }
  return g;
}

int64_t Geometry::guardedTiles(int64_t columns) const {
  int64_t count = 0;
  for (int64_t x = 0; x < width; x += columns)
    count += guarded(x, std::min(columns, width - x));
  return count;
}

Geometry::Line Geometry::lineAt(const Code &c, Value line) const {
  Value image = c.div(line, perLine), y = c.rem(line, perLine);
  Value top = c.sub(c.mul(y, strideY), c.index(padY));
  auto up = [&](Value v) { return c.div(c.add(v, dilationY - 1), dilationY); };
  Value low = c.index(0), high = c.index(R);
  if (guardedLines()) {
    low = up(c.max(c.sub(c.index(0), top), c.index(0)));
    high = c.min(up(c.max(c.sub(c.index(inHeight), top), c.index(0))), c.index(R));
  }
  return {c.add(c.mul(image, inHeight), top), low, high, top};
}

Value Geometry::highOf(const Code &c, const Line &at, int64_t rows) const {
  if (!guardedLines())
    return c.index(rows);
  return c.min(c.sub(c.index(inHeight), at.top), c.index(rows));
}

int64_t Geometry::linesRead(int64_t count) const {
  if (count == 0)
    return 0;
  int64_t image = (count - 1) / perLine, y = (count - 1) % perLine;
  int64_t bottom = y * strideY - padY + (R - 1) * dilationY + 1;
  return image * inHeight + std::clamp<int64_t>(bottom, 0, inHeight);
}

int64_t Geometry::linesPassed(int64_t count) const {
  int64_t image = count / perLine, y = count % perLine;
  return image * inHeight + std::clamp<int64_t>(y * strideY - padY, 0, inHeight);
}

bool Geometry::hasRows() const {
  for (int64_t y = 0; y < perLine; ++y) {
    bool found = false;
    for (int64_t r = 0; r < R; ++r) {
      int64_t at = y * strideY + r * dilationY - padY;
      found |= at >= 0 && at < inHeight;
    }
    if (!found)
      return false;
  }
  return true;
}

void Geometry::forEachTile(const Code &c, int64_t columns,
                           function_ref<void(const Tile &)> emit) const {
  int64_t full = width / columns * columns;
  for (int64_t x = 0; x < width;) {
    int64_t here = x < full ? columns : width - x, to = x + here;
    while (!guarded(x, here) && to + columns <= full && !guarded(to, columns))
      to += columns;
    if (to == x + here)
      emit({c.index(x), x, here, guarded(x, here)});
    else
      c.loop(c.index(x / columns), c.index(to / columns), [&](Value i) {
        emit({c.mul(i, columns), x, here, false});
      });
    x = to;
  }
}

} // namespace cornet::cpu
