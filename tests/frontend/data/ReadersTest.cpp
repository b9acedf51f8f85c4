// SPDX-License-Identifier: Apache-2.0
// Files of arrays and pictures: what is written reads back, what NumPy wrote is understood, and
// malformed files are refused with the file's name and a reason.
#include "frontend/data/Files.h"
#include "tests/frontend/data/Support.h"

#include <cmath>
#include <cstring>

using namespace cornet::data;
using namespace datatest;
using testing::HasSubstr;

namespace {

constexpr DType allTypes[] = {DType::F32, DType::F64, DType::F16, DType::BF16, DType::Bool,
                              DType::I8,  DType::U8,  DType::I16, DType::U16,  DType::I32,
                              DType::U32, DType::I64, DType::U64};

TEST_F(Data, NpyReadsBackEveryType) {
  for (DType type : allTypes) {
    Array written = counting(type, {2, 3});
    writeNpy(at("x.npy"), written);
    Array read = readNpy(at("x.npy"));
    EXPECT_EQ(read.type, type);
    EXPECT_EQ(read.shape, written.shape);
    EXPECT_EQ(read.bytes, written.bytes) << nameOf(type);
  }
}

TEST_F(Data, NpyReadsScalarsVectorsAndEmptyArrays) {
  for (std::vector<int64_t> shape : {std::vector<int64_t>{}, {5}, {0, 3}}) {
    writeNpy(at("x.npy"), counting(DType::F32, shape));
    EXPECT_EQ(readNpy(at("x.npy")).shape, shape);
  }
}

TEST_F(Data, NpyElementsStartAtAMultipleOf64) {
  std::string bytes = formatNpy(counting(DType::F32, {7}));
  EXPECT_EQ((bytes.size() - 28) % 64, 0u);
}

TEST_F(Data, NpyRefusesWhatItCannotRead) {
  std::string good = formatNpy(counting(DType::F32, {2, 2}));
  EXPECT_THAT(message([&] { parseNpy("hello", "f"); }), HasSubstr("is not a .npy file"));
  EXPECT_THAT(message([&] { parseNpy(good.substr(0, good.size() - 1), "f"); }),
              HasSubstr("holds 15 bytes"));
  EXPECT_THAT(message([&] { parseNpy(good + "x", "f"); }), HasSubstr("holds 17 bytes"));
  auto with = [&](std::string_view from, std::string_view to) {
    std::string changed = good;
    return changed.replace(changed.find(from), from.size(), to);
  };
  EXPECT_THAT(message([&] { parseNpy(with("<f4", ">f4"), "f"); }), HasSubstr("element type '>f4'"));
  EXPECT_THAT(message([&] { parseNpy(with("False", "True "), "f"); }), HasSubstr("Fortran order"));
  EXPECT_THAT(message([&] { parseNpy(with("'descr'", "'decsr'"), "f"); }),
              HasSubstr("no readable 'descr'"));
  EXPECT_THAT(message([&] { parseNpy(with("\x01\x00", std::string_view("\x09\x00", 2)), "f"); }),
              HasSubstr("version 9"));
  EXPECT_THAT(message([&] { readNpy(at("absent.npy")); }), HasSubstr("absent.npy: cannot be read"));
}

TEST_F(Data, NpySurvivesEveryTruncationAndByteFlip) {
  std::string good = formatNpy(counting(DType::F32, {2, 2}));
  int refused = 0;
  for (size_t length = 0; length < good.size(); ++length)
    refused += message([&] { parseNpy(good.substr(0, length), "f"); }) != "(no error)";
  EXPECT_EQ(refused, int(good.size()));
  for (size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = char(changed[i] ^ 0x55);
    message([&] { parseNpy(changed, "f"); }); // read or refused with a Error, nothing else
  }
}

TEST_F(Data, NpzReadsBackInOrderAndIsReproducible) {
  NamedArrays arrays{{"left", counting(DType::F32, {2, 2})}, {"right", counting(DType::I64, {3})}};
  writeNpz(at("a.npz"), arrays);
  writeNpz(at("b.npz"), arrays);
  EXPECT_EQ(readFile(at("a.npz")), readFile(at("b.npz")));
  NamedArrays read = readNpz(at("a.npz"));
  ASSERT_EQ(read.size(), 2u);
  EXPECT_EQ(read[1].first, "right");
  EXPECT_EQ(read[1].second.bytes, arrays[1].second.bytes);
}

TEST_F(Data, NpzRefusesWhatIsNoArchive) {
  EXPECT_THAT(message([&] { readNpz(holding("x.npz", "not a zip")); }),
              HasSubstr("is not a readable .npz archive"));
}

TEST_F(Data, CsvSkipsAHeadingAndKeepsFloatsExact) {
  Array array = readCsv(holding("x.csv", "a,b\n1,2.5\r\n-3e-2; 4\n\n"));
  EXPECT_EQ(array.shape, (std::vector<int64_t>{2, 2}));
  EXPECT_FLOAT_EQ(float(array.at(2)), -0.03f);
  Array exact(DType::F32, {1, 2});
  exact.set(0, 0.1f);
  exact.set(1, 1e-30f);
  writeCsv(at("y.csv"), exact);
  EXPECT_EQ(readCsv(at("y.csv")).bytes, exact.bytes);
}

TEST_F(Data, CsvNamesTheLineThatIsWrong) {
  EXPECT_THAT(message([&] { readCsv(holding("x.csv", "1,2\n3,x\n")); }),
              HasSubstr("x.csv:2: 'x' is not a number"));
  EXPECT_THAT(message([&] { readCsv(holding("x.csv", "1,2\n3\n")); }),
              HasSubstr("x.csv:2: has 1 numbers"));
  EXPECT_THAT(message([&] { readCsv(holding("x.csv", "")); }), HasSubstr("holds no numbers"));
}

TEST_F(Data, PicturesThatAreDamagedAreRefused) {
  std::string png = redPng(6, 4);
  EXPECT_THAT(message([&] { readImage(holding("x.png", png.substr(0, png.size() / 2))); }),
              HasSubstr("PNG"));
  EXPECT_THAT(message([&] { readImage(holding("x.jpg", "\xff\xd8\xff\xe0 and no more")); }),
              HasSubstr("JPEG"));
  EXPECT_THAT(message([&] { readImage(holding("x.png", "text")); }),
              HasSubstr("neither a PNG nor a JPEG"));
}

TEST_F(Data, SixteenBitFloatsRoundToNearestEven) {
  Array half(DType::F16, {6});
  double values[] = {1.0 + std::ldexp(1, -11), 65504, 65520, 5.9604644775390625e-08, -2.5, NAN};
  for (int i = 0; i < 6; ++i)
    half.set(i, values[i]);
  EXPECT_EQ(half.at(0), 1.0);
  EXPECT_EQ(half.at(1), 65504);
  EXPECT_EQ(half.at(2), INFINITY);
  EXPECT_EQ(half.at(3), values[3]);
  EXPECT_EQ(half.at(4), -2.5);
  EXPECT_TRUE(std::isnan(half.at(5)));
}

TEST_F(Data, AFailedWriteLeavesNothingBehind) {
  std::string target = at("out.npy");
  EXPECT_EQ(message([&] {
              replaceFile(target, [](const std::string &name) {
                writeFile(name, "part");
                throw Error("no");
              });
            }),
            "no");
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

} // namespace
