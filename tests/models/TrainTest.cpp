// SPDX-License-Identifier: Apache-2.0
//
// The programs of models/*/train.cpp, run as a user runs them: each prints lines that end in a
// number, and those are held to bounds. Seeds are set, so the numbers are the same on every run of
// one machine; the bounds leave room for what another instruction set rounds differently.
#include <cornet/data.h>

#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sys/wait.h>

namespace cornet::test {
namespace {

namespace fs = std::filesystem;

struct Outcome {
  int code = -1;
  std::string text;
};

Outcome run(const std::string &program, const std::string &arguments) {
  std::string command = CORNET_BINARY_DIR "/bin/train_" + program + " " + arguments + " 2>&1";
  FILE *pipe = popen(command.c_str(), "r");
  Outcome out;
  char buffer[4096];
  while (size_t count = fread(buffer, 1, sizeof buffer, pipe))
    out.text.append(buffer, count);
  int status = pclose(pipe);
  out.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return out;
}

/// The number that follows `words` at the beginning of a line, the last such line.
double number(const std::string &text, const std::string &words) {
  size_t at = ("\n" + text).rfind("\n" + words + " ");
  if (at == std::string::npos)
    throw std::runtime_error("no line '" + words + " ...'");
  return std::stod(text.substr(at + words.size()));
}

/// A folder that is gone at the end of the test.
struct TemporaryFolder {
  fs::path path;
  TemporaryFolder() {
    std::string pattern = (fs::temp_directory_path() / "cornet-XXXXXX").string();
    path = mkdtemp(pattern.data());
  }
  ~TemporaryFolder() { fs::remove_all(path); }
};

struct Bound {
  std::string words;
  double low, high;
};
struct Case {
  std::string program, arguments;
  std::vector<Bound> bounds;
};

void PrintTo(const Case &given, std::ostream *os) { *os << given.program; }

class Train : public testing::TestWithParam<Case> {
protected:
  void SetUp() override {
    if (!fs::exists(CORNET_SOURCE_DIR "/build/data/wine/y_test.npy"))
      GTEST_SKIP() << "no data: run `tools/setup demo && build/venv/bin/python models/data.py`";
  }
};

TEST_P(Train, ReachesWhatItsReadmeStates) {
  Outcome outcome = run(GetParam().program, GetParam().arguments);
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  for (const Bound &bound : GetParam().bounds) {
    double value = number(outcome.text, bound.words);
    EXPECT_GE(value, bound.low) << bound.words;
    EXPECT_LE(value, bound.high) << bound.words;
  }
}

std::string programOf(const testing::TestParamInfo<Case> &info) { return info.param.program; }

// Convex problems: the optimum is known (scikit-learn's), and must be reached from above.
INSTANTIATE_TEST_SUITE_P(
    Quick, Train,
    testing::Values(
        Case{"linear_regression",
             "",
             {{"train mse", 2774.9, 2775.1}, {"test mse", 3278, 3280}, {"test r2", 0.447, 0.448}}},
        Case{"logistic_regression",
             "",
             {{"train loss", 0.0748, 0.0755}, {"test accuracy", 0.98, 1}, {"test auc", 0.995, 1}}},
        Case{
            "softmax_regression", "", {{"train loss", 0.0738, 0.0755}, {"test accuracy", 0.94, 1}}},
        Case{"linear_svm", "", {{"train objective", 0.0840, 0.0850}, {"test accuracy", 0.97, 1}}},
        // One rate, one number of epochs: the smaller the batch, the further it comes.
        Case{"gradient_descent",
             "",
             {{"batch mse", 20000, 25000},
              {"mini-batch mse", 3500, 5000},
              {"stochastic mse", 2770, 2950}}}),
    programOf);

INSTANTIATE_TEST_SUITE_P(Slow, Train,
                         testing::Values(Case{"kernel_svm",
                                              "",
                                              {{"linear test accuracy", 0.93, 0.975},
                                               {"fourier test accuracy", 0.975, 1},
                                               {"exact test accuracy", 0.975, 1}}},
                                         Case{"mlp", "", {{"test accuracy", 0.955, 1}}},
                                         Case{"lenet", "--epochs 10", {{"test accuracy", 0.95, 1}}},
                                         Case{"autoencoder", "", {{"test mse", 0, 0.018}}},
                                         Case{"gan",
                                              "--samples /dev/null",
                                              {{"generated distance", 0.8, 2},
                                               {"generated digits", 8, 10}}}),
                         programOf);

TEST(TrainQuick, MissingDataAreNamedWithTheCommandThatMakesThem) {
  TemporaryFolder folder;
  for (const char *program : {"mlp", "linear_svm"}) {
    Outcome outcome = run(program, "--data " + folder.path.string());
    EXPECT_EQ(outcome.code, 1);
    EXPECT_NE(outcome.text.find("/x.npy: no such file"), std::string::npos) << outcome.text;
    EXPECT_NE(outcome.text.find("models/data.py"), std::string::npos) << outcome.text;
  }
}

TEST(TrainQuick, WrongArgumentsAreNamed) {
  Outcome outcome = run("mlp", "--seed many");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.text, "error: --seed needs a whole number, not 'many'\n");
  outcome = run("mlp", "--mnist");
  EXPECT_EQ(outcome.code, 1);
  EXPECT_EQ(outcome.text, "error: --mnist needs a value after it\n");
}

/// Pictures whose class is the place of a bright bar, so that anything learns them.
std::vector<uint8_t> barred(int64_t count, int64_t side) {
  std::vector<uint8_t> cells(size_t(count * side * side));
  for (int64_t i = 0; i < count; ++i)
    for (int64_t y = 0; y < side; ++y)
      for (int64_t x = 0; x < side; ++x)
        cells[size_t((i * side + y) * side + x)] =
            y * 10 / side == i % 10 ? 255 : uint8_t((i * 7 + x * 13 + y * 5) % 40);
  return cells;
}

void writeIdx(const fs::path &path, const std::vector<int> &shape,
              const std::vector<uint8_t> &cells) {
  std::ofstream file(path, std::ios::binary);
  file << '\0' << '\0' << '\x08' << char(shape.size());
  for (int extent : shape)
    for (int shift : {24, 16, 8, 0})
      file.put(char(extent >> shift));
  file.write(reinterpret_cast<const char *>(cells.data()), std::streamsize(cells.size()));
}

TEST(TrainQuick, ReadsMnistFiles) {
  TemporaryFolder folder;
  for (auto [name, count] : {std::pair{"train", 320}, {"t10k", 100}}) {
    std::vector<uint8_t> labels;
    for (int i = 0; i < count; ++i)
      labels.push_back(uint8_t(i % 10));
    writeIdx(folder.path / (std::string(name) + "-images-idx3-ubyte"), {count, 28, 28},
             barred(count, 28));
    writeIdx(folder.path / (std::string(name) + "-labels-idx1-ubyte"), {count}, labels);
  }
  Outcome outcome = run("mlp", "--epochs 10 --mnist " + folder.path.string());
  ASSERT_EQ(outcome.code, 0) << outcome.text;
  EXPECT_GE(number(outcome.text, "test accuracy"), 0.95) << outcome.text;
  fs::remove(folder.path / "t10k-labels-idx1-ubyte");
  outcome = run("lenet", "--mnist " + folder.path.string());
  EXPECT_EQ(outcome.code, 1);
  EXPECT_NE(outcome.text.find("t10k-labels-idx1-ubyte"), std::string::npos) << outcome.text;
}

TEST(TrainSlow, ReadsCifarFiles) {
  TemporaryFolder folder;
  for (std::string name : {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4",
                           "data_batch_5", "test_batch"}) {
    std::ofstream file(folder.path / (name + ".bin"), std::ios::binary);
    std::vector<uint8_t> pictures = barred(60, 32);
    for (size_t i = 0; i < 60; ++i) {
      file.put(char(i % 10));
      for (int channel = 0; channel < 3; ++channel)
        file.write(reinterpret_cast<const char *>(&pictures[i * 1024]), 1024);
    }
  }
  for (const char *program : {"mlp", "lenet"}) {
    Outcome outcome = run(program, "--epochs 20 --cifar " + folder.path.string());
    ASSERT_EQ(outcome.code, 0) << outcome.text;
    EXPECT_GE(number(outcome.text, "test accuracy"), 0.95) << outcome.text;
  }
}

} // namespace
} // namespace cornet::test
