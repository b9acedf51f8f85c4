// SPDX-License-Identifier: Apache-2.0
//
// The reference's loops against plainer ones, bit for bit.
#include "ir/Reference/Loops.h"

#include <gtest/gtest.h>

#include <random>

using namespace cornet;

namespace {

std::mt19937 bits(1);

HostTensor random(std::vector<int64_t> shape) {
  HostTensor out{std::move(shape), {}};
  std::normal_distribution<double> normal;
  for (int64_t i = 0, n = out.size(); i < n; ++i)
    out.data.push_back(normal(bits));
  return out;
}

/// Each product is rounded before it is added, as everywhere.
double added(double sum, double left, double right) {
  volatile double product = left * right;
  return sum + product;
}

TEST(Loops, ProductsInOrder) {
  for (int64_t rows : {0, 1, 3, 4, 5, 9})
    for (int64_t depth : {0, 1, 2, 37})
      for (int64_t columns : {1, 7, 15, 16, 17, 33}) {
        int64_t pitch = columns + 3;
        HostTensor out = random({rows, columns}), left = random({rows, depth}),
                   right = random({depth, pitch}), want = out;
        std::vector<double *> to;
        std::vector<const double *> from;
        for (int64_t r = 0; r < rows; ++r) {
          to.push_back(out.data.data() + r * columns);
          from.push_back(left.data.data() + r * depth);
          for (int64_t j = 0; j < columns; ++j)
            for (int64_t k = 0; k < depth; ++k)
              want.data[r * columns + j] = added(
                  want.data[r * columns + j], left.data[r * depth + k], right.data[k * pitch + j]);
        }
        reference::addProducts(to, from, depth, right.data.data(), pitch, columns);
        EXPECT_EQ(out.data, want.data) << rows << " x " << depth << " x " << columns;
      }
}

TEST(Loops, MapBroadcasts) {
  struct {
    std::vector<int64_t> a, b, out;
  } const cases[] = {{{2, 3, 4}, {2, 3, 4}, {2, 3, 4}},
                     {{2, 3, 4}, {4}, {2, 3, 4}},
                     {{2, 3, 4}, {3, 1}, {2, 3, 4}},
                     {{2, 1, 4}, {1, 3, 1}, {2, 3, 4}},
                     {{}, {5}, {5}},
                     {{}, {}, {}},
                     {{1, 1}, {1, 1, 1}, {1, 1, 1}},
                     {{2, 3, 1, 4, 5}, {3, 1, 1, 5}, {2, 3, 1, 4, 5}},
                     {{2, 0, 4}, {4}, {2, 0, 4}},
                     {{2, 3, 4}, {2, 1, 1}, {2, 3, 4}}};
  for (const auto &[a, b, shape] : cases) {
    HostTensor left = random(a), right = random(b), out{shape, {}};
    auto cell = [&](const HostTensor &of, llvm::ArrayRef<int64_t> index) {
      int64_t at = 0;
      for (size_t d = 0, shift = index.size() - of.shape.size(); d < of.shape.size(); ++d)
        at = at * of.shape[d] + (of.shape[d] == 1 ? 0 : index[d + shift]);
      return of.data[size_t(at)];
    };
    std::vector<double> want;
    reference::forEach(shape, [&](llvm::ArrayRef<int64_t> index) {
      want.push_back(cell(left, index) - 2 * cell(right, index));
    });
    ASSERT_TRUE(llvm::succeeded(
        reference::map({&left, &right}, out, [](const double *v) { return v[0] - 2 * v[1]; })));
    EXPECT_EQ(out.data, want) << testing::PrintToString(a) << testing::PrintToString(b);
  }
}

} // namespace
