// SPDX-License-Identifier: Apache-2.0
//
// Which parts a batch is served in: small activations stay whole, large ones are cut, large weights
// keep them together.
#include "codegen/BatchSizes.h"

#include "codegen/Compile.h"

#include "mlir/Parser/Parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cornet::test {
namespace {

/// The sizes for `asked` of a convolution over images of `extent` x `extent` and `channels`.
std::vector<int64_t> sizesOf(int64_t extent, int64_t channels, std::vector<int64_t> asked,
                             const std::string &attributes = "cornet.entry") {
  std::string e = std::to_string(extent), c = std::to_string(channels);
  std::string image = "tensor<?x" + e + "x" + e + "x" + c + "xf32>";
  std::string kernel = "tensor<3x3x" + c + "x" + c + "xf32>";
  std::string text = "func.func @predict(%x: " + image + ", %w: " + kernel + ") -> " + image +
                     " attributes {" + attributes +
                     "} {\n%y = cornet.conv %x, %w {strides = array<i64: 1, 1>, padding = "
                     "array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, groups = 1 : i64} : (" +
                     image + ", " + kernel + ") -> " + image + "\nreturn %y : " + image + "\n}";
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry);
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  EXPECT_TRUE(module);
  return module ? batchesThatServe(*module, asked) : std::vector<int64_t>();
}

using testing::ElementsAre;

TEST(BatchSizes, SmallActivationsStayWhole) {
  EXPECT_THAT(sizesOf(14, 64, {1, 8, 32}), ElementsAre(1, 8, 32));
}

TEST(BatchSizes, LargeActivationsAreCut) {
  // A row moves 6.4 MB: two are within the cache, three are not.
  EXPECT_THAT(sizesOf(112, 64, {8}), ElementsAre(2));
  EXPECT_THAT(sizesOf(112, 64, {3}), ElementsAre(1));
  EXPECT_THAT(sizesOf(112, 64, {2, 8}), ElementsAre(2));
}

TEST(BatchSizes, LargeWeightsKeepThemTogether) {
  // 604 MB of weights against 205 kB a row.
  EXPECT_THAT(sizesOf(2, 4096, {64}), ElementsAre(64));
}

TEST(BatchSizes, WholeBatchesAreNotItsConcern) {
  EXPECT_THAT(sizesOf(112, 64, {8}, "cornet.entry, cornet.whole"), ElementsAre(8));
}

} // namespace
} // namespace cornet::test
