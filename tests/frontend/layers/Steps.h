// SPDX-License-Identifier: Apache-2.0
//
// A recorded training step, run step after step by the reference interpreter: variables keep what
// they are assigned, and the counter of random ops counts.
#pragma once

#include "tests/frontend/Road.h"

#include <cornet/cornet.h>

namespace cornet::test {

/// A graph in which layers act as in training, while one lives.
class TrainingGraph {
public:
  TrainingGraph() { Recording::current()->training = true; }

private:
  Recording recording;
};

class Steps {
public:
  /// Of tensors of one graph. Its losses are summed up as another output, if there are any.
  Steps(std::vector<Tensor> inputs, std::vector<Tensor> outputs, int64_t batch)
      : count(outputs.size()) {
    std::shared_ptr<Graph> graph = inputs.at(0).graph;
    problems = text(graph->mistakes);
    if (!problems.empty())
      return;
    for (const auto &[variable, node] : graph->assigned)
      outputs.emplace_back(graph, node), assigned.push_back(variable);
    Model model;
    model.graph = graph, model.inputs = inputs, model.outputs = outputs;
    for (int index : model.nodes())
      if (const Node &node = graph->nodes[size_t(index)]; node.variable)
        variables.push_back(node.variable);
    mlir::DialectRegistry registry;
    registerCompilerDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    context.getDiagEngine().registerHandler([this](mlir::Diagnostic &d) {
      problems += d.str() + "\n";
      return mlir::success();
    });
    module = emitModel(context, model);
    (*module->getOps<mlir::func::FuncOp>().begin())
        ->setAttr("cornet.whole", mlir::UnitAttr::get(&context));
    registerCornetPasses();
    mlir::PassManager pm(&context);
    std::string pipeline =
        "cornet-bind-batch{sizes=" + std::to_string(batch) + "},func.func(cornet-gradient)";
    if (failed(mlir::verify(*module)) || failed(mlir::parsePassPipeline(pipeline, pm)) ||
        failed(pm.run(*module)))
      problems += "the step is not made\n";
  }

  /// One step: the outputs, before the values that variables are assigned.
  std::vector<Cells> step(const std::vector<Cells> &inputs) {
    if (!problems.empty())
      return {};
    std::vector<HostTensor> host;
    for (const Cells &input : inputs)
      host.push_back({input.shape, std::vector<double>(input.data.begin(), input.data.end())});
    for (const VariablePtr &variable : variables)
      host.push_back(valueOf(variable));
    auto results = reference::interpret(*module->getOps<mlir::func::FuncOp>().begin(), host);
    if (failed(results)) {
      problems += "the step does not run\n";
      return {};
    }
    std::vector<Cells> out;
    for (size_t i = 0; i < results->size(); ++i)
      if (i < count)
        out.push_back({(*results)[i].shape,
                       std::vector<float>((*results)[i].data.begin(), (*results)[i].data.end())});
      else
        values[assigned[i - count].get()] = std::move((*results)[i]);
    for (const VariablePtr &variable : variables)
      if (variable->name == "random/step") {
        HostTensor next = valueOf(variable);
        ++next.data[0];
        values[variable.get()] = std::move(next);
      }
    return out;
  }

  /// What the variable holds now.
  HostTensor valueOf(const VariablePtr &variable) {
    if (auto it = values.find(variable.get()); it != values.end())
      return it->second;
    std::vector<float> start = variable->value();
    return {variable->shape, std::vector<double>(start.begin(), start.end())};
  }

  std::vector<VariablePtr> variables; ///< that the step reads
  std::string problems;

private:
  size_t count;
  std::vector<VariablePtr> assigned;
  std::map<Variable *, HostTensor> values;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

} // namespace cornet::test
