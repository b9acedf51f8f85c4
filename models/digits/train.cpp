// SPDX-License-Identifier: Apache-2.0
//
// Trains the network of model.cpp from five seeds on the digits that data.py writes, tells how well
// each reads digits that training never saw, and keeps the weights of the last.
//
//     train_digits FOLDER [EPOCHS]
//
// FOLDER holds train_x.npy, train_y.npy, x.npy and y.npy, and gets digits.weights.h5.
#include "model.cpp"

#include <cornet/saving.h>
#include <cornet/training.h>

#include <cstdio>
#include <exception>

int main(int count, char **words) try {
  if (count < 2)
    return std::fprintf(stderr, "usage: train_digits FOLDER [EPOCHS]\n"), 2;
  std::string folder = std::string(words[1]) + "/";
  int epochs = count > 2 ? std::atoi(words[2]) : 20;
  data::Array x = data::readNpy(folder + "train_x.npy"), y = data::readNpy(folder + "train_y.npy");
  data::Array heldX = data::readNpy(folder + "x.npy"), heldY = data::readNpy(folder + "y.npy");
  double sum = 0;
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    set_random_seed(seed);
    Recording recording;
    Trainer trainer(cornet_define_digits());
    trainer.compile({.optimizer = Adam({.learning_rate = 3e-3}),
                     .loss = "sparse_categorical_crossentropy",
                     .metrics = {"accuracy"}});
    trainer.fit(x, y, {.batch_size = 64, .epochs = epochs, .verbose = seed == 1 ? -1 : 0});
    double accuracy = trainer.evaluate(heldX, heldY).at("accuracy");
    std::printf("seed %d: %.4f\n", int(seed), accuracy), std::fflush(stdout);
    sum += accuracy;
    if (seed == 5)
      saveWeights(trainer.model, folder + "digits.weights.h5");
  }
  std::printf("mean accuracy %.4f\n", sum / 5);
} catch (const std::exception &error) {
  return std::fprintf(stderr, "train_digits: error: %s\n", error.what()), 1;
}
