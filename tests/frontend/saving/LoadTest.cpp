// SPDX-License-Identifier: Apache-2.0
//
// Files that real Keras wrote, in its three formats, into models of ours: whole, by name, in part;
// and what is said of files that do not fit or are damaged.
#include "frontend/import/Import.h"
#include "tests/frontend/saving/Models.h"

#include <cornet/cornet.h>
#include <cornet/data/files.h>
#include <cornet/saving.h>

#include <fstream>
#include <gmock/gmock.h>

namespace cornet::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

std::string keras(const std::string &name) { return CORNET_SOURCE_DIR "/tests/keras/" + name; }

std::string temporary(const std::string &name) {
  return testing::TempDir() + "/" + std::to_string(getpid()) + "-" + name;
}

/// The network of tests/keras/graphs.py, in the DSL.
Model graph() {
  Model inner = [] {
    Recording recording;
    Tensor x = Input({4}, {.name = "ii"});
    Tensor q = Dense({.units = 4, .name = "q"})(x);
    return Functional({x}, {q, Dropout({.rate = 0.5, .name = "drop"})(x)}, "inner");
  }();
  Model stack = Sequential(
      {4}, {Dense({.units = 5, .name = "d"}), BatchNormalization({.name = "bn"})}, "stack");
  Model tail = Sequential({4}, {Dense({.units = 2, .name = "d"})}, "tail");
  Model functionalTail = Functional(tail.inputs, tail.outputs, "tail");
  Recording recording;
  Tensor a = Input({4}, {.name = "a"}), b = Input({4}, {.name = "b"});
  Handle shared = Dense({.units = 4, .activation = "relu", .name = "shared"});
  std::vector<Tensor> first = inner({shared(a)}), second = inner({shared(b)});
  Tensor z = 1.0 - ops::exp(ops::relu(first[0] + first[1]) * -0.5);
  z = ops::reduce(z, "mean", {1}, true) / (ops::abs(ops::slice(second[1], {0, 1}, {-1, 2})) + 2.0);
  Tensor joined =
      Concatenate({.name = "join"})({z, Handle(stack)(first[0]), Handle(stack)(second[0])});
  return Functional({a, b}, {joined, functionalTail({second[0]})[0]}, "graph");
}

struct Vectors {
  std::vector<Cells> inputs, outputs, slots;
};

Vectors vectors(const char *file = "graph.npz") {
  Vectors out;
  for (auto &[name, array] : data::readNpz(keras(file))) {
    auto *cells = reinterpret_cast<const float *>(array.bytes.data());
    (name.starts_with("input")    ? out.inputs
     : name.starts_with("output") ? out.outputs
                                  : out.slots)
        .push_back({array.shape, {cells, cells + array.bytes.size() / 4}});
  }
  return out;
}

void expectComputes(const Model &model) {
  Vectors wanted = vectors();
  Road road(model);
  std::vector<Cells> got = road.interpret(wanted.inputs);
  ASSERT_EQ(road.problems, "");
  ASSERT_EQ(got.size(), wanted.outputs.size());
  for (size_t i = 0; i < got.size(); ++i)
    expectClose(got[i], wanted.outputs[i], 2e-6, 2e-5, "output " + std::to_string(i));
}

/// The message of what `call` throws, or "".
template <class Call> std::string thrown(Call &&call) {
  try {
    call();
  } catch (const SavingError &error) {
    return error.what();
  }
  return "";
}

class FromKeras : public testing::TestWithParam<const char *> {};

TEST_P(FromKeras, IntoTheSameModel) {
  Model model = graph();
  ASSERT_EQ(text(model.graph->mistakes), "");
  LoadReport report = loadWeights(model, keras(GetParam()));
  EXPECT_THAT(report.missing, IsEmpty());
  EXPECT_THAT(report.mismatched, IsEmpty());
  EXPECT_THAT(report.unused, IsEmpty());
  expectComputes(model);
}

TEST_P(FromKeras, ByName) {
  Model model = graph();
  loadWeights(model, keras(GetParam()), {.by_name = true});
  expectComputes(model);
}

INSTANTIATE_TEST_SUITE_P(Formats, FromKeras,
                         testing::Values("graph.keras", "graph.weights.h5", "graph.h5"),
                         [](const testing::TestParamInfo<const char *> &info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return name;
                         });

TEST(FromKeras, WholeModels) {
  for (const char *name : {"graph.keras", "graph.h5"}) {
    SCOPED_TRACE(name);
    import::Imported imported = import::importModel(keras(name));
    ASSERT_EQ(imported.error, "");
    expectComputes(imported.model);
  }
}

/// Operations of one result and of two, of which one may be used alone.
TEST(FromKeras, Indices) {
  import::Imported imported = import::importModel(keras("indices.keras"));
  ASSERT_EQ(imported.error, "");
  EXPECT_THAT(imported.model.outputNames(),
              ElementsAre("output", "output_1", "output_2", "output_3", "output_4"));
  Vectors wanted = vectors("indices.npz");
  Road road(imported.model);
  std::vector<Cells> got = road.run(wanted.inputs, wanted.outputs, 2);
  ASSERT_EQ(road.problems, "");
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].shape, wanted.outputs[i].shape) << i;
    for (size_t j = 0; j < got[i].data.size(); ++j)
      EXPECT_TRUE(got[i].data[j] == wanted.outputs[i].data[j] ||
                  (std::isnan(got[i].data[j]) && std::isnan(wanted.outputs[i].data[j])))
          << "output " << i << ", cell " << j << ": " << got[i].data[j];
  }
}

TEST(FromKeras, OptimizerState) {
  Vectors wanted = vectors();
  std::vector<VariablePtr> slots;
  for (const Cells &slot : wanted.slots) {
    slots.push_back(std::make_shared<Variable>());
    slots.back()->name = "adam/slot", slots.back()->shape = slot.shape;
  }
  slots[0]->dtype = "i32";
  Model model = graph();
  loadWeights(model, keras("graph.keras"), {.optimizer = slots});
  for (size_t i = 0; i < slots.size(); ++i)
    EXPECT_EQ(slots[i]->data, wanted.slots[i].data) << i;
  // And through a file of ours.
  std::string path = temporary("optimizer.keras");
  save(model, path, {.optimizer = slots});
  for (const VariablePtr &slot : slots)
    slot->data.assign(slot->data.size(), 77);
  loadWeights(model, path, {.optimizer = slots});
  for (size_t i = 0; i < slots.size(); ++i)
    EXPECT_EQ(slots[i]->data, wanted.slots[i].data) << i;
  slots.push_back(slots[0]);
  EXPECT_THAT(thrown([&] { loadWeights(model, path, {.optimizer = slots}); }),
              HasSubstr("'optimizer/vars/" + std::to_string(slots.size() - 1) +
                        "' is not in the file; the optimizer wants it"));
  std::filesystem::remove(path);
}

/// A backbone of two layers and a head of `classes`.
Model classifier(int64_t classes, const std::string &head = "head") {
  Model model =
      Sequential({4}, {Dense({.units = 3, .name = "one"}), Dense({.units = 3, .name = "two"}),
                       Dense({.units = classes, .name = head})});
  fillWeights(model);
  return model;
}

std::vector<float> weights(const Model &model, size_t index) {
  return model.variables().at(index)->value();
}

TEST(Transfer, AnotherHeadIsSkipped) {
  std::string path = temporary("skip.weights.h5");
  Model trained = classifier(10), fresh = classifier(5);
  trained.variables()[0]->data[0] = 42;
  saveWeights(trained, path);
  std::vector<float> head = weights(fresh, 4), backbone = weights(fresh, 0);
  std::string message = thrown([&] { loadWeights(fresh, path); });
  EXPECT_EQ(message,
            path +
                ": 'layers/dense_2/vars/0' is (3, 10), but 'head/kernel' of layer 'head' is (3, "
                "5)\n" +
                path + ": 'layers/dense_2/vars/1' is (10), but 'head/bias' of layer 'head' is (5)");
  EXPECT_EQ(weights(fresh, 0), backbone) << "a failed loading changes nothing";
  LoadReport report = loadWeights(fresh, path, {.skip_mismatch = true});
  EXPECT_THAT(report.loaded, ElementsAre("one", "two"));
  EXPECT_THAT(report.mismatched, ElementsAre("head"));
  EXPECT_EQ(weights(fresh, 0)[0], 42);
  EXPECT_EQ(weights(fresh, 4), head);
  std::filesystem::remove(path);
}

TEST(Transfer, ByNameLeavesTheRest) {
  std::string path = temporary("name.keras");
  Model trained = classifier(10, "scores"), fresh = classifier(5);
  trained.variables()[0]->data[0] = 42;
  save(trained, path);
  LoadReport report = loadWeights(fresh, path, {.by_name = true});
  EXPECT_THAT(report.loaded, ElementsAre("one", "two"));
  EXPECT_THAT(report.missing, ElementsAre("head"));
  EXPECT_THAT(report.unused, ElementsAre("scores"));
  EXPECT_EQ(weights(fresh, 0)[0], 42);
  std::filesystem::remove(path);
}

TEST(Transfer, OnlyTheLayersAskedFor) {
  std::string path = temporary("only.weights.h5");
  Model trained = classifier(5), fresh = classifier(5);
  for (const VariablePtr &variable : trained.variables())
    variable->data.assign(variable->data.size(), 1);
  saveWeights(trained, path);
  LoadReport report = loadWeights(fresh, path, {.only = {"t*", "h?ad"}});
  EXPECT_THAT(report.loaded, ElementsAre("two", "head"));
  EXPECT_THAT(report.unused, ElementsAre("one"));
  EXPECT_NE(weights(fresh, 0)[0], 1);
  EXPECT_EQ(weights(fresh, 2)[0], 1);
  std::filesystem::remove(path);
}

TEST(Transfer, ABackboneIntoAModelAndOutOfIt) {
  std::string path = temporary("inside.weights.h5");
  Model backbone = Sequential({4}, {Dense({.units = 3, .name = "one"})}, "backbone");
  Recording recording;
  Tensor x = Input({4});
  Model whole = Functional({x}, {Dense({.units = 2, .name = "head"})(Handle(backbone)(x))});
  fillWeights(whole);
  std::vector<float> kernel = weights(backbone, 0);
  saveWeights(whole, path);
  backbone.variables()[0]->data.assign(12, 0);
  LoadReport report = loadWeights(whole, path, {.only = {"backbone"}});
  EXPECT_THAT(report.loaded, ElementsAre("backbone/one"));
  EXPECT_EQ(weights(backbone, 0), kernel);
  backbone.variables()[0]->data.assign(12, 0);
  report = loadWeights(backbone, path, {.by_name = true}); // "one" is "backbone/one" in the file
  EXPECT_THAT(report.loaded, ElementsAre("one"));
  EXPECT_THAT(report.unused, ElementsAre("head"));
  EXPECT_EQ(weights(backbone, 0), kernel);
  std::filesystem::remove(path);
}

TEST(Transfer, LegacyFilesOfAnotherNetwork) {
  Model fresh = classifier(5);
  EXPECT_THAT(thrown([&] { loadWeights(fresh, keras("graph.h5")); }),
              HasSubstr("graph.h5: has 4 layers with weights, the model 'sequential' has 3"));
  EXPECT_THAT(thrown([&] {
                Model other = Sequential({4}, {Dense({.units = 3, .name = "shared"})});
                loadWeights(other, keras("graph.h5"), {.by_name = true});
              }),
              HasSubstr("is (4, 4), but 'shared/kernel' of layer 'shared' is (4, 3)"));
}

TEST(Damage, FilesThatAreNone) {
  Model model = graph();
  EXPECT_THAT(thrown([&] { loadWeights(model, "/nowhere/a.weights.h5"); }),
              HasSubstr("/nowhere/a.weights.h5: not a readable HDF5 file"));
  EXPECT_THAT(thrown([&] { loadWeights(model, "/nowhere/a.keras"); }),
              HasSubstr("/nowhere/a.keras: not a .keras archive"));
  std::string path = temporary("none.h5");
  std::ofstream(path) << "not HDF5 at all";
  EXPECT_THAT(thrown([&] { loadWeights(model, path); }), HasSubstr("not a readable HDF5 file"));
  std::filesystem::remove(path);
}

/// Files cut short: an error, never a crash or a changed weight. (Flipped bytes inside an HDF5 file
/// are libhdf5's to find; version 1.10 does not find all.)
TEST(Damage, CutShort) {
  for (const char *name : {"graph.keras", "graph.weights.h5", "graph.h5"}) {
    SCOPED_TRACE(name);
    std::string bytes = readFile(keras(name)), path = temporary(name);
    for (size_t i = 0; i < 64; ++i) {
      std::ofstream(path, std::ios::binary) << bytes.substr(0, bytes.size() * i / 64);
      Model model = graph();
      std::vector<float> before = weights(model, 0);
      EXPECT_THAT(thrown([&] { loadWeights(model, path); }), HasSubstr(path));
      EXPECT_EQ(weights(model, 0), before);
    }
    std::filesystem::remove(path);
  }
}

struct Gate : Layer {
  Gate() : Layer("Gate"), inner(Dense({.units = 3, .name = "inside"})) {}
  Handle inner;
  void build(const std::vector<Shape> &in) override { addWeight("scale", {in[0].back()}, "ones"); }
  Tensor call(const std::vector<Tensor> &x) override { return inner(x[0] * weight(0, x[0])); }
};

TEST(Refused, ClassesOfTheUsersOwn) {
  Model model = Sequential({4}, {Dense({.units = 4}), Handle(std::make_shared<Gate>())});
  fillWeights(model);
  std::string message = thrown([&] { save(model, temporary("gate.keras")); });
  EXPECT_THAT(message, HasSubstr("LoadTest.cpp:"));
  EXPECT_THAT(message, HasSubstr("'gate' is a Gate, a class of your own, whose code Keras does not "
                                 "have; save the weights alone, to a .weights.h5 file"));
  EXPECT_FALSE(std::filesystem::exists(temporary("gate.keras")));
  std::string path = temporary("gate.weights.h5");
  saveWeights(model, path);
  std::vector<std::vector<float>> before;
  for (const VariablePtr &variable : model.variables())
    before.push_back(variable->data), variable->data.assign(variable->data.size(), 0);
  EXPECT_THAT(loadWeights(model, path).loaded,
              UnorderedElementsAre("dense", "gate", "gate/inside"));
  for (size_t i = 0; i < before.size(); ++i)
    EXPECT_EQ(weights(model, i), before[i]);
  std::filesystem::remove(path);
}

TEST(Refused, OpsThatKerasHasNot) {
  Recording recording;
  Tensor x = Input({4, 4, 1});
  Tensor y = ops::record("pad", {x},
                         {{"low", Shape{0, 1, 1, 0}}, {"high", Shape{0, 1, 1, 0}}, {"value", 0.0}});
  Model model = Functional({x}, {y});
  ASSERT_EQ(text(model.graph->mistakes), "");
  EXPECT_THAT(thrown([&] { save(model, temporary("pad.keras")); }),
              HasSubstr("the op 'pad' outside a layer is no operation of Keras"));
}

TEST(Refused, NamesMistakesAndFolders) {
  Model model = classifier(3);
  EXPECT_THAT(thrown([&] { save(model, "model.h5"); }), HasSubstr("end in .keras"));
  EXPECT_THAT(thrown([&] { saveWeights(model, "model.h5"); }), HasSubstr("end in .weights.h5"));
  EXPECT_THAT(thrown([&] { save(model, "/nowhere/model.keras"); }),
              HasSubstr("/nowhere/model.keras: cannot be created: No such file or directory"));
  Model wrong = Sequential({4}, {Dense({.units = 0})});
  EXPECT_THAT(thrown([&] { save(wrong, temporary("wrong.keras")); }),
              HasSubstr("units must be positive"));
}

TEST(Atomic, TheOldFileStaysUntilTheNewOneIsWhole) {
  std::string folder = temporary("folder");
  std::filesystem::create_directories(folder);
  Model model = classifier(3);
  save(model, folder + "/a.keras");
  save(model, folder + "/a.keras");
  std::filesystem::create_directories(folder + "/b.keras/full"); // a folder cannot be replaced
  EXPECT_THAT(thrown([&] { save(model, folder + "/b.keras"); }), HasSubstr("cannot be renamed"));
  std::vector<std::string> left;
  for (const auto &entry : std::filesystem::directory_iterator(folder))
    left.push_back(entry.path().filename());
  EXPECT_THAT(left, UnorderedElementsAre("a.keras", "b.keras"));
  std::filesystem::remove_all(folder);
}

} // namespace
} // namespace cornet::test
