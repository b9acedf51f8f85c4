// SPDX-License-Identifier: Apache-2.0
// Folders of pictures and texts: what Pillow wrote is decoded and resized as Keras does, classes
// are sorted, splits are disjoint, and a damaged file is named.
#include "tests/frontend/data/Support.h"

#include <algorithm>
#include <cornet/data/directory.h>
#include <cornet/data/vocabulary.h>
#include <map>
#include <set>
#include <zlib.h>

using namespace datatest;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

class Directory : public Data {};

std::string relative(const std::string &path) {
  return std::filesystem::relative(path, fixture("pictures")).string();
}

double difference(const Array &a, const Array &b) {
  EXPECT_EQ(shapeText(a.shape), shapeText(b.shape));
  double most = 0;
  for (int64_t i = 0; i < std::min(a.count(), b.count()); ++i)
    most = std::max(most, std::fabs(a.at(i) - b.at(i)));
  return most;
}

TEST_F(Directory, PicturesOfEveryKindAreDecodedAsPillowDoes) {
  for (const auto &[name, expected] : readNpz(fixture("pictures.npz")))
    if (!name.ends_with("@5x7")) {
      bool jpeg = name.find(".jp") != name.npos; // decoders may differ by one
      EXPECT_LE(difference(readImage(fixture("pictures/" + name), 3), expected), jpeg) << name;
    }
  EXPECT_EQ(readImage(fixture("pictures/cat/grey.png")).shape, (std::vector<int64_t>{8, 6, 1}));
  Array alpha = readImage(fixture("pictures/dog/alpha.png"), 4);
  EXPECT_EQ(alpha.shape, (std::vector<int64_t>{8, 8, 4}));
  EXPECT_EQ(alpha.at(4 * 9 + 3), (25 + 17 + 210) % 256);
  EXPECT_EQ(readImage(fixture("pictures/cat/rgb.png"), 4).at(3), 255);
}

TEST_F(Directory, ImagesAreResizedAndLabelled) {
  std::map<std::string, Array> expected;
  for (auto &[name, array] : readNpz(fixture("pictures.npz")))
    expected[name] = array;
  DirectoryDataset images = image_dataset_from_directory(
      fixture("pictures"), {.batch_size = 4, .image_size = {5, 7}, .shuffle = false});
  EXPECT_THAT(images.class_names, ElementsAre("cat", "dog"));
  EXPECT_EQ(images.dataset.cardinality(), 2);
  Batch all = collect(images.dataset.unbatch());
  ASSERT_EQ(images.file_paths.size(), 6u);
  EXPECT_EQ(relative(images.file_paths[0]), "cat/grey.png");
  EXPECT_EQ(relative(images.file_paths[2]), "cat/deep/photo.jpg");
  EXPECT_EQ(all.y[0], Array::of<int32_t>({6}, {0, 0, 0, 1, 1, 1}));
  EXPECT_EQ(all.x[0].shape, (std::vector<int64_t>{6, 5, 7, 3}));
  for (int64_t i = 0; i < 6; ++i) {
    Array image = all.x[0].slice(i, i + 1).reshaped({5, 7, 3});
    std::string name = relative(images.file_paths[size_t(i)]);
    EXPECT_LE(difference(image, expected[name + "@5x7"]), 1.01) << name;
    if (name.ends_with(".png"))
      EXPECT_LE(difference(image, expected[name + "@5x7"]), 2e-4) << name;
  }
}

TEST_F(Directory, LabelsAndColoursHaveTheirModes) {
  auto first = [&](ImageDirectoryOptions options) {
    options.shuffle = false, options.batch_size = 0, options.image_size = {8, 8};
    Example example;
    EXPECT_TRUE(image_dataset_from_directory(fixture("pictures"), options)
                    .dataset.skip(3)
                    .iterator()
                    ->next(example));
    return example;
  };
  EXPECT_EQ(first({.label_mode = "categorical"}).y[0], Array::of<float>({2}, {0, 1}));
  EXPECT_EQ(first({.label_mode = "binary"}).y[0], Array::of<float>({1}, {1}));
  EXPECT_TRUE(first({.labels = "none"}).y.empty());
  EXPECT_EQ(first({.class_names = {"dog", "cat"}}).y[0], Array::scalar(int32_t(1)));
  EXPECT_EQ(first({.color_mode = "grayscale"}).x[0].shape, (std::vector<int64_t>{8, 8, 1}));
  EXPECT_EQ(first({.color_mode = "rgba"}).x[0].shape, (std::vector<int64_t>{8, 8, 4}));
}

TEST_F(Directory, SplitsAreDisjointAndOrdersAreOfTheSeed) {
  auto subset = [&](const char *name, size_t threads = 4) {
    return image_dataset_from_directory(fixture("pictures"), {.image_size = {4, 4},
                                                              .seed = 5,
                                                              .validation_split = 0.34,
                                                              .subset = name,
                                                              .parallel_calls = threads});
  };
  DirectoryDataset training = subset("training"), validation = subset("validation");
  std::set<std::string> all(training.file_paths.begin(), training.file_paths.end());
  EXPECT_EQ(training.file_paths.size(), 4u);
  all.insert(validation.file_paths.begin(), validation.file_paths.end());
  EXPECT_EQ(all.size(), 6u);
  Batch one = collect(subset("training", 1).dataset), four = collect(training.dataset);
  EXPECT_EQ(one.x, four.x);
  EXPECT_EQ(one.y, four.y);
  EXPECT_NE(collect(training.dataset).x, four.x); // the next pass
}

TEST_F(Directory, MistakesAreTold) {
  std::string pictures = fixture("pictures");
  auto refusal = [&](ImageDirectoryOptions options) {
    return message([&] { image_dataset_from_directory(pictures, options); });
  };
  EXPECT_THAT(refusal({.label_mode = "onehot"}),
              HasSubstr("label_mode is 'onehot'; use one of int"));
  EXPECT_THAT(refusal({.color_mode = "bgr"}), HasSubstr("color_mode is 'bgr'"));
  EXPECT_THAT(refusal({.class_names = {"cow"}}),
              HasSubstr("'cow', which is no sub-folder; those are "
                        "cat, dog"));
  EXPECT_THAT(refusal({.validation_split = 0.5}), HasSubstr("go together"));
  EXPECT_THAT(refusal({.validation_split = 1.5, .subset = "training"}), HasSubstr("below 1"));
  EXPECT_THAT(refusal({.image_size = {0, 4}}), HasSubstr("image_size is (0, 4)"));
  EXPECT_THAT(refusal({.label_mode = "binary", .class_names = {"cat"}}),
              HasSubstr("needs 2 classes"));
  pictures = at("nothing");
  EXPECT_THAT(refusal({}), HasSubstr("nothing: cannot be read"));
  pictures = folder.path().string();
  EXPECT_THAT(refusal({}), HasSubstr("no files of the kind wanted"));
  holding("a/x.gif", "GIF89a");
  EXPECT_THAT(refusal({}), HasSubstr("x.gif: .gif images cannot be read; convert them"));
}

TEST_F(Directory, ADamagedPictureIsNamed) {
  std::string png = redPng(6, 4);
  holding("a/good.png", png);
  holding("a/torn.png", png.substr(0, png.size() / 2));
  Dataset images = image_dataset_from_directory(folder.path().string(), {.shuffle = false});
  EXPECT_THAT(message([&] { collect(images); }), testing::ContainsRegex("a/torn.png: is .* PNG"));
  std::string jpeg = readFile(fixture("pictures/cat/deep/photo.jpg"));
  for (size_t length = 0; length < jpeg.size(); length += 7)
    EXPECT_NE(message([&] { readImage(holding("x.jpg", jpeg.substr(0, length))); }), "(no error)");
  std::string palette = readFile(fixture("pictures/dog/palette.png"));
  std::string large = palette;
  large[17] = 0x04; // of the width, at byte 16; the header's checksum must fit
  auto sum = uint32_t(crc32(0, reinterpret_cast<const Bytef *>(large.data()) + 12, 17));
  for (size_t i = 0; i < 4; ++i)
    large[29 + i] = char(sum >> (24 - 8 * i));
  EXPECT_THAT(message([&] { readImage(holding("x.png", large), 3); }),
              HasSubstr("claims 262152x8 pixels in"));
  for (size_t i = 0; i < palette.size(); ++i) {
    std::string changed = palette;
    changed[i] = char(changed[i] ^ 0x55);
    message([&] { readImage(holding("x.png", changed), 3); }); // read or refused, nothing else
  }
}

TEST_F(Directory, TextsComeWithTheirClasses) {
  holding("pos/1.txt", "A good film, good!");
  holding("pos/.hidden.txt", "not seen");
  holding("neg/1.txt", "a bad film.");
  holding("neg/notes.md", "not seen");
  DirectoryDataset texts = text_dataset_from_directory(folder.path().string(), {.shuffle = false});
  EXPECT_THAT(texts.class_names, ElementsAre("neg", "pos"));
  TextVectorization words({.output_sequence_length = 5});
  words.adapt(texts);
  EXPECT_THAT(words.vocabulary().tokens(), ElementsAre("", "[UNK]", "good", "film", "a", "bad"));
  Batch all = collect(texts.dataset.map(words));
  EXPECT_EQ(all.x[0], Array::of<int32_t>({2, 5}, {4, 5, 3, 0, 0, 4, 2, 3, 2, 0}));
  EXPECT_EQ(all.y[0], Array::of<int32_t>({2}, {0, 1}));
  EXPECT_EQ(collect(texts.dataset.take(1)).x[0].text(), "a bad film.");
  Dataset beginnings = text_dataset_from_directory(folder.path().string(), {.max_length = 3});
  EXPECT_EQ(collect(beginnings).x[0].shape, (std::vector<int64_t>{2, 3}));
}

} // namespace
