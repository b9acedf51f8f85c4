// SPDX-License-Identifier: Apache-2.0
//
// Models: a stack of layers, or what lies between input and output tensors.
//
//     #include <cornet/cornet.h>
//     using namespace cornet;
//     CORNET_MODEL(mlp) {
//       return Sequential({784}, {Dense({.units = 128, .activation = "relu"}), Dense({.units = 10,
//       .activation = "softmax"})});
//     }
#pragma once

#include <cornet/layers.h>

#include <iosfwd>
#include <set>

namespace cornet {

/// A recorded model. Copies share the recording.
struct Model {
  std::string name = "model";
  std::shared_ptr<Graph> graph;
  std::vector<Tensor> inputs, outputs;
  LayerPtr layer; ///< the model as a layer of other models

  /// The model's computation on other tensors, with the same weights. Returns its outputs. In the
  /// graph of a training step its layers are called again, to do what they do in training.
  std::vector<Tensor>
  operator()(const std::vector<Tensor> &arguments,
             std::source_location where = std::source_location::current()) const;

  /// The nodes between the inputs and the outputs, in recorded order.
  std::set<int> nodes() const;

  /// Names of the outputs, each another: of the layers that made them, "output" outside layers;
  /// where that is taken, with "_1", "_2", ...
  std::vector<std::string> outputNames() const;

  /// Prints Keras's table: layers, output shapes, parameter counts.
  void summary(std::ostream &os) const;
  /// Weights of all layers in the order of their first use, each once.
  std::vector<VariablePtr> variables() const;
  /// Those that training moves by gradients: trainable, and of layers that are not frozen.
  std::vector<VariablePtr> trainable_variables() const;
  /// The rest: moving statistics, frozen weights.
  std::vector<VariablePtr> non_trainable_variables() const;

  /// Its layers in the order of their first calls; nested models are one layer.
  std::vector<Handle> layers() const;
  /// The layer of that name. Where there is none, that is a mistake, told with the names there are.
  Handle get_layer(const std::string &name) const;
  /// Freezes all its layers, or takes it back. Fine-tuning, for example:
  ///     base.trainable(false);
  ///     base.get_layer("top").trainable(true);
  const Model &trainable(bool on) const;
};

struct InputOptions {
  std::string name = "";         ///< empty: "input", "input_1", ...
  std::string dtype = "float32"; ///< or "int32", for Embedding
};

/// A symbolic input; `shape` lacks the batch.
Tensor Input(Shape shape, InputOptions options = {},
             std::source_location where = std::source_location::current());

/// While one lives, the next Input() of this thread has this shape and not its own: a model of the
/// zoo at another size. Its layers must accept that.
///     InputShape small({32, 32, 3});
///     Model model = *std::unique_ptr<Model>(cornet_model_resnet50());
class InputShape {
public:
  explicit InputShape(Shape shape);
  ~InputShape();
  InputShape(const InputShape &) = delete;
};

/// A model from inputs to outputs.
Model Functional(std::vector<Tensor> inputs, std::vector<Tensor> outputs,
                 std::string name = "functional",
                 std::source_location where = std::source_location::current());
/// A stack; `input` lacks the batch.
Model Sequential(Shape input, std::vector<Handle> layers, std::string name = "sequential",
                 std::source_location where = std::source_location::current());
/// The model that `layer`, a class of your own that overrides call(), computes on inputs of these
/// shapes, which lack the batch.
Model Subclassed(LayerPtr layer, std::vector<Shape> inputs,
                 std::source_location where = std::source_location::current());

/// What CORNET_MODEL hands to the compiler: the model `define` makes, named `name`. An exception of
/// the user's code becomes a mistake.
Model *defineModel(const char *name, Model (*define)());

} // namespace cornet

/// Defines a model of a source file: what `cornet compile model.cpp` asks for. A file may define
/// several, of different names: `cornet compile model.cpp:NAME` asks for one.
#define CORNET_MODEL(NAME)                                                                         \
  static ::cornet::Model cornet_define_##NAME();                                                   \
  extern "C" ::cornet::Model *cornet_model_##NAME() {                                              \
    return ::cornet::defineModel(#NAME, cornet_define_##NAME);                                     \
  }                                                                                                \
  static ::cornet::Model cornet_define_##NAME()
