// SPDX-License-Identifier: Apache-2.0
//
// Muon (Jordan et al. 2024): matrices move along their momentum with its singular values brought
// near 1 by Newton-Schulz steps; what is no matrix, and embeddings, by AdamW.
#include "frontend/lib/optimizers/Optimizers.h"

#include <algorithm>
#include <cctype>
#include <cmath>

namespace cornet {
namespace {

struct Orthogonalized : Optimizer {
  Orthogonalized(const MuonOptions &o, Where where) : Optimizer("Muon", common(o), where), o(o) {}
  MuonOptions o;
  Tensor alpha; ///< the rate of Adam, a scalar

  std::vector<std::string> examine() const override {
    std::vector<std::string> out = Optimizer::examine();
    for (const std::string &pattern : o.exclude_layers)
      if (std::string error = checkPattern(pattern); !error.empty())
        out.push_back("exclude_layers: " + error);
    return out;
  }
  bool byAdam(const VariablePtr &w) const {
    std::string path = w->name;
    std::transform(path.begin(), path.end(), path.begin(),
                   [](unsigned char letter) { return char(std::tolower(letter)); });
    return w->shape.size() != 2 || (o.exclude_embeddings && path.find("embedding") != path.npos) ||
           std::any_of(o.exclude_layers.begin(), o.exclude_layers.end(),
                       [&](const std::string &pattern) { return found(pattern, w->name); });
  }
  std::optional<double> decayOf(const VariablePtr &w) const override {
    return byAdam(w) ? o.adam_weight_decay : o.weight_decay;
  }
  void build(const VariablePtr &w, size_t) override {
    addSlot("momentum", w);
    if (byAdam(w))
      addSlot("velocity", w);
  }
  void begin(const Tensor &rate) override {
    alpha = rate * o.adam_lr_ratio * ops::sqrt(1 - power(o.adam_beta_2, count())) /
            (1 - power(o.adam_beta_1, count()));
  }
  void update(const Tensor &g, const VariablePtr &w, size_t i, const Tensor &rate) override {
    VariablePtr momentum = slot("momentum", i);
    Tensor value = ops::read(w, g);
    if (VariablePtr velocity = slot("velocity", i)) {
      Tensor m = approach(momentum, g, 1 - o.adam_beta_1);
      Tensor v = approach(velocity, g * g, 1 - o.adam_beta_2);
      return ops::assign(w, value - m * alpha / (ops::sqrt(v) + o.epsilon));
    }
    Tensor m = ops::read(momentum, g) * o.momentum + g;
    ops::assign(momentum, m);
    Tensor step = rate * orthogonalize(o.nesterov ? g + o.momentum * m : m);
    if (o.rms_rate)
      step = step * (std::sqrt(double(std::max(w->shape[0], w->shape[1]))) * *o.rms_rate);
    ops::assign(w, value - step);
  }
  /// `x` with its singular values near 1. Works on the wide one of `x` and its transpose.
  Tensor orthogonalize(Tensor x) const {
    bool tall = x.shape()[0] > x.shape()[1];
    if (tall)
      x = ops::transpose(x, {1, 0});
    x = x / (ops::sqrt(ops::sum(x * x)) + 1e-7);
    for (int64_t i = 0; i < o.ns_steps; ++i) {
      Tensor a = ops::record("matmul", {x, x}, {{"transpose_lhs", false}, {"transpose_rhs", true}});
      Tensor b = o.muon_b * a + o.muon_c * ops::matmul(a, a);
      x = o.muon_a * x + ops::matmul(b, x);
    }
    return tall ? ops::transpose(x, {1, 0}) : x;
  }
};

} // namespace

OptimizerPtr Muon(MuonOptions o, Where where) { return std::make_shared<Orthogonalized>(o, where); }

} // namespace cornet
