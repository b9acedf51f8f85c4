// SPDX-License-Identifier: Apache-2.0
//
// Generic: a record's op name, operands and attributes are the op's. Nothing here knows an op but
// the sources of values (inputs, variables, scalars). Only what the outputs need is emitted.
#include "frontend/emit/Emit.h"

#include "ir/Ops/Ops.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace cornet {
namespace {

class Emitter {
public:
  Emitter(MLIRContext &context, const Model &model) : context(context), model(model) {}
  MLIRContext &context;
  const Model &model;
  OpBuilder b{&context};
  std::map<int, Value> values;

  RankedTensorType typeOf(const Node &node) {
    SmallVector<int64_t> shape(node.shape.begin(), node.shape.end());
    for (int64_t &extent : shape)
      if (extent < 0)
        extent = ShapedType::kDynamic;
    return RankedTensorType::get(shape, node.dtype == "i1"    ? Type(b.getI1Type())
                                        : node.dtype == "i32" ? Type(b.getI32Type())
                                                              : Type(b.getF32Type()));
  }

  Location locationOf(const Node &node) {
    return NameLoc::get(b.getStringAttr(node.layer),
                        FileLineColLoc::get(&context, node.file, unsigned(node.line), 0));
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

  /// `cells`, or one for all of them, as the value of `node`.
  ElementsAttr elements(const Node &node, ArrayRef<float> cells) {
    auto as = [&]<class T>(T) -> ElementsAttr {
      std::vector<T> typed(cells.begin(), cells.end());
      return DenseElementsAttr::get(typeOf(node), ArrayRef<T>(typed));
    };
    return node.dtype == "i32" ? as(int32_t()) : as(float());
  }

  void emit(int index) {
    const Node &node = model.graph->nodes[size_t(index)];
    if (values.contains(index))
      return;
    if (node.op == "constant") {
      values[index] = ConstantOp::create(b, locationOf(node), elements(node, node.data));
      return;
    }
    if (node.op == "alias") {
      values[index] = values.at(node.operands[0]);
      return;
    }
    OperationState state(locationOf(node), node.op);
    for (int operand : node.operands)
      state.operands.push_back(values.at(operand));
    for (const auto &[name, value] : node.attributes)
      state.addAttribute(name, attribute(value));
    state.addTypes(typeOf(node));
    values[index] = b.create(state)->getResult(0);
  }

  OwningOpRef<ModuleOp> build() {
    OwningOpRef<ModuleOp> module = ModuleOp::create(b.getUnknownLoc());
    (*module)->setAttr("cornet.model", b.getStringAttr(model.name));
    b.setInsertionPointToEnd(module->getBody());
    std::vector<int> arguments;
    SmallVector<Type> types, results;
    for (const Tensor &input : model.inputs)
      arguments.push_back(input.node);
    std::set<int> nodes = model.nodes();
    for (int index : nodes)
      if (const Node &node = model.graph->nodes[size_t(index)]; node.variable) {
        std::vector<float> data = node.variable->value();
        VariableOp::create(b, locationOf(node), b.getStringAttr(node.variable->name),
                           elements(node, data),
                           b.getBoolAttr(node.variable->trainable));
        arguments.push_back(index);
      }
    for (int index : arguments)
      types.push_back(typeOf(model.graph->nodes[size_t(index)]));
    for (const Tensor &output : model.outputs)
      results.push_back(typeOf(model.graph->nodes[size_t(output.node)]));
    auto predict =
        func::FuncOp::create(b, b.getUnknownLoc(), "predict", b.getFunctionType(types, results));
    predict->setAttr("cornet.entry", b.getUnitAttr());
    Block *body = predict.addEntryBlock();
    b.setInsertionPointToEnd(body);
    for (auto [i, index] : llvm::enumerate(arguments)) {
      const Node &node = model.graph->nodes[size_t(index)];
      values[index] = body->getArgument(i);
      if (node.variable)
        predict.setArgAttr(i, "cornet.variable",
                           FlatSymbolRefAttr::get(&context, node.variable->name));
      else
        predict.setArgAttr(i, "cornet.name", b.getStringAttr(node.layer));
    }
    for (int index : nodes)
      emit(index);
    SmallVector<Value> outputs;
    for (auto [i, output] : llvm::enumerate(model.outputs)) {
      outputs.push_back(values.at(output.node));
      std::string layer = model.graph->nodes[size_t(output.node)].layer;
      predict.setResultAttr(i, "cornet.name", b.getStringAttr(layer.substr(0, layer.find('/'))));
    }
    func::ReturnOp::create(b, b.getUnknownLoc(), outputs);
    return module;
  }
};

} // namespace

OwningOpRef<ModuleOp> emitModel(MLIRContext &context, const Model &model) {
  context.loadDialect<CornetDialect, func::FuncDialect>();
  return Emitter(context, model).build();
}

} // namespace cornet
