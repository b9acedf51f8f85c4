// SPDX-License-Identifier: Apache-2.0
//
// Stores tensors between dispatches in 16 bits. What is computed inside a dispatch stays f32: it
// begins with casts of its narrow operands and ends with a cast of what it stores, so kernels widen
// where they load and round where they store, and the values are what the graph says they are.
//
// Contractions multiply narrow operands, weights and activations, and sum in f32. What they yield,
// and what is made of narrow tensors, is stored narrow; roleOf() lists what is kept in f32 instead:
// softmax, statistics, losses. So are entry points' inputs and outputs, scalars and biases.
// `what` narrows the constant weights of contractions alone, or all but them.
//
// With the type "marked" the graph has said what is narrow, by types that cornet-compute-wide has
// made marks: contractions that have one multiply narrow operands, and marked results are stored
// narrow where every kernel that reads them can.
// A dispatch whose first result stays f32 says why in a word: `cornet.kept`.
// Requires: dispatches are formed, shapes are static. Guarantees: types at entry points are the
// same; only casts are added; no mark is left.
#include "ir/Ops/Rows.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/TypeSwitch.h"

namespace cornet {
#define GEN_PASS_DEF_LOWERPRECISION
#include "passes/Passes.h.inc"

using namespace mlir;

namespace {

enum class Role {
  Multiplies, ///< both operands are narrow
  Carries,    ///< narrow operands are as good, and the result is narrow where one is
  Keeps,      ///< operands and result are f32, but for contractions that read it
};

/// The one place that tells what may lose precision.
Role roleOf(Operation *op) {
  return llvm::TypeSwitch<Operation *, Role>(op)
      .Case<MatmulOp, ConvOp, ConvTransposeOp, ConvFilterGradientOp>(
          [](auto) { return Role::Multiplies; })
      .Case<DepthwiseConvOp, MaxPoolOp, AvgPoolOp, ResizeOp, ReshapeOp, TransposeOp, PadOp,
            ConcatOp, SliceOp, BroadcastOp>([](auto) { return Role::Carries; })
      // Exponentials and what divides by a deviation are at home in softmax, norms and losses.
      .Case<ExpOp, LogOp, SqrtOp, RsqrtOp, PowOp>([](auto) { return Role::Keeps; })
      .Default(
          [](Operation *other) { return isa<Pointwise>(other) ? Role::Carries : Role::Keeps; });
}

/// Whether `op` may read narrow cells: a mean sums them in f32.
bool readsNarrow(Operation *op) {
  auto reduce = dyn_cast<ReduceOp>(op);
  return roleOf(op) != Role::Keeps || (reduce && reduce.getKind() == "mean");
}

/// Whether kernels of `op` load narrow cells.
bool loadsNarrow(Operation *op) {
  return roleOf(op) != Role::Keeps ||
         isa<Pointwise, ReduceOp, MaxPoolGradientOp, AvgPoolGradientOp>(op);
}

/// What is stored narrow, and as what.
struct Choice {
  FloatType element; ///< null: as marks say
  bool weights = true, activations = true;

  bool isMarked() const { return !element; }
  /// The type that `op` multiplies or stores; null where it is f32.
  FloatType of(Operation *op) const {
    if (element || !op)
      return element;
    auto mark = op->getAttrOfType<StringAttr>("cornet.stored");
    return mark ? named(op->getContext(), mark.getValue()) : FloatType();
  }
  static FloatType named(MLIRContext *context, StringRef name) {
    return name == "bf16"  ? FloatType(BFloat16Type::get(context))
           : name == "f16" ? FloatType(Float16Type::get(context))
                           : FloatType();
  }
};

/// Whether the dispatch reduces rows and goes on with them: softmax, a normalization. Its ends are
/// f32; contractions read a copy.
bool walksRows(DispatchOp dispatch) {
  return llvm::any_of(dispatch.getBody().front().getOps<ReduceOp>(),
                      [](ReduceOp op) { return Rows::of(op).has_value(); });
}

bool isF32(Value value) { return getElementTypeOrSelf(value).isF32(); }

class Narrowing {
public:
  Narrowing(func::FuncOp function, Choice choice) : function(function), choice(choice) {}

  void run() {
    SmallVector<DispatchOp> dispatches(function.getOps<DispatchOp>());
    for (DispatchOp dispatch : dispatches) {
      for (Operation &op : dispatch.getBody().front())
        for (Value operand : op.getOperands())
          if (auto argument = dyn_cast<BlockArgument>(operand);
              argument && isF32(argument) && multipliesNarrow(&op, dispatch, argument))
            narrowOperand(dispatch, argument, choice.of(&op));
      for (OpResult result : dispatch.getResults())
        if (FloatType element = storedNarrow(dispatch, result))
          storeNarrow(dispatch, result, element);
    }
    bool narrows = llvm::any_of(function.getOps<DispatchOp>(), [](DispatchOp dispatch) {
      return llvm::any_of(dispatch->getResultTypes(), [](Type type) {
        Type element = getElementTypeOrSelf(type);
        return element.isBF16() || element.isF16();
      });
    });
    for (DispatchOp dispatch : dispatches)
      if (narrows && isF32(dispatch.getResult(0)))
        dispatch->setAttr("cornet.kept",
                          StringAttr::get(dispatch.getContext(),
                                          whyKept(llvm::cast<OpResult>(dispatch.getResult(0)))));
    function.walk([](Operation *op) { op->removeAttr("cornet.stored"); });
  }

private:
  static Type narrow(Type type, FloatType element) {
    return cast<RankedTensorType>(type).clone(element);
  }
  static StringRef nameOf(FloatType element) { return element.isBF16() ? "bf16" : "f16"; }

  bool multipliesNarrow(Operation *op, DispatchOp dispatch, BlockArgument argument) const {
    bool isWeight =
        dispatch->getOperand(argument.getArgNumber()).getDefiningOp<ConstantOp>() != nullptr;
    if (!choice.activations && isWeight && isa<DepthwiseConvOp, GatherOp>(op))
      return true;
    return roleOf(op) == Role::Multiplies && choice.of(op) &&
           (isWeight ? choice.weights : choice.activations);
  }

  /// Calls `visit` with each dispatch's operand that `value` reaches through reshapes; whether that
  /// is all it reaches.
  static bool forEachReader(Value value, function_ref<void(OpOperand &)> visit) {
    bool all = true;
    for (OpOperand &use : value.getUses())
      if (isa<DispatchOp>(use.getOwner()))
        visit(use);
      else if (isa<ReshapeOp>(use.getOwner()))
        all &= forEachReader(use.getOwner()->getResult(0), visit);
      else
        all = false;
    return all;
  }

  static BlockArgument argumentOf(OpOperand &use) {
    return cast<DispatchOp>(use.getOwner()).getBody().getArgument(use.getOperandNumber());
  }

  /// The narrow type that the result is stored in; null where it stays f32.
  FloatType storedNarrow(DispatchOp dispatch, OpResult result) {
    Value yielded =
        dispatch.getBody().front().getTerminator()->getOperand(result.getResultNumber());
    if (!choice.activations || !isF32(result) || dispatch->hasAttr("in_place") ||
        walksRows(dispatch) || cast<RankedTensorType>(result.getType()).getRank() == 0)
      return {};
    bool should = choice.isMarked() ? isMarked(yielded, result)
                                    : shouldStoreNarrow(dispatch, result, yielded);
    return should ? choice.of(yielded.getDefiningOp()) : FloatType();
  }

  /// Sums over rows are small, and are kept as exact as they are; others are added up where they
  /// are stored.
  bool isMarked(Value yielded, OpResult result) {
    Operation *op = yielded.getDefiningOp();
    auto addsUp = [](Operation &inside) {
      return isa<MaxPoolGradientOp, AvgPoolGradientOp, ScatterOp, ResizeGradientOp>(inside);
    };
    if (!op || isa<ReduceOp>(op) || !choice.of(op) || result.use_empty() ||
        llvm::any_of(llvm::cast<DispatchOp>(result.getOwner()).getBody().front(), addsUp))
      return false;
    bool accepted = true;
    return forEachReader(result,
                         [&](OpOperand &use) {
                           accepted &= !walksRows(llvm::cast<DispatchOp>(use.getOwner())) &&
                                       llvm::all_of(argumentOf(use).getUsers(), loadsNarrow);
                         }) &&
           accepted;
  }

  bool shouldStoreNarrow(DispatchOp dispatch, OpResult result, Value yielded) {
    bool accepted = true, multiplied = false;
    bool inside = forEachReader(result, [&](OpOperand &use) {
      accepted &= !walksRows(llvm::cast<DispatchOp>(use.getOwner()));
      for (Operation *user : argumentOf(use).getUsers()) {
        accepted &= readsNarrow(user);
        multiplied |= roleOf(user) == Role::Multiplies;
      }
    });
    if (!accepted || !inside || result.use_empty())
      return false;
    if (auto reduce = yielded.getDefiningOp<ReduceOp>())
      return multiplied && keepsColumns(reduce);
    return multiplied || yieldsNarrow(dispatch);
  }

  /// Whether the last dimension is not reduced, so that rows of the result are vectors.
  static bool keepsColumns(ReduceOp reduce) {
    int64_t last = reduce.getInput().getType().getRank() - 1;
    return llvm::none_of(reduce.getAxes(),
                         [&](int64_t axis) { return axis == -1 || axis == last; });
  }

  /// Whether the dispatch contracts, or makes its result of narrow tensors by ops that carry them.
  bool yieldsNarrow(DispatchOp dispatch) {
    bool source = llvm::any_of(dispatch.getInputs().getTypes(), [&](Type type) {
      return getElementTypeOrSelf(type) == choice.element;
    });
    return source &&
           llvm::all_of(dispatch.getBody().front().without_terminator(), [](Operation &op) {
             return isa<ConstantOp>(op) || roleOf(&op) != Role::Keeps;
           });
  }

  /// What a dispatch that walks rows computes.
  static StringRef rowsOf(DispatchOp dispatch) {
    Block &body = dispatch.getBody().front();
    auto has = [&]<class... Ops>() { return (... || !body.getOps<Ops>().empty()); };
    if (has.operator()<ExpOp>())
      return has.operator()<LogOp>() ? "loss" : "softmax";
    return has.operator()<SqrtOp, RsqrtOp>() ? "normalization" : "sum";
  }

  /// Why a result is f32, in a word or two.
  std::string whyKept(OpResult result) {
    auto dispatch = llvm::cast<DispatchOp>(result.getOwner());
    if (walksRows(dispatch))
      return rowsOf(dispatch).str();
    StringRef reader;
    bool inside = forEachReader(result, [&](OpOperand &use) {
      if (auto other = llvm::cast<DispatchOp>(use.getOwner()); walksRows(other))
        reader = rowsOf(other);
    });
    if (!inside)
      return updatesVariable(result) ? "variable" : "output";
    if (!reader.empty())
      return ("read by " + reader).str();
    bool sums = !dispatch.getBody().front().getOps<ReduceOp>().empty();
    return sums ? "sum" : choice.isMarked() ? "computed in f32" : "of f32";
  }

  /// Whether the result is a variable's new value and no output.
  bool updatesVariable(Value value) {
    for (OpOperand &use : value.getUses()) {
      if (isa<DispatchOp>(use.getOwner()))
        continue;
      bool isVariable =
          isa<ReshapeOp>(use.getOwner())
              ? updatesVariable(use.getOwner()->getResult(0))
              : bool(function.getResultAttr(use.getOperandNumber(), "cornet.variable"));
      if (!isVariable)
        return false;
    }
    return true;
  }

  void storeNarrow(DispatchOp dispatch, OpResult result, FloatType element) {
    Operation *yield = dispatch.getBody().front().getTerminator();
    OpBuilder builder(yield);
    OpOperand &yielded = yield->getOpOperand(result.getResultNumber());
    yielded.set(
        convert(builder, yielded.get(), narrow(result.getType(), element), nameOf(element)));
    retype(result, element);
  }

  /// Makes `value` narrow for all that read it, reshapes included.
  void retype(Value value, FloatType element) {
    value.setType(narrow(value.getType(), element));
    for (OpOperand &use : value.getUses())
      if (isa<ReshapeOp>(use.getOwner()))
        retype(use.getOwner()->getResult(0), element);
      else
        widenInside(argumentOf(use), element);
  }

  /// Makes the argument narrow; the dispatch computes with what it widens.
  void widenInside(BlockArgument argument, FloatType element) {
    Type wide = argument.getType();
    argument.setType(narrow(wide, element));
    OpBuilder builder = OpBuilder::atBlockBegin(argument.getOwner());
    Value widened = convert(builder, argument, wide, "f32");
    argument.replaceAllUsesExcept(widened, widened.getDefiningOp());
  }

  /// Gives the dispatch a narrow copy of what its f32 argument stands for.
  void narrowOperand(DispatchOp dispatch, BlockArgument argument, FloatType element) {
    OpOperand &operand = dispatch->getOpOperand(argument.getArgNumber());
    operand.set(copyOf(operand.get(), element));
    widenInside(argument, element);
  }

  Value copyOf(Value value, FloatType element) {
    std::pair<Value, Type> key{value, element};
    Value &copy = copies[key];
    if (copy)
      return copy;
    OpBuilder builder(function.getContext());
    builder.setInsertionPointAfterValue(value);
    auto type = llvm::cast<RankedTensorType>(narrow(value.getType(), element));
    Location loc = value.getLoc();
    if (auto constant = value.getDefiningOp<ConstantOp>())
      if (auto dense = dyn_cast<DenseElementsAttr>(constant.getValue()))
        return copy = ConstantOp::create(builder, loc, rounded(dense, type));
    Value lines = reshaped(builder, value, linesOf(type.getShape()));
    Type narrowLines = narrow(lines.getType(), element);
    auto dispatch = DispatchOp::create(builder, loc, TypeRange{narrowLines}, ValueRange{lines});
    Block *body = builder.createBlock(&dispatch.getBody());
    Value narrowed =
        convert(builder, body->addArgument(lines.getType(), loc), narrowLines, nameOf(element));
    YieldOp::create(builder, loc, ValueRange{narrowed});
    builder.setInsertionPointAfter(dispatch);
    return copies[key] = reshaped(builder, dispatch.getResult(0), type.getShape());
  }

  /// The shape with its last dimensions as one that is long enough to be walked in vectors.
  static SmallVector<int64_t> linesOf(ArrayRef<int64_t> shape) {
    SmallVector<int64_t> lines(shape);
    while (lines.size() > 2 && lines.back() < 512) {
      int64_t last = lines.pop_back_val();
      lines.back() *= last;
    }
    return lines;
  }

  static Value reshaped(OpBuilder &builder, Value value, ArrayRef<int64_t> shape) {
    auto type = llvm::cast<RankedTensorType>(value.getType());
    if (type.getShape() == shape)
      return value;
    return ReshapeOp::create(builder, value.getLoc(), type.clone(shape), value,
                             builder.getDenseI64ArrayAttr(shape));
  }

  static ElementsAttr rounded(DenseElementsAttr value, RankedTensorType type) {
    std::vector<uint16_t> cells;
    cells.reserve(size_t(value.getNumElements()));
    for (float cell : value.getValues<float>()) {
      APFloat real(cell);
      bool inexact;
      real.convert(llvm::cast<FloatType>(type.getElementType()).getFloatSemantics(),
                   APFloat::rmNearestTiesToEven, &inexact);
      cells.push_back(uint16_t(real.bitcastToAPInt().getZExtValue()));
    }
    return DenseElementsAttr::getFromRawBuffer(
        type, ArrayRef(reinterpret_cast<const char *>(cells.data()), cells.size() * 2));
  }

  static Value convert(OpBuilder &builder, Value value, Type type, StringRef to) {
    return CastOp::create(builder, value.getLoc(), type, value, builder.getStringAttr(to));
  }
  func::FuncOp function;
  Choice choice;
  llvm::DenseMap<std::pair<Value, Type>, Value> copies;
};

struct LowerPrecision : impl::LowerPrecisionBase<LowerPrecision> {
  using LowerPrecisionBase::LowerPrecisionBase;

  void runOnOperation() override {
    Choice choice{Choice::named(&getContext(), type), what != "activations", what != "weights"};
    auto refuse = [&](const char *option, StringRef given, const char *known) {
      getOperation()->emitError("cornet-lower-precision: ")
          << option << " is '" << given << "', known: " << known;
      signalPassFailure();
    };
    if (choice.isMarked() && type != "marked")
      return refuse("type", type, "bf16, f16, marked");
    if (what != "all" && what != "weights" && what != "activations")
      return refuse("what", what, "all, weights, activations");
    getOperation()->walk([&](func::FuncOp function) {
      if (function.getBody().hasOneBlock())
        Narrowing(function, choice).run();
    });
  }
};

} // namespace
} // namespace cornet
