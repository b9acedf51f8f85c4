// SPDX-License-Identifier: Apache-2.0
//
// The configuration becomes a Network: layers and nested networks by name, called along the
// recorded nodes. Weights are assigned after the recording, when every layer has made its own.
#include "frontend/import/Import.h"

#include "frontend/import/Archive.h"
#include "frontend/import/Hdf5.h"
#include "frontend/import/Layout.h"
#include "frontend/import/Operations.h"
#include "frontend/import/Registry.h"

#include <map>
#include <nlohmann/json.hpp>

namespace cornet::import {
namespace {

using Json = nlohmann::json;
using Problems = std::vector<std::string>;

/// A Sequential or Functional model, or one nested in another.
struct Network {
  struct Member {
    std::string name, kind;
    LayerPtr layer;                   ///< null for inputs, networks and operations
    std::shared_ptr<Network> network; ///< for nested ones
    Model model;                      ///< what the network records
    Json operation;                   ///< the configuration of an operation on tensors
    Json nodes;                       ///< inbound_nodes

    bool computes() const { return layer || network || !operation.is_null(); }
  };
  std::string name, policy;
  bool sequential = false;
  std::vector<Member> members;
  Json inputs, outputs; ///< of functional ones: lists of [layer, node, tensor]
  struct Port {
    std::string name, dtype;
    Shape shape; ///< without the batch
  };
  std::vector<Port> ports;

  std::vector<Tensor> call(const std::vector<Tensor> &arguments) const;
};

std::vector<Json> triples(const Json &value) {
  if (value.is_array() && !value.empty() && value[0].is_string())
    return {value};
  std::vector<Json> out;
  for (const Json &item : value)
    for (const Json &triple : triples(item))
      out.push_back(triple);
  return out;
}

/// The keras_history triples in the arguments of a node, in order.
void histories(const Json &value, std::vector<Json> &out) {
  if (value.is_object() && value.value("class_name", "") == "__keras_tensor__")
    out.push_back(value.at("config").at("keras_history"));
  else if (value.is_array())
    for (const Json &item : value)
      histories(item, out);
}

/// `value` with the n-th tensor in it replaced by {"tensor": n}.
Json numbered(const Json &value, size_t &n) {
  if (value.is_object() && value.value("class_name", "") == "__keras_tensor__")
    return Json::object({{"tensor", n++}});
  if (!value.is_array())
    return value;
  Json out = Json::array();
  for (const Json &item : value)
    out.push_back(numbered(item, n));
  return out;
}

/// Calls the member on `inputs`, which are the tensors in `arguments`.
std::vector<Tensor> apply(const Network::Member &member, const std::vector<Tensor> &inputs,
                          const Json &arguments) {
  if (member.network)
    return member.model(inputs);
  if (member.layer)
    return member.layer->applyAll(inputs);
  size_t n = 0;
  return importOperation(member.kind, member.operation, numbered(arguments, n), inputs);
}

std::vector<Tensor> Network::call(const std::vector<Tensor> &arguments) const {
  if (sequential) {
    std::vector<Tensor> values = arguments;
    for (const Member &member : members)
      if (member.computes())
        values = apply(member, values, nullptr);
    return values;
  }
  std::map<std::pair<std::string, int64_t>, std::vector<Tensor>> values; // by layer and node
  std::vector<Json> ports = triples(inputs);
  if (ports.size() != arguments.size())
    throw ImportError("model '" + name + "' takes " + std::to_string(ports.size()) +
                      " inputs, is given " + std::to_string(arguments.size()));
  for (size_t i = 0; i < ports.size(); ++i)
    values[{ports[i][0], 0}] = {arguments[i]};
  auto find = [&](const Json &triple) -> const Tensor * {
    auto it = values.find({triple.at(0).get<std::string>(), triple.at(1).get<int64_t>()});
    size_t index = triple.at(2).get<size_t>();
    return it == values.end() || index >= it->second.size() ? nullptr : &it->second[index];
  };
  // Calls are made as soon as their inputs are there; a shared layer has several.
  for (bool progress = true; progress;) {
    progress = false;
    for (const Member &member : members)
      for (size_t node = 0; member.computes() && node < member.nodes.size(); ++node) {
        if (values.contains({member.name, int64_t(node)}))
          continue;
        std::vector<Json> sources;
        histories(member.nodes[node].at("args"), sources);
        std::vector<Tensor> operands;
        for (const Json &source : sources)
          if (const Tensor *value = find(source))
            operands.push_back(*value);
        if (operands.empty() || operands.size() != sources.size())
          continue;
        values[{member.name, int64_t(node)}] =
            apply(member, operands, member.nodes[node].at("args"));
        progress = true;
      }
  }
  std::vector<Tensor> results;
  for (Json triple : triples(outputs)) {
    // Keras counts the calls of a functional model from 1 here, and here only.
    for (const Member &member : members)
      if (member.network && !member.network->sequential && Json(member.name) == triple.at(0))
        triple[1] = triple.at(1).get<int64_t>() - 1;
    const Tensor *value = find(triple);
    if (!value)
      throw ImportError("model '" + name + "': output " + triple.dump() +
                        " is not computed by any layer");
    results.push_back(*value);
  }
  return results;
}

/// Whether a member is an operation on tensors: its module says so; where there is none, as in
/// legacy files, its configuration lacks what every layer's has.
bool isOperation(const Json &member) {
  if (member.contains("module"))
    return member.at("module").is_string() && isOperationModule(member.at("module"));
  return !member.at("config").contains("dtype") && !member.at("config").contains("trainable");
}

Shape withoutBatch(const Json &batchShape) {
  Shape shape;
  for (size_t i = 1; i < batchShape.size(); ++i) {
    if (!batchShape[i].is_number_integer())
      throw ImportError("an input has shape " + batchShape.dump() +
                        "; only the batch may be unknown");
    shape.push_back(batchShape[i]);
  }
  return shape;
}

Network readNetwork(const Json &object, Problems &problems) {
  const Json &config = object.at("config");
  std::string kind = object.at("class_name");
  Network network;
  network.name = config.value("name", kind), network.sequential = kind == "Sequential";
  network.policy = policyOf(config);
  if (!network.sequential)
    network.inputs = config.at("input_layers"), network.outputs = config.at("output_layers");
  for (const Json &item : config.at("layers")) {
    Json layer = item.at("config");
    Network::Member member;
    member.kind = item.at("class_name");
    member.name = item.value("name", layer.value("name", ""));
    member.nodes = item.value("inbound_nodes", Json::array());
    if (member.kind == "InputLayer") {
      const Json &shape =
          layer.contains("batch_shape") ? layer.at("batch_shape") : layer.at("batch_input_shape");
      Json dtype = layer.value("dtype", Json("float32"));
      network.ports.push_back({member.name,
                               dtype.is_string() ? dtype.get<std::string>() : "float32",
                               withoutBatch(shape)});
    } else if (member.kind == "Sequential" || member.kind == "Functional" ||
               member.kind == "Model") {
      member.network = std::make_shared<Network>(readNetwork(item, problems));
    } else if (isOperation(item)) {
      member.operation = layer;
    } else {
      layer["name"] = member.name;
      member.layer = makeLayer(member.kind, layer, problems);
      if (member.layer && layer.value("trainable", true) == false)
        member.layer->setTrainable(false);
    }
    network.members.push_back(std::move(member));
  }
  return network;
}

void assign(Variable &variable, const Array &array, const std::string &where) {
  if (array.shape != variable.shape)
    throw ImportError(where + ": the stored weight for '" + variable.name +
                      "' has another shape than the layer's");
  variable.data = array.data;
}

/// Keras 3's tree: layers/<snake case of the class>[_n]/vars/<i>.
void loadTree(const Network &network, const Hdf5File &file, const std::string &path) {
  std::map<std::string, int> used;
  for (const Network::Member &member : network.members) {
    std::string base =
        snakeCase(member.network && member.kind == "Model" ? "Functional" : member.kind);
    int n = used[base]++;
    std::string at = path + "layers/" + base + (n ? "_" + std::to_string(n) : "") + "/";
    if (member.network)
      loadTree(*member.network, file, at);
    else if (member.layer)
      for (size_t i = 0; i < member.layer->weights.size(); ++i)
        assign(*member.layer->weights[i],
               file.read(at + weightPlace(member.kind, i, member.layer->weights.size())), at);
  }
}

/// Every variable by "model/layer/weight", `prefix` naming the models around the network.
void collect(const Network &network, const std::string &prefix,
             std::map<std::string, Variable *> &out) {
  for (const Network::Member &member : network.members) {
    if (member.network)
      collect(*member.network, prefix + member.name + "/", out);
    for (size_t i = 0; member.layer && i < member.layer->weights.size(); ++i) {
      const std::string &full = member.layer->weights[i]->name;
      out[prefix + member.name + full.substr(full.rfind('/'))] = member.layer->weights[i].get();
    }
  }
}

/// Legacy .h5: model_weights/<layer>, whose attribute weight_names lists paths that end in
/// layer/weight.
void loadLegacy(const Network &network, const Hdf5File &file) {
  std::map<std::string, Variable *> variables;
  collect(network, "", variables);
  for (const std::string &layer : file.attributeList("model_weights", "layer_names"))
    for (const std::string &weight : file.attributeList("model_weights/" + layer, "weight_names")) {
      std::string key = weight.substr(0, weight.find(':'));
      size_t cut = key.rfind('/', key.rfind('/') - 1);
      auto it = variables.find(key); // with the names of models around it, else without
      if (it == variables.end())
        it = variables.find(cut == std::string::npos ? key : key.substr(cut + 1));
      if (it == variables.end())
        it = variables.find(layer + "/" + key.substr(cut == std::string::npos ? 0 : cut + 1));
      if (it == variables.end())
        throw ImportError("stored weight '" + weight + "' belongs to no layer of the model");
      assign(*it->second, file.read("model_weights/" + layer + "/" + weight), weight);
      variables.erase(it);
    }
  if (!variables.empty())
    throw ImportError("weight '" + variables.begin()->first + "' is not in the file");
}

Model record(Network &network) {
  for (Network::Member &member : network.members)
    if (member.network) {
      member.model = record(*member.network);
      for (const VariablePtr &variable : member.model.variables()) // names tell weights apart
        variable->name = member.name + "/" + variable->name;
    }
  Recording recording;
  std::vector<Tensor> inputs;
  for (const Network::Port &port : network.ports)
    inputs.push_back(Input(port.shape, {.name = port.name, .dtype = port.dtype}));
  if (inputs.empty())
    throw ImportError("the model has no input layer; build it before saving");
  std::vector<Tensor> ordered = inputs;
  if (!network.sequential) {
    ordered.clear();
    for (const Json &triple : triples(network.inputs))
      for (size_t i = 0; i < network.ports.size(); ++i)
        if (network.ports[i].name == triple.at(0).get<std::string>())
          ordered.push_back(inputs[i]);
  }
  Model model = Functional(ordered, network.call(ordered), network.name);
  if (network.sequential)
    model.layer->kind = "Sequential";
  if (model.layer)
    model.layer->dtype = network.policy;
  return model;
}

void listMistakes(const Model &model, Problems &problems) {
  for (const Mistake &mistake : model.graph->mistakes)
    problems.push_back((mistake.layer.empty() ? "" : "'" + mistake.layer + "': ") +
                       mistake.message);
}

void throwIfAny(const std::string &path, const Problems &problems) {
  std::string all;
  for (const std::string &problem : problems)
    all += (all.empty() ? "" : "\n") + path + ": " + problem;
  if (!all.empty())
    throw ImportError(all);
}

/// The network of a configuration and the model it records.
std::pair<Network, Model> readModel(const std::string &config, const std::string &path) {
  Problems problems;
  Json object = Json::parse(config);
  std::string kind = object.at("class_name");
  if (kind != "Sequential" && kind != "Functional" && kind != "Model")
    throw ImportError(
        path + ": a " + kind +
        " is not Sequential or Functional; subclassed models keep their code in Python");
  Network network = readNetwork(object, problems);
  throwIfAny(path, problems);
  Model model = record(network);
  listMistakes(model, problems);
  throwIfAny(path, problems);
  return {std::move(network), std::move(model)};
}

Model importOrThrow(const std::string &path) {
  bool legacy = path.ends_with(".h5") || path.ends_with(".hdf5");
  Hdf5File file = legacy ? Hdf5File::open(path)
                         : Hdf5File::fromMemory(readArchiveMember(path, "model.weights.h5"), path);
  std::string config;
  if (legacy) {
    config = file.attribute("/", "model_config");
    if (config.empty())
      throw ImportError(path +
                        ": holds weights without a model; save the whole model with model.save()");
  } else {
    std::vector<char> bytes = readArchiveMember(path, "config.json");
    config.assign(bytes.begin(), bytes.end());
  }
  auto [network, model] = readModel(config, path);
  if (legacy)
    loadLegacy(network, file);
  else
    loadTree(network, file, "");
  return model;
}

/// The weights of a network in the order of get_weights(): by layer as listed, each layer once.
void listWeights(const Network &network, std::vector<Variable *> &out) {
  for (const Network::Member &member : network.members) {
    if (member.network)
      listWeights(*member.network, out);
    for (size_t i = 0; member.layer && i < member.layer->weights.size(); ++i)
      out.push_back(member.layer->weights[i].get());
  }
}

/// `read()` with everything it throws turned into a sentence.
template <class Read> Imported guarded(const std::string &path, Read &&read) {
  try {
    return {read(), ""};
  } catch (const nlohmann::json::exception &error) {
    return {{}, path + ": the model's configuration is malformed: " + error.what()};
  } catch (const std::exception &error) {
    std::string what = error.what();
    return {{}, what.starts_with(path) ? what : path + ": " + what};
  }
}

} // namespace

Imported importModel(const std::string &path) {
  return guarded(path, [&] { return importOrThrow(path); });
}

bool holdsWeightsOnly(const std::string &path) {
  try {
    return (path.ends_with(".h5") || path.ends_with(".hdf5")) &&
           Hdf5File::open(path).attribute("/", "model_config").empty();
  } catch (const ImportError &) {
    return false;
  }
}

Imported importConfiguration(const std::string &json,
                             const std::vector<std::vector<float>> &weights) {
  return guarded("configuration", [&] {
    auto [network, model] = readModel(json, "configuration");
    std::vector<Variable *> variables;
    listWeights(network, variables);
    if (variables.size() != weights.size())
      throw ImportError("the model has " + std::to_string(variables.size()) + " weights, " +
                        std::to_string(weights.size()) + " are given");
    for (size_t i = 0; i < weights.size(); ++i) {
      size_t cells = 1;
      for (int64_t extent : variables[i]->shape)
        cells *= size_t(extent);
      if (cells != weights[i].size())
        throw ImportError("weight '" + variables[i]->name + "' has " + std::to_string(cells) +
                          " cells, " + std::to_string(weights[i].size()) + " are given");
      variables[i]->data = weights[i];
    }
    return model;
  });
}

} // namespace cornet::import
