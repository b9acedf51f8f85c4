// SPDX-License-Identifier: Apache-2.0
//
// The walk over calls. A call is what a layer did between its first and last node; what lies
// outside of all calls are operations, one node each.
#include "frontend/export/Network.h"

#include <algorithm>
#include <map>

namespace cornet::saving {
namespace {

/// A layer by its number, or a node that is an input or an operation.
struct Identity {
  Member::Kind kind;
  uint64_t id;
  auto operator<=>(const Identity &) const = default;
};

/// One call: of a layer, the call's index in the graph; else the node.
struct Step {
  Identity of;
  size_t place;
  auto operator<=>(const Step &) const = default;
};

class Mapper {
public:
  Mapper(const Model &model, const OperationName &operationName, std::vector<std::string> &problems)
      : model(model), graph(*model.graph), operationName(operationName), problems(problems) {
    for (size_t i = 0; i < graph.calls.size(); ++i)
      for (size_t k = 0; k < graph.calls[i].outputs.size(); ++k)
        producers.try_emplace(graph.calls[i].outputs[k], i, k);
    for (const Tensor &input : model.inputs)
      given.insert(input.node);
  }

  Network map(bool sequential) {
    for (const Tensor &output : model.outputs)
      visit(output.node);
    assignDepths();
    Network network;
    network.model = &model, network.name = model.name;
    placeMembers(network);
    for (const Tensor &input : model.inputs)
      network.inputs.push_back(port(input.node));
    for (const Tensor &output : model.outputs)
      network.outputs.push_back(port(output.node));
    network.sequential = sequential && isChain(network);
    return network;
  }

private:
  Step stepOf(int node) const {
    if (given.contains(node))
      return {{Member::Input, uint64_t(node)}, size_t(node)};
    if (auto it = producers.find(node); it != producers.end())
      return {{Member::Layer, graph.calls[it->second.first].layer}, it->second.first};
    return {{Member::Operation, uint64_t(node)}, size_t(node)};
  }

  const std::vector<int> &operandsOf(const Step &step) const {
    static const std::vector<int> none;
    return step.of.kind == Member::Input   ? none
           : step.of.kind == Member::Layer ? graph.calls[step.place].inputs
                                           : graph.nodes[step.place].operands;
  }

  bool isConstant(int node) const { return graph.nodes[size_t(node)].op == "constant"; }

  void visit(int node) {
    Step step = stepOf(node);
    if (visited.contains(step))
      return;
    visited.insert(step);
    if (step.of.kind == Member::Operation)
      check(graph.nodes[size_t(node)]);
    firstSeen.try_emplace(step.of, int64_t(firstSeen.size()));
    for (int operand : operandsOf(step))
      if (!isConstant(operand))
        visit(operand);
    finished.push_back(step);
  }

  void check(const Node &node) {
    std::string where = node.file + ":" + std::to_string(node.line) + ": error: ";
    if (node.op == "variable")
      problems.push_back(where + "weight '" + node.variable->name +
                         "' is read outside a layer; Keras keeps weights in layers");
    else if (node.op == "input")
      problems.push_back(where + "'" + node.layer + "' is needed but is no input of model '" +
                         model.name + "'");
    else if (node.op == "constant")
      problems.push_back(where + "a constant is an output of model '" + model.name +
                         "'; Keras needs it to be computed from an input");
  }

  void assignDepths() {
    std::map<Step, int64_t> depths;
    for (auto step = finished.rbegin(); step != finished.rend(); ++step) {
      int64_t &ofMember = depth[step->of], &own = depths[*step];
      own = ofMember = std::max(own, ofMember);
      for (int operand : operandsOf(*step))
        if (!isConstant(operand)) {
          int64_t &before = depths[stepOf(operand)];
          before = std::max(before, own + 1);
        }
    }
    int64_t unused = -int64_t(model.inputs.size());
    for (const Tensor &input : model.inputs)
      if (Identity id = stepOf(input.node).of; !depth.contains(id))
        depth[id] = 0, firstSeen[id] = unused++, finished.push_back(stepOf(input.node));
  }

  void placeMembers(Network &network) {
    std::vector<Identity> order;
    for (const auto &[id, unused] : depth)
      order.push_back(id);
    std::sort(order.begin(), order.end(), [&](const Identity &a, const Identity &b) {
      return depth[a] != depth[b] ? depth[a] > depth[b] : firstSeen[a] < firstSeen[b];
    });
    std::map<Identity, std::vector<Step>> steps;
    for (const Step &step : finished)
      steps[step.of].push_back(step);
    for (const Identity &id : order) {
      std::sort(steps[id].begin(), steps[id].end());
      for (size_t i = 0; i < steps[id].size(); ++i)
        ports[steps[id][i]] = {network.members.size(), i, 0};
      Member member;
      member.kind = id.kind;
      if (id.kind == Member::Layer)
        member.layer = graph.calls[steps[id][0].place].object,
        member.name = graph.calls[steps[id][0].place].name;
      else
        member.node = int(id.id);
      if (id.kind == Member::Input)
        member.name = graph.nodes[id.id].op == "input" ? graph.nodes[id.id].layer : "input";
      network.members.push_back(std::move(member));
    }
    for (size_t i = 0; i < order.size(); ++i)
      for (const Step &step : steps[order[i]]) {
        Call call;
        for (int operand : operandsOf(step))
          call.operands.push_back(isConstant(operand) ? Operand(operand) : Operand(port(operand)));
        call.results = step.of.kind == Member::Layer ? graph.calls[step.place].outputs
                                                     : std::vector<int>{int(step.place)};
        network.members[i].calls.push_back(std::move(call));
      }
    name(network);
  }

  /// Operations are named last, around the names that layers and inputs have.
  void name(Network &network) const {
    std::set<std::string> taken;
    for (Member::Kind kind : {Member::Layer, Member::Input, Member::Operation})
      for (Member &member : network.members) {
        if (member.kind != kind)
          continue;
        std::string base = kind == Member::Operation
                               ? operationName(graph.nodes[size_t(member.node)])
                               : member.name;
        std::replace(base.begin(), base.end(), '/', '_'); // which Keras refuses
        member.name = base;
        for (int i = 1; !taken.insert(member.name).second; ++i)
          member.name = base + "_" + std::to_string(i);
      }
  }

  Port port(int node) const {
    auto it = ports.find(stepOf(node));
    Port out = it == ports.end() ? Port() : it->second;
    if (auto producer = producers.find(node); producer != producers.end() && !given.contains(node))
      out.result = producer->second.second;
    return out;
  }

  static bool isChain(const Network &network) {
    bool chain = network.inputs.size() == 1 && network.outputs.size() == 1 &&
                 network.members.size() > 1 && network.members[0].kind == Member::Input;
    for (size_t i = 1; chain && i < network.members.size(); ++i) {
      const Member &member = network.members[i];
      chain = member.kind == Member::Layer && member.calls.size() == 1 &&
              member.calls[0].operands.size() == 1 &&
              std::holds_alternative<Port>(member.calls[0].operands[0]);
      if (chain) {
        Port from = std::get<Port>(member.calls[0].operands[0]);
        chain = from.member == i - 1 && from.result == 0;
      }
    }
    return chain && network.outputs[0].member + 1 == network.members.size();
  }

  const Model &model;
  const Graph &graph;
  const OperationName &operationName;
  std::vector<std::string> &problems;
  std::map<int, std::pair<size_t, size_t>> producers; ///< result node to call and result
  std::set<int> given;
  std::set<Step> visited;
  std::map<Identity, int64_t> firstSeen, depth;
  std::vector<Step> finished; ///< operands before users
  std::map<Step, Port> ports;
};

} // namespace

Network mapNetwork(const Model &model, bool sequential, const OperationName &operationName,
                   std::vector<std::string> &problems) {
  if (!model.graph || model.inputs.empty() || model.outputs.empty()) {
    problems.push_back("model '" + model.name + "' has no inputs or no outputs");
    return {};
  }
  if (!model.graph->mistakes.empty()) {
    std::string text = cornet::text(model.graph->mistakes);
    problems.push_back(text.substr(0, text.size() - 1));
    return {};
  }
  return Mapper(model, operationName, problems).map(sequential);
}

} // namespace cornet::saving
