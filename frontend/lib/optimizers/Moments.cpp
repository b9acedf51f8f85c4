// SPDX-License-Identifier: Apache-2.0
//
// Optimizers by the first two moments of the gradients: Adam and its kin.
#include "frontend/lib/optimizers/Optimizers.h"

namespace cornet {
namespace {

/// Slots and the moments themselves; `o` has beta_1, beta_2 and epsilon.
template <class Options> struct Moments : Optimizer {
  Moments(const char *kind, const Options &o, Where where)
      : Optimizer(kind, common(o), where), o(o), share_1(1 - o.beta_1), share_2(1 - o.beta_2) {}
  Options o;
  double share_1, share_2; ///< of a gradient in its moments

  void build(const VariablePtr &w, size_t) override {
    addSlot("momentum", w), addSlot("velocity", w);
  }
  Tensor first(const Tensor &g, size_t i) { return approach(slot("momentum", i), g, share_1); }
  Tensor second(const Tensor &g, size_t i) { return approach(slot("velocity", i), g * g, share_2); }
  /// Some of Keras's optimizers round the betas to f32 before they subtract.
  void roundShares() { share_1 = rest(o.beta_1), share_2 = rest(o.beta_2); }
  /// 1 - beta^t
  Tensor correction(double beta) { return 1 - power(beta, count()); }
};

template <class Options> struct AdaptiveMoments : Moments<Options> {
  using Moments<Options>::Moments, Moments<Options>::o;
  Tensor alpha;

  void makeSlots(const std::vector<VariablePtr> &variables) override {
    Optimizer::makeSlots(variables);
    for (const VariablePtr &w : variables)
      if (o.amsgrad)
        this->addSlot("velocity_hat", w);
  }
  void begin(const Tensor &rate) override {
    alpha = rate * ops::sqrt(this->correction(o.beta_2)) / this->correction(o.beta_1);
  }
  void update(const Tensor &g, const VariablePtr &w, size_t i, const Tensor &) override {
    Tensor m = this->first(g, i), v = this->second(g, i);
    if (VariablePtr greatest = this->slot("velocity_hat", i)) {
      v = ops::maximum(ops::read(greatest, v), v);
      ops::assign(greatest, v);
    }
    ops::assign(w, ops::read(w, g) - m * alpha / (ops::sqrt(v) + o.epsilon));
  }
};

struct InfinityNorm : Moments<AdamaxOptions> {
  InfinityNorm(const AdamaxOptions &o, Where where) : Moments("Adamax", o, where) {}
  Tensor alpha;

  void build(const VariablePtr &w, size_t) override { addSlot("momentum", w), addSlot("norm", w); }
  void begin(const Tensor &rate) override { alpha = rate / correction(o.beta_1); }
  void update(const Tensor &g, const VariablePtr &w, size_t i, const Tensor &) override {
    Tensor m = first(g, i);
    Tensor norm = ops::maximum(o.beta_2 * ops::read(slot("norm", i), g), ops::abs(g));
    ops::assign(slot("norm", i), norm);
    ops::assign(w, ops::read(w, g) - alpha * m / (norm + o.epsilon));
  }
};

struct NesterovMoments : Moments<NadamOptions> {
  NesterovMoments(const NadamOptions &o, Where where) : Moments("Nadam", o, where) {
    roundShares();
  }
  VariablePtr product;                     ///< of the momenta of all steps
  Tensor ofMoment, ofGradient, ofVelocity; ///< factors, scalars

  void makeSlots(const std::vector<VariablePtr> &variables) override {
    Optimizer::makeSlots(variables);
    product = addScalar("u_product", 1);
  }
  void begin(const Tensor &rate) override {
    auto momentum = [&](const Tensor &t) { return o.beta_1 * (1 - 0.5 * power(0.96, t)); };
    Tensor now = momentum(count()), next = momentum(count() + 1);
    Tensor sofar = ops::read(product, rate) * now;
    ops::assign(product, sofar);
    ofMoment = rate * next / (1 - sofar * next);
    ofGradient = rate * (1 - now) / (1 - sofar);
    ofVelocity = 1 / correction(o.beta_2);
  }
  void update(const Tensor &g, const VariablePtr &w, size_t i, const Tensor &) override {
    Tensor m = first(g, i), v = second(g, i);
    Tensor step = ofMoment * m + ofGradient * g;
    ops::assign(w, ops::read(w, g) - step / (ops::sqrt(v * ofVelocity) + o.epsilon));
  }
};

struct LayerwiseMoments : Moments<LambOptions> {
  LayerwiseMoments(const LambOptions &o, Where where) : Moments("Lamb", o, where) {}
  Tensor ofMoment, ofVelocity; ///< factors, scalars

  void begin(const Tensor &) override {
    ofMoment = 1 / correction(o.beta_1), ofVelocity = 1 / correction(o.beta_2);
  }
  static Tensor norm(const Tensor &x) { return ops::sqrt(ops::sum(x * x)); }

  void update(const Tensor &g, const VariablePtr &w, size_t i, const Tensor &rate) override {
    Tensor m = first(g, i), v = second(g, i), value = ops::read(w, g);
    Tensor step = m * ofMoment / (ops::sqrt(v * ofVelocity) + o.epsilon);
    Tensor weight = norm(value), length = norm(step), one = ops::constant(weight, 1);
    Tensor ratio =
        ops::select(ops::compare(weight, 0.0, "gt"),
                    ops::select(ops::compare(length, 0.0, "gt"), weight / length, one), one);
    ops::assign(w, value - ratio * rate * step);
  }
};

/// The slot "momentum" is z, the weight y = (1 - b1) z + b1 x of the paper; x is recovered from it.
struct ScheduleFree : Moments<ScheduleFreeAdamWOptions> {
  ScheduleFree(const ScheduleFreeAdamWOptions &o, Where where)
      : Moments("ScheduleFreeAdamW", o, where) {
    roundShares();
  }
  Tensor alpha, share, ofVelocity; ///< scalars

  void begin(const Tensor &rate) override {
    alpha = rate;
    if (o.warmup_steps > 0)
      alpha = rate * ops::minimum(count() / double(o.warmup_steps), ops::constant(rate, 1));
    share = 1 / count(), ofVelocity = 1 / correction(o.beta_2);
    Tensor fresh = ops::compare(count(), 1.0, "eq");
    for (size_t i = 0; i < weights().size(); ++i) {
      Tensor z = ops::read(slot("momentum", i), rate);
      ops::assign(slot("momentum", i), ops::select(fresh, ops::read(weights()[i], rate), z));
    }
  }
  void update(const Tensor &g, const VariablePtr &w, size_t i, const Tensor &) override {
    Tensor v = second(g, i), old = ops::read(slot("momentum", i), g);
    Tensor z = old - alpha * g / (ops::sqrt(v * ofVelocity) + o.epsilon);
    Tensor x = (ops::read(w, g) - share_1 * old) / o.beta_1;
    Tensor next = (1 - share) * x + share * z;
    ops::assign(slot("momentum", i), z);
    ops::assign(w, share_1 * z + o.beta_1 * next);
  }
};

} // namespace

OptimizerPtr Adam(AdamOptions o, Where where) {
  return std::make_shared<AdaptiveMoments<AdamOptions>>("Adam", o, where);
}
OptimizerPtr AdamW(AdamWOptions o, Where where) {
  return std::make_shared<AdaptiveMoments<AdamWOptions>>("AdamW", o, where);
}
OptimizerPtr Adamax(AdamaxOptions o, Where where) {
  return std::make_shared<InfinityNorm>(o, where);
}
OptimizerPtr Nadam(NadamOptions o, Where where) {
  return std::make_shared<NesterovMoments>(o, where);
}
OptimizerPtr Lamb(LambOptions o, Where where) {
  return std::make_shared<LayerwiseMoments>(o, where);
}
OptimizerPtr ScheduleFreeAdamW(ScheduleFreeAdamWOptions o, Where where) {
  return std::make_shared<ScheduleFree>(o, where);
}

} // namespace cornet
