// SPDX-License-Identifier: Apache-2.0
//
// Ops whose operands are all computed, as in a training step: what a forward pass and its gradients
// ask of the kernels. Each case is tested small and timed large. As a module a case has batch 1 and
// one flat input for each operand, so that no operand is a constant.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cornet::computed {

using Shape = std::vector<int64_t>;

struct Size {
  std::vector<Shape> operands;
  Shape result;
  double multiplications = 0; ///< of a contraction, those on padding included
};

struct Case {
  std::string name, op, attributes;
  Size small, large; ///< no large operands: not timed
};

inline int64_t cells(const Shape &shape) {
  int64_t out = 1;
  for (int64_t extent : shape)
    out *= extent;
  return out;
}

inline std::string tensor(const Shape &shape, const char *type = "f32") {
  std::string out = "tensor<";
  for (int64_t extent : shape)
    out += std::to_string(extent) + "x";
  return out + type + ">";
}

inline std::string array(const Shape &values) {
  std::string out = "array<i64";
  for (size_t i = 0; i < values.size(); ++i)
    out += (i ? ", " : ": ") + std::to_string(values[i]);
  return out + ">";
}

/// `op` on `size`, as the text of a bound module.
inline std::string moduleOf(const Case &it, const Size &size) {
  std::string arguments, body, names, types;
  for (size_t i = 0; i < size.operands.size(); ++i) {
    const Shape &shape = size.operands[i];
    std::string n = std::to_string(i), flat = tensor({1, cells(shape)});
    arguments += (i ? ", %a" : "%a") + n + ": " + flat;
    names += (i ? ", %x" : "%x") + n, types += (i ? ", " : "") + tensor(shape);
    body += "%x" + n + " = cornet.reshape %a" + n + " {shape = " + array(shape) + "} : (" + flat +
            ") -> " + tensor(shape) + "\n";
  }
  std::string out = tensor(size.result), flat = tensor({1, cells(size.result)});
  return "func.func @predict(" + arguments + ") -> " + flat +
         " attributes {cornet.entry = \"predict\", cornet.batch = 1 : i64} {\n" + body +
         "%y = cornet." + it.op + " " + names + " {" + it.attributes + "} : (" + types + ") -> " +
         out + "\n%r = cornet.reshape %y {shape = " + array({1, cells(size.result)}) + "} : (" +
         out + ") -> " + flat + "\nreturn %r : " + flat + "\n}";
}

/// A convolution (N, H, W, C) to O channels with its two gradients.
inline void addConvolution(std::vector<Case> &cases, const std::string &name, int64_t window,
                           int64_t stride, int64_t before, int64_t after, Shape small,
                           Shape large) {
  auto sizes = [&](int form, const Shape &s) {
    int64_t N = s[0], H = s[1], C = s[2], O = s[3], W = s.size() > 4 ? s[4] : H;
    auto extent = [&](int64_t in) { return (in + before + after - window) / stride + 1; };
    Shape x{N, H, W, C}, y{N, extent(H), extent(W), O}, k{window, window, C, O};
    double work = double(cells(y)) * double(window * window * C);
    return form == 0   ? Size{{x, k}, y, work}
           : form == 1 ? Size{{y, k}, x, work}
                       : Size{{x, y}, k, work};
  };
  // What the forward pass cut off at the far end, the transposed one adds.
  int64_t rest = (large[1] + before + after - window) % stride;
  std::string steps = "strides = " + array({stride, stride}) + ", dilations = " + array({1, 1}),
              pads = ", padding = " + array({before, after, before, after}),
              cut = ", padding = " + array({before, after - rest, before, after - rest});
  cases.push_back({name + "_forward", "conv", steps + pads + ", groups = 1 : i64", sizes(0, small),
                   sizes(0, large)});
  cases.push_back(
      {name + "_data", "conv_transpose", steps + cut, sizes(1, small), sizes(1, large)});
  cases.push_back({name + "_kernel", "conv_filter_gradient",
                   steps + pads + ", window = " + array({window, window}), sizes(2, small),
                   sizes(2, large)});
}

/// Transposed convolutions and gradients of kernels over windows, steps and paddings of all kinds.
inline void addWindows(std::vector<Case> &cases) {
  for (int64_t window : {1, 2, 3, 5})
    for (int64_t stride : {1, 2, 3})
      for (int64_t before : {0, 1, 2}) {
        int64_t H = 5, W = 4, C = 5, O = 18, after = before / 2, dilation = stride == 1 ? 2 : 1;
        auto full = [&](int64_t in) {
          return (in - 1) * stride + (window - 1) * dilation + 1 - before - after;
        };
        auto places = [&](int64_t in) {
          return (in + before + after - (window - 1) * dilation - 1) / stride + 1;
        };
        std::string attributes = "strides = " + array({stride, stride}) +
                                 ", dilations = " + array({dilation, dilation}) +
                                 ", padding = " + array({before, after, before, after});
        std::string name = std::to_string(window) + "_by_" + std::to_string(stride) + "_pad_" +
                           std::to_string(before);
        if (full(W) > 0)
          cases.push_back({"transposed_" + name,
                           "conv_transpose",
                           attributes,
                           {{{2, H, W, C}, {window, window, O, C}}, {2, full(H), full(W), O}},
                           {}});
        H = 11, W = 10;
        cases.push_back({"filter_" + name,
                         "conv_filter_gradient",
                         attributes + ", window = " + array({window, window}),
                         {{{2, H, W, C}, {2, places(H), places(W), O}}, {window, window, C, O}},
                         {}});
      }
}

inline std::vector<Case> cases() {
  std::vector<Case> out;
  auto matmul = [&](const std::string &name, int64_t m, int64_t k, int64_t n) {
    auto sizes = [](int form, int64_t m, int64_t k, int64_t n) {
      double work = double(m) * double(k) * double(n);
      return form == 0   ? Size{{{m, k}, {k, n}}, {m, n}, work}
             : form == 1 ? Size{{{m, n}, {k, n}}, {m, k}, work}
                         : Size{{{m, k}, {m, n}}, {k, n}, work};
    };
    auto flags = [](const char *lhs, const char *rhs) {
      return std::string("transpose_lhs = ") + lhs + ", transpose_rhs = " + rhs;
    };
    out.push_back({name + "_forward", "matmul", flags("false", "false"), sizes(0, 5, 19, 37),
                   sizes(0, m, k, n)});
    out.push_back(
        {name + "_data", "matmul", flags("false", "true"), sizes(1, 5, 19, 37), sizes(1, m, k, n)});
    out.push_back({name + "_kernel", "matmul", flags("true", "false"), sizes(2, 5, 19, 37),
                   sizes(2, m, k, n)});
  };
  matmul("dense_784_128", 32, 784, 128);
  matmul("dense_128_10", 32, 128, 10);
  matmul("dense_1024", 256, 1024, 1024);
  addConvolution(out, "conv3x3_64_at_32", 3, 1, 1, 1, {2, 6, 7, 20, 5}, {32, 32, 64, 64});
  addConvolution(out, "conv3x3_128_at_16", 3, 1, 1, 1, {1, 3, 5, 70}, {32, 16, 128, 128});
  addConvolution(out, "conv3x3_256_at_8", 3, 1, 1, 1, {3, 2, 33, 17}, {32, 8, 256, 256});
  addConvolution(out, "conv3x3_512_at_4", 3, 1, 1, 1, {2, 4, 40, 80}, {32, 4, 512, 512});
  addConvolution(out, "conv3x3s2_64_128", 3, 2, 0, 1, {2, 6, 9, 20, 8}, {32, 32, 64, 128});
  addConvolution(out, "conv1x1s2_64_128", 1, 2, 0, 0, {2, 6, 9, 20, 8}, {32, 32, 64, 128});
  addConvolution(out, "conv1x1_64_256", 1, 1, 0, 0, {2, 6, 9, 20, 8}, {32, 16, 64, 256});
  addConvolution(out, "conv3x3_3_64", 3, 1, 1, 1, {2, 6, 3, 20, 8}, {32, 32, 3, 64});
  addWindows(out);
  // Long enough to be summed in chunks: of images, of lines, and of a long line.
  addConvolution(out, "long_images", 3, 1, 1, 1, {19, 16, 5, 9}, {256, 16, 64, 64});
  addConvolution(out, "long_lines", 3, 2, 1, 1, {1, 131, 3, 9}, {1, 511, 64, 64});
  addConvolution(out, "long_flat", 1, 1, 0, 0, {2, 51, 3, 9}, {64, 32, 64, 64});
  addConvolution(out, "conv7x7s2_3_64", 7, 2, 3, 3, {1, 12, 3, 20}, {4, 112, 3, 64});
  return out;
}

} // namespace cornet::computed
