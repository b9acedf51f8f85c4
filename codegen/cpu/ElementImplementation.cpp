// SPDX-License-Identifier: Apache-2.0
//
// `element`: the implementation that serves everything. Each cell of the result is computed from
// its coordinates: a pointwise op asks its operands for their cells, a movement asks at other
// coordinates, a reduction or contraction loops. So any group fuses into one loop nest without
// temporaries; the innermost loop runs over the last dimension, which LLVM vectorizes where memory
// is contiguous. A tile is one row (all dimensions but the last).
#include "codegen/cpu/Cells.h"
#include "codegen/cpu/Epilogue.h"
#include "codegen/cpu/Implementation.h"

using namespace mlir;

namespace cornet::cpu {
namespace {

class ElementImplementation final : public Implementation {
public:
  StringRef name() const override { return "element"; }
  bool knowsBytes() const override { return true; }
  std::optional<std::string> refuse(DispatchOp, const Isa &) const override { return std::nullopt; }

  /// A concatenation along the last dimension of the result, if the group has one.
  static ConcatOp lastAxisConcat(DispatchOp dispatch) {
    auto type = cast<RankedTensorType>(dispatch.getResult(0).getType());
    for (auto concat : dispatch.getBody().front().getOps<ConcatOp>())
      if (concat.getType() == type &&
          (concat.getAxis() == uint64_t(-1) || int64_t(concat.getAxis()) == type.getRank() - 1))
        return concat;
    return {};
  }

  int64_t tiles(DispatchOp dispatch, const Isa &) const override {
    auto type = cast<RankedTensorType>(dispatch.getResult(0).getType());
    return type.getRank() == 0
               ? 1
               : type.getNumElements() / std::max<int64_t>(type.getShape().back(), 1);
  }

  void emit(DispatchOp dispatch, const Isa &, func::FuncOp kernel) const override {
    Block &entry = kernel.front();
    OpBuilder builder = OpBuilder::atBlockEnd(&entry);
    Code c{builder, kernel.getLoc()};
    unsigned inputs = dispatch.getInputs().size();
    ArrayRef<int64_t> shape = cast<RankedTensorType>(dispatch.getResult(0).getType()).getShape();
    ValueRange yielded = dispatch.getBody().front().getTerminator()->getOperands();
    Cells cells(c, ValueRange(entry.getArguments()).take_front(inputs));
    unsigned count = entry.getNumArguments();
    c.loop(entry.getArgument(count - 2), entry.getArgument(count - 1), [&](Value row) {
      auto store = [&](const Place &at) {
        SmallVector<Value> results;
        cells.begin(at);
        for (Value value : yielded)
          results.push_back(cells.cell(value, at));
        for (auto [i, result] : llvm::enumerate(results)) {
          Value buffer = entry.getArgument(resultArgument(dispatch, i));
          if (isByte(yielded[i].getType()))
            result = c.narrowed(result, getElementTypeOrSelf(yielded[i]));
          else if (isReal(yielded[i]))
            result = c.real(result, getElementTypeOrSelf(buffer));
          memref::StoreOp::create(builder, c.loc, result, buffer, at);
        }
      };
      if (shape.empty())
        return store({});
      Place at = c.coordinates(row, shape.drop_back());
      auto columns = [&](int64_t from, int64_t to) {
        c.loop(c.index(from), c.index(to), [&](Value last) {
          Place cell = at;
          cell.push_back(last);
          store(cell);
        });
      };
      ConcatOp concat = lastAxisConcat(dispatch);
      if (!concat)
        return columns(0, shape.back());
      int64_t begin = 0;
      for (auto [i, input] : llvm::enumerate(concat.getInputs())) {
        int64_t extent = cast<RankedTensorType>(input.getType()).getShape().back();
        cells.inPart(concat, i, begin);
        columns(begin, begin + extent);
        begin += extent;
      }
    });
  }
};

} // namespace

const Implementation &elementImplementation() {
  static const ElementImplementation instance;
  return instance;
}

} // namespace cornet::cpu
