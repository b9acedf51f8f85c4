// SPDX-License-Identifier: Apache-2.0
//
// Models: a stack of layers, or what lies between input and output tensors.
//
//     #include <cornet/cornet.h>
//     using namespace cornet;
//     CORNET_MODEL(mlp) {
//       return Sequential({784}, {Dense({.units = 128, .activation = "relu"}), Dense({.units = 10, .activation = "softmax"})});
//     }
#pragma once

#include <cornet/layers.h>

#include <iosfwd>

namespace cornet {

/// A recorded model. Copies share the recording.
struct Model {
  std::string name = "model";
  std::shared_ptr<Graph> graph;
  std::vector<Tensor> inputs, outputs;

  /// Prints Keras's table: layers, output shapes, parameter counts.
  void summary(std::ostream &os) const;
  /// Weights of all layers in order, each once.
  std::vector<VariablePtr> variables() const;
};

/// A symbolic input; `shape` lacks the batch. Inputs of one model share a graph: pass an earlier input as
/// `with` for the second and later ones.
Tensor Input(Shape shape, std::string name = "input", const Tensor &with = {});

/// A model from inputs to outputs.
Model Functional(std::vector<Tensor> inputs, std::vector<Tensor> outputs, std::string name = "functional");
/// A stack; `input` lacks the batch.
Model Sequential(Shape input, std::vector<Handle> layers, std::string name = "sequential",
                 std::source_location where = std::source_location::current());

} // namespace cornet

/// Defines the model of a source file: what `cornet compile model.cpp` asks for.
#define CORNET_MODEL(NAME)                                                                                                                 \
  static ::cornet::Model cornet_define_##NAME();                                                                                           \
  extern "C" ::cornet::Model *cornet_model() {                                                                                             \
    auto *model = new ::cornet::Model(cornet_define_##NAME());                                                                             \
    model->name = #NAME;                                                                                                                   \
    return model;                                                                                                                          \
  }                                                                                                                                        \
  static ::cornet::Model cornet_define_##NAME()
