// SPDX-License-Identifier: Apache-2.0
//
// Networks of a few ops, written line by line as the reader of modules wants them, and what is
// asked of each: the self-test, which compares with the reference interpreter, and the same bits
// from any number of threads.
#pragma once

#include "codegen/Compile.h"

#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace cornet::test {

struct Image {
  int64_t N, H, W, C;
  std::string type() const {
    return "tensor<" + std::to_string(N) + "x" + std::to_string(H) + "x" + std::to_string(W) + "x" +
           std::to_string(C) + "xf32>";
  }
  int64_t cells() const { return N * H * W * C; }
};

/// A network, line by line.
class Network {
public:
  explicit Network(Image input) : input(input), now(input) {}

  struct Windowed {
    int64_t window = 1, stride = 1, before = 0, after = 0, dilation = 1;
  };

  void conv(int64_t outputs, Windowed w) {
    std::string kernel = constant(tensor({w.window, w.window, now.C, outputs}),
                                  1 / std::sqrt(double(w.window * w.window * now.C)));
    apply("conv", ", " + kernel, ", " + types.back(), w, outputs, ", groups = 1 : i64");
  }
  void depthwise(Windowed w) {
    std::string kernel = constant(tensor({w.window, w.window, now.C, 1}), 1.0 / double(w.window));
    apply("depthwise_conv", ", " + kernel, ", " + types.back(), w, now.C);
  }
  void pool(const std::string &kind, Windowed w) {
    apply(kind, "", "", w, now.C,
          ", window = array<i64: " + std::to_string(w.window) + ", " + std::to_string(w.window) +
              ">");
  }
  void relu() { line("cornet.relu " + value + " : (" + now.type() + ") -> " + now.type()); }
  /// Adds what value `other` of the same shape holds.
  void add(const std::string &other) {
    line("cornet.add " + value + ", " + other + " : (" + now.type() + ", " + now.type() + ") -> " +
         now.type());
  }

  /// Multiplies each channel by a constant.
  void scale() {
    std::string factors = constant("tensor<" + std::to_string(now.C) + "xf32>", 2);
    line("cornet.mul " + value + ", " + factors + " : (" + now.type() + ", " + types.back() +
         ") -> " + now.type());
  }

  struct Part {
    std::string value;
    int64_t channels;
  };
  Part part() const { return {value, now.C}; }
  void concat(const std::vector<Part> &parts) {
    std::string values, inputs;
    now.C = 0;
    for (const Part &part : parts) {
      values += (values.empty() ? "" : ", ") + part.value;
      inputs += (inputs.empty() ? "" : ", ") + Image{now.N, now.H, now.W, part.channels}.type();
      now.C += part.channels;
    }
    line("cornet.concat " + values + " {axis = 3 : i64} : (" + inputs + ") -> " + now.type());
  }

  /// Multiplies each channel by its mean.
  void gate() {
    std::string image = value;
    Image mean{now.N, 1, 1, now.C};
    line("cornet.reduce " + value +
         " {kind = \"mean\", axes = array<i64: 1, 2>, keepdims = true} : (" + now.type() + ") -> " +
         mean.type());
    line("cornet.mul " + image + ", " + value + " : (" + now.type() + ", " + mean.type() + ") -> " +
         now.type());
  }

  std::string text() const {
    return "func.func @predict(%x: " + input.type() + ") -> " + now.type() +
           " attributes {cornet.entry = \"predict\", cornet.batch = " + std::to_string(input.N) +
           " : i64} {\n" + body + "return " + value + " : " + now.type() + "\n}";
  }

  Image input, now;
  std::string value = "%x";

private:
  static std::string tensor(std::vector<int64_t> shape) {
    std::string out = "tensor<";
    for (int64_t extent : shape)
      out += std::to_string(extent) + "x";
    return out + "f32>";
  }
  void line(const std::string &text) {
    value = "%v" + std::to_string(count++);
    body += value + " = " + text + "\n";
  }
  /// A constant of random numbers up to `scale`, by name.
  std::string constant(const std::string &type, double scale) {
    int64_t cells = 1;
    for (size_t at = 7; at < type.size() && std::isdigit(type[at]);) {
      size_t end = type.find('x', at);
      cells *= std::stoll(type.substr(at, end - at)), at = end + 1;
    }
    std::string bytes;
    for (int64_t i = 0; i < cells; ++i) {
      float cell = float(std::uniform_real_distribution<double>(-scale, scale)(random));
      char hex[9];
      unsigned char raw[4];
      std::memcpy(raw, &cell, 4);
      std::snprintf(hex, sizeof hex, "%02X%02X%02X%02X", raw[0], raw[1], raw[2], raw[3]);
      bytes += hex;
    }
    std::string name = "%c" + std::to_string(count++);
    body += name + " = cornet.constant dense<\"0x" + bytes + "\"> : " + type + "\n";
    types.push_back(type);
    return name;
  }
  void apply(const std::string &op, const std::string &operands, const std::string &operandTypes,
             Windowed w, int64_t outputs, const std::string &more = "") {
    auto extent = [&](int64_t in) {
      return (in + w.before + w.after - (w.window - 1) * w.dilation - 1) / w.stride + 1;
    };
    Image out{now.N, extent(now.H), extent(now.W), outputs};
    auto twice = [](int64_t v) { return std::to_string(v) + ", " + std::to_string(v); };
    std::string sides = std::to_string(w.before) + ", " + std::to_string(w.after);
    line("cornet." + op + " " + value + operands + " {strides = array<i64: " + twice(w.stride) +
         ">, dilations = array<i64: " + twice(w.dilation) + ">, padding = array<i64: " + sides +
         ", " + sides + ">" + more + "} : (" + now.type() + operandTypes + ") -> " + out.type());
    now = out;
  }

  std::string body;
  std::vector<std::string> types;
  std::mt19937 random{7};
  int count = 0;
};

/// Compiles for every level, runs those that this CPU has, and returns the report of the last of
/// them.
CompileReport check(const Network &network, const std::string &precision = "fp32");

} // namespace cornet::test
