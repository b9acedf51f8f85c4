// SPDX-License-Identifier: Apache-2.0
#include "Labels.h"
#include "Errors.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace cornet::cli {
namespace {

Array readOne(const std::string &path) {
  std::string extension = extensionOf(path);
  if (extension == ".npy")
    return readNpy(path);
  if (extension == ".csv" || extension == ".txt" || extension == ".tsv")
    return readCsv(path);
  throw UserError(fmt::format("{}: labels are .npy, .npz, .csv, .txt or .tsv", path));
}

/// An archive's arrays, to the names that they have; an only one, to the only name.
void readArchive(const std::string &path, const std::vector<std::string> &names,
                 std::vector<Array> &out) {
  NamedArrays arrays = readNpz(path);
  std::string held;
  for (auto &[name, array] : arrays) {
    held += (held.empty() ? "" : ", ") + name;
    auto found = std::find(names.begin(), names.end(), name);
    if (names.size() == 1 && (arrays.size() == 1 || name == "y"))
      found = names.begin();
    if (found != names.end())
      out[size_t(found - names.begin())] = std::move(array);
  }
  for (size_t i = 0; i < names.size(); ++i)
    if (out[i].absent())
      throw UserError(fmt::format("{}: has no array '{}' for the labels{}; it has: {}", path,
                                  names[i], names.size() == 1 ? " and no 'y'" : "", held));
}

bool isClasses(const std::string &loss, const Array &labels, const LabelledOutput &output) {
  std::string name = loss;
  std::transform(name.begin(), name.end(), name.begin(),
                 [](unsigned char letter) { return char(std::tolower(letter)); });
  if (name.find("sparse") != name.npos)
    return true;
  bool chooses = name == "ce" || name == "crossentropy";
  return chooses && lossFor({"", output.shape, "softmax"}, labels).starts_with("sparse");
}

int64_t product(const std::vector<int64_t> &shape, size_t from, size_t to) {
  int64_t total = 1;
  for (size_t i = from; i < to; ++i)
    total *= shape[i];
  return total;
}

} // namespace

std::vector<Array> readLabels(const std::vector<std::string> &files,
                              const std::vector<std::string> &names) {
  std::vector<Array> out(names.size());
  size_t next = 0;
  for (const std::string &file : files) {
    size_t equals = file.find('=');
    auto named = equals == file.npos
                     ? names.end()
                     : std::find(names.begin(), names.end(), file.substr(0, equals));
    if (named != names.end())
      out[size_t(named - names.begin())] = readOne(file.substr(equals + 1));
    else if (extensionOf(file) == ".npz")
      readArchive(file, names, out);
    else if (next < names.size())
      out[next++] = readOne(file);
    else
      throw UserError(fmt::format("{}: {} files of labels for {} outputs: {}", file, files.size(),
                                  names.size(), fmt::join(names, ", ")));
  }
  for (size_t i = 0; i < names.size(); ++i)
    if (out[i].absent())
      throw UserError(fmt::format("no labels for '{0}'; give --labels {0}=FILE", names[i]));
  for (size_t i = 0; i < names.size(); ++i)
    if (out[i].shape.empty())
      throw UserError(
          fmt::format("the labels of '{}' are one number; give one for each sample", names[i]));
  return out;
}

std::string lossFor(const LabelledOutput &output, const Array &labels) {
  if (output.activation == "sigmoid")
    return "binary_crossentropy";
  if (output.activation != "softmax")
    return "mean_squared_error";
  int64_t classes = output.shape.back();
  bool oneHot =
      labels.shape.size() == output.shape.size() && labels.shape.back() == classes && classes > 1;
  return oneHot ? "categorical_crossentropy" : "sparse_categorical_crossentropy";
}

Array labelsFor(const Array &labels, const LabelledOutput &output, const std::string &loss,
                int64_t rows, const std::string &where) {
  bool sparse = isClasses(loss, labels, output);
  std::vector<int64_t> wanted(output.shape.begin(), output.shape.end() - sparse);
  wanted[0] = rows;
  if (labels.shape[0] != rows)
    throw UserError(fmt::format("{}: {} labels for {} samples", where, labels.shape[0], rows));
  if (labels.count() != product(wanted, 0, wanted.size()))
    throw UserError(fmt::format("{}: labels of shape {} for output '{}' of shape ({}) and loss {}; "
                                "expected {}. Another --loss may suit",
                                where, shapeText(labels.shape), output.name,
                                fmt::join(output.shape, ", "), loss, shapeText(wanted)));
  if (!sparse)
    return labels.as(DType::F32).reshaped(wanted);
  int64_t classes = output.shape.back();
  for (int64_t i = 0, end = labels.count(); i < end; ++i)
    if (double label = labels.at(i);
        !(label >= 0 && label < double(classes)) || label != std::floor(label))
      throw UserError(fmt::format("{}: label {} of sample {} is not a class number from 0 to {}",
                                  where, label, i * rows / end, classes - 1));
  return labels.as(DType::I32).reshaped(wanted);
}

} // namespace cornet::cli
