// SPDX-License-Identifier: Apache-2.0
//
// A recorded training step, run step after step by the reference interpreter or compiled: variables
// keep what they are assigned, and the counter of random ops counts.
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

/// Each step counts, once it has drawn.
inline void countDraws(Graph &graph, const Tensor &like) {
  bool counts = graph.draws == 0;
  for (const auto &[variable, node] : graph.assigned)
    counts |= variable == graph.step();
  if (!counts) {
    Tensor step = ops::read(graph.step(), like);
    ops::assign(graph.step(), step + ops::constant(step, 1));
  }
}

class Steps {
public:
  /// Of tensors of one graph.
  Steps(std::vector<Tensor> inputs, std::vector<Tensor> outputs, int64_t batch)
      : count(outputs.size()) {
    std::shared_ptr<Graph> graph = inputs.at(0).graph;
    problems = text(graph->mistakes);
    if (!problems.empty())
      return;
    countDraws(*graph, inputs[0]);
    Model model;
    model.graph = graph, model.inputs = inputs, model.outputs = outputs;
    Model whole = model;
    for (const auto &[variable, node] : graph->assigned) // results that emission adds
      whole.outputs.emplace_back(graph, node), assigned.push_back(variable);
    for (int index : whole.nodes())
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
        values[assigned.at(i - count).get()] = std::move((*results)[i]);
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

/// The same, compiled for this machine.
class CompiledSteps {
public:
  CompiledSteps(std::vector<Tensor> inputs, std::vector<Tensor> outputs, int64_t batch,
                unsigned threads = 1) {
    std::shared_ptr<Graph> graph = inputs.at(0).graph;
    countDraws(*graph, inputs[0]);
    EntryPoint entry{"step", graph, std::move(inputs), {}, true};
    for (size_t i = 0; i < outputs.size(); ++i) {
      entry.outputs.emplace_back("output" + std::to_string(i), outputs[i]);
      Shape shape = outputs[i].shape();
      for (int64_t &extent : shape)
        extent = extent < 0 ? batch : extent;
      shapes.push_back(std::move(shape));
    }
    mlir::DialectRegistry registry;
    registerCompilerDialects(registry);
    mlir::MLIRContext context(registry);
    context.loadAllAvailableDialects();
    context.getDiagEngine().registerHandler([this](mlir::Diagnostic &d) {
      problems += d.str() + "\n";
      return mlir::success();
    });
    mlir::OwningOpRef<mlir::ModuleOp> module =
        emitProgram(context, {"steps", {std::move(entry)}, true, {}});
    std::string path = testing::TempDir() + "/steps-" + std::to_string(getpid()) + ".cornet";
    CompileOptions options;
    options.batches = {batch}, options.pipeline = "training-cpu", options.selfTest = false;
    options.cpus = {levels({"host"}).front()};
    if (llvm::Error error = compileToFile(*module, options, path)) {
      problems += toString(std::move(error));
      return;
    }
    cornet_session_options sessionOptions{sizeof(cornet_session_options), threads};
    check(cornet_program_open(path.c_str(), &program)) &&
        check(cornet_session_create(program, &sessionOptions, &session));
    std::filesystem::remove(path);
    while (session && std::string(cornet_program_entry_name(program, entryIndex)) != "step")
      ++entryIndex;
  }
  ~CompiledSteps() {
    if (session)
      cornet_session_destroy(session);
    if (program)
      cornet_program_destroy(program);
  }
  CompiledSteps(const CompiledSteps &) = delete;

  std::vector<Cells> step(const std::vector<Cells> &inputs) {
    std::vector<Cells> out;
    std::vector<const void *> in;
    std::vector<void *> results;
    for (const Cells &input : inputs)
      in.push_back(input.data.data());
    for (const Shape &shape : shapes) {
      size_t cells = 1;
      for (int64_t extent : shape)
        cells *= size_t(extent);
      out.push_back({shape, std::vector<float>(cells, NAN)});
    }
    for (Cells &cells : out)
      results.push_back(cells.data.data());
    if (!session ||
        !check(cornet_session_invoke(session, entryIndex, uint64_t(inputs.at(0).shape[0]),
                                     in.data(), results.data())))
      return {};
    return out;
  }

  /// What the f32 variable of that name holds now.
  std::vector<float> valueOf(const VariablePtr &variable) {
    for (size_t i = 0; i < cornet_program_variable_count(program); ++i) {
      cornet_variable_spec spec{};
      check(cornet_program_variable(program, i, &spec));
      if (spec.name == variable->name) {
        auto *cells = static_cast<const float *>(cornet_session_variable(session, i));
        return {cells, cells + variable->value().size()};
      }
    }
    return {};
  }

  std::string problems;

private:
  bool check(cornet_status *status) {
    if (!status)
      return true;
    problems += cornet_status_message(status);
    cornet_status_destroy(status);
    return false;
  }
  std::vector<Shape> shapes;
  size_t entryIndex = 0;
  cornet_program *program = nullptr;
  cornet_session *session = nullptr;
};

} // namespace cornet::test
