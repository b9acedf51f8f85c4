// SPDX-License-Identifier: Apache-2.0
//
// Writes a small training as an artifact: rows of 8 numbers into one of 4 classes, in batches of 4
// or 16, with dropout (whose counter is an i32 variable), Adam, and one metric. The runtime trains
// it with nothing else.
//
//     write_training FILE.cornet [ISA level, x86-64-v3 where none is given]
#include <cornet/training.h>

#include <cstdio>

using namespace cornet;

int main(int argc, char **argv) try {
  if (argc != 2 && argc != 3)
    return std::fprintf(stderr, "usage: write_training FILE.cornet [LEVEL]\n"), 2;
  set_random_seed(3);
  Trainer trainer(Sequential({8},
                             {Dense({.units = 16, .activation = "relu"}), Dropout({.rate = 0.1}),
                              Dense({.units = 4, .activation = "softmax"})},
                             "train"));
  trainer.compile({.optimizer = Adam({.learning_rate = 0.01}),
                   .loss = "sparse_categorical_crossentropy",
                   .metrics = {"accuracy"},
                   .threads = 2,
                   .cpus = {argc == 3 ? argv[2] : "x86-64-v3"}});
  // Whole programs know the types of their targets: a batch without weight shows them.
  data::Batch batch{{data::Array(data::DType::F32, {4, 8})}, {data::Array(data::DType::I32, {4})}};
  trainer.test_on_batch(batch);
  trainer.saveArtifact(argv[1], {4, 16});
} catch (const std::exception &error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
