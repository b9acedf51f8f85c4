// SPDX-License-Identifier: Apache-2.0
//
// Training steps of small networks, compiled, beside the reference interpreter: losses and every
// variable after each of several steps of gradient descent, and the same bits on one thread and
// two.
#include "tests/frontend/layers/Steps.h"

#include <cstring>
#include <random>

namespace cornet::test {
namespace {

struct Network {
  const char *name;
  Shape input; ///< of a row
  Model (*make)();
};

const std::vector<Network> &networks() {
  static const std::vector<Network> table = {
      {"mlp",
       {19},
       [] {
         return Sequential({19}, {Dense({.units = 24, .activation = "tanh"}), LayerNormalization(),
                                  Dense({.units = 5, .activation = "softmax"})});
       }},
      {"cnn",
       {12, 10, 3},
       [] {
         return Sequential(
             {12, 10, 3},
             {Conv2D({.filters = 20, .kernel_size = 3, .padding = "same"}), BatchNormalization(),
              ReLU(), Conv2D({.filters = 20, .kernel_size = 3, .padding = "same"}),
              DepthwiseConv2D({.kernel_size = 3, .strides = 2}), MaxPooling2D({.pool_size = 2}),
              Flatten(), Dense({.units = 5, .activation = "softmax"})});
       }},
  };
  return table;
}

class TrainingStep : public testing::TestWithParam<size_t> {};

TEST_P(TrainingStep, IsWhatTheReferenceSays) {
  const Network &network = networks()[GetParam()];
  constexpr int64_t batch = 6;
  std::mt19937 bits(3);
  auto draw = [&](Shape shape, double scale) {
    shape.insert(shape.begin(), batch);
    Cells cells{shape, {}};
    int64_t count = 1;
    for (int64_t extent : shape)
      count *= extent;
    for (int64_t i = 0; i < count; ++i)
      cells.data.push_back(float(scale * (double(bits() % 2001) / 1000 - 1)));
    return cells;
  };
  Cells data = draw(network.input, 2), wanted = draw({5}, 1);
  std::vector<std::vector<Cells>> first; ///< what one thread computes: losses, then variables
  for (unsigned threads : {1u, 2u}) {
    set_random_seed(11);
    Model model = network.make();
    TrainingGraph training;
    Tensor x = Input(network.input), y = Input({5});
    Tensor error = model({x})[0] - y, loss = ops::sum(error * error);
    for (const VariablePtr &variable : model.trainable_variables()) {
      Tensor value = ops::read(variable, loss);
      ops::assign(variable, value - ops::gradient(loss, value) * 0.01);
    }
    Steps steps({x, y}, {loss}, batch);
    CompiledSteps compiled({x, y}, {loss}, batch, threads);
    std::vector<std::vector<Cells>> all;
    for (int step = 0; step < 4; ++step) {
      std::vector<Cells> want = steps.step({data, wanted}), got = compiled.step({data, wanted});
      ASSERT_EQ(steps.problems + compiled.problems, "");
      expectClose(got.at(0), want.at(0), 1e-5, 2e-5, "loss of step " + std::to_string(step));
      std::vector<Cells> values = got;
      for (const VariablePtr &variable : model.trainable_variables()) {
        HostTensor host = steps.valueOf(variable);
        Cells reference{host.shape, {host.data.begin(), host.data.end()}};
        values.push_back({host.shape, compiled.valueOf(variable)});
        expectClose(values.back(), reference, 2e-5, 1e-4, variable->name);
      }
      all.push_back(values);
    }
    EXPECT_LT(all.back()[0].data[0], all.front()[0].data[0]) << "the loss does not fall";
    if (first.empty())
      first = all;
    for (size_t step = 0; step < all.size(); ++step)
      for (size_t i = 0; i < all[step].size(); ++i)
        EXPECT_EQ(all[step][i].data, first[step][i].data) << "tensor " << i << " of step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(All, TrainingStep, testing::Range<size_t>(0, networks().size()),
                         [](const auto &info) { return networks()[info.param].name; });

} // namespace
} // namespace cornet::test
