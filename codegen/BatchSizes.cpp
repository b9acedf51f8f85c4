// SPDX-License-Identifier: Apache-2.0
#include "codegen/BatchSizes.h"

#include "ir/Ops/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <algorithm>

using namespace mlir;

namespace cornet {
namespace {

/// What a step's tensors have of the last cache, and how much of the time that weights take to
/// arrive is hidden behind arithmetic: they are fetched ahead.
constexpr double kCacheBytes = 16 << 20, kWeightCost = 0.5;

bool hasBatch(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  return tensor && tensor.getRank() > 0 && tensor.isDynamicDim(0);
}

/// Bytes of a row, or of the whole tensor where it has no batch.
double bytesOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  double bytes = double(tensor.getElementTypeBitWidth()) / 8;
  for (int64_t extent : tensor.getShape())
    bytes *= ShapedType::isDynamic(extent) ? 1 : double(extent);
  return bytes;
}

struct Traffic {
  std::vector<double> steps; ///< bytes a row that each op moves
  double weights = 0;        ///< bytes

  explicit Traffic(ModuleOp module) {
    for (auto function : module.getOps<func::FuncOp>()) {
      if (!function->hasAttr("cornet.entry") || function->hasAttr("cornet.whole"))
        continue;
      for (Type type : function.getArgumentTypes())
        weights += hasBatch(type) ? 0 : bytesOf(type);
      // Pointwise ops, mostly, become part of the op before them.
      for (Operation &op : function.front().without_terminator()) {
        if (isa<Pointwise, ConstantOp, ReshapeOp, BatchNormOp>(op) || op.getNumResults() != 1)
          continue;
        double bytes = bytesOf(op.getResult(0).getType());
        for (Value operand : op.getOperands())
          bytes += hasBatch(operand.getType()) ? bytesOf(operand.getType()) : 0;
        steps.push_back(bytes);
      }
    }
  }

  /// Bytes beyond the cache that `rows` rows move in parts of `part`.
  double cost(double rows, double part) const {
    double once = kWeightCost * std::max(0.0, weights - kCacheBytes);
    for (double bytes : steps)
      once += std::max(0.0, part * bytes - kCacheBytes);
    return once * rows / part;
  }
};

} // namespace

std::vector<int64_t> batchesThatServe(ModuleOp module, ArrayRef<int64_t> asked) {
  Traffic traffic(module);
  std::vector<int64_t> sizes;
  for (int64_t rows : asked) {
    int64_t best = rows;
    for (int64_t part = rows - 1; part >= 1; --part)
      if (rows % part == 0 &&
          traffic.cost(double(rows), double(part)) < traffic.cost(double(rows), double(best)))
        best = part;
    sizes.push_back(best);
  }
  llvm::sort(sizes);
  sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
  return sizes;
}

} // namespace cornet
