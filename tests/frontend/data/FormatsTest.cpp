// SPDX-License-Identifier: Apache-2.0
// IDX and CIFAR files: those of other programs are understood, damaged ones are refused with the
// byte, and no truncation passes unnoticed.
#include "tests/frontend/data/Support.h"

#include <zlib.h>

using namespace datatest;
using testing::HasSubstr;

namespace {

class Formats : public Data {
protected:
  std::string gzipped(const std::string &name, const std::string &bytes) const {
    gzFile file = gzopen(at(name).c_str(), "wb");
    EXPECT_EQ(gzwrite(file, bytes.data(), unsigned(bytes.size())), int(bytes.size()));
    gzclose(file);
    return at(name);
  }
};

Array named(const NamedArrays &arrays, const std::string &name) {
  for (const auto &[each, array] : arrays)
    if (each == name)
      return array;
  ADD_FAILURE() << "no array " << name;
  return {};
}

TEST_F(Formats, IdxReadsMnistsFilesGzipped) {
  NamedArrays expected = readNpz(fixture("digits.npz"));
  Dataset digits =
      idxDataset(fixture("digits-images-idx3-ubyte.gz"), fixture("digits-labels-idx1-ubyte.gz"));
  EXPECT_EQ(digits.cardinality(), 60);
  Batch all = collect(digits);
  EXPECT_EQ(all.x[0], named(expected, "images"));
  EXPECT_EQ(all.y[0], named(expected, "labels"));
  EXPECT_EQ(all.x[0].shape, (std::vector<int64_t>{60, 8, 8}));
}

TEST_F(Formats, IdxTurnsBigEndianNumbers) {
  EXPECT_EQ(readIdx(fixture("floats.idx")), readNpy(fixture("floats.npy")));
}

TEST_F(Formats, IdxNamesTheByteThatIsWrong) {
  std::string good = readFile(fixture("floats.idx")); // 12 bytes of header, 24 of elements
  auto with = [&](size_t byte, char value) {
    std::string changed = good;
    changed[byte] = value;
    return holding("x.idx", changed);
  };
  EXPECT_THAT(message([&] { readIdx(with(0, 1)); }), HasSubstr("x.idx: byte 0: is not an IDX"));
  EXPECT_THAT(message([&] { readIdx(with(2, 7)); }), HasSubstr("byte 2: element type 0x07"));
  EXPECT_THAT(message([&] { readIdx(with(4, 0x7f)); }),
              HasSubstr("byte 36: the file ends early: shape (2130706434, 3) of f32 needs"));
  std::string huge = {0, 0, 8, 3};
  huge += std::string(12, char(0x7f));
  EXPECT_THAT(message([&] { readIdx(holding("x.idx", huge)); }),
              HasSubstr("byte 4: an array of shape (2139062143, 2139062143, 2139062143) is "
                        "impossible"));
  EXPECT_THAT(message([&] { readIdx(holding("x.idx", good.substr(0, 30))); }),
              HasSubstr("byte 30: the file ends early: shape (2, 3) of f32 needs 24 bytes behind "
                        "the header, 18 are there"));
  EXPECT_THAT(message([&] { readIdx(holding("x.idx", good.substr(0, 9))); }),
              HasSubstr("the header ends early"));
  EXPECT_THAT(message([&] { readIdx(holding("x.idx", good + "z")); }),
              HasSubstr("byte 36: there are bytes behind the 24"));
  EXPECT_THAT(message([&] { readIdx(at("absent.idx")); }), HasSubstr("absent.idx: cannot be read"));
  EXPECT_THAT(message([&] { idxDataset(fixture("floats.idx"), fixture("floats.idx")); }),
              HasSubstr("does not fit images"));
}

TEST_F(Formats, DamagedGzipIsRefused) {
  std::string packed = readFile(gzipped("x.gz", readFile(fixture("floats.idx"))));
  EXPECT_EQ(readIdx(at("x.gz")), readNpy(fixture("floats.npy")));
  EXPECT_THAT(message([&] { readIdx(holding("cut.gz", packed.substr(0, packed.size() - 4))); }),
              HasSubstr("cut.gz: byte "));
  std::string changed = packed;
  changed[packed.size() - 6] ^= 1; // of the checksum
  EXPECT_THAT(message([&] { readIdx(holding("bad.gz", changed)); }), HasSubstr("bad.gz: byte "));
}

TEST_F(Formats, NoTruncationOfAnIdxPassesUnnoticed) {
  std::string good = readFile(fixture("floats.idx"));
  std::string packed = readFile(fixture("digits-labels-idx1-ubyte.gz"));
  for (size_t length = 0; length < good.size(); ++length)
    EXPECT_NE(message([&] { readIdx(holding("x.idx", good.substr(0, length))); }), "(no error)");
  for (size_t length = 0; length < packed.size(); ++length)
    EXPECT_NE(message([&] { readIdx(holding("x.gz", packed.substr(0, length))); }), "(no error)");
  for (size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = char(changed[i] ^ 0x55);
    message([&] { readIdx(holding("x.idx", changed)); }); // read or refused, nothing else
  }
}

TEST_F(Formats, CifarReadsBothKinds) {
  NamedArrays expected = readNpz(fixture("cifar.npz"));
  Dataset ten = cifarDataset({fixture("cifar10.bin"), fixture("cifar10.bin")});
  EXPECT_EQ(ten.cardinality(), 4);
  Batch all = collect(ten);
  EXPECT_EQ(all.x[0].slice(2, 4), named(expected, "cifar10_images"));
  EXPECT_EQ(all.y[0].slice(0, 2), named(expected, "cifar10_labels").reshaped({2}));
  Array labels = named(expected, "cifar100_labels");
  for (bool coarse : {true, false}) {
    Batch batch =
        collect(cifarDataset({fixture("cifar100.bin")}, {.classes = 100, .coarse_labels = coarse}));
    EXPECT_EQ(batch.x[0], named(expected, "cifar100_images"));
    for (int64_t i = 0; i < 2; ++i)
      EXPECT_EQ(batch.y[0].at(i), labels.at(2 * i + !coarse));
  }
}

TEST_F(Formats, CifarNamesTheByteThatIsWrong) {
  std::string good = readFile(fixture("cifar10.bin"));
  EXPECT_THAT(message([&] { cifarDataset({holding("x.bin", good.substr(0, 3100))}); }),
              HasSubstr("x.bin: byte 3073: the last record has 27 bytes, not 3073"));
  std::string changed = good;
  changed[3073] = 11;
  Dataset bad = cifarDataset({holding("y.bin", changed)});
  EXPECT_THAT(message([&] { collect(bad); }), HasSubstr("y.bin: byte 3073: label 11 is not below"));
  std::filesystem::resize_file(at("y.bin"), 3074); // behind the dataset's back
  EXPECT_THAT(message([&] { collect(bad); }), HasSubstr("y.bin: byte 3073: the last record has 1"));
  EXPECT_THAT(message([&] { cifarDataset({fixture("cifar100.bin")}); }),
              HasSubstr("is it the binary version of CIFAR-10?"));
  EXPECT_THAT(message([&] { cifarDataset({at("none.bin")}); }), HasSubstr("none.bin: cannot be"));
  EXPECT_THAT(message([&] { cifarDataset({}, {.classes = 20}); }), HasSubstr("10 or 100"));
}

TEST_F(Formats, TextLinesStreamFileAfterFile) {
  std::string one = holding("one.txt", "first\r\n\nthird"), two = gzipped("two.txt.gz", "fourth\n");
  std::vector<std::string> lines;
  for (Example &example : TextLineDataset({one, holding("empty.txt", ""), two}))
    lines.emplace_back(example.x[0].text());
  EXPECT_THAT(lines, testing::ElementsAre("first", "", "third", "fourth"));
  EXPECT_THAT(message([&] { collect(TextLineDataset({at("none.txt")})); }),
              HasSubstr("none.txt: cannot be read"));
  std::string endless((size_t(64) << 20) + 1, 'x');
  EXPECT_THAT(
      message([&] { collect(TextLineDataset({holding("long.txt", "a\n" + endless)}).skip(1)); }),
      HasSubstr("long.txt:2: the line is longer than 67108864 bytes"));
}

} // namespace
