// SPDX-License-Identifier: Apache-2.0
//
// Symbolic tensors and the recording they stand for. A Tensor is a value of a Graph: operations on
// it record nodes, nothing is computed. Extent -1 is the batch.
//
// Mistakes do not throw: each is recorded with the user's file and line and the layer's name, the
// result is a poisoned tensor, and everything recorded from it is poisoned silently, so that one
// run reports all of them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <source_location>
#include <string>
#include <variant>
#include <vector>

namespace cornet {

using Shape = std::vector<int64_t>;
using Attribute = std::variant<int64_t, bool, double, std::string, std::vector<int64_t>>;
using Attributes = std::map<std::string, Attribute, std::less<>>;

/// How a weight starts. Draws are Philox4x32-10 by seed: Keras's distributions, not Keras's bits.
struct Initializer {
  Initializer(const char *name = "zeros") : name(name) {}
  Initializer(std::string name, double value = 0, uint64_t seed = 0)
      : name(std::move(name)), value(value), seed(seed) {}

  std::string name;  ///< Keras's name
  double value = 0;  ///< of constant
  uint64_t seed = 0; ///< the same seed in the same place gives the same weights
};
/// What is wrong with an initializer's name, or "".
std::string checkInitializer(const std::string &name);

/// The seed of what is given none: initializers, random ops, shuffling. 0 unless set; set it before
/// models are made.
void set_random_seed(uint64_t seed);
uint64_t random_seed();

class Regularizer;
class Constraint;

/// A value that lives as long as the model: a weight, a moving statistic, an optimizer's slot, a
/// metric's sum. Its place in the model, its shape, and its value once loaded (else drawn when
/// needed).
struct Variable {
  std::string name; ///< "conv2d/kernel"
  Shape shape;
  Initializer initializer;
  bool trainable = true;     ///< an optimizer may move it
  std::vector<float> data{}; ///< of an i32 variable, its integers
  std::string dtype = "f32"; ///< or "i32"
  bool frozen = false;       ///< its layer has trainable = false
  std::shared_ptr<Regularizer> regularizer{};
  std::shared_ptr<Constraint> constraint{};

  /// The value: `data`, or drawn by the initializer.
  std::vector<float> value() const;
};
using VariablePtr = std::shared_ptr<Variable>;

/// One recorded operation with one result.
struct Node {
  /// "cornet.conv". "input", "variable" and "constant" have no operands; "alias" is its operand
  /// under the name of a layer that does nothing to it.
  std::string op;
  std::vector<int> operands; ///< earlier nodes
  Attributes attributes;
  Shape shape;
  std::string dtype = "f32"; ///< or "bf16", "f16", "i1", "i32", "i8", "ui8"
  std::string layer, file;
  int line = 0;
  VariablePtr variable;
  std::vector<float> data{}; ///< of a constant: its cells in row-major order, or one for all
  bool poisoned = false;
};

class Layer;

/// One call of a layer by the user's code, for summary() and for recording it again.
struct LayerCall {
  uint64_t layer = 0; ///< its number
  std::string name, kind;
  std::vector<VariablePtr> weights; ///< its own and those of the layers in it
  int output = -1;                  ///< the first of its outputs
  std::shared_ptr<Layer> object{};
  std::vector<int> inputs{}, outputs{};
  int first = 0, last = 0; ///< its nodes, outputs among them, are [first, last)
};

struct Mistake {
  std::string file;
  int line = 0;
  std::string layer, message;
};

/// What a model recorded. Shared by its tensors.
struct Graph {
  std::vector<Node> nodes;
  std::vector<Mistake> mistakes;
  std::vector<LayerCall> calls;          ///< of outermost layers, in order
  std::vector<std::string> layer;        ///< the layers whose call() is running, outermost first
  std::vector<Layer *> running;          ///< the same
  std::source_location where;            ///< the user's line of the outermost one
  std::map<std::string, uint64_t> named; ///< layers' numbers by path
  bool training = false;                 ///< layers record what they do in a training step
  bool again = false;  ///< a model's layers are being called again, and have their weights
  bool isStep = false; ///< a step of a program, not a model: the models in it may have one name
  std::vector<int> losses{}; ///< scalars that the training loss adds: see addLoss()
  /// New values of variables, in the order of their first assignment.
  std::vector<std::pair<VariablePtr, int>> assigned{};
  uint64_t seed = 0; ///< of the random ops that are given none
  int64_t draws = 0; ///< random ops recorded so far

  int add(Node node);
  void mistake(std::string message);
  /// The node of the variable's latest value.
  int variable(const VariablePtr &variable);
  /// The counter that random ops draw by: every training step adds one.
  VariablePtr step();

private:
  std::map<Variable *, int> read;
  VariablePtr counter;
};

/// "model.cpp:12: error: Dense 'fc': ...", one line for each.
std::string text(const std::vector<Mistake> &mistakes);

class Tensor {
public:
  Tensor() = default;
  Tensor(std::shared_ptr<Graph> graph, int node) : graph(std::move(graph)), node(node) {}
  const Shape &shape() const { return recorded().shape; }
  size_t rank() const { return shape().size(); }
  bool poisoned() const { return recorded().poisoned; }
  const std::string &dtype() const { return recorded().dtype; }
  /// Whether a training step is recorded, in which layers like Dropout act.
  bool training() const { return graph && graph->training; }
  explicit operator bool() const { return graph != nullptr; }

  std::shared_ptr<Graph> graph;
  int node = -1;

private:
  /// Its node; of a tensor that nothing made, a poisoned scalar.
  const Node &recorded() const;
};

/// While one lives, every Input() of this thread records into its graph, so that a model may have
/// several inputs. CORNET_MODEL makes one.
class Recording {
public:
  Recording();
  ~Recording();
  Recording(const Recording &) = delete;

  /// The graph of the innermost one alive, else a new graph.
  static std::shared_ptr<Graph> current();

private:
  std::shared_ptr<Graph> graph, outer;
};

/// The operations layers are made of. Shapes by the op's rule (see the op's documentation).
namespace ops {

/// Records any op of the dialect by name. Reals of several dtypes meet in f32.
Tensor record(const std::string &op, const std::vector<Tensor> &operands,
              Attributes attributes = {});
/// A scalar of the dtype of `like`, which broadcasts.
Tensor constant(const Tensor &like, double value);
/// A tensor of the given cells in row-major order, in the graph of `like`; any dtype
/// but i1.
Tensor constant(const Tensor &like, Shape shape, std::vector<float> cells,
                const std::string &dtype = "f32");
/// The latest value of `variable`, recorded or assigned, in the graph of `like`.
Tensor read(const VariablePtr &variable, const Tensor &like);
/// From here on, and after the step, `variable` has this value, of its own shape; reals are
/// cast to its dtype.
void assign(const VariablePtr &variable, const Tensor &value);
/// Adds a scalar to the loss of the training step that is being recorded.
void addLoss(const Tensor &scalar);
/// The derivative of the sum of `y`'s cells by `x`, which `y` was computed from: `x`'s shape. Zeros
/// where nothing flows. May be differentiated again where the ops on the way may.
Tensor gradient(const Tensor &y, const Tensor &x);
/// `y`, a function of `xs`, with a gradient of your own: `backward` is given the gradient that
/// arrives at y and returns one for each of `xs`, of its shape. Recorded, not called later.
Tensor customGradient(const Tensor &y, const std::vector<Tensor> &xs,
                      const std::function<std::vector<Tensor>(const Tensor &gradient)> &backward);
/// `x`, but constant to gradient().
Tensor stopGradient(const Tensor &x);
/// The same numbers as another dtype: f32, bf16 or f16 (to nearest, halves to even), i32 (towards
/// zero), i1 (not 0), i8 or ui8 (towards zero, and to the nearest end where outside). Integers of 8
/// bits are stored and moved; to compute with them, cast them back. A product or a convolution of
/// ui8 cast to f32 and constant i8 cast to f32 is summed in integers, by dot products of bytes
/// where the level has them.
Tensor cast(const Tensor &x, const std::string &dtype);
/// Whether cells of `dtype` are real numbers.
bool isReal(const std::string &dtype);
/// Draws of the shape of `like`, uniform in [0, 1) or normal (0, 1), by Philox4x32-10 keyed by the
/// seed, the training step and the op's place: the same bits on any number of threads. Seed 0: the
/// graph's.
Tensor randomUniform(const Tensor &like, uint64_t seed = 0);
Tensor randomNormal(const Tensor &like, uint64_t seed = 0);

Tensor matmul(const Tensor &a, const Tensor &b);
Tensor reshape(const Tensor &x, Shape shape);
Tensor transpose(const Tensor &x, std::vector<int64_t> permutation);
/// `size` cells from `start` in each dimension; the batch is 0 and -1.
Tensor slice(const Tensor &x, Shape start, Shape size);
/// `x` stretched to `shape`; the batch is -1.
Tensor broadcast(const Tensor &x, Shape shape);
Tensor concat(const std::vector<Tensor> &xs, int64_t axis);
/// Rows of `table` by i32 `indices`.
Tensor gather(const Tensor &table, const Tensor &indices);
Tensor softmax(const Tensor &x, int64_t axis = -1);
/// `kind` is sum, mean, max or min.
Tensor reduce(const Tensor &x, const std::string &kind, std::vector<int64_t> axes,
              bool keepdims = false);
Tensor relu(const Tensor &x);
Tensor sigmoid(const Tensor &x);
Tensor tanh(const Tensor &x);
Tensor exp(const Tensor &x);
Tensor log(const Tensor &x);
Tensor abs(const Tensor &x);
Tensor floor(const Tensor &x);
Tensor sin(const Tensor &x);
Tensor cos(const Tensor &x);
Tensor softplus(const Tensor &x);
Tensor pow(const Tensor &a, const Tensor &b);
Tensor pow(const Tensor &a, double b);
/// -1, 0 or 1.
Tensor sign(const Tensor &x);
Tensor sqrt(const Tensor &x);
Tensor rsqrt(const Tensor &x);
Tensor clamp(const Tensor &x, double low, double high);
Tensor maximum(const Tensor &a, const Tensor &b);
Tensor minimum(const Tensor &a, const Tensor &b);
/// a `predicate` b as i1; `predicate` is eq, ne, lt, le, gt or ge.
Tensor compare(const Tensor &a, const Tensor &b, const std::string &predicate);
Tensor compare(const Tensor &a, double b, const std::string &predicate);
Tensor select(const Tensor &condition, const Tensor &onTrue, const Tensor &onFalse);
/// 1 where the condition holds, else 0, as f32.
Tensor indicator(const Tensor &condition);
/// Sum and mean over all axes, or over those given.
Tensor sum(const Tensor &x, std::vector<int64_t> axes, bool keepdims = false);
Tensor mean(const Tensor &x, std::vector<int64_t> axes, bool keepdims = false);
Tensor sum(const Tensor &x);
Tensor mean(const Tensor &x);
/// Index of the first largest cell along the last axis, as i32, without that axis.
Tensor argmax(const Tensor &x);
/// Cells of `x` along `axis` by i32 `indices`, whose shape is that of x but for the axis: result[i,
/// j] = x[i, indices[i, j]]. Indices outside read the nearest cell.
Tensor takeAlongAxis(const Tensor &x, const Tensor &indices, int64_t axis = -1);
struct TopK {
  Tensor values, indices;
};
/// The `k` largest cells along the last axis of reals and their indices, as i32: (..., n) to
/// (..., k) each, the largest first and of equal ones the first; what is no number is larger than
/// all. One sweep over each row; a cell that is among the k largest yet takes time by k.
TopK topK(const Tensor &x, int64_t k);
/// 1 at the index, else 0: i32 (...) to f32 (..., classes).
Tensor oneHot(const Tensor &indices, int64_t classes);
/// A layer's own einsum of data and a weight without a batch: "...x,xy->...y" is in Keras's
/// notation.
Tensor einsum(const std::string &equation, const Tensor &x, const Tensor &weight);

/// Keras's activation of that name; "linear" and "" are the identity. An unknown name is a mistake
/// that lists the known ones.
Tensor activation(const std::string &name, const Tensor &x);
/// What is wrong with that name, or "".
std::string checkActivation(const std::string &name);

} // namespace ops

Tensor operator+(const Tensor &a, const Tensor &b);
Tensor operator-(const Tensor &a, const Tensor &b);
Tensor operator*(const Tensor &a, const Tensor &b);
Tensor operator/(const Tensor &a, const Tensor &b);
Tensor operator-(const Tensor &a);
Tensor operator+(const Tensor &a, double b);
Tensor operator-(const Tensor &a, double b);
Tensor operator*(const Tensor &a, double b);
Tensor operator/(const Tensor &a, double b);
Tensor operator+(double a, const Tensor &b);
Tensor operator-(double a, const Tensor &b);
Tensor operator*(double a, const Tensor &b);
Tensor operator/(double a, const Tensor &b);

} // namespace cornet
