// SPDX-License-Identifier: Apache-2.0
//
// What the reference interpreter computes of a recording that mixes rows: a loss, its gradient, new
// values of a metric's variables. The batch is bound and gradients are written out first.
#pragma once

#include "frontend/emit/Emit.h"
#include "ir/Reference/Interpreter.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace cornet::test {

using Json = nlohmann::json;

/// A tensor of f32 or i32 cells, in float.
struct Array {
  std::vector<int64_t> shape;
  std::vector<float> data;
  bool integer = false;

  static Array of(const Json &json) {
    return {json.at("shape"), json.at("data"), json.at("dtype") == "int32"};
  }
};

inline Json readVectors(const char *name) {
  Json document = Json::parse(std::ifstream(std::string(CORNET_SOURCE_DIR "/tests/keras/") + name));
  return document.at("cases");
}

/// A symbolic input for `array`, whose first extent is the batch.
inline Tensor inputFor(const Array &array) {
  return Input(Shape(array.shape.begin() + 1, array.shape.end()),
               {.dtype = array.integer ? "int32" : "float32"});
}

class Step {
public:
  explicit Step(const Model &model) {
    context.getDiagEngine().registerHandler([this](mlir::Diagnostic &d) {
      problems += d.str() + "\n";
      return mlir::success();
    });
    problems = text(model.graph->mistakes);
    if (!problems.empty())
      return;
    module = emitModel(context, model);
    for (auto function : module->getOps<mlir::func::FuncOp>())
      function->setAttr("cornet.whole", mlir::UnitAttr::get(&context));
    if (failed(mlir::verify(*module)))
      problems += "the emitted module does not verify\n";
  }

  /// The outputs for these inputs, or nothing and problems.
  std::vector<Array> compute(const std::vector<Array> &inputs) {
    if (!problems.empty())
      return {};
    mlir::OwningOpRef<mlir::ModuleOp> copy = module->clone();
    registerCornetPasses();
    mlir::PassManager pm(&context);
    std::string passes = "cornet-bind-batch{sizes=" + std::to_string(inputs.at(0).shape.at(0)) +
                         "},cornet-freeze-variables,cornet-decompose-composites,cornet-gradient";
    if (failed(mlir::parsePassPipeline(passes, pm)) || failed(pm.run(*copy)))
      return {};
    std::vector<HostTensor> host;
    for (const Array &input : inputs)
      host.push_back({input.shape, std::vector<double>(input.data.begin(), input.data.end())});
    auto outputs = reference::interpret(*copy->getOps<mlir::func::FuncOp>().begin(), host);
    std::vector<Array> out;
    if (succeeded(outputs))
      for (HostTensor &output : *outputs)
        out.push_back({output.shape, std::vector<float>(output.data.begin(), output.data.end())});
    return out;
  }

  std::string problems;

private:
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

inline void expectNear(const Array &got, const Array &want, double tolerance,
                       const std::string &what) {
  ASSERT_EQ(got.shape, want.shape) << what;
  ASSERT_EQ(got.data.size(), want.data.size()) << what;
  for (size_t i = 0; i < want.data.size(); ++i)
    if (std::isnan(want.data[i]))
      ASSERT_TRUE(std::isnan(got.data[i])) << what << ": cell " << i << " is " << got.data[i];
    else
      ASSERT_LE(std::fabs(got.data[i] - want.data[i]),
                tolerance + tolerance * std::fabs(want.data[i]))
          << what << ": cell " << i << " is " << got.data[i] << ", wanted " << want.data[i];
}

} // namespace cornet::test
