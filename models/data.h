// SPDX-License-Identifier: Apache-2.0
//
// The data of the training programs of this folder: what models/data.py wrote, or MNIST or CIFAR-10
// files of the user's. The programs take `--data DIR` (build/data of this tree by default); those
// that read pictures take `--mnist DIR` or `--cifar DIR` instead.
//
// Errors are data::Error and name the missing file and the command that makes it; a program ends
// with `catch (const std::exception &error) { return models::fail(error); }`.
#pragma once

#include <cornet/data.h>

#include <charconv>
#include <cstdio>
#include <filesystem>

namespace models {

using cornet::data::Array;

/// Samples to learn from, and others to test on.
struct Split {
  Array x, y, x_test, y_test;
};

/// What follows `option` on the command line, or `otherwise`.
inline std::string argument(int argc, char **argv, const std::string &option,
                            const std::string &otherwise) {
  for (int i = 1; i < argc; ++i)
    if (argv[i] == option) {
      if (i + 1 == argc)
        throw cornet::data::Error(option + " needs a value after it");
      return argv[i + 1];
    }
  return otherwise;
}
inline int number(int argc, char **argv, const std::string &option, int otherwise) {
  std::string text = argument(argc, argv, option, std::to_string(otherwise));
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 0)
    throw cornet::data::Error(option + " needs a whole number, not '" + text + "'");
  return value;
}

inline std::string existing(const std::string &path, const std::string &remedy) {
  if (!std::filesystem::exists(path))
    throw cornet::data::Error(path + ": no such file; " + remedy);
  return path;
}

/// One of the sets of models/data.py.
inline Split load(const std::string &name, int argc, char **argv) {
  std::string folder = argument(argc, argv, "--data", CORNET_DATA_DIR) + "/" + name + "/";
  auto read = [&](const char *file) {
    return cornet::data::readNpy(
        existing(folder + file, "write it with `tools/setup demo && build/venv/bin/python "
                                "models/data.py`, or name the folder with --data DIR"));
  };
  return {read("x.npy"), read("y.npy"), read("x_test.npy"), read("y_test.npy")};
}

/// u8 pictures (N, H, W) or (N, H, W, C) as f32 (N, H, W, C) in 0..1.
inline Array pictures(const Array &bytes) {
  Array out = bytes.as(cornet::data::DType::F32);
  for (float &cell : out.data<float>())
    cell /= 255;
  if (out.shape.size() == 3)
    out.shape.push_back(1);
  return out;
}

/// MNIST from its four files, gzipped or not; CIFAR-10 from its binary version.
inline Split loadMnist(const std::string &folder) {
  auto read = [&](const std::string &name) {
    bool zipped = !std::filesystem::exists(folder + "/" + name);
    return cornet::data::readIdx(existing(folder + "/" + name + (zipped ? ".gz" : ""),
                                          "--mnist names a folder with MNIST's four files"));
  };
  auto labels = [&](const std::string &name) { return read(name).as(cornet::data::DType::I32); };
  return {pictures(read("train-images-idx3-ubyte")), labels("train-labels-idx1-ubyte"),
          pictures(read("t10k-images-idx3-ubyte")), labels("t10k-labels-idx1-ubyte")};
}
inline Split loadCifar(const std::string &folder) {
  auto file = [&](const std::string &name) {
    return existing(folder + "/" + name + ".bin",
                    "--cifar names a folder with CIFAR-10's binary version");
  };
  std::vector<std::string> train;
  for (char batch = '1'; batch <= '5'; ++batch)
    train.push_back(file(std::string("data_batch_") + batch));
  cornet::data::Batch known = cornet::data::collect(cornet::data::cifarDataset(train));
  cornet::data::Batch test =
      cornet::data::collect(cornet::data::cifarDataset({file("test_batch")}));
  auto labels = [](const Array &y) { return y.as(cornet::data::DType::I32); };
  return {pictures(known.x[0]), labels(known.y[0]), pictures(test.x[0]), labels(test.y[0])};
}

/// The pictures the command line names: the 8 x 8 digits unless --mnist or --cifar is given.
inline Split loadPictures(int argc, char **argv) {
  if (std::string folder = argument(argc, argv, "--mnist", ""); !folder.empty())
    return loadMnist(folder);
  if (std::string folder = argument(argc, argv, "--cifar", ""); !folder.empty())
    return loadCifar(folder);
  return load("digits", argc, argv);
}

/// Tells what went wrong; the exit code of main().
inline int fail(const std::exception &error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}

} // namespace models
