// SPDX-License-Identifier: Apache-2.0
//
// Two layers and a regularizer of one's own, composed of ops: the kernel k(a, b) = exp(-gamma |a -
// b|^2) with each training point, its approximation by random Fourier features (Rahimi and Recht
// 2007), and the norm of a function in the kernel's space. What they hold is not trained.
#pragma once

#include <cornet/cornet.h>
#include <cornet/data.h>
#include <cornet/regularizers.h>

#include <cmath>
#include <random>

namespace models {

using namespace cornet;

/// (B, D) to (B, N): the kernel with each of N points.
struct RbfKernel : Layer {
  RbfKernel(data::Array points, double gamma)
      : Layer("RbfKernel"), points(std::move(points)), gamma(gamma) {}
  data::Array points;
  double gamma;
  void build(const std::vector<Shape> &) override {
    std::span<const float> cells = points.data<float>();
    addWeight("points", points.shape, "zeros", false).data.assign(cells.begin(), cells.end());
  }
  Tensor call(const std::vector<Tensor> &x) override { // |a - b|^2 = |a|^2 - 2 a b + |b|^2
    Tensor p = weight(0, x[0]), products = ops::matmul(x[0], ops::transpose(p, {1, 0}));
    Tensor squares = ops::sum(x[0] * x[0], {1}, true) - 2.0 * products + ops::sum(p * p, {1});
    return ops::exp(-gamma * squares);
  }
};

/// (B, D) to (B, N): sqrt(2 / N) cos(x w + b), w normal with variance 2 gamma, b uniform.
struct FourierFeatures : Layer {
  FourierFeatures(int64_t units, double gamma)
      : Layer("FourierFeatures"), units(units), gamma(gamma) {}
  int64_t units;
  double gamma;
  void build(const std::vector<Shape> &in) override {
    std::mt19937 bits(7);
    std::normal_distribution<float> normal(0, float(std::sqrt(2 * gamma)));
    std::uniform_real_distribution<float> angle(0, 2 * float(M_PI));
    Shape shape{in[0].back(), units};
    Variable &w = addWeight("directions", shape, "zeros", false);
    for (int64_t i = 0; i < shape[0] * shape[1]; ++i)
      w.data.push_back(normal(bits));
    Variable &b = addWeight("angles", {units}, "zeros", false);
    for (int64_t i = 0; i < units; ++i)
      b.data.push_back(angle(bits));
  }
  Tensor call(const std::vector<Tensor> &x) override {
    Tensor angles = ops::matmul(x[0], weight(0, x[0])) + weight(1, x[0]);
    return std::sqrt(2.0 / double(units)) * ops::cos(angles);
  }
};

/// f(x) = sum over i of a_i k(x_i, x) has the squared norm a' K a, K being the Gram matrix.
struct FunctionNorm : Regularizer {
  FunctionNorm(const data::Array &gram, double factor) : factor(factor) {
    std::span<const float> cells = gram.data<float>();
    *matrix = {"gram", gram.shape, "zeros", false, {cells.begin(), cells.end()}};
  }
  VariablePtr matrix = std::make_shared<Variable>();
  double factor;
  Tensor operator()(const Tensor &a) override {
    return factor * ops::sum(a * ops::matmul(ops::read(matrix, a), a));
  }
};

} // namespace models
