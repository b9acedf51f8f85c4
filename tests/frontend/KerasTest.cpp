// SPDX-License-Identifier: Apache-2.0
//
// Every layer and attribute against what real Keras computes: imported from Keras's own
// configuration, interpreted before any pass, and compiled and run. The vectors are
// tests/keras/layers.json.
#include "frontend/import/Import.h"
#include "tests/frontend/Road.h"
#include <cornet/data/files.h>

#include <fstream>
#include <nlohmann/json.hpp>

namespace cornet::test {
namespace {

using Json = nlohmann::json;

const Json &cases() {
  static const Json document =
      Json::parse(std::ifstream(CORNET_SOURCE_DIR "/tests/keras/layers.json"));
  return document.at("cases");
}

Cells cellsOf(const Json &array) {
  return {array.at("shape"), array.at("data"), array.at("dtype") == "int32"};
}

std::vector<Cells> allOf(const Json &arrays) {
  std::vector<Cells> out;
  for (const Json &array : arrays)
    out.push_back(cellsOf(array));
  return out;
}

class KerasLayer : public testing::TestWithParam<size_t> {};

TEST_P(KerasLayer, Equals) {
  const Json &one = cases()[GetParam()];
  std::vector<std::vector<float>> weights;
  for (const Json &weight : one.at("weights"))
    weights.push_back(weight.at("data"));
  import::Imported imported = import::importConfiguration(one.at("config").dump(), weights);
  ASSERT_EQ(imported.error, "");
  std::vector<Cells> inputs = allOf(one.at("inputs")), wanted = allOf(one.at("outputs"));
  Road road(imported.model);
  std::vector<Cells> interpreted = road.interpret(inputs);
  ASSERT_EQ(interpreted.size(), wanted.size()) << road.problems;
  for (size_t i = 0; i < wanted.size(); ++i)
    expectClose(interpreted[i], wanted[i], 2e-6, 2e-5, "interpreted output " + std::to_string(i));
  for (unsigned threads : {1u, 2u}) {
    std::vector<Cells> ran = road.run(inputs, wanted, threads);
    ASSERT_EQ(road.problems, "");
    for (size_t i = 0; i < wanted.size(); ++i)
      expectClose(ran[i], wanted[i], 1e-5, 1e-4, "compiled output " + std::to_string(i));
  }
}

INSTANTIATE_TEST_SUITE_P(All, KerasLayer, testing::Range<size_t>(0, cases().size()),
                         [](const testing::TestParamInfo<size_t> &info) {
                           return std::string(cases()[info.param].at("name"));
                         });

class KerasFile : public testing::TestWithParam<const char *> {};

TEST_P(KerasFile, Equals) {
  std::string path = std::string(CORNET_SOURCE_DIR "/tests/keras/") + GetParam();
  import::Imported imported = import::importModel(path);
  ASSERT_EQ(imported.error, "");
  std::vector<Cells> inputs, wanted;
  for (auto &[name, array] : data::readNpz(path + ".npz")) {
    auto *data = reinterpret_cast<const float *>(array.bytes.data());
    (name.starts_with("input") ? inputs : wanted)
        .push_back({array.shape, {data, data + array.bytes.size() / 4}});
  }
  Road road(imported.model);
  std::vector<Cells> ran = road.run(inputs, wanted);
  ASSERT_EQ(road.problems, "");
  ASSERT_EQ(ran.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i)
    expectClose(ran[i], wanted[i], 1e-5, 1e-4, "output " + std::to_string(i));
}

INSTANTIATE_TEST_SUITE_P(All, KerasFile,
                         testing::Values("residual.keras", "residual.h5", "sequential.keras"),
                         [](const testing::TestParamInfo<const char *> &info) {
                           std::string name = info.param;
                           return name.replace(name.find('.'), 1, "_");
                         });

} // namespace
} // namespace cornet::test
