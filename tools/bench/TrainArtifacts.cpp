// SPDX-License-Identifier: Apache-2.0
//
// The networks that tools/bench/train_peers.py compares training on: compiles each with its whole
// training step to DIR/NAME.cornet, or times fit() on random rows.
//
//     train_artifacts DIR [NAME...]                              all of them by default
//     train_artifacts --fit NAME ROWS EPOCHS THREADS             one JSON object on stdout
//     train_artifacts --policy mixed_bfloat16 ...                the same, of layers with that
//     dtype policy
//
// Layers' names, batch sizes, optimizers and losses are those of train_peers.py: change both.
#include "models/digits/model.cpp"

#include <cornet/training.h>

#include <chrono>
#include <cstdio>
#include <functional>
#include <random>

namespace {

using data::Array;
using Clock = std::chrono::steady_clock;

double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Model mlp() {
  return Sequential({784}, {Dense({.units = 128, .activation = "relu", .name = "hidden"}),
                            Dense({.units = 10, .activation = "softmax", .name = "scores"})});
}

Model cnn() {
  return Sequential(
      {28, 28, 1},
      {Conv2D({.filters = 32, .kernel_size = 3, .activation = "relu", .name = "conv1"}),
       MaxPooling2D(),
       Conv2D({.filters = 64, .kernel_size = 3, .activation = "relu", .name = "conv2"}),
       MaxPooling2D(), Flatten(), Dense({.units = 10, .activation = "softmax", .name = "scores"})});
}

Tensor convolution(const Tensor &x, int64_t filters, int64_t window, int64_t stride,
                   const std::string &name) {
  Tensor y = Conv2D({.filters = filters,
                     .kernel_size = window,
                     .strides = stride,
                     .padding = "same",
                     .use_bias = false,
                     .name = name})(x);
  return BatchNormalization({.name = name + "_bn"})(y);
}

/// Two convolutions and the way around them, with a 1 x 1 convolution where the shape changes.
Tensor basicBlock(const Tensor &x, int64_t filters, int64_t stride, const std::string &name) {
  Tensor y = ReLU()(convolution(x, filters, 3, stride, name + "_a"));
  y = convolution(y, filters, 3, 1, name + "_b");
  bool changes = stride != 1 || x.shape().back() != filters;
  return ReLU()(Add()({y, changes ? convolution(x, filters, 1, stride, name + "_way") : x}));
}

/// ResNet-18 as for CIFAR: a 3 x 3 stem, no pooling after it.
Model resnet18() {
  Recording recording;
  Tensor image = Input({32, 32, 3});
  Tensor x = ReLU()(convolution(image, 64, 3, 1, "stem"));
  for (int stage = 0; stage < 4; ++stage)
    for (int block = 0; block < 2; ++block)
      x = basicBlock(x, int64_t(64) << stage, stage > 0 && block == 0 ? 2 : 1,
                     "s" + std::to_string(stage) + "b" + std::to_string(block));
  x = Dense({.units = 10, .activation = "softmax", .name = "scores"})(GlobalAveragePooling2D()(x));
  return Functional({image}, {x});
}

struct Network {
  std::string name;
  std::function<Model()> make;
  int64_t batch;
  std::function<OptimizerArgument()> optimizer;
};

const std::vector<Network> &networks() {
  auto adam = [] { return OptimizerArgument(Adam()); };
  auto momentum = [] { return OptimizerArgument(SGD({.learning_rate = 0.01, .momentum = 0.9})); };
  static const std::vector<Network> all{{"mlp", mlp, 32, adam},
                                        {"digits", cornet_define_digits, 32, adam},
                                        {"cnn", cnn, 128, adam},
                                        {"resnet18", resnet18, 32, momentum}};
  return all;
}

const Network &networkNamed(const std::string &name) {
  std::string known;
  for (const Network &network : networks()) {
    if (network.name == name)
      return network;
    known += (known.empty() ? "" : ", ") + network.name;
  }
  throw std::runtime_error("unknown network '" + name + "'; known: " + known);
}

std::pair<Array, Array> randomRows(const Model &model, int64_t rows) {
  std::mt19937 engine(7);
  std::normal_distribution<float> normal;
  Shape shape = model.inputs[0].shape();
  shape[0] = rows;
  Array x(data::DType::F32, shape), y(data::DType::I32, {rows});
  for (float &cell : x.data<float>())
    cell = normal(engine);
  for (int32_t &label : y.data<int32_t>())
    label = int32_t(engine() % 10);
  return {x, y};
}

std::unique_ptr<Trainer> compiled(const Network &network, unsigned threads) {
  auto trainer = std::make_unique<Trainer>(network.make());
  trainer->compile({.optimizer = network.optimizer(),
                    .loss = "sparse_categorical_crossentropy",
                    .threads = threads});
  return trainer;
}

void writeArtifact(const Network &network, const std::string &folder) {
  std::unique_ptr<Trainer> trainer = compiled(network, 1);
  auto [x, y] = randomRows(trainer->model, network.batch);
  trainer->test_on_batch({{x}, {y}}); // tells the targets' type and moves no weight
  trainer->reset_metrics();
  std::string path = folder + "/" + network.name + ".cornet";
  Clock::time_point start = Clock::now();
  trainer->saveArtifact(path, {network.batch});
  std::printf("%s: batch %ld, compiled in %.1f s\n", path.c_str(), long(network.batch),
              secondsSince(start));
  std::fflush(stdout);
}

void timeFit(const Network &network, int64_t rows, int epochs, unsigned threads) {
  std::unique_ptr<Trainer> trainer = compiled(network, threads);
  auto [x, y] = randomRows(trainer->model, rows);
  std::vector<double> seconds;
  Clock::time_point start = Clock::now(), epoch = start;
  CallbackPtr clock = LambdaCallback({.on_epoch_end = [&](int, Logs &) {
    seconds.push_back(secondsSince(epoch));
    epoch = Clock::now();
  }});
  trainer->fit(x, y,
               {.batch_size = network.batch, .epochs = epochs, .verbose = 0, .callbacks = {clock}});
  std::printf("{\"total\": %.6f, \"epochs\": [", secondsSince(start));
  for (size_t i = 0; i < seconds.size(); ++i)
    std::printf("%s%.6f", i ? ", " : "", seconds[i]);
  std::printf("]}\n");
}

int run(std::vector<std::string> arguments) {
  if (arguments.size() > 2 && arguments[0] == "--policy") {
    mixed_precision::set_global_policy(arguments[1]);
    arguments.erase(arguments.begin(), arguments.begin() + 2);
  }
  if (arguments.size() == 5 && arguments[0] == "--fit") {
    timeFit(networkNamed(arguments[1]), std::stol(arguments[2]), std::stoi(arguments[3]),
            unsigned(std::stoul(arguments[4])));
    return 0;
  }
  if (arguments.empty() || arguments[0].starts_with("-")) {
    std::fputs("usage: train_artifacts [--policy POLICY] DIR [NAME...]\n"
               "       train_artifacts [--policy POLICY] --fit NAME ROWS EPOCHS THREADS\n",
               stderr);
    return 2;
  }
  std::string folder = arguments[0];
  arguments.erase(arguments.begin());
  if (arguments.empty())
    for (const Network &network : networks())
      arguments.push_back(network.name);
  for (const std::string &name : arguments)
    writeArtifact(networkNamed(name), folder);
  return 0;
}

} // namespace

int main(int argc, char **argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception &error) {
    std::fprintf(stderr, "train_artifacts: error: %s\n", error.what());
    return 1;
  }
}
