// SPDX-License-Identifier: Apache-2.0
//
// Models with dtype policies as files: one that real Keras trained and wrote, and its way back.
#include "codegen/Compile.h"
#include "frontend/import/Import.h"
#include "tests/frontend/saving/Models.h"

#include <cornet/data/files.h>
#include <cornet/saving.h>

namespace cornet::test {
namespace {

std::string keras(const std::string &name) { return CORNET_SOURCE_DIR "/tests/keras/" + name; }

std::vector<std::string> policies(const Model &model) {
  std::vector<std::string> out;
  for (const Handle &layer : model.layers())
    out.push_back(layer.layer->dtype);
  return out;
}

/// The input that Keras was given and what it predicted.
std::pair<Cells, Cells> vectors() {
  std::pair<Cells, Cells> out;
  for (auto &[name, array] : data::readNpz(keras("mixed.npz"))) {
    auto *cells = reinterpret_cast<const float *>(array.bytes.data());
    (name == "input" ? out.first : out.second) = {array.shape,
                                                  {cells, cells + array.bytes.size() / 4}};
  }
  return out;
}

TEST(MixedFiles, ComputeAsInKerasAndGoBack) {
  import::Imported imported = import::importModel(keras("mixed.keras"));
  ASSERT_EQ(imported.error, "");
  std::vector<std::string> wanted(9, "mixed_bfloat16");
  wanted.push_back("float32");
  EXPECT_EQ(policies(imported.model), wanted);
  EXPECT_EQ(imported.model.layer->dtype, "mixed_bfloat16");
  auto [input, output] = vectors();
  Road road(imported.model);
  std::vector<Cells> got = road.interpret({input});
  ASSERT_EQ(road.problems, "");
  float largest = 0, worst = 0;
  for (size_t i = 0; i < output.data.size(); ++i) {
    largest = std::max(largest, std::fabs(output.data[i]));
    worst = std::max(worst, std::fabs(output.data[i] - got.at(0).data.at(i)));
  }
  EXPECT_LT(worst, 2 * 0x1p-8f * largest);

  std::string path = testing::TempDir() + "/mixed-" + std::to_string(getpid()) + ".keras";
  save(imported.model, path);
  import::Imported again = import::importModel(path);
  std::filesystem::remove(path);
  ASSERT_EQ(again.error, "");
  EXPECT_EQ(policies(again.model), wanted);
  Road after(again.model);
  expectClose(after.interpret({input}).at(0), got.at(0), 0, 0, "saved and loaded");
}

TEST(MixedFiles, CompileToThePrecisionTheyWereTrainedIn) {
  import::Imported imported = import::importModel(keras("mixed.keras"));
  ASSERT_EQ(imported.error, "");
  for (auto [asked, compiled] : {std::pair("", "bf16"), {"fp32", "fp32"}, {"fp16", "fp16"}}) {
    mlir::DialectRegistry registry;
    registerCompilerDialects(registry);
    mlir::MLIRContext context(registry);
    mlir::OwningOpRef<mlir::ModuleOp> module = emitModel(context, imported.model);
    CompileOptions options;
    options.precision = asked;
    CompileReport report;
    llvm::Error error = compileToFile(*module, options, "", &report);
    EXPECT_EQ(toString(std::move(error)), "");
    EXPECT_EQ(report.precision, compiled);
    EXPECT_EQ(report.error.has_value(), report.precision != "fp32");
    bool narrow = false;
    for (const StepReport &step : report.steps) {
      narrow |= step.operation.ends_with("f16");
      EXPECT_EQ(step.operation.find("batch_norm"), std::string::npos);
      EXPECT_NE(step.winner, "element") << step.operation;
    }
    EXPECT_EQ(narrow, report.precision != "fp32");
  }
}

} // namespace
} // namespace cornet::test
