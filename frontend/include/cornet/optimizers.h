// SPDX-License-Identifier: Apache-2.0
//
// Optimizers with Keras 3's names, defaults and numerics: Adam({.learning_rate = 1e-3, .clipnorm =
// 1}). An optimizer records its updates into a training step, composed of public ops. One of your
// own makes slots in build() and assigns in update():
//
//     struct SignMomentum : Optimizer {
//       SignMomentum() : Optimizer("SignMomentum", {.learning_rate = 1e-3}) {}
//       void build(const VariablePtr &w, size_t) override { addSlot("momentum", w); }
//       void update(const Tensor &g, const VariablePtr &w, size_t i, const Tensor &rate) override {
//         Tensor m = 0.9 * ops::read(slot("momentum", i), g) + 0.1 * g;
//         ops::assign(slot("momentum", i), m);
//         ops::assign(w, ops::read(w, g) - rate * ops::sign(m));
//       }
//     };
//
// Keep update() pointwise over tensors of the variable's shape and scalars, and it becomes one
// kernel; compute scalars that all variables share in begin().
#pragma once

#include <cornet/layers.h>
#include <cornet/schedules.h>

#include <functional>

namespace cornet {

/// The options that every optimizer takes, after its own. At most one of the three clips.
#define CORNET_OPTIMIZER_OPTIONS                                                                   \
  std::optional<double> clipnorm{};        /* the greatest L2 norm of each gradient */             \
  std::optional<double> clipvalue{};       /* the greatest |cell| of a gradient */                 \
  std::optional<double> global_clipnorm{}; /* the greatest L2 norm of all gradients as one */      \
  bool use_ema = false;                    /* keep an exponential average of each weight */        \
  double ema_momentum = 0.99;                                                                      \
  std::optional<int64_t>                                                                           \
      ema_overwrite_frequency{};             /* steps after which weights become averages */       \
  std::optional<double> loss_scale_factor{}; /* multiplies the loss, divides gradients */          \
  std::optional<int64_t> gradient_accumulation_steps{}; /* update once in so many, by the mean */  \
  std::vector<std::string> exclude_from_weight_decay{}; /* see Optimizer::decays() */              \
  std::string name = "";                                /* empty: of the class: "rm_sprop" */      \
  template <class V> void shared(V &&v) {                                                          \
    v("learning_rate", learning_rate), v("weight_decay", weight_decay), v("clipnorm", clipnorm),   \
        v("clipvalue", clipvalue), v("global_clipnorm", global_clipnorm), v("use_ema", use_ema),   \
        v("ema_momentum", ema_momentum), v("ema_overwrite_frequency", ema_overwrite_frequency),    \
        v("loss_scale_factor", loss_scale_factor),                                                 \
        v("gradient_accumulation_steps", gradient_accumulation_steps), v("name", name);            \
  }

struct OptimizerOptions {
  LearningRate learning_rate = 1e-3;
  std::optional<double> weight_decay{}; ///< w -= w weight_decay rate, before each update
  CORNET_OPTIMIZER_OPTIONS
};

class Optimizer;
using OptimizerPtr = std::shared_ptr<Optimizer>;

/// State and the recording of steps. Variables are made by the first step, or by build().
/// `kind` is the class's name. Mistakes are recorded at `where`.
class Optimizer {
public:
  /// A gradient of the variable's shape, and the variable.
  using Gradient = std::pair<Tensor, VariablePtr>;

  explicit Optimizer(std::string kind, OptimizerOptions options = {},
                     Where where = Where::current());
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer &) = delete;

  /// Records one step: `variables` move along the gradients of the scalar `loss`. In Keras's order:
  /// loss scale, accumulation, clipping, weight decay, update, averages, constraints, iterations
  /// + 1.
  void minimize(const Tensor &loss, const std::vector<VariablePtr> &variables);
  /// The same with given gradients, which are of the scaled loss.
  void apply(const std::vector<Gradient> &gradients);
  /// Makes the slots of these variables, once: later steps move these or some of them.
  void build(const std::vector<VariablePtr> &variables);

  /// Its state, in the order of optimizer/vars/N of a Keras file: iterations, learning_rate unless
  /// a schedule, averages, accumulators, slots. Some need not appear in the step.
  virtual std::vector<VariablePtr> variables() const;
  /// Null with a schedule.
  virtual VariablePtr learningRate() const { return rate; }
  /// (weight, its average) with use_ema, for the end of training; else empty.
  virtual std::vector<std::pair<VariablePtr, VariablePtr>> averages() const;
  /// Names are PREFIX/iterations and PREFIX/<variable>/<slot>, PREFIX being "optimizer". Two
  /// optimizers of one model need two.
  virtual void setPrefix(const std::string &prefix);
  /// What is wrong with the options.
  virtual std::vector<std::string> examine() const;
  /// Whether it finds a scale of the loss by itself.
  virtual bool scalesLoss() const { return false; }

  OptimizerOptions options;
  std::string name; ///< "adam"
  Where where;

protected:
  /// Makes the slots of variable `index`.
  virtual void build(const VariablePtr &, size_t) {}
  /// Calls that for each; override it where Keras's order is another.
  virtual void makeSlots(const std::vector<VariablePtr> &variables);
  /// Once for each step, before any variable is touched.
  virtual void begin(const Tensor & /*learning_rate*/) {}
  /// Assigns the new values of the variable and its slots.
  virtual void update(const Tensor &gradient, const VariablePtr &variable, size_t index,
                      const Tensor &learning_rate) = 0;
  /// The weight decay of a variable. exclude_from_weight_decay has regular expressions that are
  /// searched in the last part of its name ("bias"), or in all of it if they have a '/'.
  virtual std::optional<double> decayOf(const VariablePtr &variable) const;
  bool decays(const VariablePtr &variable) const;
  /// What apply() does once everything is built; for optimizers of optimizers.
  virtual void step(std::vector<Gradient> gradients);
  virtual Tensor scaleLoss(const Tensor &loss);
  /// iterations + 1, in the graph of `like`; step() does it last.
  void countStep(const Tensor &like);

  /// A slot of the variable's shape, or of another, for slot().
  VariablePtr addSlot(const std::string &slot, const VariablePtr &variable,
                      const Initializer &initializer = "zeros");
  VariablePtr addSlot(const std::string &slot, const VariablePtr &variable, Shape shape);
  /// The slot of the variable of that index; null if it has none.
  VariablePtr slot(const std::string &slot, size_t index) const;
  /// A scalar of the optimizer's own, named PREFIX/<name>.
  VariablePtr addScalar(const std::string &name, double value, const std::string &dtype = "f32");
  /// The variables that build() was given.
  const std::vector<VariablePtr> &weights() const { return built; }
  /// In begin() and update(): the number of this update, from 1, an f32 scalar.
  const Tensor &count() const { return number; }
  /// What `body` assigns holds only where the i1 scalar does; elsewhere the old values stay.
  static void assignWhere(const Tensor &condition, const std::function<void()> &body);

private:
  void accumulate(std::vector<Gradient> &gradients, const Tensor &due);
  void clip(std::vector<Gradient> &gradients) const;
  void move(const std::vector<Gradient> &gradients, const Tensor &learning_rate);
  void average(const Tensor &updates);

  VariablePtr iterations, rate;
  std::vector<VariablePtr> built, made; ///< weights; state after iterations and rate
  std::map<std::string, std::map<size_t, VariablePtr>> slots;
  std::string prefix = "optimizer";
  Tensor number;
};

/// The optimizer of that name with its defaults, in any case: "adam", "rmsprop". Null for another.
OptimizerPtr optimizer(const std::string &name, Where where = Where::current());
/// What is wrong with that name, or "".
std::string checkOptimizer(const std::string &name);

struct SGDOptions {
  LearningRate learning_rate = 0.01;
  double momentum = 0;
  bool nesterov = false;
  std::optional<double> weight_decay{};
  CORNET_OPTIMIZER_OPTIONS
  template <class V> void fields(V &&v) { v("momentum", momentum), v("nesterov", nesterov); }
};
struct RMSpropOptions {
  LearningRate learning_rate = 1e-3;
  double rho = 0.9, momentum = 0, epsilon = 1e-7;
  bool centered = false;
  std::optional<double> weight_decay{};
  CORNET_OPTIMIZER_OPTIONS
  template <class V> void fields(V &&v) {
    v("rho", rho), v("momentum", momentum), v("epsilon", epsilon), v("centered", centered);
  }
};
struct AdagradOptions {
  LearningRate learning_rate = 1e-3;
  double initial_accumulator_value = 0.1, epsilon = 1e-7;
  std::optional<double> weight_decay{};
  CORNET_OPTIMIZER_OPTIONS
  template <class V> void fields(V &&v) {
    v("initial_accumulator_value", initial_accumulator_value), v("epsilon", epsilon);
  }
};
struct AdadeltaOptions {
  LearningRate learning_rate = 1e-3;
  double rho = 0.95, epsilon = 1e-7;
  std::optional<double> weight_decay{};
  CORNET_OPTIMIZER_OPTIONS
  template <class V> void fields(V &&v) { v("rho", rho), v("epsilon", epsilon); }
};
struct AdamOptions {
  LearningRate learning_rate = 1e-3;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  bool amsgrad = false;
  std::optional<double> weight_decay{};
  CORNET_OPTIMIZER_OPTIONS
  template <class V> void fields(V &&v) {
    v("beta_1", beta_1), v("beta_2", beta_2), v("epsilon", epsilon), v("amsgrad", amsgrad);
  }
};
struct AdamWOptions {
  LearningRate learning_rate = 1e-3;
  std::optional<double> weight_decay = 0.004;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  bool amsgrad = false;
  CORNET_OPTIMIZER_OPTIONS
  template <class V> void fields(V &&v) {
    v("beta_1", beta_1), v("beta_2", beta_2), v("epsilon", epsilon), v("amsgrad", amsgrad);
  }
};
/// Of Adamax, Nadam and Lamb.
struct AdamaxOptions {
  LearningRate learning_rate = 1e-3;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-7;
  std::optional<double> weight_decay{};
  CORNET_OPTIMIZER_OPTIONS
  template <class V> void fields(V &&v) {
    v("beta_1", beta_1), v("beta_2", beta_2), v("epsilon", epsilon);
  }
};
using NadamOptions = AdamaxOptions;
using LambOptions = AdamaxOptions;
struct FtrlOptions {
  LearningRate learning_rate = 1e-3;
  double learning_rate_power = -0.5, initial_accumulator_value = 0.1;
  double l1_regularization_strength = 0, l2_regularization_strength = 0;
  double l2_shrinkage_regularization_strength = 0, beta = 0;
  std::optional<double> weight_decay{};
  CORNET_OPTIMIZER_OPTIONS
  template <class V> void fields(V &&v) {
    v("learning_rate_power", learning_rate_power),
        v("initial_accumulator_value", initial_accumulator_value),
        v("l1_regularization_strength", l1_regularization_strength),
        v("l2_regularization_strength", l2_regularization_strength),
        v("l2_shrinkage_regularization_strength", l2_shrinkage_regularization_strength),
        v("beta", beta);
  }
};
struct LionOptions {
  LearningRate learning_rate = 1e-3;
  double beta_1 = 0.9, beta_2 = 0.99;
  std::optional<double> weight_decay{};
  CORNET_OPTIMIZER_OPTIONS
  template <class V> void fields(V &&v) { v("beta_1", beta_1), v("beta_2", beta_2); }
};
struct AdafactorOptions {
  LearningRate learning_rate = 1e-3;
  double beta_2_decay = -0.8, epsilon_1 = 1e-30, epsilon_2 = 1e-3, clip_threshold = 1;
  bool relative_step = true;
  std::optional<double> weight_decay{};
  CORNET_OPTIMIZER_OPTIONS
  template <class V> void fields(V &&v) {
    v("beta_2_decay", beta_2_decay), v("epsilon_1", epsilon_1), v("epsilon_2", epsilon_2),
        v("clip_threshold", clip_threshold), v("relative_step", relative_step);
  }
};
struct MuonOptions {
  LearningRate learning_rate = 1e-3;
  double adam_beta_1 = 0.9, adam_beta_2 = 0.999;
  std::optional<double> adam_weight_decay = 0.004;
  double epsilon = 1e-7;
  std::optional<double> weight_decay = 0.004;
  std::vector<std::string> exclude_layers{}; ///< regular expressions, searched in the names
  bool exclude_embeddings = true;
  double muon_a = 3.4445, muon_b = -4.7750, muon_c = 2.0315, adam_lr_ratio = 1, momentum = 0.95;
  int64_t ns_steps = 5;
  bool nesterov = true;
  std::optional<double> rms_rate = 0.2;
  CORNET_OPTIMIZER_OPTIONS
  template <class V> void fields(V &&v) {
    v("adam_beta_1", adam_beta_1), v("adam_beta_2", adam_beta_2),
        v("adam_weight_decay", adam_weight_decay), v("epsilon", epsilon),
        v("exclude_layers", exclude_layers), v("exclude_embeddings", exclude_embeddings),
        v("muon_a", muon_a), v("muon_b", muon_b), v("muon_c", muon_c),
        v("adam_lr_ratio", adam_lr_ratio), v("momentum", momentum), v("ns_steps", ns_steps),
        v("nesterov", nesterov), v("rms_rate", rms_rate);
  }
};
struct ScheduleFreeAdamWOptions {
  LearningRate learning_rate = 2.5e-3;
  double beta_1 = 0.9, beta_2 = 0.999, epsilon = 1e-8;
  int64_t warmup_steps = 0;
  std::optional<double> weight_decay{};
  CORNET_OPTIMIZER_OPTIONS
  template <class V> void fields(V &&v) {
    v("beta_1", beta_1), v("beta_2", beta_2), v("epsilon", epsilon),
        v("warmup_steps", warmup_steps);
  }
};
struct LossScaleOptimizerOptions {
  OptimizerPtr inner_optimizer{};
  double initial_scale = 32768;
  int64_t dynamic_growth_steps = 2000;
  std::string name = "";
  template <class V> void fields(V &&v) {
    v("inner_optimizer", inner_optimizer), v("initial_scale", initial_scale),
        v("dynamic_growth_steps", dynamic_growth_steps), v("name", name);
  }
};
/// Optimizers by regular expressions that match whole names of variables ("conv.*/kernel").
struct OptimizerMap {
  OptimizerPtr default_optimizer{};
  std::vector<std::pair<std::string, OptimizerPtr>> optimizer_map{};
};
struct MultiOptimizerOptions {
  OptimizerMap optimizer_map{};
  std::optional<double> loss_scale_factor{};
  std::string name = "";
  template <class V> void fields(V &&v) {
    v("optimizer_map", optimizer_map), v("loss_scale_factor", loss_scale_factor), v("name", name);
  }
};

// g: gradient, w: weight, r: learning rate, t: number of the update from 1, b1, b2: beta_1, beta_2,
// e: epsilon. Slots as listed, in Keras's order.

/// Without momentum w -= r g and no slot. Slot momentum: m = momentum m - r g; w += m, or with
/// nesterov w += momentum m - r g.
OptimizerPtr SGD(SGDOptions options = {}, Where where = Where::current());
/// Slots velocity, momentum, average_gradient: v = rho v + (1 - rho) g^2, w -= r g / sqrt(v + e);
/// centered subtracts the square of the average gradient under the root.
OptimizerPtr RMSprop(RMSpropOptions options = {}, Where where = Where::current());
/// Slot accumulator: a += g^2; w -= r g / sqrt(a + e)
OptimizerPtr Adagrad(AdagradOptions options = {}, Where where = Where::current());
/// Slots accumulated_grad, accumulated_delta_var: d = -g sqrt(u + e) / sqrt(a + e); w += r d
OptimizerPtr Adadelta(AdadeltaOptions options = {}, Where where = Where::current());
/// Slots momentum, velocity, velocity_hat: w -= r sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + e),
/// the epsilon-hat form of Kingma and Ba 2014; amsgrad takes the greatest v so far.
OptimizerPtr Adam(AdamOptions options = {}, Where where = Where::current());
/// Adam with weight decay.
OptimizerPtr AdamW(AdamWOptions options = {}, Where where = Where::current());
/// Slots momentum, norm: u = max(b2 u, |g|); w -= r m / ((1 - b1^t) (u + e))
OptimizerPtr Adamax(AdamaxOptions options = {}, Where where = Where::current());
/// Slots momentum, velocity, and one scalar: Adam with Nesterov's momentum (Dozat 2016).
OptimizerPtr Nadam(NadamOptions options = {}, Where where = Where::current());
/// Slots accumulator, linear (McMahan et al. 2013).
OptimizerPtr Ftrl(FtrlOptions options = {}, Where where = Where::current());
/// Slots momentum, velocity: Adam's direction, scaled by |w| / |direction| (You et al. 2019).
OptimizerPtr Lamb(LambOptions options = {}, Where where = Where::current());
/// Slot momentum: w -= r sign(b1 m + (1 - b1) g); then m = b2 m + (1 - b2) g (Chen et al. 2023)
OptimizerPtr Lion(LionOptions options = {}, Where where = Where::current());
/// Slots r, c, velocity: second moments of matrices by rows and columns (Shazeer and Stern 2018).
OptimizerPtr Adafactor(AdafactorOptions options = {}, Where where = Where::current());
/// Slots momentum, velocity (of Adam's): matrices move along their orthogonalized momentum, others
/// and embeddings by AdamW.
OptimizerPtr Muon(MuonOptions options = {}, Where where = Where::current());
/// Slots momentum, velocity (Defazio et al. 2024). The momentum is the weight's value until the
/// first step.
OptimizerPtr ScheduleFreeAdamW(ScheduleFreeAdamWOptions options = {},
                               Where where = Where::current());
/// Scales the loss for `inner_optimizer`. A step with a gradient that is not finite changes nothing
/// but halves the scale; after dynamic_growth_steps good ones it doubles.
OptimizerPtr LossScaleOptimizer(LossScaleOptimizerOptions options, Where where = Where::current());
/// Moves each variable by the optimizer its name maps to.
OptimizerPtr MultiOptimizer(MultiOptimizerOptions options, Where where = Where::current());

} // namespace cornet
