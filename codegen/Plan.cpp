// SPDX-License-Identifier: Apache-2.0
//
// Plan formation. Each dispatch becomes a step by the first implementation that accepts it. A
// result lives in the arena from its step to its last use, or in the caller's output when it is
// returned; reshapes share their input's buffer, and a pointwise chain writes over an input whose
// last reader it is. Arena places: the largest first, each at the lowest offset that is free over
// its whole life.
#include "codegen/Plan.h"

#include "codegen/Bands.h"
#include "codegen/InPlace.h"
#include "codegen/Slices.h"
#include "codegen/Work.h"
#include "codegen/cpu/Epilogue.h"

#include "runtime/schema/Sha256.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"

#include <algorithm>
#include <map>

using namespace mlir;

namespace cornet {
namespace {

/// The buffer of a tensor, as kernels get it: a bf16 is the i16 with its bits, and memory knows no
/// signs.
MemRefType bufferType(RankedTensorType type) {
  Type element = type.getElementType();
  if (element.isBF16() || element.isUnsignedInteger())
    element = IntegerType::get(type.getContext(), element.getIntOrFloatBitWidth());
  return MemRefType::get(type.getShape(), element);
}

/// Cells from the first to the last of a tensor whose rows are `pitch` cells apart.
int64_t spanOf(ArrayRef<int64_t> shape, int64_t pitch) {
  return (ShapedType::getNumElements(shape) / shape.back() - 1) * pitch + shape.back();
}

uint64_t aligned(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

/// A buffer before its op is built: arena places are known last.
struct PlannedBuffer {
  const char *storage;
  int64_t index, offset, size;
  int64_t ring = 0;                   ///< the place of its ring
  const BandedStep *ringOf = nullptr; ///< who writes it, where that has a ring
};

struct Life {
  uint32_t buffer;
  uint64_t size;
  size_t first, last;
  uint64_t offset = 0;
};

/// Places the lives that `takes` accepts in one arena, not before `base`, and returns where it
/// ends.
uint64_t placeInArena(std::vector<Life> &lives, uint64_t base,
                      llvm::function_ref<bool(const Life &)> takes) {
  std::vector<Life *> order;
  for (Life &life : lives)
    if (takes(life))
      life.offset = base, order.push_back(&life);
  llvm::sort(order, [](Life *a, Life *b) {
    return a->size != b->size ? a->size > b->size : a->buffer < b->buffer;
  });
  std::vector<Life *> placed;
  uint64_t end = base;
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

/// Decides which steps take turns. The buffers of those are alive together; those that may be rings
/// get their places, and what the largest group's take is returned.
uint64_t takeTurns(std::vector<BandedStep> &steps, std::vector<PlannedBuffer> &buffers,
                   std::vector<Life> &lives) {
  for (BandedStep &step : steps)
    for (const Life &life : lives)
      if (step.sweep && life.buffer == step.result)
        step.lastReader = life.last;
  formBands(steps);
  uint64_t size = 0, end = 0;
  for (const BandedStep &step : steps) {
    if (!step.follows)
      end = 0;
    if (step.period > 0) {
      buffers[step.result].ring = int64_t(end), buffers[step.result].ringOf = &step;
      size = std::max(size, end += step.period);
    }
  }
  for (Life &life : lives) {
    while (steps[life.first].follows)
      --life.first;
    while (life.last + 1 < steps.size() && steps[life.last + 1].follows)
      ++life.last;
  }
  return size;
}

/// A cast that says in what tensors are stored: between reals, and of integers of 8 bits to reals.
bool isStorage(Operation &op) {
  auto cast = dyn_cast<CastOp>(op);
  if (!cast || !isa<FloatType>(getElementTypeOrSelf(cast.getType())))
    return false;
  Type from = getElementTypeOrSelf(cast.getInput());
  return isa<FloatType>(from) || isByte(from);
}

/// " ui8 i8" of a contraction that reads such integers.
std::string bytesRead(Operation &op) {
  std::string text;
  if (isa<MatmulOp, ConvOp, ConvTransposeOp>(op))
    for (Value operand : op.getOperands())
      if (Type stored = getElementTypeOrSelf(cpu::storedAs(operand)); isByte(stored))
        text += stored.isUnsignedInteger() ? " ui8" : " i8";
  return text;
}

/// How `dispatch` takes turns with its neighbours; its buffers are inputs and then results.
/// `isVariable`: whether the result is a variable's new value, whose old one others may read.
BandedStep bandedStep(DispatchOp dispatch, const cpu::Implementation &implementation,
                      const cpu::Isa &isa, ArrayRef<uint32_t> buffers, int64_t tiles,
                      bool isVariable) {
  BandedStep out;
  out.tiles = tiles;
  if (dispatch.getNumResults() != 1 || dispatch->hasAttr("in_place") ||
      bytesOf(dispatch.getResult(0).getType()) == 0 || isVariable)
    return out;
  out.sweep = implementation.sweep(dispatch, isa);
  if (!out.sweep)
    return out;
  auto type = cast<RankedTensorType>(dispatch.getResult(0).getType());
  for (Value input : dispatch.getInputs())
    out.along.push_back(cast<RankedTensorType>(input.getType()).getShape() == type.getShape());
  out.inputs.assign(buffers.begin(), buffers.end() - 1), out.result = buffers.back();
  auto image = cast<RankedTensorType>(dispatch.getInputs()[out.sweep->image].getType());
  out.resultBytes = bytesOf(type), out.imageBytes = bytesOf(image);
  out.resultCell = out.resultBytes / uint64_t(type.getNumElements());
  out.imageCell = out.imageBytes / uint64_t(image.getNumElements());
  return out;
}

/// "conv + add + relu -> 1x56x56x64", and "bf16", "f16", "i8" or "ui8" where the result is stored
/// so, "f32: softmax" where others are and this one is not, and why.
std::string summarize(DispatchOp dispatch) {
  std::string text;
  auto ops = dispatch.getBody().front().without_terminator();
  bool all = llvm::all_of(ops, isStorage);
  for (Operation &op : ops)
    if (!isa<ConstantOp>(op) && (all || !isStorage(op)))
      text += (text.empty() ? "" : " + ") + op.getName().stripDialect().str() + bytesRead(op);
  text += " -> ";
  for (auto [i, extent] :
       llvm::enumerate(cast<RankedTensorType>(dispatch.getResult(0).getType()).getShape()))
    text += (i ? "x" : "") + std::to_string(extent);
  if (Type element = getElementTypeOrSelf(dispatch.getResult(0));
      element.isBF16() || element.isF16())
    text += element.isBF16() ? " bf16" : " f16";
  else if (isByte(element))
    text += element.isUnsignedInteger() ? " ui8" : " i8";
  else if (auto kept = dispatch->getAttrOfType<StringAttr>("cornet.kept"))
    text += (" f32: " + kept.getValue()).str();
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
    std::optional<std::string> refusal = implementation->refusal(dispatch, isa);
    if (!refusal) {
      report.winner = implementation->name().str();
      return *implementation;
    }
    report.refusals.emplace_back(implementation->name().str(), *refusal);
  }
  llvm_unreachable("the last implementation accepts everything");
}

} // namespace

Variables::Variables(ModuleOp module) {
  llvm::StringSet<> used;
  for (auto function : module.getOps<func::FuncOp>()) {
    for (unsigned i = 0; i < function.getNumArguments(); ++i)
      if (auto name = function.getArgAttrOfType<FlatSymbolRefAttr>(i, "cornet.variable"))
        used.insert(name.getValue());
    for (unsigned i = 0; i < function.getNumResults(); ++i)
      if (auto name = function.getResultAttrOfType<FlatSymbolRefAttr>(i, "cornet.variable"))
        used.insert(name.getValue());
  }
  for (auto variable : module.getOps<VariableOp>()) {
    if (!used.contains(variable.getSymName()))
      continue;
    places[variable.getSymNameAttr()] = unsigned(all.size());
    all.push_back(variable), offsets.push_back(size);
    size = aligned(size + bytesOf(variable.getValue().getType()));
  }
}

std::optional<unsigned> Variables::find(DictionaryAttr attributes) const {
  auto name =
      attributes ? attributes.getAs<FlatSymbolRefAttr>("cornet.variable") : FlatSymbolRefAttr();
  auto it = name ? places.find(name.getAttr()) : places.end();
  return it == places.end() ? std::nullopt : std::optional(it->second);
}

uint64_t Weights::place(ElementsAttr value) {
  auto [it, isNew] = offsets.try_emplace(value, end);
  if (isNew) {
    values.emplace_back(value, end);
    end = aligned(end + bytesOf(value.getType()));
  }
  return it->second;
}

std::string Kernels::get(DispatchOp dispatch, const cpu::Implementation &implementation) {
  std::string key = implementation.name().str();
  llvm::raw_string_ostream stream(key);
  unsigned inputs = dispatch.getInputs().size();
  SmallVector<Type> arguments;
  auto buffer = [](RankedTensorType type) -> Type { return bufferType(type); };
  for (unsigned i = 0; i < inputs; ++i)
    arguments.push_back(buffer(implementation.packedType(dispatch, i, isa)));
  for (Type type : dispatch.getResultTypes())
    arguments.push_back(buffer(cast<RankedTensorType>(type)));
  if (auto pitches = dispatch->getAttrOfType<DenseI64ArrayAttr>("pitches"))
    for (auto [type, pitch] : llvm::zip(arguments, pitches.asArrayRef()))
      if (auto rows = cast<MemRefType>(type); pitch > 0)
        type = MemRefType::get({spanOf(rows.getShape(), pitch)}, rows.getElementType());
  if (int64_t cells = implementation.scratch(dispatch, isa))
    arguments.push_back(MemRefType::get({cells}, Float32Type::get(dispatch.getContext())));
  for (Type type : arguments)
    stream << ' ' << type;
  for (const char *name : {"in_place", "pitches"})
    if (Attribute attribute = dispatch->getAttr(name))
      stream << ' ' << name << ' ' << attribute;
  for (Operation &op : dispatch.getBody().front()) {
    stream << '\n';
    op.print(stream, OpPrintingFlags().useLocalScope());
  }
  // Named by what it is, so that other models find it in the cache.
  auto hash = artifact::Sha256::of(key.data(), key.size());
  std::string symbol = "k" + llvm::toHex(ArrayRef(hash).take_front(8), true);
  if (!known.insert(symbol).second)
    return symbol;
  OpBuilder builder(dispatch.getContext());
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
  return symbol;
}

std::string Kernels::getPack(DispatchOp dispatch, const cpu::Implementation &implementation,
                             unsigned index) {
  OpBuilder builder(dispatch.getContext());
  OwningOpRef<ModuleOp> module = ModuleOp::create(builder.getUnknownLoc());
  builder.setInsertionPointToStart(module->getBody());
  SmallVector<Type> arguments;
  for (RankedTensorType type : {cast<RankedTensorType>(dispatch.getInputs()[index].getType()),
                                implementation.packedType(dispatch, index, isa)})
    arguments.push_back(bufferType(type));
  arguments.append(2, builder.getIndexType());
  auto kernel = func::FuncOp::create(builder, builder.getUnknownLoc(), "pack",
                                     builder.getFunctionType(arguments, {}));
  kernel.addEntryBlock();
  implementation.emitPack(dispatch, index, isa, kernel);
  builder.setInsertionPointToEnd(&kernel.front());
  func::ReturnOp::create(builder, builder.getUnknownLoc());
  // Named by its text: other dispatches that want the same layout find it, whatever they compute.
  std::string text;
  llvm::raw_string_ostream stream(text);
  kernel.print(stream, OpPrintingFlags().useLocalScope());
  auto hash = artifact::Sha256::of(text.data(), text.size());
  std::string symbol = "p" + llvm::toHex(ArrayRef(hash).take_front(8), true);
  kernel.setName(symbol);
  if (known.insert(symbol).second)
    sources.push_back({symbol, std::move(module)});
  return symbol;
}

plan::EntryOp planEntry(func::FuncOp entry, Kernels &kernels, Weights &weights,
                        const Variables &variables, CompileReport &report, ModuleOp plans) {
  settleReturns(entry, variables);
  llvm::DenseMap<Value, Slice> slices = writeSlices(entry, kernels.isa);
  writeInPlace(entry, kernels.isa);
  std::vector<PlannedBuffer> buffers;
  llvm::DenseMap<Value, uint32_t> bufferOf;
  auto add = [&](const char *storage, uint64_t index, uint64_t offset, uint64_t size) {
    buffers.push_back({storage, int64_t(index), int64_t(offset), int64_t(size)});
    return uint32_t(buffers.size() - 1);
  };
  std::map<unsigned, uint32_t> variableBuffers;
  auto variable = [&](unsigned index, Value value) {
    auto [it, isNew] = variableBuffers.try_emplace(index, 0);
    if (isNew)
      it->second = add("variable", index, 0, bytesOf(value.getType()));
    return it->second;
  };
  unsigned inputs = 0, outputs = 0;
  for (BlockArgument argument : entry.getArguments())
    if (auto index = variables.find(entry.getArgAttrDict(argument.getArgNumber())))
      bufferOf[argument] = variable(*index, argument);
    else
      bufferOf[argument] = add("input", inputs++, 0, bytesOf(argument.getType()));
  for (OpOperand &operand : entry.front().getTerminator()->getOpOperands()) {
    Value value = operand.get();
    if (auto index = variables.find(entry.getResultAttrDict(operand.getOperandNumber())))
      bufferOf[root(value)] = variable(*index, value);
    else
      bufferOf[root(value)] = add("output", outputs++, 0, bytesOf(value.getType()));
  }
  std::vector<Life> lives;
  llvm::DenseMap<uint32_t, size_t> lifeOf;
  std::map<uint64_t, uint32_t> weightBuffers; // by offset
  struct Step {
    std::string kernel;
    std::vector<uint32_t> buffers;
    int64_t tiles;
    uint64_t scratch = 0; ///< bytes
    Work work = {};
  };
  std::vector<Step> steps;
  std::vector<BandedStep> banded; // of each step
  size_t firstReport = report.steps.size();
  std::map<std::pair<void *, std::string>, uint32_t> packedBuffers; // by value and kernel
  // The buffer of input `index` in the layout that `implementation` wants, packed by a step unless
  // one has done so.
  auto pack = [&](DispatchOp dispatch, const cpu::Implementation &implementation, unsigned index,
                  Value source) {
    uint32_t plain = bufferOf.lookup(source);
    RankedTensorType type = implementation.packedType(dispatch, index, kernels.isa);
    if (type == dispatch.getInputs()[index].getType())
      return plain;
    std::string kernel = kernels.getPack(dispatch, implementation, index);
    auto [it, isNew] = packedBuffers.try_emplace({source.getAsOpaquePointer(), kernel}, 0);
    if (!isNew)
      return it->second;
    it->second = add("arena", 0, 0, bytesOf(type));
    if (auto life = lifeOf.find(plain); life != lifeOf.end())
      lives[life->second].last = steps.size();
    lifeOf[it->second] = lives.size();
    lives.push_back({it->second, aligned(bytesOf(type)), steps.size(), steps.size()});
    steps.push_back({kernel,
                     {plain, it->second},
                     implementation.packTiles(dispatch, index, kernels.isa),
                     0,
                     {0, bytesOf(source.getType()), bytesOf(type), 0}});
    banded.emplace_back();
    report.steps.push_back({entry.getName().str(),
                            kernels.isa.level.str(),
                            layerOf(dispatch.getLoc()),
                            "pack weights",
                            implementation.name().str(),
                            {},
                            "",
                            "",
                            ""});
    return it->second;
  };
  // The buffer of a value in the arena, alive from the next step on.
  auto inArena = [&](Value value) {
    if (auto it = bufferOf.find(value); it != bufferOf.end())
      return it->second;
    uint64_t size = bytesOf(value.getType());
    uint32_t buffer = add("arena", 0, 0, size);
    lifeOf[buffer] = lives.size();
    lives.push_back({buffer, aligned(size), steps.size(), steps.size()});
    return bufferOf[value] = buffer;
  };
  // Where buffers begin in the wholes whose lives they share.
  std::vector<std::pair<uint32_t, int64_t>> sliceOffsets;
  auto place = [&](Value value) {
    auto slice = slices.find(value);
    if (slice == slices.end())
      return inArena(value);
    auto type = cast<RankedTensorType>(value.getType());
    int64_t cell = int64_t(bytesOf(type)) / type.getNumElements();
    int64_t pitch = cast<RankedTensorType>(slice->second.whole.getType()).getShape().back();
    uint32_t whole = inArena(slice->second.whole);
    uint32_t buffer = add("arena", 0, 0, uint64_t(spanOf(type.getShape(), pitch) * cell));
    lifeOf[buffer] = lifeOf.lookup(whole);
    sliceOffsets.push_back({buffer, slice->second.offset * cell});
    return bufferOf[value] = buffer;
  };
  for (auto dispatch : entry.getOps<DispatchOp>()) {
    if (dispatch->hasAttr("joined")) {
      place(dispatch.getResult(0));
      continue;
    }
    StepReport told{entry.getName().str(),
                    kernels.isa.level.str(),
                    layerOf(dispatch.getLoc()),
                    summarize(dispatch),
                    "",
                    {},
                    "",
                    kernels.choices ? kernels.choices->source(dispatch) : "",
                    ""};
    const cpu::Implementation &implementation = choose(dispatch, kernels.isa, told);
    told.variant = implementation.variant(dispatch, kernels.isa);
    told.computation = tune::computationOf(dispatch).value_or("");
    Step step{kernels.get(dispatch, implementation),
              {},
              implementation.tiles(dispatch, kernels.isa),
              aligned(4 * uint64_t(implementation.scratch(dispatch, kernels.isa))),
              workOf(dispatch)};
    for (auto [i, input] : llvm::enumerate(dispatch.getInputs())) {
      Value source = root(input);
      if (auto constant = source.getDefiningOp<ConstantOp>()) {
        ElementsAttr value = implementation.pack(dispatch, i, constant.getValue(), kernels.isa);
        uint64_t offset = weights.place(value);
        auto [it, isNew] = weightBuffers.try_emplace(offset, 0);
        if (isNew)
          it->second = add("weights", 0, offset, bytesOf(value.getType()));
        step.buffers.push_back(it->second);
        continue;
      }
      step.buffers.push_back(pack(dispatch, implementation, i, source));
    }
    size_t now = steps.size();
    for (uint32_t buffer : step.buffers)
      if (auto it = lifeOf.find(buffer); it != lifeOf.end())
        lives[it->second].last = now;
    auto inPlace = dispatch->getAttrOfType<DenseI64ArrayAttr>("in_place");
    for (OpResult result : dispatch.getResults()) {
      if (int64_t from = inPlace ? inPlace[result.getResultNumber()] : -1;
          from >= 0 && !bufferOf.contains(result)) {
        bufferOf[result] = step.buffers[size_t(from)];
      } else if (!bufferOf.contains(result)) {
        place(result);
      }
      step.buffers.push_back(bufferOf[result]);
    }
    banded.push_back(
        bandedStep(dispatch, implementation, kernels.isa, step.buffers, step.tiles,
                   llvm::StringRef(buffers[step.buffers.back()].storage) == "variable"));
    steps.push_back(std::move(step));
    report.steps.push_back(std::move(told));
  }
  uint64_t rings = takeTurns(banded, buffers, lives);
  for (auto [i, step] : llvm::enumerate(banded)) {
    StepReport &told = report.steps[firstReport + i];
    told.bands = step.bands.size(), told.ringBytes = step.period;
  }
  // What may be a ring stands behind the rest, where memory that nobody touches costs nothing.
  auto mayBeRing = [&](const Life &life) { return buffers[life.buffer].ringOf != nullptr; };
  uint64_t bandedSize = placeInArena(lives, 0, [&](const Life &life) { return !mayBeRing(life); });
  uint64_t arena = placeInArena(lives, bandedSize, mayBeRing);
  for (const Life &life : lives)
    buffers[life.buffer].offset = int64_t(life.offset);
  for (auto [buffer, offset] : sliceOffsets)
    buffers[buffer].offset = int64_t(lives[lifeOf[buffer]].offset) + offset;

  OpBuilder b = OpBuilder::atBlockEnd(plans.getBody());
  int64_t batch = entry->getAttrOfType<IntegerAttr>("cornet.batch").getInt();
  std::string name = (entry.getName() + "_" + kernels.isa.level).str();
  auto plan = plan::EntryOp::create(b, entry.getLoc(), name, kernels.isa.level, batch,
                                    int64_t(arena), int64_t(rings), int64_t(bandedSize));
  b.createBlock(&plan.getBody());
  std::vector<Value> values;
  for (const PlannedBuffer &buffer : buffers)
    values.push_back(plan::BufferOp::create(
        b, entry.getLoc(), plan::BufferType::get(b.getContext()), buffer.storage, buffer.index,
        buffer.offset, buffer.size, buffer.ring, buffer.ringOf ? buffer.ringOf->period : 0,
        buffer.ringOf ? ArrayRef(buffer.ringOf->turns) : ArrayRef<int64_t>()));
  for (auto [i, step] : llvm::enumerate(steps)) {
    const StepReport &told = report.steps[firstReport + i];
    SmallVector<Value> operands;
    for (uint32_t buffer : step.buffers)
      operands.push_back(values[buffer]);
    plan::StepOp::create(b, entry.getLoc(), step.kernel, operands, step.tiles, told.layer,
                         told.operation, told.winner, step.scratch,
                         llvm::ArrayRef<int64_t>{int64_t(step.work.flops), int64_t(step.work.read),
                                                 int64_t(step.work.written),
                                                 int64_t(step.work.weights)},
                         banded[i].bands, banded[i].follows);
  }
  return plan;
}

} // namespace cornet
