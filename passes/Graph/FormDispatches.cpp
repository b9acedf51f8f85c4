// SPDX-License-Identifier: Apache-2.0
//
// Groups the ops of each function into dispatches and puts them in an order that updates variables
// in place. A group is one op of any kind followed by pointwise ops of its shape: an epilogue, or a
// chain. A pointwise op joins the latest group among its operands' whose value it uses alone, or
// shares only with pointwise ops of that shape, as an optimizer's update shares a gradient; what a
// group computes and others need is one of its results. Comparisons are computed anew in every
// group that selects by them, and what one op makes of arguments alone goes along with that op.
// Integers of 8 bits are widened in every group that reads them; what finds indices stands alone. A
// reduction joins the pointwise chain before it that nobody else reads, so that what it sums is
// never written. Reductions of the same rows and the pointwise ops around them, on whole rows or on
// one cell of each, are one group whoever else reads what they compute: softmax and layer
// normalization with their gradients. Requires: static shapes. Guarantees:
// only constants, reshapes (which cost nothing) and the terminator stay outside dispatches; splat
// constants are inside, other constants are inputs; a group that computes a variable's new value
// comes after the other readers of its old one, unless they depend on it.
#include "ir/Ops/Rows.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/IRMapping.h"
#include "llvm/ADT/BitVector.h"

namespace cornet {
#define GEN_PASS_DEF_FORMDISPATCHES
#include "passes/Passes.h.inc"

using namespace mlir;

namespace {

bool stays(Operation *op) {
  return isa<ConstantOp, ReshapeOp, DispatchOp>(op) || !isa<Evaluate>(op);
}

bool isSplat(Value value) {
  auto constant = value.getDefiningOp<ConstantOp>();
  return constant && cast<ElementsAttr>(constant.getValue()).isSplat();
}

ArrayRef<int64_t> shapeOf(Value value) { return cast<ShapedType>(value.getType()).getShape(); }

/// Whether `op` shifts or scales by rows or channels a tensor that is kept for others anyway: its
/// several readers may as well read that one, as batch normalization does x - mean.
bool shiftsKept(Operation *op) {
  if (!isa<AddOp, SubOp, MulOp>(op) || op->hasOneUse() ||
      !getElementTypeOrSelf(op->getResult(0)).isF32())
    return false;
  auto cells = [](Value v) { return cast<ShapedType>(v.getType()).getNumElements(); };
  Value whole;
  for (Value operand : op->getOperands())
    if (shapeOf(operand) == shapeOf(op->getResult(0)))
      whole = whole ? Value() : operand;
    else if (cells(operand) * 8 > cells(op->getResult(0)))
      return false;
  Operation *producer = whole ? whole.getDefiningOp() : nullptr;
  return producer && !isa<ConstantOp>(producer) && !whole.hasOneUse();
}

/// Computed where it is needed and on no account alone: a comparison of the shape of all its users,
/// which is cheaper than its bytes; what one user of its shape makes of arguments and constants, as
/// an optimizer does when it decays a slot before it adds a gradient; shifts of what is kept; and
/// integers of 8 bits as reals, which are four times as large.
bool floats(Operation *op) {
  if (!op || !isa<Pointwise>(op))
    return false;
  if (isa<CastOp>(op) && isByte(op->getOperand(0).getType()))
    return llvm::none_of(op->getUsers(), [](Operation *user) {
      return user->hasTrait<OpTrait::IsTerminator>() || stays(user);
    });
  if (isByte(op->getResult(0).getType())) // narrowed to be stored
    return false;
  bool compares = getElementTypeOrSelf(op->getResult(0)).isInteger(1);
  bool alone = op->hasOneUse() && llvm::all_of(op->getOperands(), [](Value operand) {
                 Operation *producer = operand.getDefiningOp();
                 return !producer || isa<ConstantOp>(producer) || floats(producer);
               });
  return (compares || alone || shiftsKept(op)) &&
         llvm::all_of(op->getUsers(), [&](Operation *user) {
           return isa<Pointwise>(user) && shapeOf(user->getResult(0)) == shapeOf(op->getResult(0));
         });
}

/// Whether no pointwise op joins `op` for its shape's sake: it reduces the last dimension, or finds
/// a few indices in rows.
bool takesNoEpilogue(Operation *op) {
  if (isa<TopKOp>(op))
    return true;
  auto reduce = dyn_cast<ReduceOp>(op);
  if (!reduce)
    return false;
  int64_t last = reduce.getInput().getType().getRank() - 1;
  return llvm::any_of(reduce.getAxes(), [&](int64_t axis) { return axis == -1 || axis == last; });
}

/// The reduction that alone reads `op`, through pointwise ops of one shape; null if there is none.
ReduceOp fedReduction(Operation *op) {
  while (op->hasOneUse() && isa<Pointwise>(op)) {
    Operation *user = *op->user_begin();
    if (auto reduce = dyn_cast<ReduceOp>(user))
      return reduce;
    if (!isa<Pointwise>(user) || shapeOf(user->getResult(0)) != shapeOf(op->getResult(0)))
      return {};
    op = user;
  }
  return {};
}

Value source(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getInput();
  return value;
}

class Groups {
public:
  explicit Groups(func::FuncOp function) {
    Block &block = function.front();
    for (auto [i, value] : llvm::enumerate(block.getTerminator()->getOperands()))
      if (function.getResultAttr(unsigned(i), "cornet.variable"))
        updates.insert(source(value).getDefiningOp());
    for (Operation &op : block.without_terminator())
      if (!stays(&op) && !floats(&op))
        place(&op);
  }

  size_t size() const { return members.size(); }
  ArrayRef<Operation *> operator[](size_t group) const { return members[group]; }
  const std::vector<llvm::BitVector> &dependencies() const { return needs; }

  /// Calls `visit` with every value from outside that `op` reads, through its comparisons.
  static void reads(Operation *op, function_ref<void(Value)> visit) {
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp(); floats(producer))
        reads(producer, visit);
      else
        visit(operand);
  }

private:
  /// The groups that `op` needs, transitively.
  llvm::BitVector needsOf(Operation *op) {
    llvm::BitVector out;
    reads(op, [&](Value value) {
      auto it = groupOf.find(source(value).getDefiningOp());
      if (it == groupOf.end())
        return;
      out |= needs[it->second];
      out.resize(std::max<unsigned>(out.size(), it->second + 1));
      out.set(it->second);
    });
    return out;
  }

  void open(Operation *op) {
    needs.push_back(needsOf(op));
    groupOf[op] = members.size();
    members.push_back({op});
    rows.push_back(rowsOf(op));
  }

  static std::optional<Rows> rowsOf(Operation *op) {
    auto reduce = dyn_cast<ReduceOp>(op);
    return reduce ? Rows::of(reduce) : std::nullopt;
  }

  /// Whether `op`, and what is computed with it, goes along `along` in group `group`.
  bool fits(Operation *op, const Rows &along, size_t group) const {
    auto isInside = [&](Value value) {
      Operation *producer = value.getDefiningOp();
      auto it = groupOf.find(producer);
      return floats(producer) || (it != groupOf.end() && it->second == group);
    };
    // A comparison that does not float would be a result.
    if (!floats(op) && getElementTypeOrSelf(op->getResult(0)).isInteger(1))
      return false;
    return along.fit(op, isInside) && llvm::all_of(op->getOperands(), [&](Value operand) {
             Operation *producer = operand.getDefiningOp();
             return !floats(producer) || fits(producer, along, group);
           });
  }

  /// The group that walks the rows along which `op` goes, or that will because `op` reduces them;
  /// the latest of them that compute an operand. A variable's new value, which is to be written
  /// over the old one, stays with what is read but once.
  std::optional<size_t> alongRows(Operation *op) const {
    std::optional<size_t> join;
    if (updates.contains(op))
      return join;
    std::optional<Rows> own = rowsOf(op);
    ReduceOp fed = fedReduction(op);
    reads(op, [&](Value value) {
      auto it = groupOf.find(value.getDefiningOp());
      if (it == groupOf.end() || isCircle(op, it->second))
        return;
      size_t group = it->second;
      if (!rows[group] && !(own && startsRows(group, *own)))
        return;
      const Rows &along = rows[group] ? *rows[group] : *own;
      // What another reduction alone reads is better off with that one.
      bool elsewhere = fed && rowsOf(fed) != along;
      if (!elsewhere && fits(op, along, group) && hasRowOf(op, along, group))
        join = std::max(join.value_or(0), group);
    });
    if (join || !own)
      return join;
    // What reduces the same value as another reduction reads it along with that.
    for (Operation *user : op->getOperand(0).getUsers())
      if (auto it = groupOf.find(user); it != groupOf.end() && isa<ReduceOp>(user) &&
                                        rows[it->second] == own && !isCircle(op, it->second))
        join = std::max(join.value_or(0), it->second);
    return join;
  }

  /// Whether `op` is about single cells of rows, or about rows that `group` computes or reads
  /// anyway.
  bool hasRowOf(Operation *op, const Rows &along, size_t group) const {
    if (!along.isWide(op->getResult(0).getType()))
      return true;
    llvm::SmallPtrSet<Value, 8> near;
    for (Operation *member : members[group]) {
      near.insert(member->getResult(0));
      reads(member, [&](Value value) { near.insert(value); });
    }
    bool found = false;
    reads(op, [&](Value value) { found |= along.isWide(value.getType()) && near.contains(value); });
    return found;
  }

  /// Whether `group` is a pointwise chain on whole rows.
  bool startsRows(size_t group, const Rows &along) const {
    return llvm::all_of(members[group], [&](Operation *op) {
      return isa<Pointwise>(op) && along.isWide(op->getResult(0).getType()) &&
             fits(op, along, group);
    });
  }

  void place(Operation *op) {
    std::optional<size_t> join;
    if (isa<Pointwise>(op) && !getElementTypeOrSelf(op->getResult(0)).isInteger(1))
      for (Value operand : op->getOperands()) {
        auto it = groupOf.find(operand.getDefiningOp());
        if (it == groupOf.end() || !sharesOnlyPointwise(operand) ||
            shapeOf(operand) != shapeOf(op->getResult(0)) || isCircle(op, it->second) ||
            llvm::any_of(members[it->second], takesNoEpilogue) ||
            (!operand.hasOneUse() && fedReduction(op)))
          continue;
        join = std::max(join.value_or(0), it->second);
      }
    if (isa<ReduceOp>(op))
      join = chainBefore(op);
    if (std::optional<size_t> along = alongRows(op); along && along >= join)
      join = along;
    if (!join)
      return open(op);
    if (std::optional<Rows> own = rowsOf(op); own && startsRows(*join, *own))
      rows[*join] = own;
    llvm::BitVector more = needsOf(op);
    if (*join < more.size())
      more.reset(unsigned(*join));
    needs[*join] |= more;
    for (llvm::BitVector &other : needs)
      if (*join < other.size() && other.test(unsigned(*join)))
        other |= more;
    members[*join].push_back(op);
    groupOf[op] = *join;
  }

  /// The group of pointwise ops that `reduce` alone reads, if there is one.
  std::optional<size_t> chainBefore(Operation *reduce) {
    auto it = groupOf.find(reduce->getOperand(0).getDefiningOp());
    if (it == groupOf.end())
      return std::nullopt;
    ArrayRef<Operation *> chain = members[it->second];
    auto isInside = [&](Operation *user) {
      return user == reduce || llvm::is_contained(chain, user);
    };
    bool own = llvm::all_of(chain, [&](Operation *op) {
      return isa<Pointwise>(op) && llvm::all_of(op->getUsers(), isInside) &&
             shapeOf(op->getResult(0)) == shapeOf(reduce->getOperand(0));
    });
    return own ? std::optional(it->second) : std::nullopt;
  }

  static bool sharesOnlyPointwise(Value value) {
    return value.hasOneUse() || llvm::all_of(value.getUsers(), [&](Operation *user) {
             return user->hasTrait<OpTrait::IsTerminator>() ||
                    (isa<Pointwise>(user) && shapeOf(user->getResult(0)) == shapeOf(value));
           });
  }

  /// Whether `op`, were it in `group`, would read what depends on the group.
  bool isCircle(Operation *op, size_t group) const {
    bool found = false;
    reads(op, [&](Value value) {
      auto it = groupOf.find(source(value).getDefiningOp());
      if (it != groupOf.end() && it->second == group)
        found |= source(value) != value; // a reshape stays outside
      else if (it != groupOf.end())
        found |= group < needs[it->second].size() && needs[it->second].test(unsigned(group));
    });
    return found;
  }

  std::vector<SmallVector<Operation *>> members;
  std::vector<llvm::BitVector> needs;         ///< by group: those it depends on
  std::vector<std::optional<Rows>> rows;      ///< by group: those it walks
  llvm::SmallPtrSet<Operation *, 16> updates; ///< that compute variables' new values
  llvm::DenseMap<Operation *, size_t> groupOf;
};

/// The groups in an order in which each finds what it needs, as near to the recorded one as can be.
class Schedule {
public:
  Schedule(func::FuncOp function, const Groups &groups) : needs(groups.dependencies()) {
    llvm::DenseMap<Value, SmallVector<size_t>> readers;
    llvm::DenseMap<Operation *, size_t> groupOf;
    for (size_t g = 0; g < groups.size(); ++g)
      for (Operation *op : groups[g]) {
        groupOf[op] = g;
        Groups::reads(op, [&](Value value) { readers[source(value)].push_back(g); });
      }
    // Whoever writes a variable waits for the others that read it.
    auto variable = [&](DictionaryAttr attributes) {
      return attributes ? attributes.get("cornet.variable") : Attribute();
    };
    Operation *end = function.front().getTerminator();
    for (auto [i, value] : llvm::enumerate(end->getOperands())) {
      Attribute name = variable(function.getResultAttrDict(unsigned(i)));
      auto writer = groupOf.find(source(value).getDefiningOp());
      for (BlockArgument argument : function.getArguments())
        if (name && writer != groupOf.end() &&
            variable(function.getArgAttrDict(argument.getArgNumber())) == name)
          for (size_t reader : readers[argument])
            wait(writer->second, reader);
    }
    done.resize(groups.size());
    for (size_t g = 0; g < groups.size(); ++g)
      visit(g);
  }

  std::vector<size_t> order;

private:
  bool depends(size_t group, size_t on) const {
    return on < needs[group].size() && needs[group].test(unsigned(on));
  }

  /// `group` comes after `first`, unless `first` needs it.
  void wait(size_t group, size_t first) {
    if (group == first || depends(group, first) || depends(first, group))
      return;
    llvm::BitVector more = needs[first];
    more.resize(std::max<unsigned>(more.size(), unsigned(first) + 1));
    more.set(unsigned(first));
    for (size_t other = 0; other < needs.size(); ++other)
      if (other == group || depends(other, group))
        needs[other] |= more;
  }

  void visit(size_t group) {
    if (done[group])
      return;
    done[group] = true;
    for (unsigned need : needs[group].set_bits())
      visit(need);
    order.push_back(group);
  }

  std::vector<llvm::BitVector> needs;
  std::vector<bool> done;
};

/// Clones `op` at `b`, its comparisons and splat constants first.
void cloneInto(OpBuilder &b, Operation *op, IRMapping &mapping) {
  for (Value operand : op->getOperands()) {
    if (mapping.contains(operand))
      continue;
    Operation *producer = operand.getDefiningOp();
    if (isSplat(operand))
      b.clone(*producer, mapping);
    else if (floats(producer))
      cloneInto(b, producer, mapping);
  }
  b.clone(*op, mapping);
}

/// Whether `user` is computed outside of the group; a comparison is computed where it is needed.
bool needs(Operation *user, const llvm::SmallPtrSetImpl<Operation *> &inside) {
  if (!floats(user))
    return !inside.contains(user);
  return llvm::any_of(user->getUsers(), [&](Operation *next) { return needs(next, inside); });
}

/// `value` in the new order; constants and reshapes move along with the first that reads them.
Value bring(OpBuilder &builder, Value value, IRMapping &outside) {
  if (!outside.contains(value)) {
    Operation *op = value.getDefiningOp();
    for (Value operand : op->getOperands())
      bring(builder, operand, outside);
    builder.clone(*op, outside);
  }
  return outside.lookup(value);
}

void outline(ArrayRef<Operation *> group, OpBuilder &builder, IRMapping &outside) {
  llvm::SetVector<Value> inputs, results;
  llvm::SmallPtrSet<Operation *, 8> inside(group.begin(), group.end());
  for (Operation *op : group) {
    Groups::reads(op, [&](Value value) {
      if (!inside.contains(value.getDefiningOp()) && !isSplat(value))
        inputs.insert(value);
    });
    if (llvm::any_of(op->getUsers(), [&](Operation *user) { return needs(user, inside); }))
      results.insert(op->getResult(0));
  }
  if (results.empty()) // dead; kept whole for whoever prints it
    results.insert(group.back()->getResult(0));
  SmallVector<Value> operands;
  for (Value input : inputs)
    operands.push_back(bring(builder, input, outside));
  auto dispatch = DispatchOp::create(builder, group.back()->getLoc(),
                                     TypeRange(results.getArrayRef()), operands);
  OpBuilder::InsertionGuard guard(builder);
  Block *body = builder.createBlock(&dispatch.getBody());
  IRMapping mapping;
  for (Value input : inputs)
    mapping.map(input, body->addArgument(input.getType(), input.getLoc()));
  for (Operation *op : group)
    cloneInto(builder, op, mapping);
  SmallVector<Value> yielded;
  for (auto [i, result] : llvm::enumerate(results)) {
    yielded.push_back(mapping.lookup(result));
    outside.map(result, dispatch.getResult(unsigned(i)));
  }
  YieldOp::create(builder, group.back()->getLoc(), yielded);
}

LogicalResult formDispatches(func::FuncOp function) {
  Block &block = function.front();
  for (Operation &op : block.without_terminator())
    if (stays(&op) && !isa<ConstantOp, ReshapeOp>(op))
      return op.emitOpError("is no op that a dispatch can compute");
  Groups groups(function);
  Schedule schedule(function, groups);
  SmallVector<Operation *> old;
  for (Operation &op : block.without_terminator())
    old.push_back(&op);
  OpBuilder builder(block.getTerminator());
  IRMapping outside;
  for (BlockArgument argument : block.getArguments())
    outside.map(argument, argument);
  for (size_t group : schedule.order)
    outline(groups[group], builder, outside);
  for (OpOperand &operand : block.getTerminator()->getOpOperands())
    operand.set(bring(builder, operand.get(), outside));
  for (Operation *op : llvm::reverse(old))
    op->erase();
  return success();
}

struct FormDispatches : impl::FormDispatchesBase<FormDispatches> {
  void runOnOperation() override {
    WalkResult result = getOperation()->walk([](func::FuncOp function) {
      bool formed =
          !function.getBody().hasOneBlock() || !function.front().getOps<DispatchOp>().empty();
      return formed || succeeded(formDispatches(function)) ? WalkResult::advance()
                                                           : WalkResult::interrupt();
    });
    if (result.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
} // namespace cornet
