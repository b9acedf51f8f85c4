// SPDX-License-Identifier: Apache-2.0
//
// Losses with Keras 3's names, arguments and defaults. A loss records ops on targets and
// predictions: it is differentiated, compiled and stored like any layer. Shapes are (B, ..., D), B
// the batch; targets may lack a last dimension of 1 that the predictions have, or the reverse, and
// integer targets are cast. All cells are f32; epsilon is 1e-7, as in Keras.
//
//     LossPtr l = CategoricalCrossentropy({.label_smoothing = 0.1});
//     Tensor scalar = (*l)(y_true, y_pred);
//
// A loss of probabilities (from_logits = false) whose predictions are recorded as the result of a
// softmax or sigmoid takes that op's operand for logits and computes the stable form, as Keras on
// TensorFlow does; else probabilities are clipped to [epsilon, 1 - epsilon].
//
// Mistakes (shapes that do not fit, an option out of its range) are recorded in the graph.
#pragma once

#include <cornet/tensor.h>

#include <functional>
#include <optional>

namespace cornet {

/// Values for each sample and how they become one number. A loss of your own derives from this, or
/// is a function given to LossFunction().
class Loss {
public:
  /// `reduction` is one of
  ///   sum_over_batch_size, mean   the mean of all values
  ///   sum                         their sum
  ///   mean_with_sample_weight     sum of weighted values / sum of weights
  ///   none                        the weighted values as they are
  explicit Loss(std::string name, std::string reduction = "sum_over_batch_size");
  virtual ~Loss() = default;

  /// Values for each sample: most losses reduce the last axis, (B, ..., D) to (B, ...).
  virtual Tensor call(const Tensor &y_true, const Tensor &y_pred) = 0;
  /// Which of the `values` call() gave count at all, of their shape, not 0 where they do; no
  /// tensor: all. Means are taken over those that count.
  virtual Tensor valid(const Tensor &y_true, const Tensor &y_pred, const Tensor &values);

  /// call(), times `sample_weight` if there is one, reduced: a scalar unless reduction is none.
  /// `sample_weight` has the shape of the values, or its first dimensions: (B), (B, T).
  Tensor operator()(const Tensor &y_true, const Tensor &y_pred, const Tensor &sample_weight = {});

  std::string name, reduction;
};
using LossPtr = std::shared_ptr<Loss>;

/// A loss by Keras's name of the class or function ("MeanSquaredError", "mean_squared_error") or
/// alias ("mse", "bce", ...), with default options and that name. "crossentropy" and "ce" choose
/// by shapes among the binary, the sparse and the categorical one. nullptr when unknown.
LossPtr loss(const std::string &name);
/// What is wrong with that name, or "": "unknown loss 'x'; known: ...".
std::string checkLoss(const std::string &name);

inline namespace losses {

struct LossOptions {
  std::string reduction = "sum_over_batch_size";
  std::string name = ""; ///< empty: Keras's
};

/// A loss of your own: `function` of targets and predictions gives values for each sample.
LossPtr LossFunction(std::string name,
                     std::function<Tensor(const Tensor &y_true, const Tensor &y_pred)> function,
                     std::string reduction = "sum_over_batch_size");

/// mean((y - p)^2)
LossPtr MeanSquaredError(LossOptions options = {});
/// mean(|y - p|)
LossPtr MeanAbsoluteError(LossOptions options = {});
/// 100 mean(|y - p| / max(|y|, epsilon))
LossPtr MeanAbsolutePercentageError(LossOptions options = {});
/// mean((ln(max(p, epsilon) + 1) - ln(max(y, epsilon) + 1))^2)
LossPtr MeanSquaredLogarithmicError(LossOptions options = {});
/// mean(d + softplus(-2 d) - ln 2), d = p - y: ln cosh d
LossPtr LogCosh(LossOptions options = {});
/// mean(max(1 - y p, 0)). Where all labels of the batch are 0 or 1 they stand for -1 and 1.
LossPtr Hinge(LossOptions options = {});
/// mean(max(1 - y p, 0)^2), with labels like Hinge's.
LossPtr SquaredHinge(LossOptions options = {});
/// max(max((1 - y) p) - sum(y p) + 1, 0)
LossPtr CategoricalHinge(LossOptions options = {});
/// sum(y ln(y / p)), both clipped to [epsilon, 1]
LossPtr KLDivergence(LossOptions options = {});
/// mean(p - y ln(p + epsilon))
LossPtr Poisson(LossOptions options = {});
/// -ln p(y | x) of connectionist temporal classification (Graves 2006). Targets (B, L) are classes,
/// 0 is the blank and pads the ends; predictions (B, T, C) are logits, all T frames of them. A
/// label that T frames cannot hold has a loss of about 1e5. Ops grow with T.
LossPtr CTC(LossOptions options = {});

struct CosineSimilarityOptions {
  int64_t axis = -1;
  std::string reduction = "sum_over_batch_size", name = "";
};
/// -sum(y p) / (|y| |p|) along `axis`; 0 where a norm is
LossPtr CosineSimilarity(CosineSimilarityOptions options = {});

struct HuberOptions {
  double delta = 1.0;
  std::string reduction = "sum_over_batch_size", name = "";
};
/// mean(d^2 / 2 where |d| <= delta, else delta |d| - delta^2 / 2), d = p - y
LossPtr Huber(HuberOptions options = {});

struct BinaryCrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0; ///< s: y (1 - s) + s / 2
  int64_t axis = -1;          ///< of the mean
  std::string reduction = "sum_over_batch_size", name = "";
};
/// mean(-y ln p - (1 - y) ln(1 - p)); of logits x, softplus(x) - x y
LossPtr BinaryCrossentropy(BinaryCrossentropyOptions options = {});

struct BinaryFocalCrossentropyOptions {
  bool apply_class_balancing = false;
  double alpha = 0.25, gamma = 2.0;
  bool from_logits = false;
  double label_smoothing = 0;
  int64_t axis = -1;
  std::string reduction = "sum_over_batch_size", name = "";
};
/// mean((1 - p_t)^gamma bce), p_t = y p + (1 - y)(1 - p) (Lin 2018); times alpha for y and 1 -
/// alpha for the rest when classes are balanced
LossPtr BinaryFocalCrossentropy(BinaryFocalCrossentropyOptions options = {});

struct CategoricalCrossentropyOptions {
  bool from_logits = false;
  double label_smoothing = 0; ///< s: y (1 - s) + s / classes
  int64_t axis = -1;          ///< of the classes
  std::string reduction = "sum_over_batch_size", name = "";
};
/// -sum(y ln(p / sum p)) along `axis`
LossPtr CategoricalCrossentropy(CategoricalCrossentropyOptions options = {});

struct CategoricalFocalCrossentropyOptions {
  double alpha = 0.25, gamma = 2.0;
  bool from_logits = false;
  double label_smoothing = 0;
  int64_t axis = -1;
  std::string reduction = "sum_over_batch_size", name = "";
};
/// -sum(alpha (1 - p)^gamma y ln p) along `axis`, p divided by its sum
LossPtr CategoricalFocalCrossentropy(CategoricalFocalCrossentropyOptions options = {});

struct SparseCategoricalCrossentropyOptions {
  bool from_logits = false;
  std::optional<int64_t> ignore_class = {}; ///< samples of this class do not count
  std::string reduction = "sum_over_batch_size";
  int64_t axis = -1; ///< of the classes
  std::string name = "";
};
/// -ln of the probability of class y. Targets (B, ...) or (B, ..., 1), predictions (B, ..., C). A
/// class outside of [0, C) has a loss of 0.
LossPtr SparseCategoricalCrossentropy(SparseCategoricalCrossentropyOptions options = {});

struct DiceOptions {
  std::string reduction = "sum_over_batch_size", name = "";
  std::vector<int64_t> axis = {}; ///< empty: all, with the batch
};
/// 1 - 2 sum(y p) / (sum y + sum p + epsilon) over `axis`
LossPtr Dice(DiceOptions options = {});

struct TverskyOptions {
  double alpha = 0.5, beta = 0.5;
  std::string reduction = "sum_over_batch_size", name = "";
  std::vector<int64_t> axis = {};
};
/// 1 - I / (I + alpha sum(y (1 - p)) + beta sum(p (1 - y)) + epsilon), I = sum(y p), over `axis`
LossPtr Tversky(TverskyOptions options = {});

struct CircleOptions {
  double gamma = 80, margin = 0.4;
  bool remove_diagonal = true; ///< a sample is not its own positive
  std::string reduction = "sum_over_batch_size", name = "";
};
/// Circle loss (Sun 2020) of the batch against itself: classes y (B) or (B, 1), normalized
/// embeddings p (B, D). Samples whose value is 0 do not count in means.
LossPtr Circle(CircleOptions options = {});

struct CategoricalGeneralizedCrossEntropyOptions {
  double q = 0.5; ///< in (0, 1)
  std::string reduction = "sum_over_batch_size", name = "";
};
/// (1 - p_y^q) / q (Zhang 2018), classes y (B, ...), probabilities p (B, ..., C)
LossPtr CategoricalGeneralizedCrossEntropy(CategoricalGeneralizedCrossEntropyOptions options = {});

} // namespace losses
} // namespace cornet
