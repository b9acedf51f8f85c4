// SPDX-License-Identifier: Apache-2.0
//
// A recorded step, interpreted or compiled: run again and again, it keeps its variables.
#pragma once

#include "codegen/Compile.h"
#include "frontend/emit/Emit.h"
#include "ir/Reference/Interpreter.h"
#include "passes/Passes.h"

#include "cornet_runtime.h"

#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

#include <cmath>
#include <cornet/model.h>
#include <filesystem>
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
  Recorded(const Recorder &recorder, const std::vector<Tensor> &outputs = {})
      : context(registry()), results(outputs.size()) {
    for (const Mistake &mistake : recorder.graph->mistakes)
      problems += mistake.message + "\n";
    if (!problems.empty())
      return;
    context.getDiagEngine().registerHandler([this](mlir::Diagnostic &d) {
      problems += d.str() + "\n";
      return mlir::success();
    });
    context.loadAllAvailableDialects();
    EntryPoint step{"step", recorder.graph, recorder.inputs, {}, true};
    for (size_t i = 0; i < outputs.size(); ++i)
      step.outputs.emplace_back("output" + std::to_string(i), outputs[i]);
    for (const Node &node : recorder.graph->nodes)
      if (node.variable)
        variables[node.variable->name] = node.variable;
    module = emitProgram(context, {"recorded", {step}, true, {}});
    if (failed(mlir::verify(*module)))
      problems += "the emitted module does not verify\n";
    for (const auto &[name, variable] : variables)
      set(variable);
    bound = module->clone();
    registerCornetPasses();
    mlir::PassManager pm(&context);
    if (!problems.empty() ||
        failed(mlir::parsePassPipeline("cornet-bind-batch{sizes=1},cornet-gradient", pm)) ||
        failed(pm.run(*bound)))
      problems += "the step cannot be bound or differentiated\n";
  }

  /// Interprets the step once; the outputs.
  std::vector<std::vector<double>> run(const std::vector<std::vector<double>> &inputs) {
    if (!problems.empty())
      return std::vector<std::vector<double>>(results);
    mlir::func::FuncOp function = *bound->getOps<mlir::func::FuncOp>().begin();
    std::vector<HostTensor> arguments;
    for (auto [i, type] : llvm::enumerate(function.getArgumentTypes())) {
      auto shape = mlir::cast<mlir::RankedTensorType>(type).getShape();
      VariablePtr variable = variableOf(function.getArgAttrDict(unsigned(i)));
      arguments.push_back({shape.vec(), variable ? values.at(variable) : inputs.at(i)});
    }
    auto outputs = reference::interpret(function, arguments);
    std::vector<std::vector<double>> out(results);
    if (failed(outputs)) {
      problems += "the step cannot be interpreted\n";
      return out;
    }
    for (auto [i, output] : llvm::enumerate(*outputs))
      if (VariablePtr variable = variableOf(function.getResultAttrDict(unsigned(i))))
        values[variable] = output.data;
      else
        out[i] = output.data;
    return out;
  }

  /// The value now, also of a variable that is in no step.
  std::vector<double> value(const VariablePtr &variable) {
    set(variable);
    return values.at(variable);
  }

  /// Compiles the step and runs it on each of `inputs`, which are f32; the variables by name.
  std::map<std::string, std::vector<double>>
  runCompiled(const std::vector<std::vector<std::vector<double>>> &inputs) {
    std::map<std::string, std::vector<double>> out;
    std::string path = testing::TempDir() + "/recorded-" + std::to_string(getpid()) + ".cornet";
    mlir::OwningOpRef<mlir::ModuleOp> copy = module->clone();
    CompileOptions options;
    options.pipeline = "training-cpu";
    if (llvm::Error error = compileToFile(*copy, options, path)) {
      problems += toString(std::move(error));
      return out;
    }
    cornet_program *program = nullptr;
    cornet_session *session = nullptr;
    cornet_session_options sessionOptions{sizeof(cornet_session_options), 1};
    check(cornet_program_open(path.c_str(), &program)) &&
        check(cornet_session_create(program, &sessionOptions, &session));
    std::filesystem::remove(path);
    size_t entry = 0; // entries are in the order of their names, initialize before step
    for (size_t i = 0; session && i < cornet_program_entry_count(program); ++i)
      if (std::string(cornet_program_entry_name(program, i)) == "step")
        entry = i;
    for (const auto &step : inputs) {
      std::vector<std::vector<float>> cells;
      std::vector<const void *> pointers;
      for (const std::vector<double> &input : step)
        cells.emplace_back(input.begin(), input.end());
      for (const std::vector<float> &input : cells)
        pointers.push_back(input.data());
      if (!session || !check(cornet_session_invoke(session, entry, 1, pointers.data(), nullptr)))
        break;
    }
    for (size_t i = 0; session && i < cornet_program_variable_count(program); ++i) {
      cornet_variable_spec spec;
      check(cornet_program_variable(program, i, &spec));
      const void *data = cornet_session_variable(session, i);
      if (spec.dtype == CORNET_F32)
        out[spec.name].assign(static_cast<const float *>(data),
                              static_cast<const float *>(data) + spec.bytes / 4);
      else
        out[spec.name].assign(static_cast<const int32_t *>(data),
                              static_cast<const int32_t *>(data) + spec.bytes / 4);
    }
    cornet_session_destroy(session);
    cornet_program_destroy(program);
    return out;
  }

  std::string problems;

private:
  static mlir::DialectRegistry registry() {
    mlir::DialectRegistry out;
    registerCompilerDialects(out);
    return out;
  }
  VariablePtr variableOf(mlir::DictionaryAttr attributes) const {
    auto symbol =
        attributes ? attributes.getAs<mlir::FlatSymbolRefAttr>("cornet.variable") : nullptr;
    return symbol ? variables.at(symbol.getValue().str()) : nullptr;
  }
  void set(const VariablePtr &variable) {
    if (values.contains(variable))
      return;
    std::vector<float> cells = variable->value();
    values[variable].assign(cells.begin(), cells.end());
  }
  bool check(cornet_status *status) {
    if (!status)
      return true;
    problems += cornet_status_message(status);
    cornet_status_destroy(status);
    return false;
  }

  mlir::MLIRContext context;
  size_t results;
  std::map<std::string, VariablePtr> variables;
  std::map<VariablePtr, std::vector<double>> values;
  mlir::OwningOpRef<mlir::ModuleOp> module, bound;
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
