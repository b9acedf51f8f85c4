// SPDX-License-Identifier: Apache-2.0
//
// Plan formation. Each dispatch becomes a step by the first implementation that accepts it. A
// result lives in the arena from its step to its last use, or in the caller's output when it is
// returned; reshapes share their input's buffer. Arena places: the largest first, each at the
// lowest offset that is free over its whole life.
#include "codegen/Plan.h"

#include "runtime/schema/Sha256.h"

#include "llvm/ADT/StringExtras.h"

#include <algorithm>

using namespace mlir;

namespace cornet {
namespace {

uint64_t bytesOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  unsigned bits = tensor.getElementTypeBitWidth();
  return uint64_t(tensor.getNumElements()) * (bits == 1 ? 1 : bits / 8);
}

uint64_t aligned(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

/// The value whose memory `value` is: reshapes looked through.
Value root(Value value) {
  while (auto reshape = value.getDefiningOp<ReshapeOp>())
    value = reshape.getInput();
  return value;
}

/// A returned value must be the one result of a dispatch; what is not gets a copy.
void copyOddResults(func::FuncOp entry) {
  Operation *ret = entry.front().getTerminator();
  llvm::DenseSet<Value> seen;
  for (OpOperand &operand : ret->getOpOperands()) {
    Value source = root(operand.get());
    if (source.getDefiningOp<DispatchOp>() && seen.insert(source).second)
      continue;
    OpBuilder builder(ret);
    auto type = cast<RankedTensorType>(operand.get().getType());
    auto copy =
        DispatchOp::create(builder, ret->getLoc(), TypeRange{type}, ValueRange{operand.get()});
    Block *body = builder.createBlock(&copy.getBody());
    Value inside = body->addArgument(type, ret->getLoc());
    Value same = ReshapeOp::create(builder, ret->getLoc(), type, inside,
                                   builder.getDenseI64ArrayAttr(type.getShape()));
    YieldOp::create(builder, ret->getLoc(), ValueRange{same});
    operand.set(copy.getResult(0));
  }
}

struct Life {
  uint32_t buffer;
  uint64_t size;
  size_t first, last;
  uint64_t offset = 0;
};

/// Places the lives in one arena and returns its size.
uint64_t placeInArena(std::vector<Life> &lives) {
  std::vector<Life *> order;
  for (Life &life : lives)
    order.push_back(&life);
  llvm::sort(order, [](Life *a, Life *b) {
    return a->size != b->size ? a->size > b->size : a->buffer < b->buffer;
  });
  std::vector<Life *> placed;
  uint64_t end = 0;
  for (Life *life : order) {
    std::vector<Life *> alive;
    for (Life *other : placed)
      if (other->first <= life->last && life->first <= other->last)
        alive.push_back(other);
    llvm::sort(alive, [](Life *a, Life *b) { return a->offset < b->offset; });
    for (Life *other : alive) {
      if (other->offset >= life->offset + life->size)
        break;
      life->offset = std::max(life->offset, other->offset + other->size);
    }
    end = std::max(end, life->offset + life->size);
    placed.push_back(life);
  }
  return end;
}

/// "conv + add + relu -> 1x56x56x64".
std::string summarize(DispatchOp dispatch) {
  std::string text;
  for (Operation &op : dispatch.getBody().front().without_terminator())
    if (!isa<ConstantOp>(op))
      text += (text.empty() ? "" : " + ") + op.getName().stripDialect().str();
  text += " -> ";
  for (auto [i, extent] :
       llvm::enumerate(cast<RankedTensorType>(dispatch.getResult(0).getType()).getShape()))
    text += (i ? "x" : "") + std::to_string(extent);
  return text;
}

/// The name of the layer a location carries.
std::string layerOf(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName().str();
  if (auto fused = dyn_cast<FusedLoc>(loc); fused && !fused.getLocations().empty())
    return layerOf(fused.getLocations().back());
  return "";
}

const cpu::Implementation &choose(DispatchOp dispatch, const cpu::Isa &isa, StepReport &report) {
  for (const cpu::Implementation *implementation : cpu::implementations()) {
    std::optional<std::string> refusal = implementation->refuse(dispatch, isa);
    if (!refusal) {
      report.winner = implementation->name().str();
      return *implementation;
    }
    report.refusals.emplace_back(implementation->name().str(), *refusal);
  }
  llvm_unreachable("the last implementation accepts everything");
}

} // namespace

uint64_t Weights::place(ElementsAttr value) {
  auto [it, isNew] = offsets.try_emplace(value, end);
  if (isNew) {
    values.emplace_back(value, end);
    end = aligned(end + bytesOf(value.getType()));
  }
  return it->second;
}

uint32_t Kernels::get(DispatchOp dispatch, const cpu::Implementation &implementation) {
  std::string key = implementation.name().str();
  llvm::raw_string_ostream stream(key);
  unsigned inputs = dispatch.getInputs().size();
  SmallVector<Type> arguments;
  auto buffer = [](RankedTensorType type) -> Type {
    return MemRefType::get(type.getShape(), type.getElementType());
  };
  for (unsigned i = 0; i < inputs; ++i)
    arguments.push_back(buffer(implementation.packedType(dispatch, i, isa)));
  arguments.push_back(buffer(cast<RankedTensorType>(dispatch.getResult(0).getType())));
  for (Type type : arguments)
    stream << ' ' << type;
  for (Operation &op : dispatch.getBody().front()) {
    stream << '\n';
    op.print(stream, OpPrintingFlags().useLocalScope());
  }
  auto [it, isNew] = known.try_emplace(key, uint32_t(sources.size()));
  if (!isNew)
    return it->second;
  OpBuilder builder(dispatch.getContext());
  // Named by what it is, so that other models find it in the cache.
  std::string symbol = "k" + llvm::toHex(ArrayRef(artifact::Sha256::of(key.data(), key.size())).take_front(8), true);
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  builder.setInsertionPointToStart(module->getBody());
  arguments.append(2, builder.getIndexType());
  auto kernel = func::FuncOp::create(builder, builder.getUnknownLoc(), symbol,
                                     builder.getFunctionType(arguments, {}));
  kernel.addEntryBlock();
  implementation.emit(dispatch, isa, kernel);
  builder.setInsertionPointToEnd(&kernel.front());
  func::ReturnOp::create(builder, builder.getUnknownLoc());
  sources.push_back({symbol, std::move(module)});
  return it->second;
}

Plan planEntry(func::FuncOp entry, Kernels &kernels, Weights &weights, CompileReport &report) {
  copyOddResults(entry);
  Plan plan{uint64_t(entry->getAttrOfType<IntegerAttr>("cornet.batch").getInt()), 0, {}, {}};
  llvm::DenseMap<Value, uint32_t> bufferOf;
  auto add = [&](PlannedBuffer buffer) {
    plan.buffers.push_back(buffer);
    return uint32_t(plan.buffers.size() - 1);
  };
  for (BlockArgument argument : entry.getArguments())
    bufferOf[argument] =
        add({PlannedBuffer::Input, argument.getArgNumber(), 0, bytesOf(argument.getType())});
  for (auto [i, value] : llvm::enumerate(entry.front().getTerminator()->getOperands()))
    bufferOf[root(value)] = add({PlannedBuffer::Output, uint32_t(i), 0, bytesOf(value.getType())});
  std::vector<Life> lives;
  llvm::DenseMap<uint32_t, size_t> lifeOf;
  std::map<uint64_t, uint32_t> weightBuffers; // by offset
  for (auto dispatch : entry.getOps<DispatchOp>()) {
    StepReport step{entry.getName().str(),
                    kernels.isa.level,
                    layerOf(dispatch.getLoc()),
                    summarize(dispatch),
                    "",
                    {}};
    const cpu::Implementation &implementation = choose(dispatch, kernels.isa, step);
    PlannedStep planned{step.layer,  step.operation,
                        step.winner, kernels.get(dispatch, implementation),
                        {},          uint64_t(implementation.tiles(dispatch, kernels.isa))};
    size_t now = plan.steps.size();
    for (auto [i, input] : llvm::enumerate(dispatch.getInputs())) {
      Value source = root(input);
      if (auto constant = source.getDefiningOp<ConstantOp>()) {
        ElementsAttr value = implementation.pack(dispatch, i, constant.getValue(), kernels.isa);
        uint64_t offset = weights.place(value);
        auto [it, isNew] = weightBuffers.try_emplace(offset, 0);
        if (isNew)
          it->second = add({PlannedBuffer::Weights, 0, offset, bytesOf(value.getType())});
        planned.buffers.push_back(it->second);
        continue;
      }
      uint32_t buffer = bufferOf.lookup(source);
      if (auto it = lifeOf.find(buffer); it != lifeOf.end())
        lives[it->second].last = now;
      planned.buffers.push_back(buffer);
    }
    Value result = dispatch.getResult(0);
    if (!bufferOf.contains(result)) {
      uint64_t size = bytesOf(result.getType());
      bufferOf[result] = add({PlannedBuffer::Arena, 0, 0, size});
      lifeOf[bufferOf[result]] = lives.size();
      lives.push_back({bufferOf[result], aligned(size), now, now});
    }
    planned.buffers.push_back(bufferOf[result]);
    plan.steps.push_back(std::move(planned));
    report.steps.push_back(std::move(step));
  }
  plan.arenaSize = placeInArena(lives);
  for (const Life &life : lives)
    plan.buffers[life.buffer].offset = life.offset;
  return plan;
}

} // namespace cornet
