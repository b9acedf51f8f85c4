// SPDX-License-Identifier: Apache-2.0
//
// A recorded step on the reference interpreter: run again and again, it keeps its variables.
#pragma once

#include "frontend/emit/Emit.h"
#include "ir/Reference/Interpreter.h"
#include "passes/Passes.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

#include <cornet/model.h>
#include <gtest/gtest.h>

namespace cornet::test {

/// A graph whose inputs have no batch.
struct Recorder {
  std::shared_ptr<Graph> graph = std::make_shared<Graph>();
  std::vector<Tensor> inputs;

  Tensor input(Shape shape, const std::string &dtype = "f32") {
    Node node;
    node.op = "input", node.shape = std::move(shape), node.dtype = dtype;
    node.layer = "input_" + std::to_string(inputs.size());
    return inputs.emplace_back(graph, graph->add(std::move(node)));
  }
};

inline VariablePtr weight(const std::string &name, Shape shape, std::vector<float> data) {
  auto out = std::make_shared<Variable>();
  out->name = name, out->shape = std::move(shape), out->data = std::move(data);
  return out;
}

/// The step of a recording: what `outputs` and the assigned variables become.
class Recorded {
public:
  Recorded(const Recorder &recorder, std::vector<Tensor> outputs = {}) : results(outputs.size()) {
    for (const Mistake &mistake : recorder.graph->mistakes)
      problems += mistake.message + "\n";
    if (!problems.empty())
      return;
    context.getDiagEngine().registerHandler([this](mlir::Diagnostic &d) {
      problems += d.str() + "\n";
      return mlir::success();
    });
    Model model;
    model.graph = recorder.graph, model.inputs = recorder.inputs, model.outputs = outputs;
    for (const auto &[variable, node] : recorder.graph->assigned) {
      assigned.push_back(variable);
      model.outputs.emplace_back(recorder.graph, node);
    }
    read = model.variables();
    for (const VariablePtr &variable : read)
      set(variable, variable->value());
    for (const VariablePtr &variable : assigned)
      set(variable, variable->value());
    module = emitModel(context, model);
    if (failed(mlir::verify(*module)))
      problems += "the emitted module does not verify\n";
    entry()->setAttr("cornet.whole", mlir::UnitAttr::get(&context));
    registerCornetPasses();
    mlir::PassManager pm(&context);
    if (!problems.empty() ||
        failed(mlir::parsePassPipeline("cornet-bind-batch{sizes=1},cornet-gradient", pm)) ||
        failed(pm.run(*module)))
      problems += "the step cannot be bound or differentiated\n";
  }

  /// Runs once; the outputs.
  std::vector<std::vector<double>> run(const std::vector<std::vector<double>> &inputs) {
    std::vector<HostTensor> arguments;
    mlir::func::FuncOp function = entry();
    for (const auto &[i, input] : llvm::enumerate(inputs))
      arguments.push_back({shapeOf(function, unsigned(i)), input});
    for (const VariablePtr &variable : read)
      arguments.push_back({shapeOf(function, unsigned(arguments.size())), values.at(variable)});
    auto outputs = reference::interpret(function, arguments);
    if (failed(outputs)) {
      problems += "the step cannot be interpreted\n";
      return {};
    }
    std::vector<std::vector<double>> out;
    for (size_t i = 0; i < results; ++i)
      out.push_back((*outputs)[i].data);
    for (size_t i = 0; i < assigned.size(); ++i)
      values[assigned[i]] = (*outputs)[results + i].data;
    return out;
  }

  /// The value now, also of a variable that is in no step.
  std::vector<double> value(const VariablePtr &variable) {
    if (!values.contains(variable))
      set(variable, variable->value());
    return values.at(variable);
  }

  std::string problems;

private:
  mlir::func::FuncOp entry() { return *module->getOps<mlir::func::FuncOp>().begin(); }
  static std::vector<int64_t> shapeOf(mlir::func::FuncOp function, unsigned argument) {
    auto type = mlir::cast<mlir::RankedTensorType>(function.getArgumentTypes()[argument]);
    return std::vector<int64_t>(type.getShape());
  }
  void set(const VariablePtr &variable, const std::vector<float> &cells) {
    values.try_emplace(variable, cells.begin(), cells.end());
  }

  size_t results;
  std::vector<VariablePtr> assigned, read;
  std::map<VariablePtr, std::vector<double>> values;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

/// Cells within `relative` of the largest one's size.
inline void expectNear(const std::vector<double> &got, const std::vector<double> &want,
                       double relative, const std::string &what) {
  ASSERT_EQ(got.size(), want.size()) << what;
  double size = 0;
  for (double cell : want)
    size = std::max(size, std::fabs(cell));
  for (size_t i = 0; i < want.size(); ++i)
    ASSERT_LE(std::fabs(got[i] - want[i]), relative * size)
        << what << ": cell " << i << " is " << got[i] << ", wanted " << want[i];
}

} // namespace cornet::test
