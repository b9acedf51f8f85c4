// SPDX-License-Identifier: Apache-2.0
//
// A recorded model as Keras sees it: members (inputs, layers, operations) and their calls, in the
// order in which Keras lists the layers of a functional model. That order names the groups of a
// weights file, so it is computed just as Keras does: by depth, then by the first visit of a walk
// back from the outputs.
#pragma once

#include <cornet/model.h>

#include <functional>

namespace cornet::saving {

/// A tensor: result `result` of call `call` of a member.
struct Port {
  size_t member = 0, call = 0, result = 0;
};

/// One operand: a tensor, or a constant, which is a node.
using Operand = std::variant<Port, int>;

struct Call {
  std::vector<Operand> operands;
  std::vector<int> results; ///< nodes
};

struct Member {
  enum Kind { Input, Layer, Operation } kind = Input;
  std::string name;        ///< no other member of the network has it
  LayerPtr layer;          ///< of a Layer
  int node = -1;           ///< the node of an Input or an Operation
  std::vector<Call> calls; ///< of an Input: one without operands
};

struct Network {
  const Model *model = nullptr;
  std::string name;
  bool sequential = false; ///< each member calls the one before it: Keras's Sequential
  std::vector<Member> members;
  std::vector<Port> inputs, outputs;

  const Node &node(int index) const { return model->graph->nodes[size_t(index)]; }
  /// The node that a tensor is.
  const Node &node(const Port &port) const {
    return node(members[port.member].calls[port.call].results[port.result]);
  }
};

/// Keras's name of an op applied outside layers, for naming its member.
using OperationName = std::function<std::string(const Node &)>;

/// The members of `model`, made by Sequential() or not. What stands in the way is appended to
/// `problems`, a line each.
Network mapNetwork(const Model &model, bool sequential, const OperationName &operationName,
                   std::vector<std::string> &problems);

/// Whether Sequential() made the model of this name and layer.
inline bool madeSequential(const cornet::Layer *layer) {
  return layer && layer->kind == "Sequential";
}

} // namespace cornet::saving
