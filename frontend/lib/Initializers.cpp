// SPDX-License-Identifier: Apache-2.0
//
// Philox4x32-10 (Salmon et al. 2011) and Keras's initializers on it. Statistically Keras's, not bitwise.
#include <cornet/tensor.h>

#include <array>
#include <cmath>
#include <numbers>

namespace cornet {
namespace {

/// Four words for counter `index` under the key.
std::array<uint32_t, 4> philox(uint64_t index, uint64_t key) {
  std::array<uint32_t, 4> c{uint32_t(index), uint32_t(index >> 32), 0, 0};
  uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t(0xD2511F53) * c[0], p1 = uint64_t(0xCD9E8D57) * c[2];
    c = {uint32_t(p1 >> 32) ^ c[1] ^ k0, uint32_t(p1), uint32_t(p0 >> 32) ^ c[3] ^ k1, uint32_t(p0)};
    k0 += 0x9E3779B9, k1 += 0xBB67AE85;
  }
  return c;
}

double uniform(uint64_t index, uint64_t key) { return (philox(index, key)[0] + 0.5) / 4294967296.0; }

double normal(uint64_t index, uint64_t key) {
  auto words = philox(index, key);
  double u = (words[0] + 0.5) / 4294967296.0, v = (words[1] + 0.5) / 4294967296.0;
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

/// Keras's fans: the receptive field times the last two extents.
std::pair<double, double> fans(const Shape &shape) {
  double field = 1;
  for (size_t i = 0; i + 2 < shape.size(); ++i)
    field *= double(shape[i]);
  if (shape.size() < 2)
    return {shape.empty() ? 1 : double(shape[0]), shape.empty() ? 1 : double(shape[0])};
  return {field * double(shape[shape.size() - 2]), field * double(shape.back())};
}

} // namespace

std::vector<float> Variable::value() const {
  if (!data.empty())
    return data;
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  // Two weights with one seed must not be equal: the name is part of the key.
  uint64_t key = 0xcbf29ce484222325ull ^ initializer.seed * 0x9E3779B97F4A7C15ull;
  for (unsigned char letter : name) // FNV-1a
    key = (key ^ letter) * 0x100000001b3ull;
  auto [in, out] = fans(shape);
  std::vector<float> values(size_t(count), 0.0f);
  for (int64_t i = 0; i < count; ++i) {
    double draw = 0;
    if (initializer.name == "ones")
      draw = 1;
    else if (initializer.name == "constant")
      draw = initializer.value;
    else if (initializer.name == "glorot_uniform")
      draw = std::sqrt(6 / (in + out)) * (2 * uniform(uint64_t(i), key) - 1);
    else if (initializer.name == "he_normal")
      draw = std::sqrt(2 / in) * normal(uint64_t(i), key);
    else if (initializer.name == "random_normal")
      draw = 0.05 * normal(uint64_t(i), key);
    values[size_t(i)] = float(draw);
  }
  return values;
}

} // namespace cornet
