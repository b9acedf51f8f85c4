// SPDX-License-Identifier: Apache-2.0
//
// The gradient of every row of the op table against central differences, both in float64 on the
// reference interpreter. Rows without a gradient are listed here with the reason, so that none is
// forgotten.
#include "tests/codegen/OpTable.h"

#include "tests/frontend/Road.h"

#include <map>
#include <random>

namespace cornet::test {
namespace {

using namespace mlir;

const std::map<std::string, const char *> without = {
    {"grid_sample", "augmentation stands before everything that is trained"},
};

/// Every f32 of the function becomes f64.
void widen(func::FuncOp function) {
  Type f64 = Builder(function.getContext()).getF64Type();
  auto wide = [&](Type type) -> Type {
    auto tensor = cast<RankedTensorType>(type);
    return tensor.getElementType().isF32() ? tensor.clone(f64) : tensor;
  };
  for (BlockArgument argument : function.getArguments())
    argument.setType(wide(argument.getType()));
  function.walk([&](Operation *op) {
    for (Value result : op->getResults())
      result.setType(wide(result.getType()));
    if (auto constant = dyn_cast<ConstantOp>(op))
      op->setAttr("value", reference::toElements(reference::toHost(constant.getValue()),
                                                 cast<RankedTensorType>(constant.getType())));
    if (auto cast = dyn_cast<CastOp>(op); cast && cast.getTo() == "f32")
      cast.setTo("f64");
  });
  function.setType(FunctionType::get(function.getContext(), function.front().getArgumentTypes(),
                                     function.front().getTerminator()->getOperandTypes()));
}

class GradientOf : public testing::TestWithParam<size_t> {};

TEST_P(GradientOf, IsTheCentralDifference) {
  const optable::Row &row = optable::rows()[GetParam()];
  DialectRegistry registry;
  registerCompilerDialects(registry);
  MLIRContext context(registry);
  context.loadAllAvailableDialects();
  std::string problems;
  context.getDiagEngine().registerHandler([&](Diagnostic &d) {
    problems += d.str() + "\n";
    return success();
  });
  OwningOpRef<ModuleOp> module = emitModel(context, optable::modelOf(row, false));
  registerCornetPasses();
  auto run = [&](const char *pipeline) {
    PassManager pm(&context);
    return succeeded(parsePassPipeline(pipeline, pm)) && succeeded(pm.run(*module));
  };
  ASSERT_TRUE(run("cornet-bind-batch{sizes=2}")) << problems;
  auto function = *module->getOps<func::FuncOp>().begin();
  if (std::string(row.op) == "batch_norm" || std::string(row.op) == "circle") {
    ASSERT_TRUE(run("func.func(cornet-decompose-composites)")) << problems;
  }
  widen(function);
  // Weigh the cells, so that the gradient of a sum that is constant (softmax) is none.
  Operation *end = function.front().getTerminator();
  std::mt19937 bits(11);
  auto draw = [&] { return double(bits()) / 4294967296.0; };
  HostTensor weights{
      std::vector<int64_t>(cast<RankedTensorType>(end->getOperand(0).getType()).getShape()), {}};
  for (int64_t i = 0; i < weights.size(); ++i)
    weights.data.push_back(draw() - 0.5);
  OpBuilder b(end);
  auto type = cast<RankedTensorType>(end->getOperand(0).getType());
  Value constant = ConstantOp::create(b, end->getLoc(), reference::toElements(weights, type));
  end->setOperand(0, MulOp::create(b, end->getLoc(), type, end->getOperand(0), constant));
  // Another function returns the gradients by every real argument, too, and a third their own.
  auto differentiate = [&](func::FuncOp of, const char *name, unsigned result) {
    func::FuncOp copy = of.clone();
    copy.setName(name);
    Operation *ret = copy.front().getTerminator();
    b.setInsertionPoint(ret);
    SmallVector<Value> gradients;
    for (BlockArgument argument : copy.getArguments())
      if (auto type = cast<RankedTensorType>(argument.getType());
          isa<FloatType>(type.getElementType()))
        gradients.push_back(
            GradientOp::create(b, ret->getLoc(), type, ret->getOperand(result), argument));
    ret->insertOperands(ret->getNumOperands(), gradients);
    copy.setType(
        FunctionType::get(&context, copy.front().getArgumentTypes(), ret->getOperandTypes()));
    return copy;
  };
  func::FuncOp gradient = differentiate(function, "gradient", 0);
  func::FuncOp second = differentiate(gradient, "second", 1);
  module->push_back(gradient);
  bool made = run("func.func(cornet-gradient)");
  if (without.contains(row.op)) {
    EXPECT_FALSE(made) << row.op << " has a gradient now: take it off the list";
    EXPECT_NE(problems.find("has no gradient"), std::string::npos) << problems;
    return;
  }
  ASSERT_TRUE(made) << problems;
  // Whose gradient has no gradient says so; whose has is held to it.
  module->push_back(second);
  bool twice = run("func.func(cornet-gradient)");
  if (!twice)
    EXPECT_NE(problems.find("has no gradient"), std::string::npos) << problems;
  if (!twice)
    second.erase();
  ASSERT_TRUE(succeeded(verify(*module))) << problems;
  std::vector<HostTensor> inputs;
  for (Type type : function.getArgumentTypes()) {
    HostTensor input{std::vector<int64_t>(cast<RankedTensorType>(type).getShape()), {}};
    bool integer = cast<RankedTensorType>(type).getElementType().isInteger(32);
    for (int64_t i = 0; i < input.size(); ++i)
      input.data.push_back(integer        ? double(bits() % 9)
                           : row.positive ? 0.5 + draw()
                                          : 4 * draw() - 2);
    inputs.push_back(std::move(input));
  }
  /// Compares results `first`... of `derivative` with differences of the sum of result `index` of
  /// `value`.
  auto compare = [&](func::FuncOp value, unsigned index, func::FuncOp derivative, size_t next) {
    auto sumOf = [&] {
      auto results = reference::interpret(value, inputs);
      double sum = 0;
      for (double cell : (*results)[index].data)
        sum += cell;
      return sum;
    };
    auto results = reference::interpret(derivative, inputs);
    ASSERT_TRUE(succeeded(results)) << problems;
    for (size_t a = 0; a < inputs.size(); ++a) {
      if (!isa<FloatType>(cast<RankedTensorType>(function.getArgumentTypes()[a]).getElementType()))
        continue;
      ASSERT_LT(next, results->size());
      const HostTensor &got = (*results)[next++];
      ASSERT_EQ(got.shape, inputs[a].shape);
      for (int probe = 0; probe < 12; ++probe) {
        size_t at = bits() % inputs[a].data.size();
        double keep = inputs[a].data[at], step = 1e-5;
        inputs[a].data[at] = keep + step;
        double up = sumOf();
        inputs[a].data[at] = keep - step;
        double difference = (up - sumOf()) / (2 * step);
        if (std::string(row.op) == "stop_gradient") // constant to its gradient alone
          difference = 0;
        inputs[a].data[at] = keep;
        EXPECT_NEAR(got.data[at], difference, 1e-6 * std::max(1.0, std::fabs(difference)))
            << derivative.getName().str() << " by argument " << a << ", cell " << at;
      }
    }
  };
  compare(function, 0, gradient, 1);
  if (twice)
    compare(gradient, 1, second, second.getNumResults() / 2 + 1);
}

INSTANTIATE_TEST_SUITE_P(All, GradientOf, testing::Range<size_t>(0, optable::rows().size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return std::to_string(info.param) + "_" + optable::rows()[info.param].op;
                         });

} // namespace
} // namespace cornet::test
