// SPDX-License-Identifier: Apache-2.0
//
// Generic: a record's op name, operands and attributes are the op's. Nothing here knows an op but
// the sources of values (inputs, variables, constants). Only what is returned or assigned is
// emitted.
#include "frontend/emit/Emit.h"

#include "ir/Ops/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace cornet {
namespace {

/// The module under construction and what its functions share.
class Emitter {
public:
  Emitter(MLIRContext &context, const ProgramDescription &program)
      : b(&context), module(ModuleOp::create(b.getUnknownLoc())), program(program) {
    (*module)->setAttr("cornet.model", b.getStringAttr(program.name));
  }

  RankedTensorType typeOf(const Shape &extents, const std::string &dtype) {
    SmallVector<int64_t> shape(extents.begin(), extents.end());
    for (int64_t &extent : shape)
      if (extent < 0)
        extent = ShapedType::kDynamic;
    return RankedTensorType::get(shape, dtype == "i1"     ? Type(b.getI1Type())
                                        : dtype == "i32"  ? Type(b.getI32Type())
                                        : dtype == "bf16" ? Type(b.getBF16Type())
                                        : dtype == "f16"  ? Type(b.getF16Type())
                                        : dtype == "i8"   ? Type(b.getI8Type())
                                        : dtype == "ui8"  ? Type(b.getIntegerType(8, false))
                                                          : Type(b.getF32Type()));
  }
  static std::string wide(const std::string &dtype) {
    return dtype == "i32" || dtype == "i1" ? dtype : "f32";
  }
  RankedTensorType typeOf(const Node &node) { return typeOf(node.shape, node.dtype); }

  Location locationOf(const Node &node) {
    return NameLoc::get(b.getStringAttr(node.layer),
                        FileLineColLoc::get(b.getContext(), node.file, unsigned(node.line), 0));
  }

  mlir::Attribute attribute(const cornet::Attribute &value) {
    if (auto *integer = std::get_if<int64_t>(&value))
      return b.getI64IntegerAttr(*integer);
    if (auto *flag = std::get_if<bool>(&value))
      return b.getBoolAttr(*flag);
    if (auto *real = std::get_if<double>(&value))
      return b.getF64FloatAttr(*real);
    if (auto *text = std::get_if<std::string>(&value))
      return b.getStringAttr(*text);
    return b.getDenseI64ArrayAttr(std::get<std::vector<int64_t>>(value));
  }

  /// `cells`, or one for all of them.
  ElementsAttr elements(RankedTensorType type, ArrayRef<float> cells) {
    auto as = [&]<class T>(T) -> ElementsAttr {
      std::vector<T> typed(cells.begin(), cells.end());
      return DenseElementsAttr::get(type, ArrayRef<T>(typed));
    };
    if (auto real = dyn_cast<FloatType>(type.getElementType()); real && real.getWidth() < 32) {
      SmallVector<APFloat> rounded;
      for (float cell : cells) {
        bool inexact;
        rounded.emplace_back(cell).convert(real.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                                           &inexact);
      }
      return DenseElementsAttr::get(type, rounded);
    }
    return type.getElementType().isInteger(32)          ? as(int32_t())
           : type.getElementType().isSignlessInteger(8) ? as(int8_t())
           : type.getElementType().isUnsignedInteger(8) ? as(uint8_t())
                                                        : as(float());
  }

  /// The symbol of a variable, defined at its first use.
  FlatSymbolRefAttr symbol(const VariablePtr &variable, Location loc) {
    auto [it, isNew] = variables.try_emplace(variable.get());
    if (isNew) {
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPoint(module->getBody(), definitionsEnd());
      RankedTensorType type = typeOf(variable->shape, variable->dtype);
      std::vector<float> data = variable->value();
      auto given = program.names.find(variable.get());
      std::string base = given == program.names.end() ? variable->name : given->second;
      std::string name = base; // which models that call each other may have both
      for (int i = 1; !names.insert(name).second; ++i)
        name = base + "_" + std::to_string(i);
      auto op = VariableOp::create(b, loc, b.getStringAttr(name), elements(type, data),
                                   b.getBoolAttr(variable->trainable && !variable->frozen));
      it->second = FlatSymbolRefAttr::get(op.getSymNameAttr());
      definitions.push_back(op);
    }
    return it->second;
  }

  /// A function that is an entry point; the builder stands in its body.
  func::FuncOp function(StringRef name, ArrayRef<Type> arguments, ArrayRef<Type> results,
                        bool whole) {
    b.setInsertionPointToEnd(module->getBody());
    auto out =
        func::FuncOp::create(b, b.getUnknownLoc(), name, b.getFunctionType(arguments, results));
    out->setAttr("cornet.entry", b.getUnitAttr());
    if (whole)
      out->setAttr("cornet.whole", b.getUnitAttr());
    b.setInsertionPointToEnd(out.addEntryBlock());
    return out;
  }

  void entry(const EntryPoint &entry);

  /// An entry point that gives variables their first values: all of them, or those in `only`.
  void reset(StringRef name, const std::vector<VariablePtr> *only) {
    SmallVector<VariableOp> chosen;
    SmallVector<Type> types;
    for (VariableOp op : definitions) {
      bool wanted = !only || llvm::any_of(*only, [&](const VariablePtr &v) {
        auto it = variables.find(v.get());
        return it != variables.end() && it->second.getValue() == op.getSymName();
      });
      if (wanted)
        chosen.push_back(op), types.push_back(op.getValue().getType());
    }
    func::FuncOp out = function(name, {}, types, true);
    SmallVector<Value> values;
    for (auto [i, op] : llvm::enumerate(chosen)) {
      out.setResultAttr(unsigned(i), "cornet.variable",
                        FlatSymbolRefAttr::get(op.getSymNameAttr()));
      values.push_back(ConstantOp::create(b, op.getLoc(), op.getValue()));
    }
    func::ReturnOp::create(b, b.getUnknownLoc(), values);
  }

  OpBuilder b;
  OwningOpRef<ModuleOp> module;

private:
  Block::iterator definitionsEnd() {
    return definitions.empty() ? module->getBody()->begin()
                               : std::next(Block::iterator(definitions.back()));
  }

  const ProgramDescription &program;
  std::map<Variable *, FlatSymbolRefAttr> variables;
  std::set<std::string> names; ///< of definitions
  std::vector<VariableOp> definitions;
};

/// One function's values by node.
class Body {
public:
  Body(Emitter &emitter, const Graph &graph) : e(emitter), graph(graph) {}

  void emit(int index) {
    const Node &node = graph.nodes[size_t(index)];
    if (values.contains(index))
      return;
    Location loc = e.locationOf(node);
    if (node.op == "constant") {
      values[index] = ConstantOp::create(e.b, loc, e.elements(e.typeOf(node), node.data));
      return;
    }
    if (node.op == "alias") {
      values[index] = values.at(node.operands[0]);
      return;
    }
    OperationState state(loc, node.op);
    for (int operand : node.operands)
      state.operands.push_back(values.at(operand));
    for (const auto &[name, value] : node.attributes)
      state.addAttribute(name, e.attribute(value));
    state.addTypes(e.typeOf(node));
    values[index] = e.b.create(state)->getResult(0);
  }

  /// The nodes that `ends` are computed from, in recorded order.
  std::set<int> needed(std::vector<int> ends) const {
    std::set<int> out;
    while (!ends.empty()) {
      int node = ends.back();
      ends.pop_back();
      if (out.insert(node).second)
        for (int operand : graph.nodes[size_t(node)].operands)
          ends.push_back(operand);
    }
    return out;
  }

  std::map<int, Value> values;

private:
  Emitter &e;
  const Graph &graph;
};

void Emitter::entry(const EntryPoint &entry) {
  const Graph &graph = *entry.graph;
  std::vector<int> ends, arguments;
  for (const auto &[name, output] : entry.outputs)
    ends.push_back(output.node);
  for (const auto &[variable, node] : graph.assigned)
    ends.push_back(node);
  Body body(*this, graph);
  std::set<int> nodes = body.needed(ends);
  for (const Tensor &input : entry.inputs)
    arguments.push_back(input.node);
  auto assigns = [&](const Node &node) {
    return llvm::any_of(graph.assigned,
                        [&](const auto &pair) { return pair.first == node.variable; });
  };
  for (size_t i = 0; i < graph.nodes.size(); ++i)
    if (const Node &node = graph.nodes[i];
        node.variable && (nodes.contains(int(i)) || assigns(node)))
      arguments.push_back(int(i));
  SmallVector<Type> types, results;
  for (int index : arguments)
    types.push_back(typeOf(graph.nodes[size_t(index)]));
  for (int end : ends) // callers see f32 alone
    results.push_back(typeOf(graph.nodes[size_t(end)].shape, wide(graph.nodes[size_t(end)].dtype)));
  func::FuncOp out = function(entry.name, types, results, entry.whole);
  if (!entry.batches.empty())
    out->setAttr("cornet.batches", b.getDenseI64ArrayAttr(entry.batches));
  for (auto [i, index] : llvm::enumerate(arguments)) {
    const Node &node = graph.nodes[size_t(index)];
    body.values[index] = out.getArgument(unsigned(i));
    if (node.variable)
      out.setArgAttr(unsigned(i), "cornet.variable", symbol(node.variable, locationOf(node)));
    else
      out.setArgAttr(unsigned(i), "cornet.name", b.getStringAttr(node.layer));
  }
  for (int index : nodes)
    body.emit(index);
  SmallVector<Value> returned;
  for (auto [end, type] : llvm::zip_equal(ends, results)) {
    Value value = body.values.at(end);
    bool same = value.getType() == type;
    returned.push_back(
        same ? value : CastOp::create(b, value.getLoc(), type, value, b.getStringAttr("f32")));
  }
  for (auto [i, output] : llvm::enumerate(entry.outputs))
    out.setResultAttr(unsigned(i), "cornet.name", b.getStringAttr(output.first));
  for (auto [i, assigned] : llvm::enumerate(graph.assigned))
    out.setResultAttr(unsigned(entry.outputs.size() + i), "cornet.variable",
                      symbol(assigned.first, b.getUnknownLoc()));
  func::ReturnOp::create(b, b.getUnknownLoc(), returned);
}

} // namespace

OwningOpRef<ModuleOp> emitProgram(MLIRContext &context, const ProgramDescription &program) {
  context.loadDialect<CornetDialect, func::FuncDialect>();
  Emitter emitter(context, program);
  for (const EntryPoint &entry : program.entries)
    emitter.entry(entry);
  if (program.initialize)
    emitter.reset("initialize", nullptr);
  for (const auto &[name, variables] : program.resets)
    emitter.reset(name, &variables);
  return std::move(emitter.module);
}

OwningOpRef<ModuleOp> emitModel(MLIRContext &context, const Model &model) {
  EntryPoint predict{"predict", model.graph, model.inputs, {}};
  for (const auto &[name, output] : llvm::zip_equal(model.outputNames(), model.outputs))
    predict.outputs.emplace_back(name, output);
  return emitProgram(context, {model.name, {predict}, false, {}, {}});
}

} // namespace cornet
