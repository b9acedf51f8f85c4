// SPDX-License-Identifier: Apache-2.0
//
// Grey 8 x 8 pictures, f32 (N, 8, 8, 1) in 0..1: shown as characters, written as a file, and held
// against real digits.
#pragma once

#include "models/data.h"

#include <cmath>
#include <fstream>
#include <set>

namespace models {

/// The first `count`, side by side.
inline void draw(const Array &pictures, int64_t count) {
  for (int64_t row = 0; row < 8; ++row, std::puts(""))
    for (int64_t i = 0; i < count; ++i, std::printf("  "))
      for (int64_t column = 0; column < 8; ++column)
        std::putchar(" .:-=+*#%@"[int(pictures.at((i * 8 + row) * 8 + column) * 9.99)]);
}

/// The first side * side as one grey PGM file, each pixel 4 x 4, a gap of one pixel between them.
inline void writePgm(const std::string &path, const Array &pictures, int64_t side) {
  std::ofstream file(path, std::ios::binary);
  int64_t extent = (side * 9 + 1) * 4;
  file << "P5 " << extent << ' ' << extent << " 255\n";
  for (int64_t y = 0; y < extent; ++y)
    for (int64_t x = 0; x < extent; ++x) {
      int64_t row = y / 4 % 9 - 1, column = x / 4 % 9 - 1; // -1: the gap
      int64_t picture = y / 36 * side + x / 36, pixel = row * 8 + column;
      bool gap = row < 0 || column < 0;
      file.put(char(gap ? 64 : std::lround(pictures.at(picture * 64 + pixel) * 255)));
    }
  if (!file.flush())
    throw cornet::data::Error(path + ": cannot be written; name another file with --samples");
}

/// Prints the mean distance of pictures from the nearest of `real`, and how many different digits
/// those are.
inline void judge(const char *name, const Array &pictures, const Split &real) {
  std::span<const float> a = pictures.data<float>(), b = real.x.data<float>();
  std::set<int> digits;
  double sum = 0;
  for (size_t i = 0; i < a.size(); i += 64) {
    double least = HUGE_VAL;
    size_t nearest = 0;
    for (size_t j = 0; j < b.size(); j += 64) {
      double square = 0;
      for (size_t k = 0; k < 64; ++k)
        square += (a[i + k] - b[j + k]) * (a[i + k] - b[j + k]);
      if (square < least)
        least = square, nearest = j / 64;
    }
    sum += std::sqrt(least), digits.insert(int(real.y.at(int64_t(nearest))));
  }
  std::printf("%s distance %.3f\n%s digits %zu\n", name, sum / double(pictures.rows()), name,
              digits.size());
}

} // namespace models
