// SPDX-License-Identifier: Apache-2.0
//
// What is saved and loaded again computes the same numbers, from the same weights under the same
// names.
#include "frontend/import/Import.h"
#include "tests/frontend/saving/Models.h"

#include <cornet/data/files.h>
#include <cornet/saving.h>

#include <thread>

namespace cornet::test {
namespace {

/// A folder of this process, gone at the end.
struct Folder {
  std::filesystem::path path =
      std::filesystem::path(testing::TempDir()) / ("saving-" + std::to_string(getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator()(const std::string &name) const { return (path / name).string(); }
};

std::vector<Sample> allSamples() {
  std::vector<Sample> out = graphSamples(), layers = layerSamples();
  out.insert(out.end(), layers.begin(), layers.end());
  return out;
}

data::Array arrayOf(const Cells &cells) {
  data::Array array(cells.integer ? data::DType::I32 : data::DType::F32, cells.shape);
  for (size_t i = 0; i < cells.data.size(); ++i)
    array.set(int64_t(i), cells.data[i]);
  return array;
}

TEST(RoundTrip, SameNumbersAndNames) {
  Folder folder;
  for (const Sample &sample : allSamples()) {
    SCOPED_TRACE(sample.name);
    std::string path = folder("model.keras");
    ASSERT_NO_THROW(save(sample.model, path));
    import::Imported again = import::importModel(path);
    ASSERT_EQ(again.error, "");
    Road before(sample.model), after(again.model);
    std::vector<Cells> wanted = before.interpret(sample.inputs),
                       got = after.interpret(sample.inputs);
    ASSERT_EQ(before.problems + after.problems, "");
    ASSERT_EQ(got.size(), wanted.size());
    ASSERT_FALSE(wanted.empty());
    for (size_t i = 0; i < wanted.size(); ++i)
      expectClose(got[i], wanted[i], 0, 0, "output " + std::to_string(i));
    auto names = [](const Model &model) {
      std::set<std::string> out;
      for (const VariablePtr &variable : model.variables())
        out.insert(variable->name.substr(variable->name.rfind('/') + 1));
      return out;
    };
    EXPECT_EQ(names(again.model), names(sample.model));
  }
}

TEST(RoundTrip, BytesDoNotTellTheTime) {
  Folder folder;
  const Model model = graphSamples().front().model;
  saveWeights(model, folder("one.weights.h5"));
  std::this_thread::sleep_for(std::chrono::milliseconds(1100)); // HDF5 counts seconds
  saveWeights(model, folder("two.weights.h5"));
  EXPECT_EQ(readFile(folder("one.weights.h5")), readFile(folder("two.weights.h5")));
}

TEST(RoundTrip, TwiceSavedIsTheSame) {
  Folder folder;
  for (const Sample &sample : graphSamples()) {
    SCOPED_TRACE(sample.name);
    save(sample.model, folder("one.keras"));
    import::Imported once = import::importModel(folder("one.keras"));
    ASSERT_EQ(once.error, "");
    save(once.model, folder("two.keras"));
    import::Imported twice = import::importModel(folder("two.keras"));
    ASSERT_EQ(twice.error, "");
    saveWeights(once.model, folder("one.weights.h5"));
    saveWeights(twice.model, folder("two.weights.h5"));
    EXPECT_EQ(readFile(folder("one.weights.h5")), readFile(folder("two.weights.h5")));
  }
}

TEST(RoundTrip, WeightsAlone) {
  Folder folder;
  for (const Sample &sample : allSamples()) {
    SCOPED_TRACE(sample.name);
    std::string path = folder("model.weights.h5");
    saveWeights(sample.model, path);
    std::vector<std::vector<float>> before;
    std::vector<VariablePtr> variables = sample.model.variables();
    for (const VariablePtr &variable : variables) {
      before.push_back(variable->value());
      variable->data.assign(before.back().size(), -9);
    }
    LoadReport report = loadWeights(sample.model, path);
    EXPECT_TRUE(report.missing.empty() && report.mismatched.empty() && report.unused.empty());
    for (size_t i = 0; i < variables.size(); ++i)
      if (!variables[i]->name.ends_with("/unit_scale") && // constants that Keras has not
          !variables[i]->name.ends_with("/no_shift") && report.loaded.size())
        EXPECT_EQ(variables[i]->data, before[i]) << variables[i]->name;
  }
}

/// Not a test of its own: writes what keras_loads.py gives to Keras.
TEST(Keras, DISABLED_WriteFiles) {
  const char *target = std::getenv("CORNET_SAVING_OUT");
  ASSERT_TRUE(target) << "set CORNET_SAVING_OUT to a folder";
  std::filesystem::create_directories(target);
  for (const Sample &sample : allSamples()) {
    SCOPED_TRACE(sample.name);
    std::string base = std::string(target) + "/" + sample.name;
    save(sample.model, base + ".keras");
    saveWeights(sample.model, base + ".weights.h5");
    data::NamedArrays arrays;
    Road road(sample.model);
    std::vector<Cells> outputs = road.interpret(sample.inputs);
    ASSERT_EQ(outputs.size(), sample.model.outputs.size()) << road.problems;
    for (size_t i = 0; i < sample.inputs.size(); ++i)
      arrays.emplace_back("input" + std::to_string(i), arrayOf(sample.inputs[i]));
    for (size_t i = 0; i < outputs.size(); ++i)
      arrays.emplace_back("output" + std::to_string(i), arrayOf(outputs[i]));
    data::writeNpz(base + ".npz", arrays);
  }
}

} // namespace
} // namespace cornet::test
