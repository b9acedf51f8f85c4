// SPDX-License-Identifier: Apache-2.0
//
// Steps that take turns: rows of convolutions and pools over images too large for a cache, chosen
// by chance. The self-test compares with the reference interpreter; one thread, which runs bands,
// and many, of which some run whole steps, give the same bits; and what only neighbours read has a
// ring.
#include "tests/Levels.h"

#include "codegen/Bands.h"
#include "codegen/Compile.h"

#include "cornet_runtime.h"

#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"

#include <cmath>
#include <cstring>
#include <gtest/gtest.h>
#include <random>

namespace cornet::test {
namespace {

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

struct Run {
  std::string problem;
  std::vector<float> result;
};

Run run(const std::string &path, const Network &network, unsigned threads) {
  Run out;
  std::vector<float> input;
  for (int64_t i = 0; i < network.input.cells(); ++i)
    input.push_back(float(i * 7919 % 1009) / 333 - 1.5f);
  out.result.assign(size_t(network.now.cells()), NAN);
  const void *inputs[] = {input.data()};
  void *outputs[] = {out.result.data()};
  cornet_program *program = nullptr;
  cornet_session *session = nullptr;
  cornet_session_options options{sizeof(cornet_session_options), threads};
  cornet_status *status = cornet_program_open(path.c_str(), &program);
  if (!status)
    status = cornet_session_create(program, &options, &session);
  if (!status)
    status = cornet_session_self_test(session, nullptr);
  for (int call = 0; call < 2 && !status; ++call) // the second finds what the first has left
    status = cornet_session_invoke(session, 0, uint64_t(network.input.N), inputs, outputs);
  out.problem = cornet_status_message(status);
  cornet_status_destroy(status), cornet_session_destroy(session), cornet_program_destroy(program);
  return out;
}

/// Compiles, checks, and returns the report of the last level that runs here.
CompileReport check(const Network &network, const std::string &precision = "fp32") {
  CompileReport last;
  for (const std::string &level : levels()) {
    SCOPED_TRACE(level);
    std::string path = testing::TempDir() + "/bands.cornet";
    mlir::DialectRegistry registry;
    registerCompilerDialects(registry);
    mlir::MLIRContext context(registry);
    auto module = mlir::parseSourceString<mlir::ModuleOp>(network.text(), &context);
    EXPECT_TRUE(module);
    if (!module)
      return last;
    CompileOptions options;
    options.cpus = {level}, options.precision = precision;
    options.tuning.shipped = false;
    CompileReport report;
    llvm::Error error = compileToFile(*module, options, path, &report);
    EXPECT_FALSE(error) << toString(std::move(error));
    Run one = run(path, network, 1);
    if (one.problem.find("this CPU has") != std::string::npos)
      continue;
    EXPECT_EQ(one.problem, "");
    last = std::move(report);
    for (unsigned threads : {2u, 3u, 7u}) {
      Run other = run(path, network, threads);
      EXPECT_EQ(other.problem, "");
      EXPECT_EQ(std::memcmp(one.result.data(), other.result.data(), 4 * one.result.size()), 0)
          << threads << " threads give other bits";
    }
  }
  return last;
}

size_t bandedSteps(const CompileReport &report) {
  size_t count = 0;
  for (const StepReport &step : report.steps)
    count += step.bands > 0;
  return count;
}
size_t rings(const CompileReport &report) {
  size_t count = 0;
  for (const StepReport &step : report.steps)
    count += step.ringBytes > 0;
  return count;
}

TEST(Bands, InvertedResidual) {
  Network n({1, 72, 72, 16});
  n.conv(48, {});
  n.relu();
  n.depthwise({3, 1, 1, 1});
  n.relu();
  n.conv(16, {});
  n.add("%x");
  n.pool("max_pool", {3, 2, 0, 1});
  CompileReport report = check(n);
  EXPECT_GE(bandedSteps(report), 3u);
  EXPECT_GE(rings(report), 2u);
  uint64_t images = 2 * 72 * 72 * 48 * 4;
  EXPECT_LT(report.arenaBytes, images) << "rings take less than the images they stand for";
}

TEST(Bands, FirstLayersOfAResidualNetwork) {
  Network n({1, 112, 112, 3});
  n.conv(64, {7, 2, 3, 3});
  n.relu();
  n.pool("max_pool", {3, 2, 1, 1});
  CompileReport report = check(n);
  EXPECT_EQ(rings(report), 1u);
}

TEST(Bands, SkippedInputIsReadWhereItsSumIsWritten) {
  Network n({1, 96, 96, 16});
  n.conv(16, {3, 1, 1, 1});
  std::string skipped = n.value;
  n.conv(16, {});
  n.conv(16, {});
  n.add(skipped);
  n.pool("avg_pool", {2, 2});
  EXPECT_GE(rings(check(n)), 2u);
}

TEST(Bands, ReadersOfAnImageThatComesLaterKeepItWhole) {
  Network n({1, 96, 96, 16});
  n.conv(16, {3, 1, 1, 1});
  std::string early = n.value;
  n.depthwise({3, 2, 1, 1});
  n.depthwise({5, 1, 2, 2});
  n.depthwise({5, 1, 2, 2});
  std::string small = n.value;
  Image shape = n.now;
  n.value = early, n.now = {1, 96, 96, 16};
  n.pool("max_pool", {2, 2});
  ASSERT_EQ(n.now.type(), shape.type());
  n.add(small);
  check(n);
}

TEST(Bands, PointwiseStepsHandTheirImagesOn) {
  for (int64_t channels : {32, 20}) { // rows of whole vectors, and shorter ones
    Network n({2, 72, 72, 8});
    n.conv(channels, {});
    n.gate();
    n.conv(16, {});
    EXPECT_EQ(rings(check(n)), 1u) << channels;
  }
}

TEST(Bands, ImagesOfABatchFollowOneAnother) {
  Network n({3, 61, 43, 33});
  n.conv(48, {});
  n.depthwise({3, 2, 0, 1});
  n.conv(40, {});
  n.pool("max_pool", {2, 1, 1, 0});
  EXPECT_GE(rings(check(n)), 1u);
}

TEST(Bands, NarrowNumbers) {
  for (const char *precision : {"bf16", "fp16"}) {
    Network n({1, 96, 96, 32});
    n.conv(64, {});
    n.depthwise({3, 2, 1, 1});
    n.conv(24, {});
    EXPECT_GE(rings(check(n, precision)), 1u) << precision;
  }
}

TEST(Bands, SmallImagesAreDoneAtOnce) {
  Network n({1, 28, 28, 32});
  n.conv(64, {});
  n.depthwise({3, 1, 1, 1});
  n.conv(32, {});
  EXPECT_EQ(bandedSteps(check(n)), 0u);
}

Network randomRow(unsigned seed) {
  std::mt19937 random(seed);
  auto pick = [&](std::vector<int64_t> of) { return of[random() % of.size()]; };
  Network n(
      {pick({1, 1, 2}), pick({57, 64, 90, 101}), pick({40, 64, 77, 96}), pick({3, 8, 16, 21})});
  n.conv(pick({32, 40, 49}), {pick({1, 3}), 1, 1, 1});
  for (int step = 0; step < 5 && n.now.H > 6 && n.now.W > 6; ++step) {
    Network::Windowed w;
    w.window = pick({1, 2, 3, 3, 5}), w.stride = pick({1, 1, 1, 2, 3});
    w.dilation = w.stride == 1 && w.window > 1 ? pick({1, 1, 2}) : 1;
    w.before = pick({0, 1, 2}) % w.window, w.after = pick({0, 1, 2}) % w.window;
    switch (random() % 4) {
    case 0:
      n.conv(pick({16, 24, 33}), w);
      break;
    case 1:
      n.depthwise(w);
      break;
    case 2:
      n.pool(random() % 2 ? "max_pool" : "avg_pool", w);
      break;
    default:
      n.conv(pick({24, 48}), {});
    }
    if (random() % 2)
      n.relu();
  }
  return n;
}

TEST(Bands, RandomRowsComputeTheSame) {
  size_t withRings = 0;
  for (unsigned seed = 0; seed < 24; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    withRings += rings(check(randomRow(seed))) > 0;
  }
  EXPECT_GE(withRings, 8u);
}

} // namespace
} // namespace cornet::test
