// SPDX-License-Identifier: Apache-2.0
//
// Writes the logs of a training of known numbers with TensorBoard(), for read_tensorboard.py to
// read: three epochs of four steps, validation, every second batch, histograms of every epoch.
#include "tests/frontend/callbacks/FakeTraining.h"

#include <cmath>

using namespace cornet;

namespace {

class Training : public test::FakeTraining {
public:
  int epoch = 0;

  double learningRate() override { return 0.1 / (epoch + 1); }
  std::vector<NamedWeights> weights() override {
    std::vector<float> kernel;
    for (int i = 0; i < 1000; ++i)
      kernel.push_back(float(i % 100) * 0.25f - float(epoch));
    return {{"block/dense/kernel", {10, 100}, kernel}, {"block/dense/bias", {3}, {2, 2, 2}}};
  }
  std::vector<GraphNode> graph() override {
    return {{"input", "Input", {}, {-1, 10}},
            {"block/dense/kernel", "Variable", {}, {10, 100}},
            {"block/dense/matmul", "cornet.matmul", {"input", "block/dense/kernel"}, {-1, 100}}};
  }
};

} // namespace

int main(int count, char **arguments) {
  if (count != 2) {
    std::cerr << "usage: write_tensorboard FOLDER\n";
    return 2;
  }
  Training training;
  CallbackList list({TensorBoard({.log_dir = arguments[1],
                                  .histogram_freq = 1,
                                  .write_steps_per_second = true,
                                  .update_freq = 2})},
                    &training, {.epochs = 3, .steps = 4, .verbose = 0});
  list.on_train_begin();
  for (int epoch = 0; epoch < 3; ++epoch) {
    training.epoch = epoch;
    list.on_epoch_begin(epoch);
    for (int64_t batch = 0; batch < 4; ++batch) {
      list.on_train_batch_begin(batch);
      ++training.steps;
      list.on_train_batch_end(batch, {{"loss", 1.0 / double(training.steps)}});
    }
    list.on_test_begin();
    list.on_test_batch_begin(0), list.on_test_batch_end(0, {{"loss", 7}});
    list.on_test_end({{"loss", 2.0 + epoch}});
    list.on_epoch_end(epoch, {{"loss", 1.0 / (epoch + 1)},
                              {"accuracy", epoch == 2 ? NAN : 0.5},
                              {"val_loss", 2.0 + epoch}});
  }
  list.on_train_end();
}
