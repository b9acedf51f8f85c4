// SPDX-License-Identifier: Apache-2.0
//
// Random graphs three ways: interpreted as recorded, compiled with as few passes as can be, and
// compiled with all of them. The three must agree. A graph follows from its seed alone, so that a
// failure can be run again by name.
#include "tests/frontend/Road.h"

#include <cornet/cornet.h>

#include <random>

namespace cornet::test {
namespace {

constexpr const char *barePipeline =
    "builtin.module(cornet-bind-batch{sizes=2},cornet-freeze-variables,func.func(cornet-decompose-"
    "composites,cornet-form-dispatches))";

/// Draws ops one after another over tensors recorded so far.
class Grower {
public:
  explicit Grower(uint64_t seed) : bits(seed) {
    int64_t kind = draw(0, 2);
    image = kind != 0;
    Tensor x = image ? Input({draw(3, 9), draw(3, 9), draw(1, 20)}) : Input({draw(1, 40)});
    inputs.push_back(x), pool.push_back(x);
    if (draw(0, 2) == 0) {
      Shape second(x.shape().begin() + 1, x.shape().end());
      inputs.push_back(Input(second)), pool.push_back(inputs.back());
    }
    for (int64_t i = 0, steps = draw(3, 12); i < steps; ++i)
      grow();
  }

  Model model() {
    std::vector<Tensor> outputs{pool.back()};
    if (pool.size() > 4 && draw(0, 1))
      outputs.push_back(pool[pool.size() - 3]);
    return Functional(inputs, outputs, "random");
  }

private:
  int64_t draw(int64_t low, int64_t high) {
    return low + int64_t(bits() % uint64_t(high - low + 1));
  }
  template <class T> T one(std::initializer_list<T> of) {
    return *(of.begin() + draw(0, int64_t(of.size()) - 1));
  }

  void grow() {
    Tensor x = pool[size_t(
        draw(int64_t(pool.size()) > 3 ? int64_t(pool.size()) - 3 : 0, int64_t(pool.size()) - 1))];
    Tensor y = x.rank() == 4 ? growImage(x) : growAny(x);
    if (!y.poisoned())
      pool.push_back(y);
  }

  Tensor growImage(const Tensor &x) {
    int64_t h = x.shape()[1], w = x.shape()[2], c = x.shape()[3],
            k = std::min<int64_t>({draw(1, 4), h, w});
    std::string padding = one<const char *>({"valid", "same"}),
                activation = one<const char *>({"linear", "relu", "gelu", "tanh", "relu6"});
    switch (draw(0, 10)) {
    case 0:
    case 1:
      if (c % 2 == 0 && draw(0, 2) == 0)
        return Conv2D({.filters = 2 * draw(1, 20),
                       .kernel_size = k,
                       .padding = padding,
                       .groups = 2,
                       .activation = activation})(x);
      return Conv2D({.filters = draw(1, 40),
                     .kernel_size = k,
                     .strides = draw(1, 2),
                     .padding = padding,
                     .activation = activation})(x);
    case 2:
      return Conv2D({.filters = draw(1, 3) * 16, .padding = padding, .use_bias = draw(0, 1) == 1})(
          x);
    case 3:
      return DepthwiseConv2D({.kernel_size = k,
                              .strides = draw(1, 2),
                              .padding = padding,
                              .depth_multiplier = one<int64_t>({1, 1, 2}),
                              .activation = activation})(x);
    case 9:
      return Conv2DTranspose({.filters = draw(1, 20),
                              .kernel_size = draw(1, 4),
                              .strides = draw(1, 3),
                              .padding = padding,
                              .activation = activation})(x);
    case 4:
      return draw(0, 1)
                 ? MaxPooling2D({.pool_size = k, .strides = draw(1, 2), .padding = padding})(x)
                 : AveragePooling2D({.pool_size = k, .strides = draw(1, 2), .padding = padding})(x);
    case 5:
      return BatchNormalization({.axis = one<int64_t>({-1, -1, 1})})(x);
    case 6:
      return ZeroPadding2D(
          {.top_bottom = {draw(0, 2), draw(0, 1)}, .left_right = {draw(0, 1), draw(0, 2)}})(x);
    case 7:
      return ops::slice(x, {0, draw(0, h - 1), 0, 0}, {-1, 1, w, c});
    case 8:
      return draw(0, 2) ? GlobalAveragePooling2D()(x) : Flatten()(x);
    default:
      return growAny(x);
    }
  }

  Tensor growAny(const Tensor &x) {
    size_t last = x.rank() - 1;
    switch (draw(0, 9)) {
    case 0:
      return Dense({.units = draw(1, 70),
                    .activation = one<const char *>({"linear", "relu", "sigmoid", "elu"})})(x);
    case 1:
      return ops::softmax(x, int64_t(draw(1, int64_t(last))));
    case 2:
      return LayerNormalization()(x);
    case 3: { // a partner of the same shape
      for (const Tensor &other : pool)
        if (other.node != x.node && other.shape() == x.shape())
          return draw(0, 1) ? x + other : ops::maximum(x, other);
      return ops::tanh(x) * x;
    }
    case 4: {
      std::vector<int64_t> axes{int64_t(last)};
      if (last > 1 && draw(0, 1))
        axes = {1};
      return x - ops::reduce(x, one<const char *>({"sum", "mean", "max", "min"}), axes, true) * 0.1;
    }
    case 5:
      return ops::concat({x, ops::relu(x)}, int64_t(last));
    case 6: {
      if (last < 2)
        return ops::sigmoid(x);
      std::vector<int64_t> order{0};
      for (size_t i = 1; i <= last; ++i)
        order.push_back(int64_t(i % last) + 1);
      return ops::transpose(x, order);
    }
    case 7:
      return ops::clamp(x * 1.5 + 0.25, -1, 1.5);
    case 8: // two computed factors; one value used twice
      if (x.rank() == 3 && draw(0, 1))
        return ops::matmul(ops::tanh(x), ops::transpose(x, {0, 2, 1})) * 0.2;
      if (x.rank() == 4 && draw(0, 1))
        return ops::matmul(
                   ops::reshape(x, {-1, x.shape()[1] * x.shape()[2], x.shape()[3]}),
                   ops::transpose(ops::reshape(ops::sigmoid(x),
                                               {-1, x.shape()[1] * x.shape()[2], x.shape()[3]}),
                                  {0, 2, 1})) *
               0.2;
      return x * ops::sigmoid(x) + ops::abs(x);
    default:
      return ops::activation(one<const char *>({"tanh", "gelu", "silu", "softplus", "mish",
                                                "leaky_relu", "selu", "hard_silu", "softsign"}),
                             x);
    }
  }

  std::mt19937_64 bits;
  bool image;
  std::vector<Tensor> inputs, pool;
};

class RandomGraph : public testing::TestWithParam<uint64_t> {};

TEST_P(RandomGraph, AllRoadsAgree) {
  Recording recording;
  Grower grower(GetParam() * 7919 + 17);
  Model model = grower.model();
  ASSERT_TRUE(model.graph->mistakes.empty()) << text(model.graph->mistakes);
  std::mt19937 bits(unsigned(GetParam()) + 1);
  auto uniform = [&] { return float(bits() >> 8) / float(1 << 23) - 1; };
  for (const VariablePtr &variable :
       model.variables()) { // no zero bias, no identity may hide a mistake
    variable->data = variable->value();
    for (float &cell : variable->data)
      cell = variable->name.ends_with("variance") ? 0.5f + std::fabs(uniform())
                                                  : cell + 0.3f * uniform();
  }
  std::vector<Cells> inputs;
  for (const Tensor &input : model.inputs) {
    Cells cells{input.shape(), {}};
    cells.shape[0] = 2;
    int64_t count = 1;
    for (int64_t extent : cells.shape)
      count *= extent;
    for (int64_t i = 0; i < count; ++i)
      cells.data.push_back(uniform());
    inputs.push_back(std::move(cells));
  }
  Road road(model);
  std::vector<Cells> wanted = road.interpret(inputs);
  ASSERT_EQ(wanted.size(), model.outputs.size()) << road.problems;
  CompileOptions bare;
  bare.pipeline = barePipeline;
  for (const CompileOptions &options : {bare, CompileOptions{}}) {
    std::vector<Cells> ran = road.run(inputs, wanted, 2, options);
    ASSERT_EQ(road.problems, "") << road.text();
    for (size_t i = 0; i < wanted.size(); ++i)
      expectClose(ran[i], wanted[i], 1e-4, 1e-3,
                  (&options == &bare ? "bare" : "optimized") + std::string(" output ") +
                      std::to_string(i));
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomGraph, testing::Range<uint64_t>(0, 250));

} // namespace
} // namespace cornet::test
