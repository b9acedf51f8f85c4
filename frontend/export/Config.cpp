// SPDX-License-Identifier: Apache-2.0
//
// Generic over layers: a configuration is the layer's list of options, under Keras's names. Known
// here are only the values that mean None to Keras, and which layers take their inputs as a list.
#include "frontend/export/Config.h"

#include "frontend/export/Network.h"
#include "frontend/export/Options.h"
#include "frontend/import/Operations.h"

#include <cornet/options.h>

#include <ctime>

namespace cornet::saving {
namespace {

using Json = nlohmann::ordered_json;

Json object(const std::string &module, const std::string &kind, Json config,
            Json registered = nullptr) {
  return {{"module", module},
          {"class_name", kind},
          {"config", std::move(config)},
          {"registered_name", std::move(registered)}};
}

Json shapeJson(const Shape &shape) {
  Json out = Json::array();
  for (int64_t extent : shape)
    out.push_back(extent < 0 ? Json(nullptr) : Json(extent));
  return out;
}

std::string dtypeName(const Node &node) {
  return node.dtype == "i32"    ? "int32"
         : node.dtype == "i8"   ? "int8"
         : node.dtype == "ui8"  ? "uint8"
         : node.dtype == "i1"   ? "bool"
         : node.dtype == "bf16" ? "bfloat16"
         : node.dtype == "f16"  ? "float16"
                                : "float32";
}

Json policy(const std::string &name) {
  return object("keras", "DTypePolicy", Json::object({{"name", name}}));
}

class Writer {
public:
  explicit Writer(std::vector<std::string> &problems) : problems(problems) {}

  Json model(const Model &model, bool sequential, const std::string &name, bool trainable) {
    const std::string dtype = model.layer ? model.layer->dtype : "float32";
    auto operationName = [&](const Node &node) {
      auto operation = import::exportOperation(*model.graph, node);
      return snakeCase(operation ? operation->kind : node.op);
    };
    Network network = mapNetwork(model, sequential, operationName, problems);
    if (network.members.empty())
      return nullptr;
    network.name = name;
    return network.sequential ? sequentialJson(network, trainable, dtype)
                              : functionalJson(network, trainable);
  }

private:
  Json inputJson(const Network &network, const Member &member) const {
    const Node &input = network.node(member.node);
    return object("keras.layers", "InputLayer",
                  {{"batch_shape", shapeJson(input.shape)},
                   {"dtype", dtypeName(input)},
                   {"sparse", false},
                   {"ragged", false},
                   {"name", member.name},
                   {"optional", false}});
  }

  Json layerJson(const Network &network, const Member &member) {
    const Layer &layer = *member.layer;
    if (layer.nested())
      return model(*layer.nested(), madeSequential(&layer), member.name, layer.trainable);
    auto options = layer.config();
    if (!options) {
      problems.push_back(whereOf(network, member) + "'" + member.name + "' is a " + layer.kind +
                         ", a class of your own, whose code Keras does not have; save the weights "
                         "alone, to a .weights.h5 file");
      return nullptr;
    }
    Json config = {
        {"name", member.name}, {"trainable", layer.trainable}, {"dtype", policy(layer.dtype)}};
    writeOptions(layer.kind, *options, config, problems);
    Json out =
        layer.kind == "LayerScale" // Keras keeps it beside the model that needs it
            ? object("keras.src.applications.convnext", layer.kind, std::move(config), layer.kind)
            : object("keras.layers", layer.kind, std::move(config));
    if (!layer.weights.empty()) {
      Json shapes = Json::array();
      for (const Operand &operand : member.calls.at(0).operands)
        if (auto *port = std::get_if<Port>(&operand))
          shapes.push_back(shapeJson(network.node(*port).shape));
      if (shapes.size() == 1 && !takesList(layer.kind))
        out["build_config"] = Json::object({{"input_shape", shapes[0]}});
    }
    return out;
  }

  std::string whereOf(const Network &network, const Member &member) const {
    for (const LayerCall &call : network.model->graph->calls)
      if (call.layer == member.layer->number && call.first < call.last) {
        const Node &first = network.node(call.first);
        return first.file + ":" + std::to_string(first.line) + ": error: ";
      }
    return "";
  }

  Json operationJson(const Network &network, const Member &member) {
    const Node &op = network.node(member.node);
    auto operation = import::exportOperation(*network.model->graph, op);
    if (!operation) {
      problems.push_back(op.file + ":" + std::to_string(op.line) + ": error: the op '" +
                         op.op.substr(op.op.find('.') + 1) +
                         "' outside a layer is no operation of Keras; put it in a layer of Keras, "
                         "or save the weights alone, to a .weights.h5 file");
      return nullptr;
    }
    Json config = Json::object({{"name", member.name}});
    config.update(operation->config);
    return object(operation->module, operation->kind, std::move(config), operation->kind);
  }

  /// A constant operand: a number, or an array.
  Json constantJson(const Node &constant) const {
    auto cell = [&](float value) {
      return ops::isReal(constant.dtype) ? Json(value) : Json(int64_t(value));
    };
    if (constant.shape.empty())
      return cell(constant.data.at(0));
    size_t next = 0;
    auto level = [&](auto &&self, size_t d) -> Json {
      if (d == constant.shape.size())
        return cell(constant.data.size() == 1 ? constant.data[0] : constant.data.at(next++));
      Json out = Json::array();
      for (int64_t i = 0; i < constant.shape[d]; ++i)
        out.push_back(self(self, d + 1));
      return out;
    };
    return {{"class_name", "__numpy__"},
            {"config", {{"value", level(level, 0)}, {"dtype", dtypeName(constant)}}}};
  }

  Json operandJson(const Network &network, const Operand &operand) const {
    if (auto *constant = std::get_if<int>(&operand))
      return constantJson(network.node(*constant));
    const Port &port = std::get<Port>(operand);
    const Node &tensor = network.node(port);
    return {{"class_name", "__keras_tensor__"},
            {"config",
             {{"shape", shapeJson(tensor.shape)},
              {"dtype", dtypeName(tensor)},
              {"keras_history", Json::array({network.members[port.member].name, port.call,
                                             resultOf(network, port)})}}}};
  }

  /// The place of a tensor among the results of what Keras has for its member.
  static size_t resultOf(const Network &network, const Port &port) {
    const Member &member = network.members[port.member];
    if (member.kind != Member::Operation)
      return port.result;
    auto operation = import::exportOperation(*network.model->graph, network.node(member.node));
    return operation ? operation->result : 0;
  }

  Json callsJson(const Network &network, const Member &member) {
    Json calls = Json::array();
    for (const Call &call : member.calls) {
      if (member.kind == Member::Input)
        continue;
      Json args = Json::array();
      for (const Operand &operand : call.operands)
        args.push_back(operandJson(network, operand));
      bool list = false;
      std::vector<Json> more;
      if (member.kind == Member::Operation) {
        if (auto operation =
                import::exportOperation(*network.model->graph, network.node(member.node)))
          list = operation->list, more = operation->more;
      } else {
        list = takesList(member.layer->kind) ||
               (args.size() > 1 && !takesSeparate(member.layer->kind));
      }
      if (list)
        args = Json::array({args});
      for (Json &item : more)
        args.push_back(std::move(item));
      calls.push_back({{"args", std::move(args)}, {"kwargs", Json::object()}});
    }
    return calls;
  }

  Json functionalJson(const Network &network, bool trainable) {
    Json layers = Json::array();
    for (const Member &member : network.members) {
      Json layer = member.kind == Member::Input   ? inputJson(network, member)
                   : member.kind == Member::Layer ? layerJson(network, member)
                                                  : operationJson(network, member);
      if (layer.is_null())
        continue; // told already
      layer["name"] = member.name;
      layer["inbound_nodes"] = callsJson(network, member);
      layers.push_back(std::move(layer));
    }
    auto triples = [&](const std::vector<Port> &ports) {
      Json out = Json::array();
      for (const Port &port : ports) {
        const Member &member = network.members[port.member];
        // Keras counts the calls of a functional model from 1 here, and here only.
        bool counted = member.layer && member.layer->nested() && !isSequential(*member.layer);
        out.push_back(
            Json::array({member.name, port.call + (counted ? 1u : 0u), resultOf(network, port)}));
      }
      return out.size() == 1 ? Json(out[0]) : out;
    };
    Json config = {{"name", network.name},
                   {"trainable", trainable},
                   {"layers", std::move(layers)},
                   {"input_layers", triples(network.inputs)},
                   {"output_layers", triples(network.outputs)}};
    Json out = object("keras.src.models.functional", "Functional", std::move(config), "Functional");
    out["build_config"] = Json::object({{"input_shape", nullptr}});
    return out;
  }

  bool isSequential(const Layer &layer) const {
    std::vector<std::string> ignored;
    auto nameless = [](const Node &op) { return op.op; };
    return mapNetwork(*layer.nested(), madeSequential(&layer), nameless, ignored).sequential;
  }

  Json sequentialJson(const Network &network, bool trainable, const std::string &dtype) {
    Json layers = Json::array();
    for (const Member &member : network.members)
      layers.push_back(member.kind == Member::Input ? inputJson(network, member)
                                                    : layerJson(network, member));
    Json shape = shapeJson(network.node(network.members[0].node).shape);
    Json out = object("keras", "Sequential",
                      {{"name", network.name},
                       {"trainable", trainable},
                       {"dtype", policy(dtype)},
                       {"layers", std::move(layers)},
                       {"build_input_shape", shape}});
    out["build_config"] = Json::object({{"input_shape", shape}});
    return out;
  }

  std::vector<std::string> &problems;
};

} // namespace

std::string configuration(const Model &model, std::vector<std::string> &problems) {
  return Writer(problems)
      .model(model, madeSequential(model.layer.get()), model.name,
             !model.layer || model.layer->trainable)
      .dump();
}

std::string metadata() {
  char date[32];
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::strftime(date, sizeof date, "%Y-%m-%d@%H:%M:%S", &parts);
  return Json({{"keras_version", "3.15.1"}, {"date_saved", date}}).dump();
}

} // namespace cornet::saving
