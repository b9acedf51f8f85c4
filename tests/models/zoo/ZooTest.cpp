// SPDX-License-Identifier: Apache-2.0
//
// Every model of the zoo that is keras.applications': with the weights and the image of a formula
// (see tests/keras/generate_zoo.py, which has it in Python), the compiled artifact computes what
// real Keras computed, and the same bits on any number of threads. Weights are found by the layers'
// names, so that these are compared, too.
#include "codegen/Compile.h"
#include "frontend/emit/Emit.h"
#include "tests/Levels.h"

#include "cornet_runtime.h"

#include "mlir/IR/Verifier.h"

#include <cornet/model.h>

#include <cmath>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>

namespace cornet::test {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// FNV-1a of 32 bits.
uint32_t hashed(const std::string &text) {
  uint32_t value = 2166136261u;
  for (unsigned char byte : text)
    value = (value ^ byte) * 16777619u;
  return value;
}

/// Number i of seed s, in [-1, 1).
float draw(uint32_t seed, uint32_t index) {
  uint32_t h = seed + index;
  h = (h ^ h >> 16) * 0x7FEB352Du;
  h = (h ^ h >> 15) * 0x846CA68Bu;
  h ^= h >> 16;
  return float(h >> 8) * 0x1p-23f - 1;
}

/// Fills one weight, the `place`th of `layer`.
void fill(Variable &variable, const Layer &layer, size_t place) {
  const Shape &shape = variable.shape;
  int64_t cells = 1, fan = 1;
  for (int64_t extent : shape)
    cells *= extent;
  bool depthwise = shape.size() > 2 && shape.back() == 1;
  for (size_t d = 0; d + (depthwise ? 2 : 1) < shape.size(); ++d)
    fan *= shape[d];
  std::string kind = variable.name.substr(variable.name.rfind('/') + 1);
  float scale = 0.1f, shift = 0;
  if (shape.size() >= 2)
    scale = float(std::sqrt(6.0 / double(fan)));
  else if (kind == "gamma" || kind == "variance" || kind == "moving_variance")
    scale = 0.25f, shift = 1;
  else if (kind == "count")
    scale = 0;
  uint32_t seed = hashed(layer.name + "/" + std::to_string(place));
  variable.data.resize(size_t(cells));
  for (int64_t i = 0; i < cells; ++i)
    variable.data[size_t(i)] = shift + draw(seed, uint32_t(i)) * scale;
}

/// Fills the weights of a layer and of those inside; collects normalizations by their names.
void fill(const LayerPtr &layer, std::map<std::string, LayerPtr> &normalizations) {
  if (layer->kind == "BatchNormalization")
    normalizations[layer->name] = layer;
  for (const LayerPtr &part : layer->parts)
    fill(part, normalizations);
  for (size_t i = 0; !layer->nested() && i < layer->weights.size(); ++i)
    fill(*layer->weights[i], *layer, i);
}

void fill(const Model &model, const Json &energies) {
  std::map<std::string, LayerPtr> normalizations;
  for (const Handle &handle : model.layers())
    fill(handle.layer, normalizations);
  ASSERT_EQ(normalizations.size(), energies.size());
  auto energy = energies.begin();
  for (auto &[name, layer] : normalizations) {
    float value = (energy++)->get<float>();
    size_t count = layer->weights.size();
    for (float &mean : layer->weights[count - 2]->data)
      mean *= std::sqrt(value);
    for (float &variance : layer->weights[count - 1]->data)
      variance *= value;
  }
}

const Json &goldens() {
  static const Json file = [] {
    std::ifstream stream(CORNET_SOURCE_DIR "/tests/keras/zoo.json");
    return Json::parse(stream);
  }();
  return file;
}

std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const Json &item : goldens()["cases"])
    out.push_back(item["model"]);
  return out;
}

const Json &golden(const std::string &name) {
  for (const Json &item : goldens()["cases"])
    if (item["model"] == name)
      return item;
  return goldens();
}

Model load(const std::string &name) {
  std::string path = CORNET_BINARY_DIR "/lib/models/" + name + ".so";
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return ADD_FAILURE() << dlerror(), Model();
  auto *make = reinterpret_cast<Model *(*)()>(dlsym(library, ("cornet_model_" + name).c_str()));
  if (!make)
    return ADD_FAILURE() << dlerror(), Model();
  return *std::unique_ptr<Model>(make());
}

/// Compiles to `path` for batch 1 and the first of the levels.
void compile(const Model &model, const std::string &path) {
  mlir::DialectRegistry registry;
  registerCompilerDialects(registry);
  mlir::MLIRContext context(registry);
  std::string problems;
  context.getDiagEngine().registerHandler([&](mlir::Diagnostic &diagnostic) {
    problems += diagnostic.str() + "\n";
    return mlir::success();
  });
  mlir::OwningOpRef<mlir::ModuleOp> module = emitModel(context, model);
  ASSERT_TRUE(module && succeeded(mlir::verify(*module))) << problems;
  CompileOptions options;
  options.selfTest = false; // the interpreter would take minutes
  options.cpus = {levels({"host"}).front()};
  if (llvm::Error error = compileToFile(*module, options, path))
    FAIL() << toString(std::move(error)) << problems;
}

void check(cornet_status *status) {
  EXPECT_EQ(status, nullptr) << cornet_status_message(status);
  cornet_status_destroy(status);
}

std::vector<float> run(cornet_program *program, unsigned threads, const std::vector<float> &image,
                       size_t classes) {
  cornet_session *session = nullptr;
  cornet_session_options options{sizeof(cornet_session_options), threads};
  check(cornet_session_create(program, &options, &session));
  std::vector<float> out(classes, NAN);
  const void *inputs[] = {image.data()};
  void *outputs[] = {out.data()};
  if (session)
    check(cornet_session_invoke(session, 0, 1, inputs, outputs));
  cornet_session_destroy(session);
  return out;
}

class Zoo : public testing::TestWithParam<std::string> {};

TEST_P(Zoo, ComputesWhatKerasDoesOnAnyNumberOfThreads) {
  const Json &want = golden(GetParam());
  Model model = load(GetParam());
  ASSERT_TRUE(model.graph);
  ASSERT_EQ(text(model.graph->mistakes), "");
  Shape shape = want["shape"].get<Shape>(), own = model.inputs[0].shape();
  ASSERT_EQ(Shape(own.begin() + 1, own.end()), shape);
  ASSERT_NO_FATAL_FAILURE(fill(model, want["energies"]));
  std::vector<float> image(size_t(shape[0] * shape[1] * shape[2]));
  for (size_t i = 0; i < image.size(); ++i) {
    float u = draw(hashed("image"), uint32_t(i));
    image[i] = want["raw"] ? (u + 1) * 127.5f : u;
  }

  std::string path = testing::TempDir() + "/zoo-" + std::to_string(getpid()) + ".cornet";
  ASSERT_NO_FATAL_FAILURE(compile(model, path));
  cornet_program *program = nullptr;
  check(cornet_program_open(path.c_str(), &program));
  fs::remove(path);
  ASSERT_TRUE(program);
  size_t classes = want["classes"], step = goldens()["step"];
  std::vector<float> got = run(program, 1, image, classes);
  for (unsigned threads : {2, 3, 7})
    EXPECT_EQ(run(program, threads, image, classes), got) << threads << " threads";
  cornet_program_destroy(program);

  EXPECT_EQ(std::max_element(got.begin(), got.end()) - got.begin(), want["best"].get<int>());
  auto near = [&](size_t index, float value) {
    EXPECT_NEAR(got[index], value, 1e-4 * value) << "output " << index;
  };
  near(want["best"], want["best_value"]);
  for (size_t i = 0; i < want["values"].size(); ++i)
    near(i * step, want["values"][i]);
}

INSTANTIATE_TEST_SUITE_P(Models, Zoo, testing::ValuesIn(names()),
                         [](const auto &info) { return info.param; });

/// A model that no program trains is compared above.
TEST(Zoo, HasGoldensOfEveryModelThatIsNotTrained) {
  std::vector<std::string> known = names();
  const std::regex definition("^CORNET_MODEL\\(([a-z0-9_]+)\\)");
  for (const auto &folder : fs::directory_iterator(CORNET_SOURCE_DIR "/models")) {
    std::ifstream source(folder.path() / "model.cpp");
    if (fs::exists(folder.path() / "train.cpp"))
      continue;
    std::string line;
    std::smatch match;
    while (std::getline(source, line))
      if (std::regex_search(line, match, definition))
        EXPECT_EQ(std::count(known.begin(), known.end(), match[1].str()), 1)
            << match[1] << ": run tests/keras/generate_zoo.py " << match[1];
  }
}

} // namespace
} // namespace cornet::test
