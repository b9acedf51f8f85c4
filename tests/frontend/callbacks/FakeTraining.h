// SPDX-License-Identifier: Apache-2.0
//
// A training that only remembers, for callbacks to watch: its one weight is a number, its files
// hold text. And streams that are caught, folders that are gone afterwards.
#pragma once

#include <cornet/callbacks.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <unistd.h>

namespace cornet::test {

class FakeTraining : public TrainingControl {
public:
  float weight = -1, average = 100;
  double rate = 0.1f;
  bool schedule = false;
  int64_t steps = 0; ///< the optimizer's
  int saves = 0;
  std::map<std::string, std::string> directions = {{"accuracy", "up"}, {"error", "down"}};
  int pieces = 0; ///< that a state is written in, with a pause after each

  double learningRate() override { return rate; }
  void setLearningRate(double value) override {
    if (schedule)
      throw std::runtime_error("a schedule rules the learning rate");
    rate = float(value);
  }
  int64_t iterations() override { return steps; }
  std::vector<NamedWeights> weights() override { return {{"dense/kernel", {1}, {weight}}}; }
  void setWeights(const std::vector<NamedWeights> &values) override {
    weight = values.at(0).values.at(0);
  }
  void save(const std::string &path) override { write(path, "model " + std::to_string(saves++)); }
  void saveWeights(const std::string &path) override {
    write(path, "weights " + std::to_string(saves++));
  }
  void saveState(const std::string &path) override {
    std::ofstream file(path);
    file << steps << ' ' << std::flush;
    for (int piece = 0; piece < pieces; ++piece) {
      usleep(100);
      file << '.' << std::flush;
    }
    file << "end";
  }
  bool loadState(const std::string &path) override {
    std::ifstream file(path);
    if (!file)
      return false;
    int64_t found;
    std::string rest;
    if (!(file >> found >> rest) || !rest.ends_with("end"))
      throw std::runtime_error("the state is not whole");
    steps = found;
    return true;
  }
  void swapEmaWeights() override { std::swap(weight, average); }
  std::string metricDirection(const std::string &name) override {
    auto found = directions.find(name);
    return found == directions.end() ? "" : found->second;
  }
  std::vector<GraphNode> graph() override { return {{"input", "Input", {}, {-1, 4}}}; }

private:
  static void write(const std::string &path, const std::string &text) {
    if (!(std::ofstream(path) << text << std::flush))
      throw std::runtime_error("cannot write '" + path + "'");
  }
};

/// What goes to a stream while this lives.
class Caught {
public:
  explicit Caught(std::ostream &stream) : stream(stream), before(stream.rdbuf(buffer.rdbuf())) {}
  ~Caught() { stream.rdbuf(before); }
  std::string text() const { return buffer.str(); }

private:
  std::ostream &stream;
  std::ostringstream buffer;
  std::streambuf *before;
};

/// A folder that is gone afterwards.
class Folder {
public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "cornet-XXXXXX").string();
    if (!mkdtemp(name.data()))
      throw std::runtime_error("no temporary folder");
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string operator/(const std::string &name) const { return (path / name).string(); }
  std::vector<std::string> files() const {
    std::vector<std::string> out;
    for (const auto &entry : std::filesystem::recursive_directory_iterator(path))
      if (entry.is_regular_file())
        out.push_back(std::filesystem::relative(entry.path(), path).string());
    std::sort(out.begin(), out.end());
    return out;
  }

  std::filesystem::path path;
};

inline std::string contents(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

} // namespace cornet::test
