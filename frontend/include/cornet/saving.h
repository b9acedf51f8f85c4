// SPDX-License-Identifier: Apache-2.0
//
// Models and weights in Keras 3's files, both ways: what is saved here Keras loads, and what Keras
// saved is loaded here. Link cornet_export.
//
//     save(model, "net.keras");                          // keras.models.load_model("net.keras")
//     saveWeights(model, "net.weights.h5");              // model.load_weights("net.weights.h5")
//     loadWeights(model, "resnet50.keras", {.by_name = true, .only = {"conv*"}});
//
// A file appears under its name only when it is whole and on disk. Functions of one model must not
// run on two threads at once.
#pragma once

#include <cornet/model.h>

#include <stdexcept>

namespace cornet {

/// What cannot be saved or loaded, a line for each problem: which file, which layer or dataset,
/// what to do.
struct SavingError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct SaveOptions {
  /// The optimizer's variables in Keras's order: iterations, learning rate, then the slots variable
  /// by variable. Written as optimizer/vars/0, 1, ...
  std::vector<VariablePtr> optimizer{};
};

/// Writes `model` as a .keras file, as Keras 3.15 writes it: configuration and weights.
/// Throws SavingError when `path` does not end in .keras or cannot be written, when the model has
/// mistakes, and when it holds what Keras has no name for: layers of the user's own classes, and
/// ops outside layers other than the common ones. Then saveWeights() still works.
void save(const Model &model, const std::string &path, const SaveOptions &options = {});

/// Writes the weights as a .weights.h5 file, which load_weights() of the same Keras model takes:
/// each layer's at layers/<class>_<n>/vars/<i>, numbered in the order in which Keras lists layers.
/// A class of the user's own is <class> in snake case; layers inside it go by their names.
/// Throws SavingError.
void saveWeights(const Model &model, const std::string &path, const SaveOptions &options = {});

struct LoadOptions {
  /// Layers find their weights by name, "block/dense" inside models; else by place, as Keras does.
  /// Layers that the file does not name keep their weights. A name inside a model of the file also
  /// serves a layer outside one and the other way round, where there is only one such name.
  bool by_name = false;
  /// A weight of another shape is left as it is, and so is one that the file lacks.
  bool skip_mismatch = false;
  /// Layers to load, all if empty: patterns of names with * and ?; that of a model or of a layer is
  /// for everything in it.
  std::vector<std::string> only{};
  /// Variables that take optimizer/vars/0, 1, ...
  std::vector<VariablePtr> optimizer{};
};

/// What loadWeights() did, by names of layers ("block/dense"), each in one of the first three
/// lists.
struct LoadReport {
  std::vector<std::string> loaded;
  std::vector<std::string> missing;    ///< the file has no or not all weights for them
  std::vector<std::string> mismatched; ///< skipped because of a shape
  std::vector<std::string> unused;     ///< layers of the file that nothing took
};

/// Gives the model weights from `path`: .weights.h5 or .keras of Keras 3, or legacy .h5 with or
/// without a model in it. A legacy file goes by the order of layers that have weights, or by_name.
/// Throws SavingError when the file is unreadable, and when a weight is missing or of another shape
/// and the options do not allow it; then no weight has changed.
LoadReport loadWeights(const Model &model, const std::string &path,
                       const LoadOptions &options = {});

} // namespace cornet
