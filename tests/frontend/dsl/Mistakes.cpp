// SPDX-License-Identifier: Apache-2.0
//
// Programs that are wrong: each mistake is told at its own line, with the layer's name and what to
// do, and all of a program's are told together.
#include <cornet/cornet.h>

#include <gtest/gtest.h>

namespace cornet {
namespace {

struct Wrong {
  const char *what;          ///< the case's name
  Model (*build)(int &line); ///< builds it and tells the line of the mistake
  const char *layer, *says;
};

// The mistake and its line number stand on one line.
// clang-format off
const Wrong programs[] = {
    {"rank", [](int &line) { Tensor x = Input({10}); line = __LINE__; return Functional({x}, {Conv2D({.filters = 4, .kernel_size = 3, .name = "conv"})(x)}); }, "conv", "input has 2 dimensions, expected 4 (N, H, W, C)"},
    {"activation", [](int &line) { Tensor x = Input({10}); line = __LINE__; return Functional({x}, {Dense({.units = 4, .activation = "rellu", .name = "fc"})(x)}); }, "fc", "unknown activation 'rellu'; known: "},
    {"units", [](int &line) { Tensor x = Input({10}); line = __LINE__; return Functional({x}, {Dense({.name = "fc"})(x)}); }, "fc", "units must be positive"},
    {"padding", [](int &line) { Tensor x = Input({8, 8, 1}); line = __LINE__; return Functional({x}, {Conv2D({.filters = 4, .padding = "full", .name = "c"})(x)}); }, "c", "padding is 'full'; use \"valid\" or \"same\""},
    {"window", [](int &line) { Tensor x = Input({4, 4, 1}); line = __LINE__; return Functional({x}, {MaxPooling2D({.pool_size = 7, .name = "pool"})(x)}); }, "pool", "a window of 7 does not fit 4 cells"},
    {"sum", [](int &line) { Recording r; Tensor x = Input({4}), y = Input({5}); line = __LINE__; return Functional({x, y}, {Add({.name = "sum"})({x, y})}); }, "sum", "do not broadcast"},
    {"reshape", [](int &line) { Tensor x = Input({12}); line = __LINE__; return Functional({x}, {Reshape({.target_shape = {5, 2}, .name = "r"})(x)}); }, "r", "has 12 elements"},
    {"groups", [](int &line) { Tensor x = Input({8, 8, 6}); line = __LINE__; return Functional({x}, {Conv2D({.filters = 8, .groups = 4, .name = "g"})(x)}); }, "g", "groups"},
    {"normalization groups", [](int &line) { Tensor x = Input({8, 6}); line = __LINE__; return Functional({x}, {GroupNormalization({.groups = 4, .name = "g"})(x)}); }, "g", "6 channels do not divide into 4 groups"},
    {"two models", [](int &line) { Tensor x = Input({4}), y = Input({4}); line = __LINE__; return Functional({x}, {Add({.name = "sum"})({x, y})}); }, "sum", "mixes tensors of two models"},
    {"concat", [](int &line) { Recording r; Tensor x = Input({4, 2}), y = Input({3, 3}); line = __LINE__; return Functional({x, y}, {Concatenate({.axis = 2, .name = "cat"})({x, y})}); }, "cat", "must agree outside axis"},
    {"crop", [](int &line) { Tensor x = Input({4, 4, 1}); line = __LINE__; return Functional({x}, {Cropping2D({.top_bottom = {2, 2}, .name = "crop"})(x)}); }, "crop", "cropping leaves nothing of 4 cells"},
    {"axis", [](int &line) { Tensor x = Input({4}); line = __LINE__; return Functional({x}, {Softmax({.axis = 3, .name = "s"})(x)}); }, "s", "axis 3 is not a dimension"},
    {"embedding", [](int &line) { Tensor x = Input({4}); line = __LINE__; return Functional({x}, {Embedding({.input_dim = 9, .output_dim = 2, .name = "e"})(x)}); }, "e", "indices must be i32"},
    {"equation", [](int &line) { Tensor x = Input({4}); line = __LINE__; return Functional({x}, {EinsumDense({.equation = "ab", .name = "e"})(x)}); }, "e", "is not of the form"},
    {"name", [](int &line) { Tensor x = Input({4}); Tensor y = Dense({.units = 4, .name = "twin"})(x); line = __LINE__; return Functional({x}, {Dense({.units = 4, .name = "twin"})(y)}); }, "twin", "another layer has this name"},
    {"initializer", [](int &line) { Tensor x = Input({4}); line = __LINE__; return Functional({x}, {Dense({.units = 4, .kernel_initializer = "magic", .name = "fc"})(x)}); }, "fc", "unknown initializer 'magic'; known: "},
    {"no cells", [](int &line) { line = __LINE__; Tensor x = Input({0}); return Functional({x}, {Activation({.activation = "relu", .name = "a"})(x)}); }, "", "has an extent of 0"},
    {"weight over the batch", [](int &line) { Tensor x = Input({4}); line = __LINE__; return Functional({x}, {BatchNormalization({.axis = 0, .name = "bn"})(x)}); }, "bn", "'bn/gamma' would have the shape (?)"},
    {"no multiplier", [](int &line) { Tensor x = Input({8, 8, 2}); line = __LINE__; return Functional({x}, {DepthwiseConv2D({.depth_multiplier = 0, .name = "d"})(x)}); }, "d", "weights need positive extents"},
    {"statistics", [](int &line) { Tensor x = Input({8}); line = __LINE__; return Functional({x}, {Normalization({.mean = {1, 2, 3}, .variance = {1, 1, 1}, .name = "n"})(x)}); }, "n", "3 numbers for 8 cells"},
    {"normalization axis", [](int &line) { Tensor x = Input({8}); line = __LINE__; return Functional({x}, {Normalization({.axis = {9}, .name = "n"})(x)}); }, "n", "axis is no dimension"},
    {"layer scale", [](int &line) { Tensor x = Input({8}); line = __LINE__; return Functional({x}, {LayerScale({.projection_dim = 4, .name = "s"})(x)}); }, "s", "projection_dim is 4, but the input has 8 channels"},
    {"no layer scale", [](int &line) { Tensor x = Input({8}); line = __LINE__; return Functional({x}, {LayerScale({.name = "s"})(x)}); }, "s", "projection_dim must be positive"},
    {"scales", [](int &line) { Tensor x = Input({8}); line = __LINE__; return Functional({x}, {Rescaling({.scale = {1, 2}, .name = "r"})(x)}); }, "r", "scale has 2 numbers, but the input has 8 channels"},
    {"dot", [](int &line) { Recording r; Tensor x = Input({4}), y = Input({5}); line = __LINE__; return Functional({x, y}, {Dot({.axes = {1}, .name = "d"})({x, y})}); }, "d", "contracts 4 with 5"},
};
// clang-format on

class Mistake : public testing::TestWithParam<Wrong> {};

TEST_P(Mistake, IsToldWhereItIs) {
  int line = 0;
  Model model = GetParam().build(line);
  const auto &mistakes = model.graph->mistakes;
  ASSERT_EQ(mistakes.size(), 1u) << text(mistakes);
  EXPECT_EQ(mistakes[0].line, line);
  EXPECT_TRUE(mistakes[0].file.ends_with("Mistakes.cpp")) << mistakes[0].file;
  EXPECT_EQ(mistakes[0].layer, GetParam().layer);
  EXPECT_NE(mistakes[0].message.find(GetParam().says), std::string::npos) << mistakes[0].message;
}

INSTANTIATE_TEST_SUITE_P(All, Mistake, testing::ValuesIn(programs),
                         [](const testing::TestParamInfo<Wrong> &info) {
                           std::string name = info.param.what;
                           for (char &letter : name)
                             letter = letter == ' ' ? '_' : letter;
                           return name;
                         });

TEST(Mistakes, OfAStackAreToldAtTheirLayers) {
  int first = __LINE__ + 2;
  Model model = Sequential({8, 8, 1}, {
                                          Conv2D({.filters = 4, .kernel_size = 9}),
                                          Flatten(),
                                          Dense({.units = -1}),
                                      });
  ASSERT_EQ(model.graph->mistakes.size(), 2u) << text(model.graph->mistakes);
  EXPECT_EQ(model.graph->mistakes[0].line, first);
  EXPECT_EQ(model.graph->mistakes[1].line, first + 2);
}

TEST(Mistakes, NothingWhereATensorShouldBe) {
  Recording recording;
  Tensor none, x = Input({4});
  Model model = Functional({x}, {Add()(std::vector<Tensor>{}), Dense({.units = 3})(none)});
  std::string all = text(model.graph->mistakes);
  EXPECT_NE(all.find("Add is called on no tensor"), std::string::npos) << all;
  EXPECT_NE(all.find("Dense is called on no tensor"), std::string::npos) << all;
  EXPECT_NE(
      text((x + none).graph->mistakes).find("add is given a tensor that no Input() or op made"),
      std::string::npos);
  EXPECT_NE(text(Functional({}, {x}).graph->mistakes).find("at least one input"),
            std::string::npos);
  EXPECT_NE(text(Functional({x}, {none}).graph->mistakes).find("made by Input()"),
            std::string::npos);
}

TEST(Mistakes, ExceptionsOfTheDefinition) {
  std::unique_ptr<Model> model(
      defineModel("sudden", []() -> Model { throw std::runtime_error("no such size"); }));
  EXPECT_NE(text(model->graph->mistakes).find("'sudden' threw: no such size"), std::string::npos);
}

TEST(Mistakes, AllAtOnce) {
  Tensor x = Input({8, 8, 1});
  Tensor a = Conv2D({.filters = 4, .kernel_size = 9, .name = "big"})(x);
  Tensor b = Dense({.units = 0, .name = "none"})(x);
  Tensor c = Activation({.activation = "wobble", .name = "odd"})(x);
  // After a mistake shapes are not known, and only what the options alone show is told.
  Tensor d = Dense({.units = 3, .name = "after"})(a),
         e = Conv2D({.padding = "full", .name = "two"})(d);
  Model model = Functional({x}, {a, b, c, e});
  std::string all = text(model.graph->mistakes);
  EXPECT_EQ(model.graph->mistakes.size(), 5u) << all;
  for (const char *layer : {"error: 'big': ", "error: 'none': ", "error: 'odd': ",
                            "error: 'two': filters", "error: 'two': padding"})
    EXPECT_NE(all.find(layer), std::string::npos) << all;
}

} // namespace
} // namespace cornet
