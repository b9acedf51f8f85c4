// SPDX-License-Identifier: Apache-2.0
//
// Philox4x32-10 (Salmon et al. 2011) and Keras's initializers on it. Statistically Keras's, not
// bitwise.
#include <cornet/tensor.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <functional>
#include <numbers>

namespace cornet {
namespace {

/// Four words for counter `index` under the key.
std::array<uint32_t, 4> philox(uint64_t index, uint64_t key) {
  std::array<uint32_t, 4> c{uint32_t(index), uint32_t(index >> 32), 0, 0};
  uint32_t k0 = uint32_t(key), k1 = uint32_t(key >> 32);
  for (int round = 0; round < 10; ++round) {
    uint64_t p0 = uint64_t(0xD2511F53) * c[0], p1 = uint64_t(0xCD9E8D57) * c[2];
    c = {uint32_t(p1 >> 32) ^ c[1] ^ k0, uint32_t(p1), uint32_t(p0 >> 32) ^ c[3] ^ k1,
         uint32_t(p0)};
    k0 += 0x9E3779B9, k1 += 0xBB67AE85;
  }
  return c;
}

double uniform(uint64_t index, uint64_t key) {
  return (philox(index, key)[0] + 0.5) / 4294967296.0;
}

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

namespace {

using Draw = double (*)(uint64_t index, uint64_t key);

double centred(uint64_t index, uint64_t key) { return 2 * uniform(index, key) - 1; }

/// A normal draw within two deviations; draws beyond are drawn again.
double truncated(uint64_t index, uint64_t key) {
  for (uint64_t again = 0;; ++again) {
    double draw = normal(index + (again << 40), key);
    if (std::fabs(draw) <= 2)
      return draw;
  }
}

struct Scaled {
  Draw draw;
  double (*scale)(double in, double out);
};

/// Keras's names. A truncated normal is narrower than its normal by 0.8796.
const std::map<std::string, Scaled, std::less<>> &scaled() {
  static const auto third = [](double variance) { return std::sqrt(3 * variance); };
  static const auto cut = [](double variance) { return std::sqrt(variance) / 0.87962566103423978; };
  static const std::map<std::string, Scaled, std::less<>> table = {
      {"zeros", {centred, [](double, double) { return 0.0; }}},
      {"random_uniform", {centred, [](double, double) { return 0.05; }}},
      {"uniform", {centred, [](double, double) { return 0.05; }}},
      {"random_normal", {normal, [](double, double) { return 0.05; }}},
      {"normal", {normal, [](double, double) { return 0.05; }}},
      {"truncated_normal", {truncated, [](double, double) { return 0.05; }}},
      {"glorot_uniform", {centred, [](double in, double out) { return third(2 / (in + out)); }}},
      {"glorot_normal", {truncated, [](double in, double out) { return cut(2 / (in + out)); }}},
      {"he_uniform", {centred, [](double in, double) { return third(2 / in); }}},
      {"he_normal", {truncated, [](double in, double) { return cut(2 / in); }}},
      {"lecun_uniform", {centred, [](double in, double) { return third(1 / in); }}},
      {"lecun_normal", {truncated, [](double in, double) { return cut(1 / in); }}},
  };
  return table;
}

/// Rows or columns, whichever are fewer, orthonormal: Gram-Schmidt on normal draws, twice for
/// precision.
std::vector<float> orthogonal(const Shape &shape, uint64_t key) {
  size_t columns = shape.empty() ? 1 : size_t(shape.back()), rows = 1;
  for (size_t i = 0; i + 1 < shape.size(); ++i)
    rows *= size_t(shape[i]);
  bool tall = rows >= columns;
  size_t count = tall ? columns : rows, length = tall ? rows : columns;
  std::vector<std::vector<double>> basis(count, std::vector<double>(length));
  for (size_t i = 0; i < count; ++i) {
    for (size_t k = 0; k < length; ++k)
      basis[i][k] = normal(i * length + k, key);
    for (size_t pass = 0; pass < 2; ++pass)
      for (size_t j = 0; j < i; ++j) {
        double along = 0;
        for (size_t k = 0; k < length; ++k)
          along += basis[i][k] * basis[j][k];
        for (size_t k = 0; k < length; ++k)
          basis[i][k] -= along * basis[j][k];
      }
    double norm = 0;
    for (double cell : basis[i])
      norm += cell * cell;
    for (double &cell : basis[i])
      cell /= std::sqrt(norm);
  }
  std::vector<float> out(rows * columns);
  for (size_t r = 0; r < rows; ++r)
    for (size_t c = 0; c < columns; ++c)
      out[r * columns + c] = float(tall ? basis[c][r] : basis[r][c]);
  return out;
}

} // namespace

std::string checkInitializer(const std::string &name) {
  if (scaled().contains(name) || name == "ones" || name == "constant" || name == "identity" ||
      name == "orthogonal")
    return "";
  std::string known = "constant, identity, ones, orthogonal";
  for (const auto &[key, entry] : scaled())
    known += ", " + key;
  return "unknown initializer '" + name + "'; known: " + known;
}

static std::atomic<uint64_t> globalSeed = 0;
void set_random_seed(uint64_t seed) { globalSeed = seed; }
uint64_t random_seed() { return globalSeed; }

std::vector<float> Variable::value() const {
  if (!data.empty())
    return data;
  int64_t count = 1;
  for (int64_t extent : shape)
    count *= extent;
  // Two weights with one seed must not be equal: the name is part of the key.
  uint64_t key = 0xcbf29ce484222325ull ^
                 (initializer.seed ? initializer.seed : random_seed()) * 0x9E3779B97F4A7C15ull;
  for (unsigned char letter : name) // FNV-1a
    key = (key ^ letter) * 0x100000001b3ull;
  if (initializer.name == "orthogonal")
    return orthogonal(shape, key);
  std::vector<float> values(size_t(count), initializer.name == "ones" ? 1.0f
                                           : initializer.name == "constant"
                                               ? float(initializer.value)
                                               : 0.0f);
  if (initializer.name == "identity" && shape.size() == 2)
    for (int64_t i = 0; i < std::min(shape[0], shape[1]); ++i)
      values[size_t(i * shape[1] + i)] = 1;
  if (auto it = scaled().find(initializer.name); it != scaled().end()) {
    auto [in, out] = fans(shape);
    double scale = it->second.scale(in, out);
    for (int64_t i = 0; i < count && scale != 0; ++i)
      values[size_t(i)] = float(scale * it->second.draw(uint64_t(i), key));
  }
  return values;
}

} // namespace cornet
