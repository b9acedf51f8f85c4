// SPDX-License-Identifier: Apache-2.0
//
// Every network of models/ trains to the same bits on any number of threads: what it predicts, the
// losses of two steps and every variable after them (weights, optimizer's slots, statistics of
// batch normalizations). Networks of keras.applications are made at the smallest size they have,
// since the steps are cut into the same tiles at any.
//
// For other sizes: CORNET_ZOO_SIZE is the height and width of images, "own" being the network's;
// CORNET_ZOO_BATCH is the rows of a batch.
#include "models/autoencoder/autoencoder.h"
#include "models/gan/gan.h"
#include "tests/Levels.h"

#include <cornet/cornet.h>
#include <cornet/training.h>
#include <cornet_runtime.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <dlfcn.h>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>
#include <regex>
#include <unistd.h>

namespace cornet::test {
namespace {

namespace fs = std::filesystem;

std::string setting(const char *name, const std::string &otherwise) {
  const char *given = std::getenv(name);
  return given ? given : otherwise;
}

/// The whole number, at least 1, that a setting's `text` is.
int64_t number(const char *name, const std::string &text) {
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1)
    throw std::runtime_error(std::string(name) + " is '" + text + "'; give a positive number");
  return value;
}

int64_t batchSize() { return number("CORNET_ZOO_BATCH", setting("CORNET_ZOO_BATCH", "2")); }

/// A file that is gone at the end of the test.
struct TemporaryFile {
  explicit TemporaryFile(const std::string &name)
      : path(testing::TempDir() + "/training-" + std::to_string(getpid()) + name) {}
  ~TemporaryFile() { fs::remove(path); }
  std::string path;
};

/// The names of all CORNET_MODELs, of a family (a folder's models, which share their code and most
/// of their kernels) the first, or the others.
std::vector<std::string> networks(bool first) {
  const std::regex definition("^CORNET_MODEL\\(([a-z0-9_]+)\\)");
  std::vector<std::string> names;
  for (const auto &folder : fs::directory_iterator(CORNET_SOURCE_DIR "/models")) {
    std::ifstream source(folder.path() / "model.cpp");
    std::string line;
    std::smatch match;
    for (bool isFirst = true; std::getline(source, line);)
      if (std::regex_search(line, match, definition)) {
        if (isFirst == first)
          names.push_back(match[1]);
        isFirst = false;
      }
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// The network, made for images of `size`; 0: of its own.
Model load(const std::string &name, int64_t size) {
  std::string path = CORNET_BINARY_DIR "/lib/models/" + name + ".so";
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    throw std::runtime_error(dlerror());
  auto *make = reinterpret_cast<Model *(*)()>(dlsym(library, ("cornet_model_" + name).c_str()));
  if (!make)
    throw std::runtime_error(dlerror());
  if (!size)
    return *std::unique_ptr<Model>(make());
  InputShape shape({size, size, 3});
  return *std::unique_ptr<Model>(make());
}

Model loadAtTestSize(const std::string &name) {
  Model model = load(name, 0);
  const Shape shape = model.inputs[0].shape();
  if (shape.size() != 4 || shape[3] != 3)
    return model;                                                            // small enough
  int64_t least = name == "inceptionv3" ? 75 : name == "xception" ? 71 : 32; // as in Keras
  std::string size = setting("CORNET_ZOO_SIZE", std::to_string(least));
  return size == "own" ? model : load(name, number("CORNET_ZOO_SIZE", size));
}

/// Parts of what was computed, by name.
using Facts = std::vector<std::pair<std::string, std::vector<char>>>;

/// What a session answers, in parts that are compared.
class Run {
public:
  Run(const rt::Program &program, unsigned threads)
      : program(program), session(program, threads), batch(uint64_t(batchSize())) {}

  /// Two steps, between predictions.
  Facts train() {
    size_t step = program.entry("train_step");
    call("reset_metrics", 1, {});
    for (int i = 0; i < 2; ++i) {
      std::vector<std::vector<char>> inputs;
      for (size_t k = 0; k < program.inputCount(step); ++k)
        inputs.push_back(draw(program.input(k, step), unsigned(i)));
      std::string when = " before step " + std::to_string(i);
      call("predict", batch, {inputs[0]}, "prediction" + when);
      call("train_step", batch, inputs);
      call("read_metrics", 1, {}, "metrics" + when);
      call("evaluate_step", batch, inputs);
    }
    call("read_metrics", 1, {}, "metrics at last");
    for (size_t i = 0; i < cornet_program_variable_count(program.get()); ++i) {
      cornet_variable_spec spec{};
      rt::check(cornet_program_variable(program.get(), i, &spec));
      auto *cells = static_cast<const char *>(cornet_session_variable(session.get(), i));
      facts.emplace_back(spec.name, std::vector<char>(cells, cells + spec.bytes));
    }
    return std::move(facts);
  }

private:
  /// Reals in [-1, 1), or classes of the network.
  std::vector<char> draw(const rt::TensorSpec &spec, unsigned seed) {
    std::mt19937 bits(seed);
    std::vector<char> out(spec.rowBytes() * batch);
    size_t classes = program.output(0, program.entry("predict")).rowElements();
    for (size_t at = 0; at < out.size(); at += 4)
      if (spec.dtype == CORNET_I32)
        put(out, at, int32_t(bits() % classes));
      else
        put(out, at, float(bits() >> 8) * 0x1p-23f - 1);
    return out;
  }
  template <class T> static void put(std::vector<char> &cells, size_t at, T value) {
    std::memcpy(&cells[at], &value, sizeof value);
  }

  /// `what`: under which its outputs are kept.
  void call(const std::string &name, uint64_t rows, const std::vector<std::vector<char>> &inputs,
            const std::string &what = "") {
    size_t entry = program.entry(name);
    std::vector<const void *> from;
    for (const std::vector<char> &input : inputs)
      from.push_back(input.data());
    std::vector<std::vector<char>> results;
    std::vector<void *> to;
    for (size_t i = 0; i < program.outputCount(entry); ++i)
      results.emplace_back(program.output(i, entry).rowBytes() * rows);
    for (std::vector<char> &result : results)
      to.push_back(result.data());
    session.invoke(rows, from.data(), to.data(), entry);
    for (size_t i = 0; i < results.size(); ++i)
      facts.emplace_back(what + ", " + program.output(i, entry).name, std::move(results[i]));
  }

  const rt::Program &program;
  rt::Session session;
  uint64_t batch;
  Facts facts;
};

std::vector<float> cellsOf(const std::vector<char> &bytes) {
  std::vector<float> cells(bytes.size() / 4);
  std::memcpy(cells.data(), bytes.data(), cells.size() * 4);
  return cells;
}

/// Numbers throughout, and every kernel has moved: else nothing would have been tested. What is
/// added before a normalization has no gradient.
void expectTraining(const Facts &facts, const Model &model) {
  for (const auto &[name, bytes] : facts) {
    std::vector<float> cells = cellsOf(bytes);
    EXPECT_TRUE(std::all_of(cells.begin(), cells.end(), [](float v) { return std::isfinite(v); }))
        << name;
    for (const VariablePtr &variable : model.trainable_variables())
      if (variable->name == name && variable->shape.size() > 1)
        EXPECT_TRUE(cells != variable->value()) << name << " has not moved";
  }
}

void expectSame(const Facts &got, const Facts &want, const std::string &who) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i) {
    ASSERT_EQ(got[i].first, want[i].first);
    EXPECT_TRUE(got[i].second == want[i].second) << who << ": " << got[i].first << " differs";
  }
}

/// Trains the artifact of `trainer` on 1, 2, 3 and 7 threads.
void trainOnThreads(Trainer &trainer) {
  TemporaryFile file(".cornet");
  trainer.saveArtifact(file.path, {batchSize()});
  rt::Program program(file.path);
  Facts first = Run(program, 1).train();
  expectTraining(first, trainer.model);
  for (unsigned threads : {2, 3, 7})
    expectSame(Run(program, threads).train(), first, std::to_string(threads) + " threads");
}

class Threads : public testing::TestWithParam<std::string> {};

TEST_P(Threads, OfTheZoo) {
  set_random_seed(1);
  Model model = loadAtTestSize(GetParam());
  Trainer trainer(model);
  trainer.compile({.optimizer = Adam(),
                   .loss = "sparse_categorical_crossentropy",
                   .metrics = {"accuracy"},
                   .threads = 2,
                   .cpus = levels({"host"})});
  trainer.expect({{"i32", {}}});
  trainOnThreads(trainer);
}

auto nameOf = [](const auto &info) { return info.param; };
INSTANTIATE_TEST_SUITE_P(First, Threads, testing::ValuesIn(networks(true)), nameOf);
INSTANTIATE_TEST_SUITE_P(Further, Threads, testing::ValuesIn(networks(false)), nameOf);

TEST(ThreadsOf, TheAutoencoder) {
  set_random_seed(1);
  Trainer trainer(models::autoencoder().whole);
  trainer.compile({.optimizer = Adam(), .loss = "mse", .cpus = levels({"host"})});
  trainer.expect({{"f32", {8, 8, 1}}});
  trainOnThreads(trainer);
}

/// A step of one's own has no evaluation, so that there is no artifact: it is called by fit().
std::string stateOfGan(unsigned threads) {
  set_random_seed(1);
  models::Gan gan(models::discriminator(), models::generator());
  gan.compile({.optimizer = Adam(), .threads = threads});
  data::Array x(data::DType::F32, {2 * batchSize(), 8, 8, 1});
  std::mt19937 bits(1);
  for (float &cell : x.data<float>())
    cell = float(bits() >> 8) * 0x1p-24f;
  History history = gan.fit(x, {}, {.batch_size = batchSize(), .epochs = 1, .verbose = 0});
  for (const auto &[name, values] : history.history)
    EXPECT_TRUE(std::isfinite(values.at(0))) << name;
  TemporaryFile file(".state");
  gan.saveState(file.path); // the losses, too
  std::ifstream stream(file.path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

TEST(ThreadsOf, TheGan) {
  std::string first = stateOfGan(1);
  EXPECT_GT(first.size(), 3 * 4 * 128 * 128);
  for (unsigned threads : {2, 3, 7})
    EXPECT_TRUE(stateOfGan(threads) == first) << threads << " threads";
}

} // namespace
} // namespace cornet::test
