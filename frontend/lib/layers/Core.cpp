// SPDX-License-Identifier: Apache-2.0
//
// Dense layers, embeddings and activations.
#include "frontend/lib/layers/Support.h"

namespace cornet {
namespace {

struct DenseLayer : Biased<DenseOptions> {
  using Biased::Biased;
  void build(const std::vector<Shape> &in) override {
    addWeight("kernel", {in[0].back(), o.units}, o.kernel_initializer, o.kernel_regularizer,
              o.kernel_constraint);
    addBias(o.units);
  }
  Tensor call(const std::vector<Tensor> &x) override {
    if (x[0].rank() < 2)
      return poison(x[0], "input has fewer than 2 dimensions, expected (N, ..., D)");
    Tensor y = ops::matmul(x[0], weight(0, x[0]));
    return ops::activation(o.activation, o.use_bias ? y + weight(1, x[0]) : y);
  }
};

struct EinsumDenseLayer : With<EinsumDenseOptions> {
  using With::With;

  /// The extent that `letter` has in the input or in output_shape; 0 when in neither.
  int64_t extent(char letter, const Shape &in, const std::string &data,
                 const std::string &result) const {
    // Letters before an ellipsis align from the front, those after it from the back.
    auto find = [&](const std::string &term, const Shape &shape, size_t shift) -> int64_t {
      size_t at = term.find(letter), dots = term.find("...");
      if (at == std::string::npos)
        return 0;
      int64_t place = dots == std::string::npos || at < dots
                          ? int64_t(at) - int64_t(shift)
                          : int64_t(shape.size()) - int64_t(term.size() - at);
      return place >= 0 && place < int64_t(shape.size()) ? shape[size_t(place)] : 0;
    };
    int64_t fromInput = find(data, in, 0);
    return fromInput > 0 ? fromInput : find(result, o.output_shape, 1);
  }

  void build(const std::vector<Shape> &in) override {
    size_t comma = o.equation.find(','), arrow = o.equation.find("->");
    if (comma == std::string::npos || arrow == std::string::npos || comma > arrow)
      return;
    std::string data = o.equation.substr(0, comma), result = o.equation.substr(arrow + 2);
    Shape kernel, bias;
    for (char letter : o.equation.substr(comma + 1, arrow - comma - 1))
      kernel.push_back(extent(letter, in[0], data, result));
    addWeight("kernel", kernel, o.kernel_initializer, o.kernel_regularizer, o.kernel_constraint);
    if (o.bias_axes.empty())
      return;
    // Bias aligns with the result from its first axis on, 1 where it does not vary.
    size_t first = result.find_first_of(o.bias_axes);
    for (size_t i = first; i < result.size(); ++i)
      bias.push_back(o.bias_axes.find(result[i]) == std::string::npos
                         ? 1
                         : extent(result[i], in[0], data, result));
    addWeight("bias", bias, o.bias_initializer, o.bias_regularizer, o.bias_constraint);
  }
  Tensor call(const std::vector<Tensor> &x) override {
    if (weights.empty())
      return poison(x[0], "equation '" + o.equation + "' is not of the form \"abc,cd->abd\"");
    for (int64_t extent : weights[0]->shape)
      if (extent < 1)
        return poison(x[0], "equation '" + o.equation +
                                "' leaves a dimension of the kernel open; give it in output_shape");
    Tensor y = ops::einsum(o.equation, x[0], weight(0, x[0]));
    return ops::activation(o.activation, o.bias_axes.empty() ? y : y + weight(1, x[0]));
  }
};

struct EmbeddingLayer : Wide<EmbeddingOptions> {
  using Wide::Wide;
  void build(const std::vector<Shape> &) override {
    addWeight("embeddings", {o.input_dim, o.output_dim}, o.embeddings_initializer,
              o.embeddings_regularizer, o.embeddings_constraint);
  }
  Tensor call(const std::vector<Tensor> &x) override {
    if (o.input_dim < 1 || o.output_dim < 1)
      return poison(x[0], "input_dim and output_dim must be positive");
    return ops::gather(weight(0, x[0]), x[0]);
  }
};

struct ActivationLayer : With<ActivationOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override { return ops::activation(o.activation, x[0]); }
};

struct ReLULayer : With<ReLUOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    if (o.negative_slope == 0 && o.threshold == 0)
      return o.max_value < 0 ? ops::relu(x[0]) : ops::clamp(x[0], 0, o.max_value);
    // x above the threshold, slope (x - threshold) below it, cut at max_value.
    Tensor t = ops::constant(x[0], o.threshold);
    Tensor y = ops::select(ops::compare(x[0], t, "ge"), x[0], (x[0] - t) * o.negative_slope);
    return o.max_value < 0 ? y : ops::minimum(y, ops::constant(x[0], o.max_value));
  }
};

struct LeakyReLULayer : With<LeakyReLUOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    return ops::record("leaky_relu", {x[0]}, {{"negative_slope", o.negative_slope}});
  }
};

struct ELULayer : With<ELUOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override {
    return ops::record("elu", {x[0]}, {{"alpha", o.alpha}});
  }
};

struct PReLULayer : With<PReLUOptions> {
  using With::With;
  void build(const std::vector<Shape> &in) override {
    Shape shape(in[0].begin() + 1, in[0].end());
    for (int64_t axis : o.shared_axes)
      if (axis >= 1 && axis <= int64_t(shape.size()))
        shape[size_t(axis) - 1] = 1;
    addWeight("alpha", shape, o.alpha_initializer, o.alpha_regularizer, o.alpha_constraint);
  }
  Tensor call(const std::vector<Tensor> &x) override {
    return ops::relu(x[0]) + weight(0, x[0]) * ops::minimum(x[0], ops::constant(x[0], 0));
  }
};

struct SoftmaxLayer : With<SoftmaxOptions> {
  using With::With;
  Tensor call(const std::vector<Tensor> &x) override { return ops::softmax(x[0], o.axis); }
};

} // namespace

CORNET_LAYER(Dense, DenseOptions, DenseLayer)
CORNET_LAYER(EinsumDense, EinsumDenseOptions, EinsumDenseLayer)
CORNET_LAYER(Embedding, EmbeddingOptions, EmbeddingLayer)
CORNET_LAYER(Activation, ActivationOptions, ActivationLayer)
CORNET_LAYER(ReLU, ReLUOptions, ReLULayer)
CORNET_LAYER(LeakyReLU, LeakyReLUOptions, LeakyReLULayer)
CORNET_LAYER(ELU, ELUOptions, ELULayer)
CORNET_LAYER(PReLU, PReLUOptions, PReLULayer)
CORNET_LAYER(Softmax, SoftmaxOptions, SoftmaxLayer)

} // namespace cornet
