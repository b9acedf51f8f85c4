// SPDX-License-Identifier: Apache-2.0
//
// `bench --roofline`: roofs, order and reasons of made-up steps on a made-up machine, and what the
// command tells of a real artifact. No test says how fast anything is.
#include "Command.h"

#include "Roofline.h"

namespace cornet::cli {
namespace {

Peaks machine(unsigned threads = 1) {
  Peaks peaks;
  peaks.threads = threads, peaks.vectors = "AVX-512", peaks.f32 = 100, peaks.bf16 = 200;
  peaks.levels = {{"L1", 32768, 200, 160},
                  {"L2", 1048576, 100, 80},
                  {"L3", 33554432, 50, 40},
                  {"DRAM", UINT64_MAX, 20, 16}};
  return peaks;
}

StepTime step(const char *summary, const char *implementation, double nanoseconds,
              cornet_step_work work, uint64_t tiles = 64) {
  return {{"layer", summary, implementation, tiles}, work, nanoseconds};
}

TEST(Roofline, TakesTheLongerOfComputeAndMemory) {
  Peaks peaks = machine();
  std::vector<RoofedStep> steps =
      roofsOf({step("conv -> 1x56x56x64", "contract", 1e6, {90000000, 200000, 200000, 100000}),
               step("add -> 1x1024", "row", 100, {1024, 8192, 4096, 0}, 1)},
              peaks, 500000, 16);
  ASSERT_EQ(steps.size(), 2u);
  const RoofedStep &conv = steps[0], &add = steps[1]; // more is lost in the first
  EXPECT_DOUBLE_EQ(conv.compute, 900000);
  EXPECT_DOUBLE_EQ(conv.memory, 300000 / 80. + 100000 / 100.) << "copied in L2, weights from L2";
  EXPECT_TRUE(conv.boundByCompute());
  EXPECT_DOUBLE_EQ(conv.share(), 0.9);
  EXPECT_DOUBLE_EQ(conv.lost(), 100000);
  EXPECT_TRUE(conv.reasons.empty()) << "near enough";
  EXPECT_DOUBLE_EQ(add.memory, 12288 / 100.) << "a third written counts as reading; conv filled L1";
  EXPECT_FALSE(add.boundByCompute());
}

TEST(Roofline, WeightsComeFromWhereAllWeightsFit) {
  Peaks peaks = machine();
  cornet_step_work work{2000, 4000000, 4000, 3900000};
  std::vector<StepTime> two = {step("matmul -> 1x1000", "contract", 1e6, work),
                               step("matmul -> 1x1000", "contract", 1e6, work)};
  EXPECT_EQ(roofsOf(two, peaks, 0, 16)[0].weightsLevel->name, "L3");
  EXPECT_EQ(roofsOf(two, peaks, 1 << 26, 16)[0].weightsLevel->name, "DRAM");
  std::vector<RoofedStep> roofs = roofsOf(two, peaks, 0, 16);
  EXPECT_EQ(roofs[0].level->name, "L2") << "activations alone";
  EXPECT_EQ(roofs[1].level->name, "L3")
      << "the first one's weights drove out what the second reads";
}

TEST(Roofline, LessThanTheDirectSumIsMoreThanTheRoof) {
  Peaks peaks = machine();
  RoofedStep s = roofsOf({step("conv -> 1x56x56x64", "winograd", 1e5, {20000000, 100, 100, 50})},
                         peaks, 0, 16)[0];
  EXPECT_DOUBLE_EQ(s.share(), 2);
  EXPECT_EQ(s.lost(), 0);
  EXPECT_TRUE(s.reasons.empty());
}

TEST(Roofline, Bf16HasItsOwnPeak) {
  Peaks peaks = machine();
  RoofedStep s =
      roofsOf({step("matmul bf16 -> 64x64", "contract", 1e6, {2000000, 1, 1, 0})}, peaks, 0, 16)[0];
  EXPECT_DOUBLE_EQ(s.compute, 10000);
  peaks.bf16 = 0;
  s = roofsOf({step("matmul bf16 -> 64x64", "contract", 1e6, {2000000, 1, 1, 0})}, peaks, 0, 16)[0];
  EXPECT_DOUBLE_EQ(s.compute, 20000);
}

TEST(Roofline, BytesHaveTheirOwnPeak) {
  Peaks peaks = machine();
  peaks.bytes = 400;
  StepTime product = step("matmul ui8 i8 + mul -> 64x64", "contract", 1e6, {2000000, 1, 1, 0});
  RoofedStep s = roofsOf({product}, peaks, 0, 16)[0];
  EXPECT_DOUBLE_EQ(s.compute, 5000);
  EXPECT_EQ(s.dots, "i8");
}

/// The reasons of one slow step.
std::string why(StepTime slow, unsigned threads = 1, uint64_t arena = 0) {
  Peaks peaks = machine(threads);
  std::string out;
  auto roofs = roofsOf({slow}, peaks, arena, 16);
  for (const std::string &reason : roofs[0].reasons)
    out += reason + "\n";
  return out;
}

TEST(Roofline, ReasonsComeFromTheStep) {
  const cornet_step_work heavy{1000000000, 100000, 100000, 50000};
  auto has = [](const std::string &text, const std::string &part) {
    EXPECT_NE(text.find(part), std::string::npos) << "lacks '" << part << "':\n" << text;
  };
  has(why(step("conv -> 1x56x56x24", "contract", 1.3e7, heavy)),
      "24 channels fill 75 % of 2 vectors");
  has(why(step("conv -> 1x1000x1000x64", "contract", 5e7, {64000000u * 54, 1000, 1000, 10})),
      "ends of sums: 27 products to each (up to 10.240 ms)");
  has(why(step("conv -> 1x1000x1000x64", "contract", 1e9, {64000000u * 54, 1000, 1000, 10})),
      "unexplained: look at `contract`");
  has(why(step("conv -> 1x1000x1000x64", "contract", 5e7,
               {64000000u * 54, 160000000, 160000000, 10})),
      "305 MiB in DRAM beside the sums (up to 20.000 ms)");
  has(why(step("conv -> 1x7x7x64", "winograd", 1e8, heavy)), "a transformed weight serves 49");
  has(why(step("matmul -> 1x1024", "contract", 1e8, heavy)), "few rows: each weight serves 1");
  has(why(step("conv -> 8x4x4x64", "contract", 1e8, heavy)), "lines of 4 pixels");
  has(why(step("neg -> 8", "row", 300, {8, 32, 32, 0}, 1)), "launch overhead");
  has(why(step("gather -> 1000x64", "element", 1e7, {0, 300000, 256000, 0})), "cell by cell");
  has(why(step("reduce + exp -> 100000", "rows", 1e6, {200000, 400000, 400000, 0})),
      "exp: counted");
  has(why(step("matmul -> 1x1000", "contract", 1e7, {2000000, 4000000, 4000, 4000000}), 1, 1 << 26),
      "weights in DRAM");
  has(why(step("add -> 4000000", "row", 1e7, {4000000, 16000000, 16000000, 0})),
      "working set in L3");
  has(why(step("softmax -> 1x10000", "rows", 1e6, {10000, 40000, 40000, 0}, 1), 4),
      "1 tile for 4 threads");
  has(why(step("neg -> 3000", "row", 1e6, {3000, 12000, 12000, 0})), "unexplained: look at `row`");
}

class RooflineCommand : public CommandTest {
protected:
  static void SetUpTestSuite() {
    good("compile " CORNET_SOURCE_DIR "/models/digits/digits.keras -o d.cornet --batch 1,4");
  }
};

TEST_F(RooflineCommand, TellsOfEachStep) {
  Json document = json("bench d.cornet --roofline --calls 10 --batch 4");
  EXPECT_EQ(document["batch"], 4);
  EXPECT_EQ(document["calls"], 10);
  const Json &peaks = document["peaks"], &steps = document["steps"], &totals = document["totals"];
  EXPECT_GT(peaks["f32GFLOPs"].get<double>(), 0);
  ASSERT_GE(peaks["levels"].size(), 2u);
  EXPECT_EQ(peaks["levels"][0]["name"], "L1");
  EXPECT_EQ(peaks["levels"].back()["name"], "DRAM");
  for (const Json &level : peaks["levels"])
    EXPECT_GT(level["readGBps"].get<double>() * level["copyGBps"].get<double>(), 0);
  Json profiled = json("profile d.cornet --calls 3 --batch 4");
  ASSERT_EQ(steps.size(), profiled["steps"].size());
  double time = 0, flops = 0, bytes = 0, roof = 0, lost = INFINITY, products = 0;
  for (const Json &step : steps) {
    EXPECT_LE(step["lostNanoseconds"].get<double>(), lost) << "sorted";
    lost = step["lostNanoseconds"];
    time += step["nanoseconds"].get<double>(), flops += step["flops"].get<double>();
    roof += step["roofNanoseconds"].get<double>();
    bytes += step["bytesRead"].get<double>() + step["bytesWritten"].get<double>();
    EXPECT_LE(step["weightBytes"], step["bytesRead"]);
    double goal = step["bound"] == "f32" ? 0.85 : 0.80;
    EXPECT_EQ(step["reasons"].empty(), step["ofRoof"].get<double>() >= goal) << step;
    if (step["operations"].get<std::string>().find("matmul") != std::string::npos)
      products += step["flops"].get<double>();
  }
  EXPECT_NEAR(totals["nanoseconds"].get<double>(), time, 1e-6 * time);
  EXPECT_NEAR(totals["flops"].get<double>(), flops, 1);
  EXPECT_NEAR(totals["bytes"].get<double>(), bytes, 1);
  EXPECT_NEAR(totals["roofNanoseconds"].get<double>(), roof, 1e-6 * roof);
  EXPECT_GT(products, 0) << "the network ends with a dense layer";
  std::string text = good("bench d.cornet --roofline --calls 10");
  for (const char *word :
       {"GFLOP/s f32", "L1", "DRAM", "lost", "of roof", "why", "the roofs add up"})
    EXPECT_NE(text.find(word), std::string::npos) << word << '\n' << text;
}

TEST_F(RooflineCommand, BadArgumentsEndWithASentence) {
  const Bad rows[] = {
      {"bench d.cornet --roofline --batch 3", 1, {"--batch 3", "1, 4"}},
      {"bench nothing.cornet --roofline", 1, {"nothing.cornet"}},
      {"bench d.cornet --roofline --entry learn", 1, {"learn"}},
      {"bench d.cornet --roofline --threads 0", 2, {"--threads"}},
      {"bench --roofline", 2, {"model"}},
  };
  expectBad(rows);
  fs::copy(CORNET_SOURCE_DIR "/tests/runtime/golden/digits.cornet", folder() / "old.cornet",
           fs::copy_options::overwrite_existing);
  Outcome old = run("bench old.cornet --roofline");
  EXPECT_EQ(old.code, 1) << old.text;
  EXPECT_NE(old.text.find("compile the model anew"), std::string::npos) << old.text;
}

} // namespace
} // namespace cornet::cli
