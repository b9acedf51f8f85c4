// SPDX-License-Identifier: Apache-2.0
//
// `concat`: concatenations along the last dimension. A tile is a row of the result, written part by
// part in whole vectors, and with a mask where a part ends within one.
#include "codegen/cpu/Epilogue.h"

using namespace mlir;

namespace cornet::cpu {
namespace {

ArrayRef<int64_t> shapeOf(Value v) { return cast<RankedTensorType>(v.getType()).getShape(); }

class ConcatImplementation final : public Implementation {
public:
  StringRef name() const override { return "concat"; }

  std::optional<std::string> refuse(DispatchOp dispatch, const Isa &) const override {
    auto concat = dyn_cast<ConcatOp>(rootOf(dispatch));
    if (!concat)
      return "no concatenation";
    int64_t rank = int64_t(shapeOf(concat.getResult()).size()), axis = int64_t(concat.getAxis());
    if (axis != -1 && axis != rank - 1)
      return "not along the last dimension";
    for (Value input : concat.getInputs())
      if (!llvm::isa<BlockArgument>(storedAs(input)))
        return "a part is computed in the group";
    return refuseEpilogue(dispatch, concat);
  }

  int64_t tiles(DispatchOp dispatch, const Isa &) const override {
    int64_t rows = 1;
    for (int64_t extent : shapeOf(dispatch.getResult(0)).drop_back())
      rows *= extent;
    return rows;
  }

  bool takesPitch(DispatchOp dispatch, unsigned argument, const Isa &) const override {
    return argument >= dispatch.getInputs().size();
  }

  void emit(DispatchOp dispatch, const Isa &isa, func::FuncOp kernel) const override {
    OpBuilder builder = OpBuilder::atBlockEnd(&kernel.front());
    Code c{builder, kernel.getLoc()};
    auto concat = cast<ConcatOp>(rootOf(dispatch));
    Epilogue epilogue(c, dispatch, concat, kernel, isa.lanes);
    unsigned count = kernel.getNumArguments();
    int64_t lanes = isa.lanes;
    c.loop(kernel.getArgument(count - 2), kernel.getArgument(count - 1), [&](Value row) {
      int64_t begin = 0;
      for (Value input : concat.getInputs()) {
        int64_t columns = shapeOf(input).back(), whole = columns / lanes;
        auto copy = [&](Value column, Value mask) {
          Value at = c.add(c.mul(row, columns), column);
          Value part = epilogue.load(epilogue.flat(input), at, mask);
          epilogue.finish(part, row, c.add(column, begin), mask);
        };
        if (whole)
          c.loop(c.index(0), c.index(whole), [&](Value block) { copy(c.mul(block, lanes), {}); });
        if (int64_t rest = columns % lanes)
          copy(c.index(whole * lanes), c.firstLanes(lanes, c.index(rest)));
        begin += columns;
      }
    });
  }
};

} // namespace

const Implementation &concatImplementation() {
  static const ConcatImplementation instance;
  return instance;
}

} // namespace cornet::cpu
