// SPDX-License-Identifier: Apache-2.0
//
// The accuracy of the math that kernels compute, as a table: for each function the largest error
// over a sweep of all of f32 (each 8209th bit pattern, both signs, denormals, infinities, NaN and
// places where the code changes its path), against the value in double. Holds for AVX2, where the
// code is generic, and AVX-512, where it uses scalef and the reciprocal estimates. With
// CORNET_MATH_TABLE=1 it prints what was found.
#include "tests/frontend/Road.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace cornet::test {
namespace {

struct Function {
  const char *op;
  double (*value)(double);
  double bound; ///< of the error, in units in the last place of `scale`
  Attributes attributes;
  /// What the error is relative to where it is not the value: functions whose formula cancels.
  double (*scale)(double) = nullptr;
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
double magnitude(double x) { return std::max(std::fabs(x), 0x1p-126); }
/// A product with what may be a denormal.
double silu(double x) { return std::isinf(x) && x < 0 ? NAN : x * sigmoid(x); }

const std::vector<Function> &functions() {
  static const std::vector<Function> table = {
      {"exp", [](double x) { return std::exp(x); }, 1.1, {}},
      {"log", [](double x) { return std::log(x); }, 1.6, {}},
      {"tanh", [](double x) { return std::tanh(x); }, 4.5, {}},
      {"erf", [](double x) { return std::erf(x); }, 6, {}},
      {"sigmoid", sigmoid, 2.6, {}},
      {"silu", silu, 3.2, {}, [](double x) { return std::max(std::fabs(silu(x)), 0x1p-119); }},
      {"softplus",
       [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x))); },
       2.6,
       {}},
      {"rsqrt", [](double x) { return 1 / std::sqrt(x); }, 1.5, {}},
      {"sqrt", [](double x) { return std::sqrt(x); }, 0.51, {}},
      {"elu", [](double x) { return x > 0 ? x : std::expm1(x); }, 1.6, {{"alpha", 1.0}}},
      {"gelu",
       [](double x) { return 0.5 * x * (1 + std::erf(x * 0.7071067811865476)); },
       2.6,
       {{"approximate", false}},
       magnitude},
      {"gelu",
       [](double x) {
         return 0.5 * x * (1 + std::tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
       },
       4,
       {{"approximate", true}},
       magnitude},
  };
  return table;
}

/// The distance of f32 numbers at `x`.
double ulp(double x) {
  x = std::min(std::fabs(x), double(std::numeric_limits<float>::max()));
  return x < 0x1p-126 ? 0x1p-149 : std::ldexp(1.0, std::ilogb(x) - 23);
}

constexpr int64_t kRow = 65536, kRows = 16;

/// The sweep, as one batch of rows.
Cells sweep() {
  Cells cells{{kRows, kRow}, {}};
  float infinity = std::numeric_limits<float>::infinity();
  for (float x :
       {0.0f,       infinity,   float(NAN),  1.0f,        0x1p-149f,  0x1p-127f,       0x1p-126f,
        88.0f,      88.37f,     88.72f,      88.73f,      89.0f,      80.0f,           81.0f,
        87.33f,     87.34f,     103.0f,      103.9f,      104.0f,     150.0f,          9.0f,
        9.02f,      9.1f,       3.92f,       3.93f,       4.0f,       0.70710677f,     0.70710683f,
        1.4142135f, 1.4142137f, 0.34657359f, 0.99999994f, 1.0000001f, 0x1.fffffep127f, 1e30f})
    cells.data.push_back(x), cells.data.push_back(-x);
  // Half of the sweep over all numbers, half where functions bend.
  for (uint32_t bits = 0; int64_t(cells.data.size()) < kRow * kRows / 2; bits += 8209) {
    float x;
    std::memcpy(&x, &bits, 4);
    cells.data.push_back(std::isnan(x) ? float(NAN) : x);
  }
  int64_t rest = kRow * kRows - int64_t(cells.data.size());
  for (int64_t i = 0; i < rest; ++i)
    cells.data.push_back(float(-20 + 40 * double(i) / double(rest)));
  return cells;
}

/// The largest error of `ran`, in ulp; infinity where one is no number and the other is.
std::pair<double, float> worst(const Function &f, const Cells &in, const Cells &ran) {
  std::pair<double, float> most{0, 0};
  for (size_t i = 0; i < in.data.size(); ++i) {
    double x = in.data[i], want = f.value(x), got = ran.data[i], error;
    if (f.scale && std::isinf(x)) // infinity times a factor that may or may not be 0
      continue;
    if (std::isnan(want) || std::isnan(got))
      error = std::isnan(want) == std::isnan(got) ? 0 : INFINITY;
    else if (std::isinf(float(want)) ||
             std::isinf(got)) // rounding may reach infinity one ulp early
      error = float(want) == got ? 0
              : std::fabs(want) > 0x1.fffffcp127 && std::signbit(want) == std::signbit(got)
                  ? 1
                  : INFINITY;
    else if (std::fabs(want) == 1 && std::fabs(x) > 100) // so that 1 - tanh is nothing
      error = got == want ? 0 : INFINITY;
    else
      error = std::fabs(got - want) / ulp(f.scale ? f.scale(x) : want);
    if (error > most.first)
      most = {error, in.data[i]};
  }
  return most;
}

class MathError : public testing::TestWithParam<size_t> {};

TEST_P(MathError, IsWithinItsBound) {
  const Function &f = functions()[GetParam()];
  Recording recording;
  Tensor x = Input({kRow});
  Road road(Functional({x}, {ops::record(f.op, {x}, f.attributes)}, f.op));
  Cells in = sweep();
  for (const std::string &cpu : levels()) {
    CompileOptions options;
    options.cpus = {cpu};
    std::vector<Cells> ran = road.run({in}, {in}, 1, options);
    if (road.problems.find("this CPU has") != std::string::npos)
      GTEST_SKIP() << road.problems;
    ASSERT_EQ(road.problems, "");
    auto [error, where] = worst(f, in, ran.at(0));
    if (std::getenv("CORNET_MATH_TABLE"))
      std::printf("%-10s %-10s %6.3f ulp at %.9g\n", f.op, cpu.c_str(), error, double(where));
    EXPECT_LE(error, f.bound) << f.op << " of " << where << " on " << cpu;
  }
}

INSTANTIATE_TEST_SUITE_P(All, MathError, testing::Range<size_t>(0, functions().size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return std::to_string(info.param) + "_" + functions()[info.param].op;
                         });

} // namespace
} // namespace cornet::test
