// SPDX-License-Identifier: Apache-2.0
// A folder per class. The files are listed once; pictures are decoded and texts read when their
// turn comes. Sub-folders and files are in sorted order on every machine; shuffling and splitting
// start from that order and the seed.
#include "frontend/data/Files.h"
#include "frontend/data/Pipeline.h"
#include "frontend/data/Stream.h"

#include <cornet/data/directory.h>

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace cornet::data {
namespace {

namespace fs = std::filesystem;

using Options = TextDirectoryOptions; // those that images have too

struct Listing {
  std::vector<std::string> classes;
  std::vector<std::pair<std::string, int64_t>> files; ///< path, class
};

/// All files below `folder` that `accepts` takes, by folder and name.
std::vector<std::string> filesBelow(const std::string &folder,
                                    const std::function<bool(const std::string &)> &accepts) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (it->path().filename().string().starts_with('.')) {
      it.disable_recursion_pending();
      continue;
    }
    std::error_code ignored;
    if (it->is_regular_file(ignored) && accepts(it->path().string()))
      found.push_back(it->path());
  }
  if (error)
    throw Error(fmt::format("{}: cannot be read: {}", folder, error.message()));
  std::sort(found.begin(), found.end(), [](const fs::path &a, const fs::path &b) {
    fs::path left = a.parent_path(), right = b.parent_path();
    return left != right ? left < right : a.filename() < b.filename();
  });
  return {found.begin(), found.end()};
}

std::vector<std::string> classesIn(const std::string &directory, const Options &options) {
  std::vector<std::string> found;
  std::error_code error;
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error)) {
    std::error_code ignored;
    if (it->is_directory(ignored) && !it->path().filename().string().starts_with('.'))
      found.push_back(it->path().filename().string());
  }
  if (error)
    throw Error(fmt::format("{}: cannot be read: {}", directory, error.message()));
  std::sort(found.begin(), found.end());
  for (const std::string &name : options.class_names)
    if (!std::binary_search(found.begin(), found.end(), name))
      throw Error(fmt::format("{}: class_names has '{}', which is no sub-folder; those are {}",
                              directory, name, fmt::join(found, ", ")));
  return options.class_names.empty() ? found : options.class_names;
}

void check(const std::string &caller, const std::string &directory, const Options &options,
           size_t classes) {
  auto oneOf = [&](const char *name, const std::string &value,
                   std::initializer_list<const char *> known) {
    if (std::find(known.begin(), known.end(), value) == known.end())
      throw Error(fmt::format("{}: {} is '{}'; use one of {}", caller, name, value,
                              fmt::join(known, ", ")));
  };
  oneOf("labels", options.labels, {"inferred", "none"});
  oneOf("label_mode", options.label_mode, {"int", "categorical", "binary"});
  oneOf("subset", options.subset, {"", "training", "validation"});
  if (!(options.validation_split >= 0 && options.validation_split < 1))
    throw Error(fmt::format("{}: validation_split is {}; it must be at least 0 and below 1", caller,
                            options.validation_split));
  if ((options.validation_split > 0) != !options.subset.empty())
    throw Error(fmt::format("{}: validation_split and subset (\"training\" or \"validation\") go "
                            "together",
                            caller));
  if (options.label_mode == "binary" && options.labels != "none" && classes != 2)
    throw Error(fmt::format("{}: {}: label_mode \"binary\" needs 2 classes, found {}", caller,
                            directory, classes));
}

Listing list(const std::string &caller, const std::string &directory, const Options &options,
             const std::function<bool(const std::string &)> &accepts) {
  Listing listing;
  bool labelled = options.labels != "none";
  if (labelled)
    listing.classes = classesIn(directory, options);
  check(caller, directory, options, listing.classes.size());
  if (!labelled)
    for (std::string &file : filesBelow(directory, accepts))
      listing.files.emplace_back(std::move(file), 0);
  for (size_t i = 0; i < listing.classes.size(); ++i)
    for (std::string &file :
         filesBelow((fs::path(directory) / listing.classes[i]).string(), accepts))
      listing.files.emplace_back(std::move(file), int64_t(i));
  if (listing.files.empty())
    throw Error(fmt::format("{}: no files of the kind wanted in {}{}", caller, directory,
                            labelled ? "/CLASS/" : ""));
  // Without shuffling a split would take whole classes; with it, both subsets see the same order.
  if (options.shuffle)
    Random::of(options.seed, 0).shuffle(listing.files);
  auto kept = int64_t(options.validation_split * double(listing.files.size()));
  auto border = listing.files.end() - kept;
  if (options.subset == "training")
    listing.files.erase(border, listing.files.end());
  else if (options.subset == "validation")
    listing.files.erase(listing.files.begin(), border);
  if (listing.files.empty())
    throw Error(fmt::format("{}: {}: the {} subset is empty", caller, directory, options.subset));
  return listing;
}

Array labelOf(int64_t number, size_t classes, const std::string &mode) {
  if (mode == "int")
    return Array::scalar(int32_t(number));
  if (mode == "binary")
    return Array::of<float>({1}, {float(number)});
  Array label(DType::F32, {int64_t(classes)});
  label.set(number, 1);
  return label;
}

/// The paths as texts, with their labels, in the order of each pass.
DirectoryDataset paths(Listing listing, const Options &options) {
  DirectoryDataset result{indexedDataset(0, nullptr), listing.classes, {}};
  for (const auto &[file, number] : listing.files)
    result.file_paths.push_back(file);
  size_t count = listing.files.size();
  auto shared = std::make_shared<const Listing>(std::move(listing));
  std::string mode = options.labels == "none" ? "" : options.label_mode;
  result.dataset = indexedDataset(int64_t(count), [shared, mode](int64_t i, Example &example) {
    const auto &[file, number] = shared->files[size_t(i)];
    example = {};
    example.x.push_back(Array::text(file));
    if (!mode.empty())
      example.y.push_back(labelOf(number, shared->classes.size(), mode));
  });
  if (options.shuffle)
    result.dataset = result.dataset.shuffle(count, options.seed);
  return result;
}

bool isPicture(const std::string &path) {
  std::string ending = extensionOf(path);
  for (const char *other : {".bmp", ".gif", ".webp", ".tif", ".tiff"})
    if (ending == other)
      throw Error(
          fmt::format("{}: {} images cannot be read; convert them to PNG or JPEG", path, ending));
  return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
}

std::string beginning(const std::string &path, int64_t most) {
  if (most == 0)
    return readFile(path);
  Stream stream(path);
  std::string text;
  for (int byte; int64_t(text.size()) < most && (byte = stream.get()) >= 0;)
    text += char(byte);
  return text;
}

} // namespace

DirectoryDataset image_dataset_from_directory(const std::string &directory,
                                              ImageDirectoryOptions options) {
  const char *caller = "image_dataset_from_directory";
  int channels = options.color_mode == "rgb"         ? 3
                 : options.color_mode == "grayscale" ? 1
                 : options.color_mode == "rgba"      ? 4
                                                     : 0;
  if (channels == 0)
    throw Error(fmt::format("{}: color_mode is '{}'; use one of rgb, grayscale, rgba", caller,
                            options.color_mode));
  auto [height, width] = options.image_size;
  if (height <= 0 || width <= 0 || height > 1 << 20 || width > 1 << 20)
    throw Error(fmt::format("{}: image_size is ({}, {}); both must be between 1 and 1048576",
                            caller, height, width));
  Options common{options.labels, options.label_mode,       options.class_names, options.shuffle,
                 options.seed,   options.validation_split, options.subset};
  DirectoryDataset result = paths(list(caller, directory, common, isPicture), common);
  auto decode = [channels, height = height, width = width](Example example) {
    Array image = readImage(std::string(example.x[0].text()), channels);
    bool fits = image.shape[0] == height && image.shape[1] == width;
    example.x[0] = fits ? image.as(DType::F32) : resizeImage(image, height, width);
    return example;
  };
  result.dataset = result.dataset.map(decode, options.parallel_calls);
  if (options.batch_size > 0)
    result.dataset = result.dataset.batch(options.batch_size);
  result.dataset = result.dataset.prefetch(1);
  return result;
}

DirectoryDataset text_dataset_from_directory(const std::string &directory,
                                             TextDirectoryOptions options) {
  const char *caller = "text_dataset_from_directory";
  if (options.max_length < 0)
    throw Error(fmt::format("{}: max_length must not be negative", caller));
  DirectoryDataset result =
      paths(list(caller, directory, options,
                 [](const std::string &path) { return extensionOf(path) == ".txt"; }),
            options);
  result.dataset = result.dataset.map([most = options.max_length](Example example) {
    example.x[0] = Array::text(beginning(std::string(example.x[0].text()), most));
    return example;
  });
  return result;
}

} // namespace cornet::data
